"""Muon: momentum made orthogonal, for the weight matrices of hidden layers; Adam for everything else."""

import math

import numpy as np

from minnet.optimizers.base import HIDDEN, Method, Range, Style
from minnet.optimizers.blocks import adam_block, length, place

FORMULA = """\
for a hidden layer's matrix W (inputs × outputs):
    M ← μ M + (1 − μ) G
    X ← U / (‖U‖ + 1e-7),  U = μ M + (1 − μ) G
    five times:  X ← 3.4445 X − 4.7750 X Xᵀ X + 2.0315 X Xᵀ X Xᵀ X
    W ← (1 − α λ) W − α √max(1, outputs / inputs) X
for biases and the output layer: AdamW with step size α · ratio"""

TORCH = FORMULA.replace("U / (‖U‖ + 1e-7)", "U / max(‖U‖, 1e-7)")

KERAS = """\
for a hidden layer's matrix W (inputs × outputs):
    M ← μ M + G
    X ← U / (‖U‖ + 1e-7),  U = μ M + G
    five times:  X ← 3.4445 X − 4.7750 X Xᵀ X + 2.0315 X Xᵀ X Xᵀ X
    W ← (1 − α λ) W − .2 α √max(outputs, inputs) X
for biases and the output layer: AdamW in the ε̂ form, with step size α · ratio"""

OPTAX = """\
for a hidden layer's matrix W (inputs × outputs):
    M ← μ M + (1 − μ) G
    X ← U / (‖U‖ + 1e-8),  U = μ M / (1 − μᵗ⁺¹) + (1 − μ) G / (1 − μᵗ)
    five times:  X ← 3.4445 X − 4.7750 X Xᵀ X + 2.0315 X Xᵀ X Xᵀ X
    W ← (1 − α λ) W − α √max(1, outputs / inputs) X
for biases and the output layer: NadamW with step size α · ratio"""

COLUMNS = (
    "lr", "keep", "momentum", "fresh", "ahead_m", "ahead_g", "floor", "shift", "scale", "a", "b", "c",
    "adam_lr", "adam_keep", "beta1", "one_minus_beta1", "beta2", "one_minus_beta2", "unbias_m", "adam_ahead",
    "unbias_v", "eps",
)  # fmt: skip


def coefficients(t, lr, momentum, weight_decay, adam_ratio, beta1, beta2, eps):
    """Return the numbers of the Newton-Schulz steps and those of Adam.

    `fresh` weighs the gradient in the momentum, `ahead_m` and `ahead_g` weigh momentum and gradient in the step;
    `floor` bounds the norm from below, `shift` is added to it; a `scale` of 0 stands for √max(1, outputs / inputs).
    """
    return {
        "lr": lr,
        "keep": 1 - lr * weight_decay,
        "momentum": momentum,
        "fresh": 1 - momentum,
        "ahead_m": momentum,
        "ahead_g": 1 - momentum,
        "floor": 0.0,
        "shift": 1e-7,
        "scale": 0.0,
        "a": 3.4445,
        "b": -4.7750,
        "c": 2.0315,
        "adam_lr": lr * adam_ratio,
        "adam_keep": 1 - lr * adam_ratio * weight_decay,
        "beta1": beta1,
        "one_minus_beta1": 1 - beta1,
        "beta2": beta2,
        "one_minus_beta2": 1 - beta2,
        "unbias_m": 1 / (1 - beta1**t),
        "adam_ahead": 0.0,
        "unbias_v": 1 / (1 - beta2**t),
        "eps": eps,
    }


def coefficients_torch(t, lr, **hyper):
    """Return the same with a norm bounded from below."""
    return {**coefficients(t, lr, **hyper), "floor": 1e-7, "shift": 0.0}


def coefficients_keras(t, lr, momentum, weight_decay, adam_ratio, beta1, beta2, eps):
    """Return the same for a momentum that sums, the scale of Moonlight, and Adam's ε̂ form."""
    return {
        **coefficients(t, lr, momentum, weight_decay, adam_ratio, beta1, beta2, eps),
        "fresh": 1.0,
        "ahead_g": 1.0,
        "scale": 0.2,
        "adam_keep": 1 - lr * weight_decay,
        "eps": eps / np.sqrt(1 - beta2**t),
    }


