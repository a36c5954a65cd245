"""Do the claims bite? Every method is broken on purpose, and the experiment about it must say no."""

import math
from dataclasses import replace

import pytest

from minnet import gallery, jit, optimizers
from minnet.gallery import record


def forgetful_momentum(w, g, v, lr, momentum):
    """Gathers no speed."""
    v = g
    return w - lr * v, v


def averaging_momentum(w, g, v, lr, momentum, rest):
    """An exponential mean instead of a sum: the speed tends to lr · g."""
    v = momentum * v + rest * g
    return w - lr * v, v


def blind_nesterov(w, g, v, lr, momentum):
    """Does not look ahead: it is plain momentum."""
    v = momentum * v + g
    return w - lr * v, v


def forgetting_adagrad(w, g, G, lr, eps, rest):
    """Forgets, as RMSProp does."""
    G = rest * G + g * g
    return w - lr * g / (math.sqrt(G) + eps), G


def growing_rmsprop(w, g, v, lr, rho, one_minus_rho, eps):
    """Never forgets, as Adagrad."""
    v = v + one_minus_rho * g * g
    return w - lr * g / (math.sqrt(v) + eps), v


def with_column(method, column, value):
    """A coefficient that is replaced, or added."""

    def coefficients(t, lr, **hyper):
        known = method.coefficients(t, lr, **hyper) if method.coefficients else {"lr": lr, **hyper}
        return {**known, column: value}

    return coefficients


def ruled(name, rule, **columns):
    """A method with another rule, which may have further coefficients."""
    method = replace(optimizers.get(name), rule=rule)
    for column, value in columns.items():
        method = replace(method, coefficients=with_column(method, column, value))
    return method


def fixed(name, column, value):
    """A method with a coefficient that stays at one value."""
    method = optimizers.get(name)
    return replace(method, coefficients=with_column(method, column, value))


MUTANTS = [
    ("noise-floor", fixed("sgd", "lr", 0.09)),
    ("ravine", ruled("momentum", forgetful_momentum)),
    ("terminal-speed", ruled("momentum", averaging_momentum, rest=0.1)),
    ("nesterov", ruled("nesterov", blind_nesterov)),
    ("adagrad-rare", ruled("adagrad", forgetting_adagrad, rest=0.9)),
    ("adagrad-stall", ruled("adagrad", forgetting_adagrad, rest=0.9)),
    ("adagrad-stall", ruled("rmsprop", growing_rmsprop)),
    ("rmsprop-recovery", ruled("rmsprop", growing_rmsprop)),
    ("adam-bias", fixed("adam", "unbias_v", 1.0)),
    ("anatomy", fixed("adam", "unbias_m", 1.0)),
]


@pytest.mark.parametrize(("name", "mutant"), MUTANTS, ids=[f"{name}-{mutant.name}" for name, mutant in MUTANTS])
def test_a_broken_method_makes_a_claim_fail(name, mutant, monkeypatch, tmp_path):
    whole = optimizers._registry()
    monkeypatch.setattr(optimizers, "_registry", lambda: {**whole, mutant.name: mutant})
    if mutant.rule is not whole[mutant.name].rule:
        monkeypatch.setattr(jit, "cache_folder", lambda: None)
    experiment = gallery.load(name)
    found = record.measured(experiment, tmp_path, quick=bool(experiment.card.quick))
    assert not all(holds for _, holds in found.claims), f"{mutant.name}, broken, passes for whole"


def test_an_adadelta_without_units_makes_the_units_claim_fail(monkeypatch, tmp_path):
    import minnet

    experiment = gallery.load("units")

    def unit_free(w, g, v, u, lr=0.01, rho=0.95, eps_u=1e-6, eps_v=1e-6):
        v = rho * v + (1 - rho) * g * g
        return w - lr * g / math.sqrt(v + eps_v), v, u

    monkeypatch.setattr(experiment.module, "OWN", minnet.rule(unit_free))
    claims = record.measured(experiment, tmp_path, quick=True).claims
    assert [holds for text, holds in claims if "right unit" in text] == [False]
