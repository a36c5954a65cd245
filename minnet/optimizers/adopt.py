"""ADOPT: Adam that measures a gradient by those before it."""

import math

import numpy as np

from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
c = clip(g / max(√v, ε), ±(t − 1)^¼)
m ← β₁ m + (1 − β₁) c
w ← w − α m
v ← β₂ v + (1 − β₂) g², at the first step g²"""


def coefficients(t, lr, beta1, beta2, eps):
    """Return the bound of a measured gradient, 0 at the first step, and what makes that fill v, which is 0."""
    return {
        "lr": lr,
        "beta1": beta1,
        "one_minus_beta1": 1 - beta1,
        "beta2": beta2,
        "one_minus_beta2": np.where(t > 1, 1 - beta2, 1.0),
        "eps": eps,
        "bound": (t - 1) ** 0.25,
    }


def adopt(w, g, m, v, lr, beta1, one_minus_beta1, beta2, one_minus_beta2, eps, bound):
    """Step by the mean of gradients that were each measured by the second moment before them.

    Examples
    --------
    The first step only fills `v`:

    >>> adopt(1.0, 4.0, 0.0, 0.0, 1.0, 0.5, 0.5, 0.75, 1.0, 0.25, 0.0)
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
    space={
        "lr": Range(1e-5, 1e-1),
        "beta1": Range(0.5, 0.999, "log(1-x)"),
        "beta2": Range(0.99, 0.99999, "log(1-x)"),
    },
    styles={"optax": Style()},
)
