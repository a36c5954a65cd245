"""MADGRAD: dual averaging with a cube root, and momentum."""

import math

import numpy as np

from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
s ← s + α √t g
n ← n + α √t g²
z = x₀ − s / (∛n + ε)
w ← μ w + (1 − μ) z"""

FORMULA_OPTAX = """\
s ← s + (α + ε) √t g
n ← n + (α + ε) √t g²
z = x₀ − s / (∛n + ε)
w ← μ w + (1 − μ) z"""


def coefficients(t, lr, momentum, eps):
    """Return the weight α √t of this step's gradient, 1 − μ and ε."""
    return {"weight": lr * np.sqrt(t), "one_minus_momentum": 1 - momentum, "eps": eps}


def coefficients_optax(t, lr, momentum, eps):
    """Return the weight (α + ε) √t of this step's gradient, 1 − μ and ε."""
    return coefficients(t, lr + eps, momentum, eps)


def madgrad(w, g, s, n, x0, weight, one_minus_momentum, eps):
    """Go some of the way to where all gradients so far, weighted, send the start.

    Examples
    --------
    >>> madgrad(1.0, 2.0, 0.0, 0.0, 1.0, 2.0, 0.5, 0.0)
    (0.0, 4.0, 8.0, 1.0)
    """
    s = s + weight * g
    n = n + weight * g * g
    z = x0 - s / (math.cbrt(n) + eps)
    return w + one_minus_momentum * (z - w), s, n, x0


METHOD = Method(
    name="madgrad",
    title="MADGRAD",
    formula=FORMULA,
    paper="Defazio and Jelassi (2021), Adaptivity without compromise: a momentumized, adaptive, dual averaged "
    "gradient method for stochastic optimization, arXiv:2101.11075, Algorithm 1",
    purpose="Adaptive, but generalises as SGD does. Pulls towards the start, so decay less than with SGD.",
    notes="The authors' code and optax add ε to α as well, for stability; the paper does not. A step size of 0 "
    "stops the sums, not the weights, which go on towards z.",
    rule=madgrad,
    slots=("s", "n", "x0"),
    initial={"x0": "params"},
    coefficients=coefficients,
    defaults={"lr": 0.01, "momentum": 0.9, "eps": 1e-6},
    space={
        "lr": Range(1e-4, 1e0),
        "momentum": Range(0.5, 0.999, "log(1-x)"),
        "eps": Range(1e-8, 1e-3),
    },
    styles={
        "optax": Style(
            coefficients=coefficients_optax,
            formula=FORMULA_OPTAX,
            notes="ε is added to α too, so that the weights move a little even at a step size of 0.",
        )
    },
)
