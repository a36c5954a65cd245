"""LAMB: Adam whose step is, in every layer, in proportion to the layer's weights."""

import math

import numpy as np

from minnet.optimizers.base import Method, Range, Style
from minnet.optimizers.blocks import length, place

FORMULA = """\
m ← β₁ m + (1 − β₁) g
v ← β₂ v + (1 − β₂) g²
r = m̂ / (√v̂ + ε),  m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)
for every layer:
    u = r + λ w
    w ← w − α ‖w‖ / ‖u‖ u"""

KERAS = """\
m ← β₁ m + (1 − β₁) g
v ← β₂ v + (1 − β₂) g²
r = m̂ / (√v̂ + ε),  m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)
for every layer:
    w ← (1 − α λ) w
    w ← w − α ‖w‖ / ‖r‖ r"""


def coefficients(t, lr, beta1, beta2, eps, weight_decay):
    """Return the bias corrections and the decay, which is part of the step."""
    return {
        "lr": lr,
        "keep": 1.0,
        "beta1": beta1,
        "one_minus_beta1": 1 - beta1,
        "beta2": beta2,
        "one_minus_beta2": 1 - beta2,
        "unbias_m": 1 / (1 - beta1**t),
        "unbias_v": 1 / (1 - beta2**t),
        "eps": eps,
        "weight_decay": weight_decay,
    }


def coefficients_keras(t, lr, beta1, beta2, eps, weight_decay):
    """Return the same with a decay that comes before the step."""
    return {**coefficients(t, lr, beta1, beta2, eps, 0.0), "keep": 1 - lr * weight_decay}


def lamb(params, grads, slots, memory, blocks, coefficients):
    """Step every layer in Adam's direction, by a fraction of the layer's norm.

    A layer whose weights or steps are all zero has no ratio: it moves as in Adam.
    """
    for k in range(blocks.shape[0]):
        first, end, row = place(blocks, k)
        w, g, m, v = params[first:end], grads[first:end], slots[0][first:end], slots[1][first:end]
        c = coefficients[row]
        lr, keep, beta1, one_minus_beta1, beta2, one_minus_beta2 = c[0], c[1], c[2], c[3], c[4], c[5]
        unbias_m, unbias_v, eps, decay = c[6], c[7], c[8], c[9]
        u = np.empty_like(w)
        for i in range(w.size):
            m[i] = beta1 * m[i] + one_minus_beta1 * g[i]
            v[i] = beta2 * v[i] + one_minus_beta2 * g[i] * g[i]
            w[i] *= keep
            u[i] = m[i] * unbias_m / (math.sqrt(v[i] * unbias_v) + eps) + decay * w[i]
        size, step = length(w), length(u)
        rate = lr * size / step if size > 0 and step > 0 else lr
        for i in range(w.size):
            w[i] -= rate * u[i]


METHOD = Method(
    name="lamb",
    title="LAMB",
    formula=FORMULA,
    paper="You et al. (2020), Large batch optimization for deep learning: training BERT in 76 minutes, "
    "arXiv:1904.00962, Algorithm 2",
    purpose="Adam for very large batches: no layer moves by more than a fixed fraction of its size.",
    notes="The paper's bound on ‖w‖ is left out, as in optax and Keras. Some libraries leave out the bias "
    "correction, or bound ‖w‖ by 10. In Keras the decay comes before the step and does not enter the ratio.",
    update=lamb,
    helpers=(place, length),
    columns=("lr", "keep", "beta1", "one_minus_beta1", "beta2", "one_minus_beta2", "unbias_m", "unbias_v", "eps",
             "weight_decay"),
    slots=("m", "v"),
    coefficients=coefficients,
    defaults={"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-6, "weight_decay": 0.01},
    space={
        "lr": Range(1e-4, 1e0),
        "beta1": Range(0.5, 0.999, "log(1-x)"),
        "beta2": Range(0.9, 0.9999, "log(1-x)"),
        "weight_decay": Range(1e-4, 1e0),
    },
    styles={
        "keras": Style(defaults={"eps": 1e-7, "weight_decay": 0.0}, coefficients=coefficients_keras, formula=KERAS),
        "optax": Style(defaults={"weight_decay": 0.0}),
    },
)  # fmt: skip
