"""A function compiled by Numba is walked in one compiled loop, and to the same points."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import minnet
from minnet import jit, optimizers, schedules
from minnet.errors import InputError
from minnet.surfaces import compiled, plain

pytestmark = pytest.mark.skipif(jit.INTERPRETED, reason="nothing is compiled with NUMBA_DISABLE_JIT")
START, STEPS = [-1.2, 1.0, 0.3], 1005  # beyond one table of coefficients
NEVER = ("lbfgs", "lookahead", "sam")


def valley(x):
    a, b = 1 - x[0], x[1] - x[0] * x[0]
    return a * a + 10 * b * b + x[2] * x[2], np.array([-2 * a - 40 * x[0] * b, 20 * b, 2 * x[2]])


@numba.njit
def compiled_valley(x):
    a, b = 1 - x[0], x[1] - x[0] * x[0]
    return a * a + 10 * b * b + x[2] * x[2], np.array([-2 * a - 40 * x[0] * b, 20 * b, 2 * x[2]])


@pytest.fixture
def only_compiled(monkeypatch):
    def refuse(*args):
        raise AssertionError("a plain walk")

    monkeypatch.setattr(plain, "walk", refuse)


def same(one, other):
    for name in ("x", "f", "evaluation", "f_evaluation"):
        assert_array_equal(getattr(one, name), getattr(other, name))
    assert (one.steps, one.diverged) == (other.steps, other.diverged)


@pytest.mark.parametrize("name", [name for name in optimizers.names() if name not in NEVER])
def test_the_same_walk_bit_by_bit(name, monkeypatch):
    opt = optimizers.create(name, lr=1e-3)
    expected = minnet.minimize(valley, START, opt, STEPS)
    assert not expected.diverged
    assert expected.f_evaluation[-1] < expected.f[0]
    monkeypatch.setattr(plain, "walk", None)
    same(minnet.minimize(compiled_valley, START, opt, STEPS), expected)


@pytest.mark.parametrize("name", NEVER)
def test_what_takes_several_gradients_per_step_is_walked_plainly(name):
    opt = optimizers.create(name)
    same(minnet.minimize(compiled_valley, START, opt, 20), minnet.minimize(valley, START, opt, 20))


@pytest.mark.parametrize("name", ["momentum", "schedulefree_sgd"])
def test_noise_schedule_and_stop(name):
    rows = np.random.default_rng(0).normal(0, 0.1, (1500, 3))
    opt = optimizers.create(name, lr=schedules.create("linear", lr=1e-3))
    for last in (1500, 1203, 1):
        asked: list[list[tuple[int, float]]] = [[], []]

        def stop(t, value, seen):
            seen.append((t, value))
            return t == last  # noqa: B023

        walks = [
            minnet.minimize(fun, START, opt, 1500, lambda t, value: stop(t, value, seen), rows)  # noqa: B023
            for fun, seen in zip((valley, compiled_valley), asked)
        ]
        same(*walks)
        assert asked[0] == asked[1]
        assert len(walks[0].f) == last + 1


@pytest.mark.parametrize("lr", [0.2, 1e200])
def test_divergence(lr, only_compiled, monkeypatch):
    opt = optimizers.create("sgd", lr=lr)
    result = minnet.minimize(compiled_valley, START, opt, 50)
    monkeypatch.undo()
    same(result, minnet.minimize(valley, START, opt, 50))
    assert result.diverged


def test_no_step(only_compiled):
    assert minnet.minimize(compiled_valley, START, "sgd", 0).f.shape == (1,)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda x: (1 / (x[0] - 0.5), np.ones(1)), ZeroDivisionError, "division"),
        (lambda x: (x[0], np.ones(1 if x[0] > 0.5 else 2)), InputError, "gradient of another shape"),
    ],
)
def test_what_goes_wrong_on_the_way_is_said(wrong, error, message, only_compiled):
    with pytest.raises(error, match=message):
        minnet.minimize(numba.njit(wrong), [1.0], optimizers.create("sgd", lr=0.25), 10)


@pytest.mark.parametrize(
    ("function", "is_compiled"),
    [
        (lambda x: (2, np.ones(1)), True),
        (lambda x: (np.float32(x[0]), x[::-1]), True),
        (lambda x: (x[0], (1.0,)), False),
        (lambda x: (x[0], np.ones(1, dtype=np.float32)), False),
    ],
)
def test_any_compiled_function_that_minimize_takes(function, is_compiled):
    opt = optimizers.create("sgd", lr=0.25)
    fun = numba.njit(function)
    same(minnet.minimize(fun, [1.0], opt, 3), minnet.minimize(function, [1.0], opt, 3))
    assert (compiled.pointer(fun, opt) is not None) == is_compiled
