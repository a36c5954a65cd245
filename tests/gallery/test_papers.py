"""The papers' experiments at a tiny scale: each runs, draws, and says what agrees; the numbers are another matter."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import minnet
from minnet import gallery
from minnet.gallery import record
from minnet.gallery.card import cards

NAMES = [card.name for card in cards().values() if card.part == "papers" and card.path.suffix == ".py"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Results of every experiment, the smallest there are."""
    folder = tmp_path_factory.mktemp("papers")
    return {name: gallery.load(name).module.run(**_given(name, folder / name)) for name in NAMES}


def _given(name, folder):
    names = gallery.load(name).module.run.__code__.co_varnames[: gallery.load(name).module.run.__code__.co_argcount]
    return {key: value for key, value in {"quick": True, "folder": folder, "jobs": 1}.items() if key in names}


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_draws_and_says_what_agrees(name, tiny, tmp_path):
    experiment = gallery.load(name)
    claims = experiment.claims(tiny[name])
    assert claims
    assert all(isinstance(text, str) and isinstance(holds, bool) for text, holds in claims)
    assert experiment.table(tiny[name]).startswith(("|", "Test", "Training"))
    experiment.draw(tiny[name], tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_a_verdict_follows_the_numbers(tiny):
    """Table and claims are computed: with the paper's own numbers all hold, with one turned round they do not."""
    zeiler = gallery.load("zeiler2012")
    published: dict = {}
    for row, column, _, error in zeiler.module.cells():
        published.setdefault(row, {})[column] = error
    results = {**tiny["zeiler2012"], "errors": published}
    assert all(holds for _, holds in zeiler.claims(results))
    assert "27 of 27" in zeiler.table(results)
    published["momentum"]["1"], published["momentum"]["0.1"] = published["momentum"]["0.1"], published["momentum"]["1"]
    assert not all(holds for _, holds in zeiler.claims(results))
    assert "25 of 27" in zeiler.table(results)


@pytest.mark.parametrize(("name", "broken"), [("reddi2018", "amsgrad"), ("wilson2017", "adagrad")])
def test_a_claim_fails_when_the_method_is_broken(name, broken, monkeypatch):
    """AMSGrad without its memory is Adam; an Adagrad that does not divide is gradient descent."""
    experiment = gallery.load(name)
    true = experiment.module.optimizers.create

    def create(method, **hyper):
        if method != broken:
            return true(method, **hyper)
        return true("adam", **hyper) if broken == "amsgrad" else true("sgd", lr=0.3)

    monkeypatch.setattr(experiment.module.optimizers, "create", create)
    assert not all(holds for _, holds in experiment.claims(experiment.module.run()))


def test_the_time_of_a_resumed_experiment_is_that_of_all_its_runs(tmp_path):
    for said, least in (({"cpu_seconds": 1234}, 1234), ({}, 0)):
        experiment = SimpleNamespace(card=SimpleNamespace(name="x"), run=lambda folder, said=said: said,
                                     claims=lambda results: [])  # fmt: skip
        assert least <= record.measured(experiment, tmp_path).provenance["cpu_seconds"] < least + 100


@pytest.mark.parametrize("kind", ["classical", "nesterov"])
def test_momentum_rises_as_the_paper_says(kind):
    """Against Sutskever's own form, v ← μₜ v − ε ∇f(θ + μₜ v), θ ← θ + v, with the classical gradient at θ."""
    module = gallery.load("sutskever2013").module
    curvature, lr, largest, period, steps = np.array([1.0, 30.0]), 0.01, 0.9, 3, 40
    mu = [min(1 - 2.0 ** (-1 - np.log2(t // period + 1)), largest) for t in range(steps + 1)]
    assert mu[:4] == [0.5, 0.5, 0.5, 0.75]
    assert mu[-1] == 0.9
    theta, v, expected = np.array([1.0, -2.0]), np.zeros(2), []
    for t in range(steps):
        ahead = theta + mu[t] * v
        v = mu[t] * v - lr * curvature * (ahead if kind == "nesterov" else theta)
        theta = theta + v
        expected.append(theta + mu[t + 1] * v if kind == "nesterov" else theta)
    method = minnet.optimizers.create(module.METHODS[kind], lr=lr, momentum=largest, period=float(period))
    path = minnet.minimize(lambda w: (float(curvature @ w**2) / 2, curvature * w), [1.0, -2.0], method, steps)
    assert_allclose(path.x[1:], expected, rtol=1e-9)
