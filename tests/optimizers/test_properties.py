"""Exact properties of the lecture's methods, in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
from method_checks import path
from numpy.testing import assert_allclose

from minnet.optimizers import get


def steps(name, grads, lr=1.0, **hyper):
    """Lengths of the steps down, for one weight that starts at 0."""
    points = path(get(name), np.zeros(1), np.asarray(grads, float)[:, None], np.full(len(grads), lr), hyper)
    return -np.diff(points[:, 0])


def test_momentum_reaches_its_terminal_speed():
    assert_allclose(steps("momentum", np.full(400, 3.0), lr=0.01, momentum=0.9)[-1], 0.01 * 3 / 0.1)


def test_learning_rate_stands_outside_the_velocity():
    w = path(get("momentum"), np.zeros(1), np.ones((2, 1)), np.array([0.1, 0.01]), {"momentum": 0.9})
    assert_allclose(w[-1, 0], -0.119)


def test_nesterov_brakes_on_a_quadratic():
    """For curvature λ its velocity is that of momentum with μ (1 − lr λ)."""
    lam, lr, mu = 3.0, 0.1, 0.9
    lrs = np.full(50, lr)
    ahead = path(get("nesterov"), np.ones(1), lambda w: lam * w, lrs, {"momentum": mu})[:, 0]
    heavy = path(get("momentum"), np.ones(1), lambda w: lam * w, lrs, {"momentum": mu * (1 - lr * lam)})[:, 0]
    # The look-ahead point of momentum's path: w − lr μ v, with v from the last step.
    v = -np.diff(heavy, prepend=heavy[0]) / lr
    assert_allclose(ahead, heavy - lr * mu * v, rtol=1e-10, atol=1e-13)


def test_adagrad_steps_fall_as_one_over_root_t():
    t = np.arange(1, 101)
    assert_allclose(steps("adagrad", np.full(100, 5.0), lr=0.3, eps=0.0), 0.3 / np.sqrt(t))


def test_rmsprop_starts_long_and_settles():
    lengths = steps("rmsprop", np.full(500, 2.0), lr=0.1, rho=0.9, eps=0.0)
    assert_allclose(lengths[0], 0.1 * math.sqrt(10))
    assert_allclose(lengths[-1], 0.1)


@pytest.mark.parametrize("g", [1.0, 1000.0])
def test_adadelta_first_step(g):
    assert_allclose(steps("adadelta", [g], rho=0.95, eps=1e-6), 4.4721e-3, rtol=1e-4)


def test_adadelta_remembers_steps_without_lr():
    grads = np.random.default_rng(0).normal(size=30)
    assert_allclose(steps("adadelta", grads, lr=0.25), 0.25 * steps("adadelta", grads), rtol=1e-12)


def test_adam_first_step_is_lr():
    for g in (1e-3, 1.0, -1e6):
        assert_allclose(steps("adam", [g], lr=0.01, eps=0.0), 0.01 * math.copysign(1, g))


def test_adam_does_not_see_the_scale_of_the_gradient():
    grads = np.random.default_rng(0).normal(size=60)
    assert_allclose(steps("adam", 1e4 * grads, eps=0.0), steps("adam", grads, eps=0.0), rtol=1e-9)


def test_adam_largest_step():
    """One gradient after a long silence moves by lr (1 − β₁) / √(1 − β₂)."""
    lengths = steps("adam", [0.0] * 20000 + [1.0], lr=0.01, eps=0.0 + 1e-300)
    assert_allclose(lengths[-1], 0.01 * 0.1 / math.sqrt(0.001), rtol=1e-6)
