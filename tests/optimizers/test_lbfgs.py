"""L-BFGS: against PyTorch's path, against SciPy's minimum, on quadratics, and in training."""

from __future__ import annotations

import math

import numpy as np
import pytest
import reference
import scipy.optimize
from numpy.testing import assert_allclose, assert_array_equal

import minnet
from minnet import optimizers
from minnet.errors import InputError
from minnet.optimizers import lbfgs
from minnet.optimizers.base import BOUNDS
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

GOLDEN = reference.golden("lbfgs_torch.npz")
CASES = {case["key"]: case for case in GOLDEN["meta"]["cases"]}
EXACT = 1e-10  # a c2 that makes the line search exact


def rosenbrock(x):
    """In any number of dimensions."""
    b, a = x[1:] - x[:-1] ** 2, 1 - x[:-1]
    gradient = np.zeros_like(x)
    gradient[:-1] = -2 * a - 400 * x[:-1] * b
    gradient[1:] += 200 * b
    return float((a**2 + 100 * b**2).sum()), gradient


def quadratic(matrix):
    return lambda x: (0.5 * x @ matrix @ x, matrix @ x)


def counted(fun):
    def counting(x):
        counting.calls += 1
        return fun(x)

    counting.calls = 0
    return counting


def walk(fun, start, steps, **hyper):
    return minnet.minimize(fun, start, optimizers.create("lbfgs", **hyper), steps)


@pytest.mark.parametrize("key", CASES)
def test_walks_the_path_of_pytorch(key):
    case, path = CASES[key], GOLDEN[f"path/{key}"]
    fun = rosenbrock if case["problem"] == "rosenbrock" else quadratic(GOLDEN["matrix"])
    exact = {"c2": EXACT} if case["search"] == "exact" else {}
    result = walk(fun, path[0], len(path) - 1, history=case["history"], **exact)
    if exact:  # the line minimum is flat: it is known to about the root of the rounding error
        assert_allclose(result.x, path, rtol=0, atol=2e-5 * np.abs(path).max())
    else:
        assert result.f[-1] <= fun(path[-1])[0] + 1e-15
        assert_allclose(result.x[-1], path[-1], atol=1e-6)  # PyTorch's is 1e-7 away from the minimum in one case


@pytest.mark.parametrize("n", [1, 2, 5, 10])
@pytest.mark.parametrize("condition", [1, 10, 1000])
def test_a_quadratic_takes_at_most_n_plus_one_exact_steps(n, condition):
    rng = np.random.default_rng(n)
    axes = np.linalg.qr(rng.normal(size=(n, n)))[0]
    matrix = axes * np.geomspace(1, condition, n) @ axes.T
    start = rng.normal(size=n)
    result = walk(quadratic(matrix), start, n + 1, history=n + 1, c2=EXACT)
    assert result.f[-1] < 1e-12 * result.f[0]


