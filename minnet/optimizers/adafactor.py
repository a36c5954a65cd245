"""Adafactor: second moments of a matrix remembered as one number per row and one per column."""

import math

import numpy as np

from minnet.optimizers.base import Method, Range, Style
from minnet.optimizers.blocks import length, place

FORMULA = """\
ρ = min(α, 1 / √t),  β = 1 − t^(−decay)
for every matrix W:
    r ← β r + (1 − β) row sums of (G² + ε)
    c ← β c + (1 − β) column sums of (G² + ε)
    V = r cᵀ / Σ r
for biases:
    V ← β V + (1 − β) (G² + ε)
U = G / √V
W ← W − max(ε₂, rms W) ρ U / max(1, rms(U) / d)"""

OPTAX = FORMULA.replace("ρ = min(α, 1 / √t)", "ρ = α").replace(
    "for biases:", "for biases, and matrices with a side below 128:"
)

TORCH = """\
ρ = min(α, 1 / √t),  β = 1 − t^(−decay)
for every matrix W:
    r ← β r + (1 − β) row means of G²
    c ← β c + (1 − β) column means of G²
    V = r cᵀ / max(mean of r, ε)
for biases:
    V ← β V + (1 − β) G²
U = G / √max(V, ε²)
W ← (1 − α λ) W − max(ε₂, rms W) ρ U / max(1, rms(U) / d)"""


def coefficients(t, lr, decay_rate, eps, min_scale, clip):
    """Return the relative step and the decay of the means.

    ε is `added` to the squares, or is a `floor` below them. Matrices with a side shorter than `factor_from` are
    remembered whole.
    """
    return {
        "rate": np.minimum(lr, 1 / np.sqrt(t)),
        "keep": 1.0,
        "beta2": 1 - t**-decay_rate,
        "one_minus_beta2": t**-decay_rate,
        "eps": eps,
        "added": 1.0,
        "floor": 0.0,
        "min_scale": min_scale,
        "clip": clip,
        "factor_from": 2.0,
    }


def coefficients_optax(t, lr, **hyper):
    """Return the same with the learning rate as the relative step, and small matrices whole."""
    return {**coefficients(t, lr, **hyper), "rate": lr, "factor_from": 128.0}


def coefficients_torch(t, lr, decay_rate, eps, min_scale, clip, weight_decay):
    """Return the same with ε as a floor, and decoupled weight decay."""
    return {
        **coefficients(t, lr, decay_rate, eps, min_scale, clip),
        "keep": 1 - lr * weight_decay,
        "added": 0.0,
        "floor": 1.0,
    }


def memory(rows, columns):
    """Return the room for a mean per row and per column, or for all second moments of a small matrix."""
    return rows * columns if min(rows, columns) < 128 else rows + columns


def factored(g, u, means, rows, columns, beta, one_minus_beta, eps, floor):
    """Bring the means of rows and columns up to date, in place, and write the product of both into `u`."""
    total = 0.0
    means *= beta
    for i in range(rows):
        for j in range(columns):
            square = g[i * columns + j] * g[i * columns + j] + eps
            means[i] += one_minus_beta * square / columns
            means[rows + j] += one_minus_beta * square / rows
        total += means[i]
    total = max(total / rows, floor)
    for i in range(rows):
        for j in range(columns):
            u[i * columns + j] = means[i] / total * means[rows + j]


def adafactor(params, grads, slots, memory, blocks, coefficients):
    """Step by the gradient over the root of its mean square, in proportion to the weights; long steps are cut."""
    for k in range(blocks.shape[0]):
        first, end, row = place(blocks, k)
        rows, columns, start = blocks[k, 1], blocks[k, 2], blocks[k, 4]
        w, c = params[first:end], coefficients[row]
        g, u = grads[first:end].astype(np.float64), np.empty(w.size)
        rate, keep, beta, one_minus_beta, eps, floor = c[0], c[1], c[2], c[3], c[4] * c[5], c[4] * c[6]
        if min(rows, columns) >= c[9]:
            means = memory[start : start + rows + columns]
            factored(g, u, means, rows, columns, beta, one_minus_beta, eps, floor)
        else:
            for i in range(w.size):
                memory[start + i] = beta * memory[start + i] + one_minus_beta * (g[i] * g[i] + eps)
                u[i] = memory[start + i]
        for i in range(w.size):
            u[i] = g[i] / math.sqrt(max(u[i], floor * floor))
        root = math.sqrt(max(w.size, 1))
        alpha = max(c[7], length(w) / root) * rate / max(1.0, length(u) / root / c[8])
        for i in range(w.size):
            w[i] = keep * w[i] - w.dtype.type(alpha * u[i])


METHOD = Method(
    name="adafactor",
    title="Adafactor",
    formula=FORMULA,
    paper="Shazeer and Stern (2018), Adafactor: adaptive learning rates with sublinear memory cost, arXiv:1804.04235, "
    "Algorithms 4 and 5",
    purpose="Adam's scaling for models whose second moments would not fit into memory; its steps are relative to "
    "the weights.",
    notes="The learning rate stands where the paper has .01, the largest relative step. optax takes it as the "
    "relative step itself (without one, 1), and remembers matrices with a side below 128 whole. In PyTorch ε is a "
    "bound instead of a summand, by default the precision of the parameters: here float64's, for float32 as well.",
    update=adafactor,
    helpers=(place, length, factored),
    memory=memory,
    columns=("rate", "keep", "beta2", "one_minus_beta2", "eps", "added", "floor", "min_scale", "clip", "factor_from"),
    coefficients=coefficients,
    defaults={"lr": 0.01, "decay_rate": 0.8, "eps": 1e-30, "min_scale": 1e-3, "clip": 1.0},
    space={
        "lr": Range(1e-4, 1e0),
        "decay_rate": Range(0.5, 1.0, "linear"),
        "clip": Range(0.3, 3.0),
    },
    styles={
        "keras": Style(defaults={"lr": 0.001}),
        "optax": Style(coefficients=coefficients_optax, formula=OPTAX),
        "torch": Style(
            coefficients=coefficients_torch,
            formula=TORCH,
            defaults={"eps": 2.0**-52, "weight_decay": 0.0},
        ),
    },
)
