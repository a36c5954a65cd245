"""Shampoo: Adagrad with a matrix for the rows and a matrix for the columns of every layer."""

import math

import numpy as np

from minnet.optimizers.base import Method, Range
from minnet.optimizers.blocks import place

FORMULA = """\
for every matrix W, from L = ε I and R = ε I:
    L ← L + G Gᵀ
    R ← R + Gᵀ G
    W ← W − α L^(−1/4) G R^(−1/4)
for biases, from h = ε:
    h ← h + g²
    w ← w − α g / √h"""


def coefficients(t, lr, eps, refresh):
    """Return the rate, ε at the first step, and the steps that take the roots anew."""
    return {"lr": lr, "eps": np.where(t == 1, eps, 0.0), "refresh": (t - 1) % refresh == 0}


def memory(rows, columns):
    """Return the room for L, R and their roots; for a vector, for the sum of squares."""
    return columns if rows == 1 else 2 * rows * rows + 2 * columns * columns


def accumulate(A, root, G, eps, refresh):
    """Add G Gᵀ to the sum A, in place, and ε to its diagonal; take its root A^(−1/4) anew if it is time."""
    n, gram, total = A.shape[0], np.dot(G, G.T), 0.0
    for i in range(n):
        for j in range(n):
            A[i, j] += gram[i, j]
            total += A[i, j]
        A[i, i] += eps
    if refresh and math.isfinite(total):
        values, vectors = np.linalg.eigh(A)
        half = np.empty((n, n))
        for j in range(n):
            scale = values[j] ** -0.125
            for i in range(n):
                half[i, j] = vectors[i, j] * scale
        root[:] = np.dot(half, half.T)


def shampoo(params, grads, slots, memory, blocks, coefficients):
    """Step by the gradient, measured in what both its sides have seen; a matrix of one row counts as a vector."""
    for k in range(blocks.shape[0]):
        first, end, row = place(blocks, k)
        rows, columns, start = blocks[k, 1], blocks[k, 2], blocks[k, 4]
        w, g, c = params[first:end], grads[first:end], coefficients[row]
        lr, eps, refresh = c[0], c[1], c[2] > 0
        if rows == 1:
            h = memory[start : start + columns]
            for i in range(w.size):
                h[i] += eps + g[i] * g[i]
                w[i] -= lr * g[i] / w.dtype.type(math.sqrt(h[i]))
        elif w.size > 0:
            half = start + 2 * rows * rows
            left = memory[start:half].reshape(2, rows, rows)
            right = memory[half : half + 2 * columns * columns].reshape(2, columns, columns)
            G, G_turned = np.empty((rows, columns)), np.empty((columns, rows))
            for i in range(rows):
                for j in range(columns):
                    G[i, j] = G_turned[j, i] = g[i * columns + j]
            accumulate(left[0], left[1], G, eps, refresh)
            accumulate(right[0], right[1], G_turned, eps, refresh)
            step = np.dot(np.dot(left[1], G), right[1])
            for i in range(rows):
                for j in range(columns):
                    w[i * columns + j] -= lr * w.dtype.type(step[i, j])


METHOD = Method(
    name="shampoo",
    title="Shampoo",
    formula=FORMULA,
    paper="Gupta, Koren and Singer (2018), Shampoo: preconditioned stochastic tensor optimization, arXiv:1802.09568, "
    "Algorithm 1",
    purpose="Full-matrix Adagrad, made affordable: it learns which directions of a layer's inputs and outputs are "
    "steep.",
    notes="The paper names no learning rate; roots are taken anew every `refresh` steps, the paper says every 20 to "
    "100. Vectors get Adagrad, whose matrix would be too large. torch_optimizer takes the power −1/2 instead of "
    "−1/4 and builds R from the gradient that L has already changed; pytorch_optimizer makes no step before the "
    "first refresh.",
    update=shampoo,
    helpers=(place, accumulate),
    memory=memory,
    columns=("lr", "eps", "refresh"),
    coefficients=coefficients,
    defaults={"lr": 0.1, "eps": 1e-4, "refresh": 20.0},
    space={
        "lr": Range(1e-4, 1e0),
        "eps": Range(1e-8, 1e-1),
    },
)
