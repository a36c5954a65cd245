"""Yogi: Adam whose second moment moves by small steps, up or down."""

import math

from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
m ← β₁ m + (1 − β₁) g
v ← v − (1 − β₂) sign(v − g²) g²
w ← w − α m / (√v + ε)"""

FORMULA_UNBIASED = """\
m ← β₁ m + (1 − β₁) g
v ← v − (1 − β₂) sign(v − g²) g²
m̂ = m / (1 − β₁ᵗ)
v̂ = v / (1 − β₂ᵗ)
w ← w − α m̂ / (√v̂ + ε)"""


def coefficients(t, lr, beta1, beta2, eps):
    """Return β₁, 1 − β₁, 1 − β₂ and the bias corrections, which the paper's rule has no use for."""
    return {
        "lr": lr,
        "beta1": beta1,
        "one_minus_beta1": 1 - beta1,
        "one_minus_beta2": 1 - beta2,
        "unbias_m": 1 / (1 - beta1**t),
        "unbias_v": 1 / (1 - beta2**t),
        "eps": eps,
        "zero": 0.0,
    }


def yogi(w, g, m, v, lr, beta1, one_minus_beta1, one_minus_beta2, eps, zero):
    """Step by the mean gradient over a second moment that changes by a share of g², not of its distance from it.

    Examples
    --------
    >>> yogi(1.0, 4.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.25, 0.0, 0.0)
    (0.5, 2.0, 4.0)
    >>> yogi(1.0, 0.0, 0.0, 4.0, 0.5, 0.5, 0.5, 0.25, 0.0, 0.0)
    (1.0, 0.0, 4.0)
    """
    m = beta1 * m + one_minus_beta1 * g
    square = g * g
    excess = v - square
    fall = math.copysign(square, excess) if abs(excess) > zero else excess
    v = v - one_minus_beta2 * fall
    return w - lr * m / (math.sqrt(v) + eps), m, v


def yogi_unbiased(w, g, m, v, lr, beta1, one_minus_beta1, one_minus_beta2, unbias_m, unbias_v, eps, zero):
    """Step by the mean gradient over the second moment, both corrected as if they had started at 0.

    Examples
    --------
    >>> yogi_unbiased(1.0, 4.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.25, 2.0, 4.0, 0.0, 0.0)
    (0.5, 2.0, 4.0)
    """
    m = beta1 * m + one_minus_beta1 * g
    square = g * g
    excess = v - square
    fall = math.copysign(square, excess) if abs(excess) > zero else excess
    v = v - one_minus_beta2 * fall
    m_hat = m * unbias_m
    v_hat = v * unbias_v
    return w - lr * m_hat / (math.sqrt(v_hat) + eps), m, v


METHOD = Method(
    name="yogi",
    title="Yogi",
    formula=FORMULA,
    paper="Zaheer et al. (2018), Adaptive methods for nonconvex optimization, NeurIPS, Algorithm 2",
    purpose="Adam whose effective rates cannot jump up when gradients suddenly shrink.",
    notes="The paper corrects no bias and starts v at a small positive value; m and v start at 1e-6 here, as in "
    "every library. The libraries correct the bias as Adam does.",
    rule=yogi,
    slots=("m", "v"),
    initial={"m": 1e-6, "v": 1e-6},
    coefficients=coefficients,
    defaults={"lr": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 1e-3},
    space={
        "lr": Range(1e-4, 1e0),
        "beta1": Range(0.5, 0.999, "log(1-x)"),
        "beta2": Range(0.9, 0.9999, "log(1-x)"),
        "eps": Range(1e-6, 1e-1),
    },
    styles={
        "optax": Style(
            rule=yogi_unbiased,
            formula=FORMULA_UNBIASED,
            notes="Bias corrections as in Adam, although m and v start at 1e-6.",
        )
    },
)
