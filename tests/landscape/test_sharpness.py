"""Sharpness: against the whole Hessian, against what methods can bear, and at the edge of stability."""

from __future__ import annotations

import numpy as np
import pytest

import minnet
from minnet.landscape import Ground, largest_eigenvalue, stability_limit, study
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec


@pytest.mark.parametrize(("activation", "loss"), [("tanh", "cross_entropy"), ("relu", "mse")])
def test_it_is_the_largest_eigenvalue_of_the_whole_hessian(activation, loss):
    data = minnet.load_dataset("digits")
    split = data.split()
    ground = Ground(RunSpec(network=NetworkSpec((2,), activation, loss=loss)), split, samples=40)
    params = ground.network.init(0) + 0.1 * np.random.default_rng(1).normal(size=ground.network.layout.size)
    h = 1e-5
    gradient = ground.network.loss_and_gradient
    columns = [
        (gradient(params + h * e, ground.X, ground.Y)[1] - gradient(params - h * e, ground.X, ground.Y)[1]) / (2 * h)
        for e in np.eye(params.size)
    ]
    H = np.array(columns)
    value, vector = largest_eigenvalue(lambda v: ground.hessian_vector(params, v), np.ones(params.size), tolerance=1e-8)
    assert value == pytest.approx(np.linalg.eigvalsh((H + H.T) / 2)[-1], rel=1e-6)
    np.testing.assert_allclose(H @ vector, value * vector, atol=1e-5 * value)


@pytest.mark.parametrize(
    ("name", "hyper"),
    [("sgd", {}), *((name, {"momentum": mu}) for name in ("momentum", "nesterov") for mu in (0.5, 0.9))],
)
def test_a_method_stands_below_its_limit_and_not_above(name, hyper):
    lr = 0.1
    limit = stability_limit(OptimizerSpec(name, hyper=hyper), lr)
    ends = {}
    for share in (0.97, 1.03):
        curvature = share * limit
        opt = minnet.optimizers.create(name, lr=lr, **hyper)
        path = minnet.minimize(lambda x, c=curvature: (c / 2 * x @ x, c * x), np.ones(1), opt, steps=800)
        ends[share] = np.abs(path.x[-50:]).max()
    assert ends[0.97] < 1e-3
    assert not ends[1.03] < 1e3


def test_gradient_descent_walks_at_the_edge_of_stability(split):
    """Cohen et al. 2021: with the whole training set as a batch, the sharpness comes to 2/lr and stays there."""
    network = NetworkSpec(hidden=(32, 32, 32), activation="tanh")
    training = TrainingSpec(epochs=240, batch_size=2000)
    run = RunSpec("digits", network, training, OptimizerSpec("sgd", hyper={"lr": 0.5}), seed=1)
    found = study({"sgd": run}, split, points=5, cells=2)
    assert found.full_batch
    assert found.limits["sgd"][-1] == 4
    assert found.sharpness["sgd"][2:] == pytest.approx(4, rel=0.08)
