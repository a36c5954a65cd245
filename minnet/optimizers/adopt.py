"""ADOPT: Adam that measures a gradient by those before it."""

import math

import numpy as np

from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
t = 1: v ← g²
t > 1: c = clip(g / max(√v, ε), ±(t − 1)^¼)
t > 1: m ← β₁ m + (1 − β₁) c
t > 1: w ← w − α m
t > 1: v ← β₂ v + (1 − β₂) g²"""


def coefficients(t, lr, beta1, beta2, eps):
    """Return what makes the first step fill v and move nothing: β₂ = 0 and a bound of 0."""
    return {
        "lr": lr,
        "beta1": beta1,
        "one_minus_beta1": 1 - beta1,
        "beta2": np.where(t > 1, beta2, 0.0),
        "one_minus_beta2": np.where(t > 1, 1 - beta2, 1.0),
        "eps": eps,
        "bound": (t - 1) ** 0.25,
    }


def adopt(w, g, m, v, lr, beta1, one_minus_beta1, beta2, one_minus_beta2, eps, bound):
    """Step by the mean of gradients that were each measured by the second moment before them.

    Examples
    --------
    The first step only fills `v`:

    >>> adopt(1.0, 4.0, 0.0, 0.0, 1.0, 0.5, 0.5, 0.0, 1.0, 0.25, 0.0)
    (1.0, 0.0, 16.0)
    >>> adopt(1.0, 2.0, 0.0, 16.0, 1.0, 0.5, 0.5, 0.75, 0.25, 0.25, 1.0)
    (0.75, 0.25, 13.0)
    """
    measured = g / max(math.sqrt(v), eps)
    clipped = min(max(measured, -bound), bound)
    m = beta1 * m + one_minus_beta1 * clipped
    v = beta2 * v + one_minus_beta2 * g * g
    return w - lr * m, m, v


METHOD = Method(
    name="adopt",
    title="ADOPT",
    formula=FORMULA,
    paper="Taniguchi et al. (2024), ADOPT: modified Adam can converge with any β₂ with the optimal rate, "
    "arXiv:2411.02853, with clipping",
    purpose="Adam that converges whatever β₂: no gradient helps to measure itself, and none is longer than t^¼.",
    notes="The first gradient only fills v; the clipping is of the paper's later versions and of the authors' code.",
    rule=adopt,
    slots=("m", "v"),
    coefficients=coefficients,
    defaults={"lr": 0.001, "beta1": 0.9, "beta2": 0.9999, "eps": 1e-6},
    space={"lr": Range(1e-5, 1e-1)},
    styles={"optax": Style()},
)
