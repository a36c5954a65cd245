"""SOAP: Adam in the eigenbases of Shampoo."""

import math

import numpy as np

from minnet.optimizers.base import Method, Range
from minnet.optimizers.blocks import adam_block, place

FORMULA = """\
for every matrix W, the first gradient making L, R and their eigenbases P, Q only:
    M ← β₁ M + (1 − β₁) G
    V ← β₂ V + (1 − β₂) (Pᵀ G Q)²
    N = α √(1 − β₂ᵗ) / (1 − β₁ᵗ) · (Pᵀ M Q) / (√V + ε)
    W ← (1 − α λ) (W − P N Qᵀ)
    L ← β₂ L + (1 − β₂) G Gᵀ
    R ← β₂ R + (1 − β₂) Gᵀ G
    every 10 steps:  P ← orthonormal basis of L P,  Q ← of R Q
for biases: Adam, from the second step"""


def coefficients(t, lr, beta1, beta2, eps, weight_decay, refresh):
    """Return Adam's coefficients in the ε̂ form, one step late, and what happens at a step.

    `phase` is 0 at the first step, 1 at the others, 2 where the bases are improved.
    """
    late = np.maximum(t - 1, 1)
    return {
        "lr": lr,
        "keep": 1 - lr * weight_decay,
        "beta1": beta1,
        "one_minus_beta1": 1 - beta1,
        "beta2": beta2,
        "one_minus_beta2": 1 - beta2,
        "unbias_m": 1 / (1 - beta1**late),
        "unbias_v": 1 / (1 - beta2**late),
        "eps": eps / np.sqrt(1 - beta2**late),
        "phase": np.where(t == 1, 0.0, np.where((t - 1) % refresh == 0, 2.0, 1.0)),
    }


def memory(rows, columns):
    """Return the room for L, R and their bases; a vector needs none."""
    return 0 if rows == 1 else 2 * rows * rows + 2 * columns * columns


def improve(A, basis):
    """Return the next basis, by a power iteration and a QR decomposition, and the order of its eigenvalues."""
    product = np.dot(A, basis)
    order = np.argsort(-np.sum(basis * product, axis=0), kind="mergesort")
    return np.linalg.qr(product[:, order])[0], order


def soap(params, grads, slots, memory, blocks, coefficients):
    """Step by Adam, in a basis where the gradient's directions hardly mix; a matrix of one row counts as a vector."""
    for k in range(blocks.shape[0]):
        first, end, row = place(blocks, k)
        rows, columns, start = blocks[k, 1], blocks[k, 2], blocks[k, 4]
        w, g, m, v = params[first:end], grads[first:end], slots[0][first:end], slots[1][first:end]
        c = coefficients[row]
        phase, one = c[9], w.dtype.type(1)
        if rows == 1 and phase > 0:
            none = w.dtype.type(0)
            adam_block(w, g, m, v, c[0], one, c[2], c[3], c[4], c[5], c[6], none, c[7], c[8])
            w *= c[1]
        elif rows > 1 and w.size > 0:
            left, right = rows * rows, columns * columns
            squares = memory[start : start + 2 * (left + right)]
            L, P = squares[:left].reshape(rows, rows), squares[left : 2 * left].reshape(rows, rows)
            R = squares[2 * left : 2 * left + right].reshape(columns, columns)
            Q = squares[2 * left + right :].reshape(columns, columns)
            G = g.astype(np.float64).reshape(rows, columns)
            if phase > 0:
                for i in range(w.size):
                    m[i] = c[2] * m[i] + c[3] * g[i]
                M = m.astype(np.float64).reshape(rows, columns)
                rotated = np.dot(np.dot(P.T, G), Q).reshape(-1)
                mean = np.dot(np.dot(P.T, M), Q).reshape(-1)
                for i in range(w.size):
                    v[i] = c[4] * v[i] + c[5] * w.dtype.type(rotated[i] * rotated[i])
                    mean[i] *= c[6] / (math.sqrt(v[i] * c[7]) + c[8])
                step = np.dot(np.dot(P, mean.reshape(rows, columns)), Q.T).reshape(-1)
                for i in range(w.size):
                    w[i] = c[1] * (w[i] - c[0] * w.dtype.type(step[i]))
            L *= c[4]
            R *= c[4]
            L += c[5] * np.dot(G, G.T)
            R += c[5] * np.dot(G.T, G)
            if phase != 1 and math.isfinite(np.sum(L) + np.sum(R)):
                if phase == 0:
                    P[:] = np.linalg.eigh(L)[1][:, ::-1]
                    Q[:] = np.linalg.eigh(R)[1][:, ::-1]
                else:
                    basis, order = improve(L, P)
                    P[:] = basis
                    V = v.reshape(rows, columns)
                    V[:] = V[order]
                    basis, order = improve(R, Q)
                    Q[:] = basis
                    V[:] = V[:, order]


METHOD = Method(
    name="soap",
    title="SOAP",
    formula=FORMULA,
    paper="Vyas et al. (2024), SOAP: improving and stabilizing Shampoo using Adam, arXiv:2409.11321, Algorithm 3",
    purpose="Adam that first turns each layer to the directions in which its gradients vary independently.",
    notes="As in the authors' code, which the paper does not say: the first gradient moves nothing, the second "
    "moments follow the order of the eigenvalues, and ε is that of Adam's ε̂ form. Vectors get Adam.",
    update=soap,
    helpers=(place, adam_block, improve),
    memory=memory,
    columns=("lr", "keep", "beta1", "one_minus_beta1", "beta2", "one_minus_beta2", "unbias_m", "unbias_v", "eps",
             "phase"),
    slots=("m", "v"),
    coefficients=coefficients,
    defaults={"lr": 0.003, "beta1": 0.95, "beta2": 0.95, "eps": 1e-8, "weight_decay": 0.01, "refresh": 10.0},
    space={"lr": Range(1e-4, 1e-1)},
)  # fmt: skip
