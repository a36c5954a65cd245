"""The slow reference is itself checked: against recorded PyTorch values and against central differences."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose

OPTIMIZERS = reference.golden("optimizers_torch.npz")
NETWORK = reference.golden("network_torch.npz")
CASES = {case["key"]: case for case in OPTIMIZERS["meta"]["cases"]}
# golden loss -> loss, output, key of the targets
LOSSES = {
    "cross_entropy": ("cross_entropy", "softmax", "y_class"),
    "cross_entropy_smoothed": ("cross_entropy", "softmax", "y_class"),
    "binary_cross_entropy": ("binary_cross_entropy", "sigmoid", "y_binary"),
    "mse_identity": ("mse", "identity", "y_real"),
    "mse_sigmoid": ("mse", "sigmoid", "y_unit"),
}
ACTIVATIONS = NETWORK["meta"]["activations"]
SIZES = NETWORK["meta"]["sizes"]


def gradients_of(case):
    if case["problem"] == "given":
        return OPTIMIZERS["grads"]
    return lambda p: OPTIMIZERS["matrix"] @ p


def targets_of(name):
    _, _, key = LOSSES[name]
    if key != "y_class":
        return NETWORK[key]
    smoothing = NETWORK["meta"]["label_smoothing"] if name.endswith("smoothed") else 0.0
    return reference.one_hot(NETWORK[key], SIZES[-1], smoothing)


def evaluate(params, name, activation, **options):
    loss, output, _ = LOSSES[name]
    weights, biases = reference.unflatten(params, SIZES)
    value, dW, db = reference.mlp_loss_and_gradients(
        NETWORK["x"],
        targets_of(name),
        weights,
        biases,
        activation=activation,
        loss=loss,
        output=output,
        **options,
    )
    return value, reference.flatten(dW, db)


def test_the_recording_is_what_it_says():
    grads = OPTIMIZERS["grads"]
    sizes = np.abs(grads[grads != 0])
    assert sizes.min() < 1e-5
    assert sizes.max() > 1e2
    assert (grads == 0).mean() > 0.1
    assert (np.diff(np.sign(grads[:, 0])) != 0).sum() > 5
    assert {case["method"] for case in CASES.values()} == set(reference.METHODS)
    halving = OPTIMIZERS["lrs/adam/halving"]
    assert_allclose(halving[[0, 9, 10, 39]] / halving[0], [1, 1, 0.5, 0.125])
    assert len(CASES) == 4 * len(reference.METHODS)


@pytest.mark.parametrize("key", CASES)
def test_methods_reproduce_torch(key):
    case = CASES[key]
    path = reference.METHODS[case["method"]](
        OPTIMIZERS["p0"], gradients_of(case), OPTIMIZERS[f"lrs/{key}"], **case["hyper"]
    )
    assert_allclose(path, OPTIMIZERS[f"params/{key}"], rtol=1e-12, atol=1e-14)


def test_nesterov_is_the_gradient_taken_ahead():
    matrix, p0 = OPTIMIZERS["matrix"], OPTIMIZERS["p0"]
    lrs = np.full(40, 5e-4)
    points, ahead = reference.nesterov_lookahead(p0, lambda p: matrix @ p, lrs, momentum=0.9)
    rewritten = reference.nesterov(p0, lambda p: matrix @ p, lrs, momentum=0.9)
    assert_allclose(rewritten, ahead, rtol=1e-12, atol=1e-14)
    assert np.abs(rewritten - points).max() > 1e-3


def test_nesterov_on_a_quadratic_is_momentum_with_less_inertia():
    curvature, lr, mu = 3.0, 0.1, 0.9
    points, _ = reference.nesterov_lookahead([1.0], lambda p: curvature * p, [lr] * 30, momentum=mu)
    # Momentum mu (1 - lr c) with its first step taken at v = 0, where the two agree.
    plain = reference.momentum([1.0], lambda p: curvature * p, [lr] * 30, momentum=mu * (1 - lr * curvature))
    assert_allclose(points, plain, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_reproduce_torch(activation):
    row = ACTIVATIONS.index(activation)
    f, slope = reference.ACTIVATIONS[activation]
    x = NETWORK["activation_x"]
    # Where the tails vanish (gelu far left) PyTorch's 1 + erf cancels; an absolute bound is all that is left.
    assert_allclose([f(a) for a in x], NETWORK["activation_y"][row], rtol=1e-12, atol=1e-15)
    assert_allclose([slope(a) for a in x], NETWORK["activation_dy"][row], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_networks_reproduce_torch(activation, name):
    row, column = ACTIVATIONS.index(activation), NETWORK["meta"]["losses"].index(name)
    weights, biases = reference.unflatten(NETWORK["params"], SIZES)
    for s, x in enumerate(NETWORK["x"]):
        pre, _, y = reference.mlp_forward(x, weights, biases, activation, LOSSES[name][1])
        assert_allclose(pre[-1], NETWORK["logits"][row, s], rtol=1e-12, atol=1e-14)
        assert_allclose(y, NETWORK["outputs"][row, column, s], rtol=1e-12, atol=1e-14)
    value, gradient = evaluate(NETWORK["params"], name, activation)
    assert_allclose(value, NETWORK["losses"][row, column], rtol=1e-12)
    assert_allclose(gradient, NETWORK["grads"][row, column], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_those_of_the_loss(name):
    """With L2, biases included, and dropout masks, which PyTorch's record does not have."""
    rng = np.random.default_rng(5)
    masks = [(rng.random((6, width)) < 0.7) / 0.7 for width in SIZES[:-1]]
    options = {"l2": 0.03, "decay_biases": True, "masks": masks}
    _, gradient = evaluate(NETWORK["params"], name, "tanh", **options)
    numeric = reference.central_differences(
        lambda p: evaluate(p, name, "tanh", **options)[0], NETWORK["params"], h=1e-5
    )
    assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-9)


def test_a_short_training_reproduces_torch():
    train = NETWORK["meta"]["train"]
    losses = []

    def gradient(params):
        value, gradient = evaluate(params, train["loss"], train["activation"])
        losses.append(value)
        return gradient

    path = reference.METHODS[train["method"]](
        NETWORK["params"], gradient, [train["lr"]] * train["steps"], **train["hyper"]
    )
    assert_allclose(path, NETWORK["train_params"], rtol=1e-10, atol=1e-12)
    assert_allclose(losses, NETWORK["train_losses"], rtol=1e-11)
    assert losses[-1] < 0.8 * losses[0]


def test_torch_initialises_linear_layers_uniformly_within_the_root_of_the_fan_in():
    for row in reference.golden("init_torch.json")["layers"]:
        bound = row["fan_in"] ** -0.5
        for part in ("weight", "bias"):
            assert -bound <= row[part]["min"] < -0.99 * bound
            assert 0.99 * bound < row[part]["max"] <= bound
            assert_allclose(row[part]["std"], bound / np.sqrt(3), rtol=0.04)
