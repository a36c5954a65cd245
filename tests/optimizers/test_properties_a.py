"""Exact properties of Adam's nearest kin, and of what other libraries make of the lecture's methods, in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
from method_checks import CASES, path
from numpy.testing import assert_allclose

from minnet.optimizers import create, get, nadam, names, radam

KIN = ["adamw", "amsgrad", "adamax", "nadam", "radam"]


def walk(name, grads, lrs=1.0, start=0.0, style="paper", **hyper):
    """Points of one weight."""
    grads = np.asarray(grads, float)
    lrs = np.broadcast_to(np.asarray(lrs, float), grads.shape)
    return path(get(name, style), np.array([start]), grads[:, None], lrs, hyper)[:, 0]


def steps(name, grads, lrs=1.0, **more):
    """Lengths of the steps down."""
    return -np.diff(walk(name, grads, lrs, **more))


def heavy(size, seed=0):
    """Gradients over many orders of magnitude, of both signs."""
    rng = np.random.default_rng(seed)
    return rng.choice([-1.0, 1.0], size) * np.exp(rng.normal(0, 3, size))


# ------------------------------------------------------------------------------------------------ libraries


@pytest.mark.parametrize("style", ["keras", "sklearn"])
@pytest.mark.parametrize("name", ["momentum", "nesterov"])
def test_inside_the_velocity_old_speed_outlives_a_falling_rate(name, style):
    """lr .1 → .01, g = 1, μ = .9: momentum comes to −.200 instead of −.119."""
    expected = {"momentum": -0.2, "nesterov": -0.29}[name]
    assert_allclose(walk(name, [1, 1], [0.1, 0.01], style=style)[-1], expected)
    constant = heavy(50)
    assert_allclose(walk(name, constant, 0.03, style=style), walk(name, constant, 0.03), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "g", "style", "expected"),
    [
        ("adagrad", 1e-3, "paper", 1.0),
        ("adagrad", 1e-3, "keras", 0.0032),
        ("rmsprop", 1e-4, "torch", 9.99),
        ("rmsprop", 1e-4, "optax", 0.95),
        ("rmsprop", 1e-4, "keras", 0.31),
        ("adadelta", 1.0, "keras", math.sqrt(1e-7 / 0.05)),
        ("adam", 1e-6, "paper", 1 / 1.01),
        ("adam", 1e-6, "sklearn", 1 / (1 + 1e-2 / math.sqrt(0.001))),
        ("adam", 1e-6, "keras", 1 / (1 + 1e-1 / math.sqrt(0.001))),
    ],
)
def test_first_step_on_a_small_gradient(name, g, style, expected):
    assert_allclose(steps(name, [g], style=style)[0], expected, rtol=0.02)


@pytest.mark.parametrize("name", [*names("lecture"), *KIN])
def test_default_rates_are_the_recorded_ones(name):
    for style in get(name).styles:
        rates = [c["lrs"][0] for c in CASES if (c["method"], c["style"]) == (name, style) and "/defaults" in c["key"]]
        assert rates
        assert set(rates) == {get(name, style).defaults["lr"]}


# ----------------------------------------------------------------------------------------------------- AdamW


@pytest.mark.parametrize("style", ["paper", "torch", "keras", "optax"])
def test_adamw_without_a_gradient_only_decays(style):
    w = walk("adamw", np.zeros(500), 1e-3, start=2.0, style=style, weight_decay=1.0)
    assert_allclose(w[-1] / w[0], (1 - 1e-3) ** 500, rtol=1e-12)
    assert_allclose(w[-1] / w[0], 0.606379, atol=5e-7)


def test_adamw_decays_at_a_rate_that_the_gradient_does_not_touch():
    """What decay adds to a step is −lr λ w, however large the gradient."""
    for g in (1e-6, 1.0, 1e6):
        plain, decayed = (walk("adamw", [g], 0.01, start=3.0, weight_decay=x)[-1] for x in (0.0, 0.5))
        assert_allclose(plain - decayed, 0.01 * 0.5 * 3.0)


@pytest.mark.parametrize("style", ["paper", "keras"])
def test_adamw_without_decay_is_adam(style):
    grads, eps = heavy(60), {"eps": 1e-3}
    ours, adam = (
        walk("adamw", grads, 0.1, style=style, weight_decay=0.0, **eps),
        walk("adam", grads, 0.1, style=style, **eps),
    )
    assert_allclose(ours, adam, rtol=1e-12)


def test_adamw_spares_biases_unless_told():
    table = create("adamw", weight_decay=0.5).table(np.arange(3), decay_biases=False)
    assert_allclose(table[0, :, get("adamw").columns.index("weight_decay")], [0.5, 0.0])


# --------------------------------------------------------------------------------------------------- AMSGrad


def effective_rates(style, grads):
    """lr over the root by which a step divides the (corrected) mean gradient."""
    t = np.arange(1, len(grads) + 1)
    m, means = 0.0, []
    for g in grads:
        m = 0.9 * m + 0.1 * g
        means.append(m)
    corrected = np.array(means) if style == "paper" else np.array(means) / (1 - 0.9**t)
    return steps("amsgrad", grads, style=style, eps=0.0) / corrected


@pytest.mark.parametrize("style", ["paper", "optax"])
def test_amsgrad_effective_rate_never_grows(style):
    rates = effective_rates(style, heavy(300))
    assert (rates > 0).all()
    assert (np.diff(rates) <= 1e-9 * rates[1:]).all()


@pytest.mark.parametrize("style", ["torch", "keras"])
def test_amsgrad_of_the_raw_mean_square_can_grow(style):
    """A large first gradient: its correction fades while the maximum stays."""
    rates = effective_rates(style, [100.0, *[1.0] * 50])
    assert_allclose(rates[50] / rates[0], math.sqrt((1 - 0.999**51) / (1 - 0.999)), rtol=1e-9)


def test_amsgrad_remembers_what_adam_forgets():
    """Long after one gradient of 1000, Adam steps as far as ever, AMSGrad a thousandth of it."""
    grads = [1000.0, *[1.0] * 300]
    last = {name: steps(name, grads, beta2=0.9, eps=0.0)[-1] for name in ("adam", "amsgrad")}
    assert_allclose(last["adam"], 1.0, rtol=1e-6)
    assert_allclose(last["amsgrad"], 1 / math.sqrt(0.1 * 1000**2), rtol=1e-6)


def test_amsgrad_of_the_paper_corrects_no_bias():
    assert_allclose(steps("amsgrad", [7.0], eps=0.0), 0.1 / math.sqrt(0.001))
    assert_allclose(steps("amsgrad", [7.0], style="torch", eps=0.0), 1.0)


# ---------------------------------------------------------------------------------------------------- Adamax


@pytest.mark.parametrize("style", ["paper", "keras"])
@pytest.mark.parametrize("seed", range(5))
def test_adamax_steps_stay_within_lr(style, seed):
    for grads in (heavy(400, seed), np.sort(np.abs(heavy(400, seed))), np.full(50, 3.0), [0.0] * 30 + [1.0]):
        assert np.abs(steps("adamax", grads, 0.01, style=style, eps=1e-30)).max() <= 0.01 * (1 + 1e-12)


def test_adamax_true_bound():
    """Gradients that shrink by β₂ at every step keep u at their size, and m lags behind: 1.009 lr."""
    lengths = steps("adamax", 0.999 ** np.arange(200.0), 0.01, eps=1e-30)
    assert_allclose(lengths.max(), 0.01 * 0.1 / (1 - 0.9 / 0.999), rtol=1e-6)


def test_adamax_first_step_and_constant_gradient():
    assert_allclose(steps("adamax", np.full(40, -5.0), 0.01, eps=0.0), -0.01, rtol=1e-12)


# ----------------------------------------------------------------------------------------------------- Nadam


def test_nadam_first_step():
    """m̄ = μ₂ (1 − β₁) g / (1 − μ₁ μ₂) + (1 − μ₁) g / (1 − μ₁), over |g|."""
    mu1, mu2 = (0.9 * (1 - 0.5 * 0.96 ** (t * 0.004)) for t in (1, 2))
    assert_allclose(steps("nadam", [3.0], eps=0.0), mu2 * 0.1 / (1 - mu1 * mu2) + 1)


def test_nadam_momentum_grows_from_half_to_beta1():
    t = np.array([1.0, 1e6])
    assert_allclose(nadam.momentum_at(t, 0.9, 0.004), [0.45, 0.9], rtol=1e-3)
    assert (np.diff(nadam.momentum_at(np.arange(1.0, 5000), 0.9, 0.004)) > 0).all()


@pytest.mark.parametrize("beta1", [0.0, 0.3, 0.9, 0.999])
def test_nadam_product_does_not_depend_on_which_steps_are_asked(beta1):
    """Training asks epoch by epoch, `step` one by one; and the end of a long run costs no more than its start."""
    t = np.arange(1.0, 1500)
    whole = 1 - nadam.momentum_product(t, beta1, 0.004)
    assert_allclose(whole, 1 - np.cumprod(nadam.momentum_at(t, beta1, 0.004)), rtol=1e-13)
    assert_allclose(
        [1 - nadam.momentum_product(t[k : k + 1], beta1, 0.004)[0] for k in (0, 7, 1498)], whole[[0, 7, 1498]]
    )
    assert nadam.momentum_product(np.array([1e9]), beta1, 0.004) < 1e-20


def test_nadam_with_constant_momentum_looks_ahead():
    """optax: for a constant gradient the mean is right at once, and every step is lr."""
    lengths = steps("nadam", np.full(300, 2.0), 0.01, style="optax", eps=0.0)
    m = 1 - 0.9 ** np.arange(1.0, 301)
    t = np.arange(1, 301)
    assert_allclose(lengths, 0.01 * (0.9 * m / (1 - 0.9 ** (t + 1)) + 0.1 / (1 - 0.9**t)), rtol=1e-10)
    assert_allclose(lengths[-1], 0.01, rtol=1e-10)


# ----------------------------------------------------------------------------------------------------- RAdam


def test_radam_published_numbers():
    longest, rho = radam.length(np.array([1.0, 6.0]), 0.999)
    assert_allclose(longest, 1999)
    assert_allclose(rho, [1.0, 5.9942], atol=5e-5)
    assert_allclose(radam.rectification(np.array([6.0, 100.0, 1000.0]), 0.999), [0.02582, 0.21534, 0.64533], atol=5e-6)


@pytest.mark.parametrize(("style", "plain"), [("paper", 4), ("torch", 5), ("optax", 5)])
def test_radam_makes_plain_steps_first(style, plain):
    """β₂ = .999: ρ₄ < 4 < ρ₅ < 5 < ρ₆. A plain step is lr times the corrected mean gradient."""
    lengths = steps("radam", np.full(8, 5.0), 0.01, style=style, eps=0.0)
    assert_allclose(lengths[:plain], 0.01 * 5.0)
    t = np.arange(plain + 1.0, 9)
    assert_allclose(lengths[plain:], 0.01 * radam.rectification(t, 0.999), rtol=1e-9)
    assert (lengths[plain:] < 0.001).all()


def test_radam_becomes_adam():
    r = radam.rectification(np.array([20_000.0]), 0.999)
    assert_allclose(r, 1.0, atol=1e-3)


@pytest.mark.parametrize("beta2", [0.0, 0.4, 0.6])
def test_radam_with_a_short_memory_never_rectifies(beta2):
    """ρ∞ ≤ 4 up to β₂ = .6: always a plain step."""
    lengths = steps("radam", np.full(30, 2.0), 0.01, beta2=beta2)
    assert_allclose(lengths, 0.02, rtol=1e-9)


def test_radam_at_exactly_five():
    """β₂ = 2/3 makes ρ∞ = 5: optax rectifies what reaches 5, PyTorch only what exceeds it."""
    lr, t = np.full(1, 0.1), np.full(1, 400.0)
    _, rho = radam.length(t, 2 / 3)
    plain = {
        s: get("radam", s).coefficients(t, lr, beta1=0.9, beta2=2 / 3, eps=0.0)["plain"][0] for s in ("torch", "optax")
    }
    assert plain == {"torch": float(rho[0] <= 5), "optax": float(rho[0] < 5)}
