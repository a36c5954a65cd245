"""What the methods that see a layer at a time share; `Method.helpers` names these functions to the compiler."""

from __future__ import annotations

import math

import numpy as np

from minnet.optimizers.base import BIAS


def place(blocks, k):
    """Return where block k begins and ends, and which row of the coefficients is its."""
    first = blocks[k, 0]
    return first, first + blocks[k, 1] * blocks[k, 2], 1 if blocks[k, 3] == BIAS else 0


def length(x):
    """Return the Euclidean norm of a vector."""
    return math.sqrt(np.dot(x, x))


def adam_block(w, g, m, v, lr, keep, beta1, one_minus_beta1, beta2, one_minus_beta2, unbias_m, ahead, unbias_v, eps):
    """Take one step of Adam, in place, for all weights of a block.

    `keep` is what decoupled weight decay leaves of a weight; `ahead` is how much the gradient itself counts beside
    the mean m: 0 in Adam.
    """
    for i in range(w.size):
        m[i] = beta1 * m[i] + one_minus_beta1 * g[i]
        v[i] = beta2 * v[i] + one_minus_beta2 * g[i] * g[i]
        step = (unbias_m * m[i] + ahead * g[i]) / (math.sqrt(v[i] * unbias_v) + eps)
        w[i] = keep * w[i] - lr * step
