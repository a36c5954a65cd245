"""Samples that count by their weights."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minnet.network import Network, NetworkSpec

LOSSES = [("cross_entropy", "auto"), ("binary_cross_entropy", "auto"), ("mse", "tanh"), ("mse", "identity")]


@pytest.mark.parametrize(("loss", "output"), LOSSES)
def test_a_weighted_loss_is_the_weighted_sum_of_those_of_single_samples(loss, output):
    rng = np.random.default_rng(0)
    X, weights = rng.normal(size=(9, 4)), np.array([0, 0.5, 1, 1, 2, 3, 0.1, 0, 1.4])
    targets = np.eye(3)[rng.integers(0, 3, 9)]
    spec = NetworkSpec(hidden=(5,), activation="tanh", loss=loss, output=output)
    plain, weighted = (Network(spec, 4, 3, "float64", weighted=by_weight) for by_weight in (False, True))
    params, expected, expected_grads = plain.init(0), 0.0, 0.0
    for i, weight in enumerate(weights):
        value, grads = plain.loss_and_gradient(params, X[i : i + 1], plain.targets(targets[i : i + 1]))
        expected, expected_grads = expected + weight * value / 9, expected_grads + weight * grads / 9
    Y = weighted.targets(targets, weights=weights)
    value, grads = weighted.loss_and_gradient(params, X, Y)
    assert value == pytest.approx(expected, rel=1e-13)
    assert_allclose(grads, expected_grads, rtol=1e-11, atol=1e-15)
    assert weighted.evaluate(params, X, Y)[0] == pytest.approx(expected, rel=1e-13)
    assert_array_equal(weighted.predict(params, X), plain.predict(params, X))
    right = plain.evaluate(params, X, plain.targets(targets))[1]
    assert weighted.evaluate(params, X, weighted.targets(targets))[1] == right


def test_labels_and_their_rows_are_the_same_targets():
    network, labels = Network(NetworkSpec(hidden=()), 2, 3), np.array([2, 0, 1])
    assert_array_equal(network.targets(labels), network.targets(np.eye(3)[labels]))
