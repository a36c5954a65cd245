"""Exact properties of the elementwise methods after the lecture, second half, in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
from method_checks import falling, gradients, path
from numpy.testing import assert_allclose, assert_array_equal

from minnet import jit
from minnet.optimizers import compile as _  # noqa: F401  teaches Numba the cube root
from minnet.optimizers import create, get

START = np.random.default_rng(3).normal(size=12)
LRS = falling(40, 0.1)


def walk(name, style="paper", lrs=LRS, grads=None, start=START, **hyper):
    """Path of a method over gradients that span nine decades."""
    return path(get(name, style), start, gradients() if grads is None else grads, lrs, hyper)


def steps(name, grads, lr=1.0, style="paper", **hyper):
    """Lengths of the steps down, for one weight that starts at 0."""
    grads = np.asarray(grads, dtype=float)[:, None]
    return -np.diff(walk(name, style, np.full(len(grads), lr), grads, np.zeros(1), **hyper)[:, 0])


# ------------------------------------------------------------------------------------------------ AdaBelief


def test_adabelief_runs_away_from_a_constant_gradient():
    lengths = steps("adabelief", np.ones(100), lr=1.0)
    assert_allclose(lengths[[0, 9, 49, 99]], [1.1111, 1.6354, 3.4597, 4.9551], atol=5e-5)


def test_adabelief_first_step_is_lr_over_beta1():
    """The first surprise is β₁ g."""
    assert_allclose(steps("adabelief", [1e4], lr=0.2, beta1=0.8, eps=0.0), 0.2 / 0.8)


def test_adabelief_adds_eps_at_every_step():
    """Without gradients s is ε (1 + β₂ + β₂² + ...), which the correction turns into ε / (1 − β₂)."""
    late = np.r_[np.zeros(200), 1e-9]
    lengths = steps("adabelief", late, beta1=0.0, beta2=0.9, eps=1e-4)
    assert_allclose(lengths[-1], 1e-9 / (math.sqrt(1e-4 / 0.1) + 1e-4), rtol=1e-6)


def test_adabelief_of_optax_is_the_papers_where_both_eps_are_one():
    assert_array_equal(walk("adabelief", "optax", eps=1e-3, eps_root=1e-3), walk("adabelief", eps=1e-3))


# ------------------------------------------------------------------------------------------------ Yogi


def test_yogi_changes_its_second_moment_by_a_share_of_the_square():
    """A gradient that has grown small cannot empty v faster than its own square does."""
    opt, w = create("yogi", beta2=0.9), np.zeros(3)
    state = opt.init(w)
    state.slots[1] = [4.0, 4.0, 4.0]
    opt.step(w, np.array([1.0, 3.0, 2.0]), state)
    assert_allclose(state.slots[1], [4.0 - 0.1 * 1.0, 4.0 + 0.1 * 9.0, 4.0])


def test_yogi_starts_at_a_millionth():
    opt, w = create("yogi"), np.zeros(5)
    assert_array_equal(opt.init(w).slots, np.full((2, 5), 1e-6))


# ------------------------------------------------------------------------------------------------ Lion, Signum


@pytest.mark.parametrize("name", ["lion", "signum"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_component_of_the_step_is_lr(name, dtype):
    grads = gradients().astype(dtype)
    points = path(get(name), np.zeros(12, dtype), grads, np.full(40, 0.25), {})
    seen = np.cumsum(grads != 0, axis=0) > 0
    assert_array_equal(np.abs(np.diff(points, axis=0)), 0.25 * seen)


@pytest.mark.parametrize("name", ["lion", "signum"])
def test_a_momentum_of_zero_stands_still(name):
    assert_array_equal(walk(name, grads=np.zeros((40, 12))), np.tile(START, (41, 1)))


@pytest.mark.parametrize("name", ["lion", "signum"])
def test_a_gradient_that_is_not_a_number_shows(name):
    assert np.isnan(steps(name, [np.nan])).all()


def test_lion_looks_at_the_newest_gradient_more_than_its_memory_does():
    """After a long positive past the newest gradient turns the step, but not the mean."""
    past = [1.0] * 500
    kept = 1 - 0.99**500
    turn = -0.9 * kept / 0.1
    assert steps("lion", [*past, 1.01 * turn], lr=0.5)[-1] == -0.5
    assert steps("lion", [*past, 0.99 * turn], lr=0.5)[-1] == 0.5


def test_lion_decays_apart_from_the_gradient():
    lr, decay = 1e-3, 0.7
    points = walk("lion", lrs=np.full(500, lr), grads=np.zeros((500, 12)), weight_decay=decay)
    assert_allclose(points[-1], START * (1 - lr * decay) ** 500)


def test_signum_without_momentum_is_sign_descent():
    points = walk("signum", momentum=0.0)
    assert_allclose(points[1:], START - np.cumsum(LRS[:, None] * np.sign(gradients()), axis=0), atol=1e-12)


# ------------------------------------------------------------------------------------------------ Adan


def test_adan_without_changes_is_adam_with_its_bias_corrections():
    """At a constant gradient there is nothing to foresee: every step is the learning rate."""
    assert_allclose(steps("adan", np.full(50, 3.0), lr=0.1, eps=0.0), 0.1)


def test_adan_with_beta2_of_zero_is_adam():
    ours = walk("adan", beta1=0.8, beta2=0.0, beta3=0.97, eps=1e-3)
    assert_allclose(ours, walk("adam", beta1=0.8, beta2=0.97, eps=1e-3), rtol=1e-12)


def test_adan_decays_by_a_division():
    points = walk("adan", lrs=np.full(40, 0.1), grads=np.zeros((40, 12)), weight_decay=0.5)
    assert_allclose(points[-1], START / 1.05**40)


# ------------------------------------------------------------------------------------------------ ADOPT


def test_adopt_does_not_move_at_first():
    assert steps("adopt", [1e-6])[0] == 0
    assert steps("adopt", [1e6])[0] == 0


@pytest.mark.parametrize("style", ["paper", "optax"])
def test_adopt_clips_at_the_fourth_root_of_time(style):
    grads = 10.0 ** np.arange(20)  # every gradient is ten times the one before
    lengths = steps("adopt", grads, style=style, beta1=0.0, beta2=0.0)
    assert_allclose(lengths, np.minimum(np.arange(20.0) ** 0.25, 10.0))


def test_adopt_measures_by_the_past_only():
    lengths = steps("adopt", [2.0, 1.0, 1.0], beta1=0.0, beta2=0.0)
    assert_allclose(lengths, [0.0, 0.5, 1.0])


# ------------------------------------------------------------------------------------------------ AdEMAMix


def test_ademamix_without_its_slow_mean_is_adam():
    ours = walk("ademamix", alpha=0.0, beta1=0.8, beta2=0.97, eps=1e-3)
    assert_allclose(ours, walk("adam", beta1=0.8, beta2=0.97, eps=1e-3), rtol=1e-12)


def test_ademamix_constant_gradient():
    """The slow mean is not corrected: a step is lr (1 + α (1 − β₃ᵗ))."""
    t = np.arange(1, 201)
    lengths = steps("ademamix", np.full(200, 7.0), lr=0.1, eps=0.0, alpha=5.0, beta3=0.99)
    assert_allclose(lengths, 0.1 * (1 + 5 * (1 - 0.99**t)))


def test_ademamix_warms_up():
    """α grows linearly; β₃ from β₁ to its end, its half-life 1 / log β₃ nearly linearly; after that both stay."""
    t = np.arange(1, 301)
    hyper = {"beta1": 0.9, "beta2": 0.999, "beta3": 0.9999, "eps": 1e-8, "weight_decay": 0.0}
    table = get("ademamix").coefficients(t, np.ones(300), alpha=5.0, warmup=200.0, **hyper)
    assert_allclose(table["alpha"], 5 * np.minimum(t / 200, 1))
    lengths = 1 / np.log(np.asarray(table["beta3"]))
    first, last = 1 / math.log(0.9), 1 / math.log(0.9999)
    assert_allclose(lengths, first + (last - first) * np.minimum(t / 200, 1), rtol=1e-9)
    assert (np.asarray(table["beta3"])[199:] == 0.9999).all()


# ------------------------------------------------------------------------------------------------ QHM, QHAdam


def test_qhm_without_nu_is_gradient_descent():
    assert_allclose(walk("qhm", nu=0.0), walk("sgd"), rtol=1e-12, atol=1e-12)


def test_qhm_with_nu_one_is_momentum_of_a_mean():
    assert_allclose(
        walk("qhm", nu=1.0, momentum=0.8), walk("momentum", lrs=0.2 * LRS, momentum=0.8), rtol=1e-9, atol=1e-9
    )


def test_qhm_with_nu_beta_is_nesterov():
    ours = walk("qhm", nu=0.8, momentum=0.8)
    assert_allclose(ours, walk("nesterov", lrs=0.2 * LRS, momentum=0.8), rtol=1e-9, atol=1e-9)


def test_qhadam_with_nu_one_is_adam():
    hyper = {"beta1": 0.8, "beta2": 0.97, "eps": 1e-3}
    assert_allclose(walk("qhadam", nu1=1.0, nu2=1.0, **hyper), walk("adam", **hyper), rtol=1e-12)


def test_qhadam_without_nu_is_sign_descent():
    assert_allclose(np.abs(steps("qhadam", [3.0, -1e-5, 400.0], nu1=0.0, nu2=0.0, eps=0.0)), 1.0)


# ------------------------------------------------------------------------------------------------ AggMo


def test_aggmo_with_equal_betas_is_momentum():
    ours = walk("aggmo", beta1=0.7, beta2=0.7, beta3=0.7)
    assert_allclose(ours, walk("momentum", momentum=0.7), rtol=1e-10, atol=1e-10)


def test_aggmo_is_the_mean_of_three_momenta():
    """On given gradients, where the paths do not feed back."""
    alone = [walk("momentum", momentum=beta) for beta in (0.0, 0.9, 0.99)]
    assert_allclose(walk("aggmo"), np.mean(alone, axis=0), rtol=1e-10, atol=1e-9)


# ------------------------------------------------------------------------------------------------ MADGRAD


def test_madgrad_constant_gradient():
    """s = g L and n = g² L with L the sum of lr √t: without momentum w = x₀ − (g L²)^⅓ for g > 0."""
    g, lr, t = 5.0, 0.3, np.arange(1, 41)
    weight = np.cumsum(lr * np.sqrt(t))
    down = np.cumsum(steps("madgrad", np.full(40, g), lr=lr, momentum=0.0, eps=0.0))
    assert_allclose(down, np.cbrt(g * weight**2))


def test_madgrad_momentum_goes_part_of_the_way():
    full = steps("madgrad", [2.0], lr=0.1, momentum=0.0)
    assert_allclose(steps("madgrad", [2.0], lr=0.1, momentum=0.75), 0.25 * full)


def test_madgrad_remembers_its_start():
    opt, w = create("madgrad"), START.copy()
    state = opt.init(w)
    for g in gradients():
        opt.step(w, g, state)
    assert_array_equal(state.slots[2], START)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cube_root(dtype):
    """Ours, since Numba has none: right to the last digits over the whole range."""
    kernel = jit.inner(cube_roots) if not jit.INTERPRETED else cube_roots
    info = np.finfo(dtype)
    x = np.geomspace(float(info.tiny), float(info.max) / 10, 20001).astype(dtype)
    x = np.concatenate([x, -x, np.array([0.0, np.inf], dtype)])
    assert_allclose(kernel(x), np.cbrt(x), rtol=4 * float(info.eps))
    assert np.isnan(kernel(np.array([np.nan], dtype))).all()


def cube_roots(x):
    roots = np.empty_like(x)
    for i in range(x.size):
        roots[i] = math.cbrt(x[i])
    return roots


# ------------------------------------------------------------------------------------------------ Rprop


@pytest.mark.parametrize("style", ["paper", "torch", "optax"])
def test_rprop_sees_only_signs(style):
    grads = gradients()
    assert_array_equal(walk("rprop", style, grads=np.sign(grads)), walk("rprop", style, grads=1e-3 * grads))


def test_rprop_grows_by_eta_and_takes_a_step_back():
    lengths = steps("rprop", [1.0, 1.0, 1.0, -1.0, -1.0, -1.0], lr=0.1)
    assert_allclose(lengths, [0.1, 0.12, 0.144, -0.144, -0.072, -0.0864])


def test_rprop_of_torch_stays_where_the_sign_turns():
    lengths = steps("rprop", [1.0, 1.0, 1.0, -1.0, -1.0, -1.0], lr=0.1, style="torch")
    assert_allclose(lengths, [0.1, 0.12, 0.144, 0.0, -0.072, -0.0864])


def test_rprop_of_optax_is_one_step_late():
    lengths = steps("rprop", [1.0, 1.0, 1.0, -1.0, -1.0, -1.0], lr=0.1, style="optax")
    assert_allclose(lengths, [0.0, 0.1, 0.12, 0.0, 0.0, -0.072])


@pytest.mark.parametrize("style", ["paper", "torch", "optax"])
def test_rprop_keeps_its_bounds_whatever_lr(style):
    lengths = steps("rprop", np.ones(60), lr=0.01, style=style, max_step=0.05)
    assert_allclose(lengths[-1], 0.05)
    opt, w = create("rprop", style, lr=0.01, min_step=0.004), np.zeros(1)
    state = opt.init(w)
    for t in range(40):
        opt.step(w, np.array([1.0 if t % 4 < 2 else -1.0]), state)
    assert_allclose(0.01 * state.slots[0], 0.004)


@pytest.mark.parametrize("style", ["paper", "torch", "optax"])
def test_rprop_survives_a_rate_of_zero(style):
    grads = np.random.default_rng(0).choice([-1.0, 1.0], 600)
    lrs = np.r_[0.0, np.full(9, 0.1), np.zeros(590)]
    points = walk("rprop", style, lrs, grads[:, None], np.zeros(1))
    assert np.isfinite(points).all()
    assert_array_equal(points[10:], np.repeat(points[10:11], 591, axis=0))


# ------------------------------------------------------------------------------------------------ Graves


def test_graves_constant_gradient_has_no_spread():
    """n − m² falls to 0: the speed grows to lr g / (√ε (1 − μ))."""
    lengths = steps("rmsprop_graves", np.full(3000, 2.0), lr=1e-3, rho=0.9, momentum=0.5, eps=1e-4)
    assert_allclose(lengths[-1], 1e-3 * 2 / (1e-2 * 0.5), rtol=1e-6)


@pytest.mark.parametrize("style", ["paper", "torch", "keras", "optax"])
def test_graves_stays_finite_in_float32(style):
    """Rounding makes n − m² negative for a steady large gradient."""
    method = get("rmsprop_graves", style)
    rng = np.random.default_rng(0)
    grads = (1000 * (1 + 1e-6 * rng.normal(size=(500, 50)))).astype(np.float32)
    points = path(method, np.zeros(50, np.float32), grads, np.full(500, 1e-3), {})
    assert np.isfinite(points).all()


def test_graves_remembers_steps_with_lr_and_torch_without():
    lrs, grads = np.array([0.1, 0.01]), np.ones((2, 1))
    hyper = {"rho": 0.0, "momentum": 0.9, "eps": 1.0}  # no spread: the divisor is 1
    inside = walk("rmsprop_graves", "paper", lrs, grads, np.zeros(1), **hyper)
    outside = walk("rmsprop_graves", "torch", lrs, grads, np.zeros(1), **hyper)
    assert_allclose([inside[-1, 0], outside[-1, 0]], [-0.2, -0.119])
