"""Forward, backward and loss: against PyTorch's recorded values, a slow reference, and central differences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose

from minnet.network import ACTIVATIONS, LOSSES, NetworkSpec
from minnet.network.network import Network
from minnet.network.propagation import Penalty

GOLDEN = reference.golden("network_torch.npz")
META = GOLDEN["meta"]
# Recorded loss -> (loss, output, targets)
RECORDED = {
    "cross_entropy": ("cross_entropy", "softmax", "y_class"),
    "cross_entropy_smoothed": ("cross_entropy", "softmax", "y_class"),
    "binary_cross_entropy": ("binary_cross_entropy", "sigmoid", "y_binary"),
    "mse_identity": ("mse", "identity", "y_real"),
    "mse_sigmoid": ("mse", "sigmoid", "y_unit"),
}
PENALTIES = {
    "plain": Penalty(0.0, False, 0.0, 0.0, 0),
    "l2": Penalty(0.3, False, 0.0, 0.0, 0),
    "l2 on biases": Penalty(0.3, True, 0.0, 0.0, 0),
    "dropout": Penalty(0.0, False, 0.0, 0.4, 7),
    "dropout on inputs": Penalty(0.0, False, 0.3, 0.0, 7),
    "all": Penalty(0.1, True, 0.2, 0.3, 5),
}


def make(activation, loss="cross_entropy", output="auto", widths=(7, 5, 4, 3), dtype="float64"):
    spec = NetworkSpec(hidden=widths[1:-1], activation=activation, loss=loss, output=output)
    return Network(spec, widths[0], widths[-1], dtype)


def targets(name, network):
    key = RECORDED[name][2]
    if key == "y_class":
        return network.targets(GOLDEN[key], META["label_smoothing"] if name.endswith("smoothed") else 0.0)
    return np.ascontiguousarray(GOLDEN[key])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", RECORDED)
def test_agrees_with_torch(activation, name):
    loss, output, _ = RECORDED[name]
    network = make(activation, loss, output)
    i, j = META["activations"].index(activation), META["losses"].index(name)
    value, grads = network.loss_and_gradient(GOLDEN["params"], GOLDEN["x"], targets(name, network))
    assert_allclose(value, GOLDEN["losses"][i, j], rtol=1e-12)
    assert_allclose(grads, GOLDEN["grads"][i, j], rtol=1e-10, atol=1e-14)
    assert_allclose(network.predict(GOLDEN["params"], GOLDEN["x"]), GOLDEN["outputs"][i, j], rtol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_agrees_with_float64(activation):
    params, X = GOLDEN["params"], GOLDEN["x"]
    wide, narrow = make(activation), make(activation, dtype="float32")
    value, grads = wide.loss_and_gradient(params, X, targets("cross_entropy", wide))
    single = narrow.loss_and_gradient(params.astype("f4"), X, targets("cross_entropy", narrow))
    assert single[1].dtype == np.float32
    assert_allclose(single[0], value, rtol=1e-6)
    assert_allclose(single[1], grads, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize(("activation", "name"), list(itertools.product(ACTIVATIONS, RECORDED)))
def test_gradient_is_the_slope_of_the_loss(activation, name, penalty):
    """Central differences, parameter by parameter, with the same dropout masks on both sides."""
    loss, output, _ = RECORDED[name]
    network, Y = make(activation, loss, output), None
    Y = targets(name, network)
    # Away from the kinks of relu and its like: no unit within the step of the differences.
    params = GOLDEN["params"] + 0.01 * np.random.default_rng(3).normal(size=GOLDEN["params"].size)

    def value(p):
        return network.loss_and_gradient(p, GOLDEN["x"], Y, PENALTIES[penalty], step=2)[0]

    _, grads = network.loss_and_gradient(params, GOLDEN["x"], Y, PENALTIES[penalty], step=2)
    assert_allclose(grads, reference.central_differences(value, params, 1e-6), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("biases", [False, True])
def test_l2_agrees_with_the_reference(biases):
    network = make("tanh")
    weights, offsets = reference.unflatten(GOLDEN["params"], META["sizes"])
    expected, dW, db = reference.mlp_loss_and_gradients(
        GOLDEN["x"], targets("cross_entropy", network), weights, offsets,
        activation="tanh", loss="cross_entropy", output="softmax", l2=0.3, decay_biases=biases,
    )  # fmt: skip
    penalty = Penalty(0.3, biases, 0.0, 0.0, 0)
    value, grads = network.loss_and_gradient(GOLDEN["params"], GOLDEN["x"], targets("cross_entropy", network), penalty)
    assert_allclose(value, expected, rtol=1e-12)
    assert_allclose(grads, reference.flatten(dW, db), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activation_is_right_and_finite_everywhere(activation):
    i = META["activations"].index(activation)
    scalar = ACTIVATIONS[activation]
    for x, y, dy in zip(GOLDEN["activation_x"], GOLDEN["activation_y"][i], GOLDEN["activation_dy"][i]):
        a = scalar.value(x)
        assert_allclose(a, y, rtol=1e-11, atol=1e-15)
        assert_allclose(scalar.slope(x, a), dy, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("loss", LOSSES)
def test_loss_is_finite_for_any_certainty(loss):
    network = make("identity", loss, widths=(2, 2))
    params = np.array([1000.0, 0, 0, 1000.0, 0, 0])
    X = np.array([[1.0, -1.0], [-1.0, 1.0]])
    value, grads = network.loss_and_gradient(params, X, np.array([[0.0, 1.0], [0.0, 1.0]]))
    assert np.isfinite(value)
    assert np.isfinite(grads).all()


@pytest.mark.parametrize("hidden", [(), (3,), (4, 3, 2, 5)])
def test_any_depth(hidden):
    widths = (6, *hidden, 3)
    network = make("tanh", widths=widths)
    rng = np.random.default_rng(0)
    params, X = rng.normal(size=network.layout.size), rng.normal(size=(5, 6))
    Y = network.targets(np.array([0, 1, 2, 0, 1]))
    weights, offsets = reference.unflatten(params, widths)
    expected, dW, db = reference.mlp_loss_and_gradients(
        X, Y, weights, offsets, activation="tanh", loss="cross_entropy", output="softmax"
    )
    value, grads = network.loss_and_gradient(params, X, Y)
    assert_allclose(value, expected, rtol=1e-12)
    assert_allclose(grads, reference.flatten(dW, db), rtol=1e-10, atol=1e-13)


def test_evaluation_is_the_mean_over_all_samples():
    """More samples than one chunk holds, and a last chunk that is not full; uint8 pixels are scaled."""
    network = Network(NetworkSpec(hidden=(5,), dropout=0.5), 4, 3, "float64", scale=1 / 255)
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (600, 4)).astype(np.uint8)
    labels = rng.integers(0, 3, 600)
    params, Y = network.init(0), network.targets(labels)
    loss, accuracy = network.evaluate(params, X, Y)
    (W1, b1), (W2, b2) = network.layout.layers(params)
    z = np.maximum((X / 255) @ W1 + b1, 0) @ W2 + b2
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    assert_allclose(loss, -log_p[np.arange(600), labels].mean(), rtol=1e-12)
    assert accuracy == (z.argmax(axis=1) == labels).mean()
    assert_allclose(network.predict(params, X), np.exp(log_p), rtol=1e-12)
    assert np.isnan(network.evaluate(params, X[:0], Y[:0])).all()