def coefficients_optax(t, lr, momentum, weight_decay, adam_ratio, beta1, beta2, eps):
    """Return the same with the bias corrections of Nadam."""
    return {
        **coefficients(t, lr, momentum, weight_decay, adam_ratio, beta1, beta2, eps),
        "ahead_m": momentum / (1 - momentum ** (t + 1)),
        "ahead_g": (1 - momentum) / (1 - momentum**t),
        "shift": 1e-8,
        "unbias_m": beta1 / (1 - beta1 ** (t + 1)),
        "adam_ahead": (1 - beta1) / (1 - beta1**t),
    }


def orthogonal(u, rows, columns, floor, shift, a, b, c):
    """Bring the singular values of a matrix, given as a vector, near 1, in place: five Newton-Schulz steps."""
    short, long = min(rows, columns), max(rows, columns)
    down, right = (columns, 1) if rows <= columns else (1, columns)
    X = np.empty((short, long), u.dtype)
    size = max(length(u), floor) + shift
    for i in range(short):
        for j in range(long):
            X[i, j] = u[i * down + j * right] / size
    for _ in range(5):
        gram = np.dot(X, X.T)
        square = np.dot(gram, gram)
        for i in range(short):
            for j in range(short):
                square[i, j] = b * gram[i, j] + c * square[i, j]
            square[i, i] += a
        X = np.dot(square, X)
    for i in range(short):
        for j in range(long):
            u[i * down + j * right] = X[i, j]


def muon(params, grads, slots, memory, blocks, coefficients):
    """Step hidden matrices in all directions by the same length, everything else by Adam."""
    for k in range(blocks.shape[0]):
        first, end, row = place(blocks, k)
        w, g, m, v = params[first:end], grads[first:end], slots[0][first:end], slots[1][first:end]
        c = coefficients[row]
        if blocks[k, 3] != HIDDEN:
            adam_block(w, g, m, v, c[12], c[13], c[14], c[15], c[16], c[17], c[18], c[19], c[20], c[21])
        elif w.size > 0:
            rows, columns = blocks[k, 1], blocks[k, 2]
            u = np.empty_like(w)
            for i in range(w.size):
                m[i] = c[2] * m[i] + c[3] * g[i]
                u[i] = c[4] * m[i] + c[5] * g[i]
            orthogonal(u, rows, columns, c[6], c[7], c[9], c[10], c[11])
            wide = math.sqrt(max(rows, columns))
            rate = c[0] * w.dtype.type(wide * c[8] if c[8] > 0 else wide / math.sqrt(rows))
            for i in range(w.size):
                w[i] = c[1] * w[i] - rate * u[i]


METHOD = Method(
    name="muon",
    title="Muon",
    formula=FORMULA,
    paper="Jordan et al. (2024), Muon: an optimizer for hidden layers in neural networks (a web page and its code)",
    purpose="Moves a weight matrix equally far in all its directions, so that the rare ones are learned as well.",
    notes="A matrix counts as inputs × outputs, PyTorch's is its transpose. PyTorch and the author round to bfloat16 "
    "in the Newton-Schulz steps, which is left out here; PyTorch takes matrices only, the AdamW beside it is the "
    "user's. Keras and optax use Adam for the output layer only if told so.",
    update=muon,
    helpers=(place, length, adam_block, orthogonal),
    columns=COLUMNS,
    slots=("m", "v"),
    coefficients=coefficients,
    defaults={
        "lr": 0.02, "momentum": 0.95, "weight_decay": 0.0, "adam_ratio": 0.015, "beta1": 0.9, "beta2": 0.95,
        "eps": 1e-10,
    },
    space={
        "lr": Range(1e-3, 1e0),
        "momentum": Range(0.8, 0.99, "log(1-x)"),
        "adam_ratio": Range(1e-3, 1e0),
        "weight_decay": Range(1e-4, 1e0),
    },
    styles={
        "keras": Style(
            coefficients=coefficients_keras,
            formula=KERAS,
            defaults={"lr": 0.001, "weight_decay": 0.004, "adam_ratio": 1.0, "beta2": 0.999, "eps": 1e-7},
        ),
        "optax": Style(
            coefficients=coefficients_optax,
            formula=OPTAX,
            defaults={"adam_ratio": 1.0, "beta2": 0.999, "eps": 1e-8},
        ),
        "torch": Style(
            coefficients=coefficients_torch,
            formula=TORCH,
            defaults={"lr": 0.001, "weight_decay": 0.1, "adam_ratio": 1.0, "beta2": 0.999, "eps": 1e-8},
        ),
    },
)  # fmt: skip
