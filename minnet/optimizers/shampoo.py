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


def inverse_fourth_root(A):
    """Return A^(−1/4) of a symmetric positive matrix."""
    values, vectors = np.linalg.eigh(A)
    return np.dot(vectors * np.power(values, -0.25), vectors.T)


def accumulate(A, root, gram, eps, refresh):
    """Add to the sum A, in place, ε on its diagonal as well; take its root anew if it is time."""
    A += gram
    for i in range(A.shape[0]):
        A[i, i] += eps
    if refresh and math.isfinite(np.sum(A)):
        root[:] = inverse_fourth_root(A)


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
            G = g.astype(np.float64).reshape(rows, columns)
            left, right = rows * rows, columns * columns
            squares = memory[start : start + 2 * (left + right)]
            L, left_root = squares[:left].reshape(rows, rows), squares[left : 2 * left].reshape(rows, rows)
            R = squares[2 * left : 2 * left + right].reshape(columns, columns)
            right_root = squares[2 * left + right :].reshape(columns, columns)
            accumulate(L, left_root, np.dot(G, G.T), eps, refresh)
            accumulate(R, right_root, np.dot(G.T, G), eps, refresh)
            step = np.dot(np.dot(left_root, G), right_root).reshape(-1)
            for i in range(w.size):
                w[i] -= lr * w.dtype.type(step[i])


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
    helpers=(place, inverse_fourth_root, accumulate),
    memory=memory,
    columns=("lr", "eps", "refresh"),
    coefficients=coefficients,
    defaults={"lr": 0.1, "eps": 1e-4, "refresh": 20.0},
    space={"lr": Range(1e-4, 1e0)},
)
