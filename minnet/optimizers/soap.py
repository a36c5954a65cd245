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


def observe(A, basis, G, beta, one_minus_beta, phase):
    """Add G Gᵀ to the mean A, in place, and renew the basis if the phase says so: the rows of `basis` are its vectors.

    Return the new order of the vectors.
    """
    n, gram, total = A.shape[0], np.dot(G, G.T), 0.0
    for i in range(n):
        for j in range(n):
            A[i, j] = beta * A[i, j] + one_minus_beta * gram[i, j]
            total += A[i, j]
    order = np.arange(n)
    if phase == 1 or not math.isfinite(total):
        return order
    if phase == 0:
        vectors = np.linalg.eigh(A)[1]
        for i in range(n):
            for j in range(n):
                basis[i, j] = vectors[j, n - 1 - i]
        return order
    image = np.dot(basis, A)
    values = np.zeros(n)
    for i in range(n):
        for j in range(n):
            values[i] -= basis[i, j] * image[i, j]
    order = np.argsort(values, kind="mergesort")
    power = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            power[j, i] = image[order[i], j]
    vectors = np.linalg.qr(power)[0]
    for i in range(n):
        for j in range(n):
            basis[i, j] = vectors[j, i]
    return order


def soap(params, grads, slots, memory, blocks, coefficients):
    """Step by Adam, in a basis where the gradient's directions hardly mix; a matrix of one row counts as a vector."""
    for k in range(blocks.shape[0]):
        first, end, row = place(blocks, k)
        rows, columns, start = blocks[k, 1], blocks[k, 2], blocks[k, 4]
        w, g, m, v = params[first:end], grads[first:end], slots[0][first:end], slots[1][first:end]
        c = coefficients[row]
        lr, keep, beta1, beta2, unbias_m, unbias_v, eps, phase = c[0], c[1], c[2], c[4], c[6], c[7], c[8], c[9]
        if rows == 1:
            if phase > 0:
                none, rate = w.dtype.type(0), lr * keep
                adam_block(w, g, m, v, rate, keep, beta1, c[3], beta2, c[5], unbias_m, none, unbias_v, eps)
        elif w.size > 0:
            half = start + 2 * rows * rows
            left = memory[start:half].reshape(2, rows, rows)
            right = memory[half : half + 2 * columns * columns].reshape(2, columns, columns)
            G, M, G_turned = np.empty((rows, columns)), np.empty((rows, columns)), np.empty((columns, rows))
            for i in range(rows):
                for j in range(columns):
                    n = i * columns + j
                    if phase > 0:
                        m[n] = beta1 * m[n] + c[3] * g[n]
                    G[i, j] = G_turned[j, i] = g[n]
                    M[i, j] = m[n]
            if phase > 0:
                turned, step = np.dot(np.dot(left[1], G), right[1].T), np.dot(np.dot(left[1], M), right[1].T)
                for i in range(rows):
                    for j in range(columns):
                        n = i * columns + j
                        v[n] = beta2 * v[n] + c[5] * w.dtype.type(turned[i, j] * turned[i, j])
                        step[i, j] *= unbias_m / (math.sqrt(v[n] * unbias_v) + eps)
                step = np.dot(left[1].T, np.dot(step, right[1]))
                for i in range(rows):
                    for j in range(columns):
                        n = i * columns + j
                        w[n] = keep * (w[n] - lr * w.dtype.type(step[i, j]))
            down = observe(left[0], left[1], G, beta2, c[5], phase)
            across = observe(right[0], right[1], G_turned, beta2, c[5], phase)
            if phase > 1:
                for i in range(rows):
                    for j in range(columns):
                        G[i, j] = v[down[i] * columns + across[j]]
                for i in range(rows):
                    for j in range(columns):
                        v[i * columns + j] = w.dtype.type(G[i, j])


METHOD = Method(
    name="soap",
    title="SOAP",
    formula=FORMULA,
    paper="Vyas et al. (2024), SOAP: improving and stabilizing Shampoo using Adam, arXiv:2409.11321, Algorithm 3",
    purpose="Adam that first turns each layer to the directions in which its gradients vary independently.",
    notes="As in the authors' code, which the paper does not say: the first gradient moves nothing, the second "
    "moments follow the order of the eigenvalues, and ε is that of Adam's ε̂ form. Vectors get Adam.",
    update=soap,
    helpers=(place, adam_block, observe),
    memory=memory,
    columns=("lr", "keep", "beta1", "one_minus_beta1", "beta2", "one_minus_beta2", "unbias_m", "unbias_v", "eps",
             "phase"),
    slots=("m", "v"),
    coefficients=coefficients,
    defaults={"lr": 0.003, "beta1": 0.95, "beta2": 0.95, "eps": 1e-8, "weight_decay": 0.01, "refresh": 10.0},
    space={
        "lr": Range(1e-4, 1e-1),
        "beta1": Range(0.8, 0.99, "log(1-x)"),
        "beta2": Range(0.8, 0.999, "log(1-x)"),
        "weight_decay": Range(1e-4, 1e0),
    },
)  # fmt: skip