def test_exact_steps_on_a_quadratic_are_those_of_conjugate_gradients():
    matrix = GOLDEN["matrix"]
    x = np.ones(6)
    result = walk(quadratic(matrix), x, 4, c2=EXACT)
    g = matrix @ x
    d = -g
    for t in range(1, 5):
        x = x - (g @ d) / (d @ matrix @ d) * d
        new = matrix @ x
        d, g = -new + (new @ new) / (g @ g) * d, new
        assert_allclose(result.x[t], x, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("n", [2, 10])
def test_finds_the_minimum_that_scipy_finds(n):
    start = np.tile([-1.2, 1.0], n // 2)
    fun = counted(rosenbrock)
    result = minnet.minimize(fun, start, "lbfgs", 200, stop=lambda t, value: value < 1e-13)
    theirs = scipy.optimize.minimize(rosenbrock, start, jac=True, method="L-BFGS-B", tol=1e-12)
    assert_allclose(result.x[-1], theirs.x, atol=1e-5)
    assert fun.calls < 2 * theirs.nfev
    assert (np.diff(result.f) <= 0).all()


def test_the_recursion_is_that_of_the_matrix_it_stands_for():
    rng = np.random.default_rng(0)
    n, history, count, first = 6, 4, 3, 2
    s, y, rho = np.zeros((history, n)), np.zeros((history, n)), np.zeros(history)
    for i in range(count):
        k = (first + i) % history
        s[k] = rng.normal(size=n)
        y[k] = s[k] + 0.1 * rng.normal(size=n)
        rho[k] = 1 / (s[k] @ y[k])
    newest = (first + count - 1) % history
    H = np.eye(n) * (s[newest] @ y[newest]) / (y[newest] @ y[newest])
    for i in range(count):
        k = (first + i) % history
        V = np.eye(n) - rho[k] * np.outer(y[k], s[k])
        H = V.T @ H @ V + rho[k] * np.outer(s[k], s[k])
    g, out = rng.normal(size=n), np.zeros(n)
    lbfgs.compiled_direction()(s, y, rho, first, count, g, out, np.zeros(history))
    assert_allclose(out, -H @ g, rtol=1e-12, atol=1e-12)
    lbfgs.direction(s, y, rho, first, count, g, out, np.zeros(history))
    assert_allclose(out, -H @ g, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("c2", [0.9, 0.1, 1e-4])
@pytest.mark.parametrize("lr", [1e-3, 1.0, 100.0])
def test_every_step_has_the_strong_wolfe_conditions(c2, lr):
    result = walk(rosenbrock, [-1.2, 1.0, 0.5], 15, c2=c2, lr=lr)
    for before, after in zip(result.x[:-1], result.x[1:]):
        (f0, g0), (f1, g1) = rosenbrock(before), rosenbrock(after)
        if f0 < 1e-10:
            break
        s = after - before
        assert g0 @ s < 0
        assert f1 <= f0 + 1e-4 * (g0 @ s)
        assert abs(g1 @ s) <= c2 * abs(g0 @ s) * (1 + 1e-9)


def test_a_cliff_on_the_line_is_no_end():
    def fun(x):
        return (math.inf, np.full(1, math.nan)) if x[0] < -1.5 else (x[0] ** 2, 2 * x)

    result = walk(fun, [100.0], 10, lr=1000.0)
    assert not result.diverged
    assert abs(result.x[-1, 0]) < 1e-6


def test_at_the_minimum_it_stays():
    assert_array_equal(walk(quadratic(np.eye(2)), [0.0, 0.0], 3).x, np.zeros((4, 2)))


def test_a_function_without_end_is_followed_not_searched_forever():
    result = walk(lambda x: (-x[0], -np.ones(1)), [0.0], 3)
    assert result.x[1, 0] > 1e6
    assert not result.diverged


def test_step_names_what_to_use():
    opt = optimizers.create("lbfgs")
    w = np.ones(2)
    with pytest.raises(InputError, match=r"use minnet.minimize or minnet.train"):
        opt.step(w, w.copy(), opt.init(w))


def test_declares_what_a_comparison_needs():
    method = optimizers.get("lbfgs")
    assert set(method.defaults) <= set(BOUNDS)
    assert method.space["lr"].low <= method.defaults["lr"] <= method.space["lr"].high
    assert method.purpose.endswith(".")
    for bad in ({"history": 0}, {"history": 2.5}, {"c1": 0}, {"c2": 1.0}, {"lr": -1}):
        with pytest.raises(InputError):
            optimizers.create("lbfgs", **bad)


# In training


def run_spec(epochs=8, network=None, **training):
    return RunSpec(
        data="digits",
        network=NetworkSpec(**{"hidden": (12,), "activation": "tanh", **(network or {})}),
        training=TrainingSpec(epochs=epochs, **{"dtype": "float64", "l2": 1e-3, **training}),
        optimizer=OptimizerSpec("lbfgs"),
    )


@pytest.fixture(scope="module")
def split():
    return minnet.load_dataset("digits").split()


def test_an_epoch_is_an_iteration_on_the_whole_training_set(split, monkeypatch):
    monkeypatch.setattr("minnet.training.full_batch.ROWS", 500)
    result = minnet.train(run_spec(), split)
    network, Y = result.network, result.network.targets(split.y_train)
    penalty = minnet.network.network.Penalty(1e-3, False, 0.0, 0.0, 0)
    start = minnet.train(run_spec(epochs=0), split).params
    path = walk(lambda x: network.loss_and_gradient(x, split.X_train, Y, penalty), start, 8)
    assert_allclose(result.params, path.x[-1], rtol=1e-6, atol=1e-8)
    assert result.steps == 8
    assert_allclose([row["running_loss"] for row in result.history[1:]], path.f[:-1], rtol=1e-8)
    moved = [row["update_norms"] for row in result.history[1:]]
    assert_allclose(
        np.sqrt((np.array(moved) ** 2).sum(axis=1)), np.linalg.norm(np.diff(path.x, axis=0), axis=1), rtol=1e-5
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_trains_digits(split, dtype):
    result = minnet.train(run_spec(epochs=40, dtype=dtype), split)
    losses = [row["running_loss"] for row in result.history[1:]]
    assert (np.diff(losses) <= 0).all()
    assert result.history[-1]["val_accuracy"] > 0.93
    assert result.params.dtype == dtype


@pytest.mark.parametrize(
    ("network", "training", "name"),
    [
        ({"dropout": 0.1}, {}, "dropout"),
        ({"input_dropout": 0.1}, {}, "input_dropout"),
        ({}, {"weight_decay": 0.1}, "weight_decay"),
        ({}, {"max_norm": 1.0}, "max_norm"),
        ({}, {"clip_norm": 1.0}, "clip_norm"),
        ({}, {"clip_value": 1.0}, "clip_value"),
    ],
)
def test_what_does_not_go_with_it_is_said(split, network, training, name):
    with pytest.raises(InputError, match=f"lbfgs searches along the whole loss: {name} must be 0"):
        minnet.train(run_spec(network=network, **training), split)
