"""QHAdam: Adam with both means diluted by the newest gradient."""

import math

from minnet.optimizers.base import Method, Range

FORMULA = """\
m ← β₁ m + (1 − β₁) g
v ← β₂ v + (1 − β₂) g²
m̂ = m / (1 − β₁ᵗ)
v̂ = v / (1 − β₂ᵗ)
w ← w − α ((1 − ν₁) g + ν₁ m̂) / (√((1 − ν₂) g² + ν₂ v̂) + ε)"""


def coefficients(t, lr, beta1, beta2, nu1, nu2, eps):
    """Return the bias corrections, and what is left of 1 beside every β and ν."""
    return {
        "lr": lr,
        "beta1": beta1,
        "one_minus_beta1": 1 - beta1,
        "beta2": beta2,
        "one_minus_beta2": 1 - beta2,
        "nu1": nu1,
        "one_minus_nu1": 1 - nu1,
        "nu2": nu2,
        "one_minus_nu2": 1 - nu2,
        "unbias_m": 1 / (1 - beta1**t),
        "unbias_v": 1 / (1 - beta2**t),
        "eps": eps,
    }


def qhadam(
    w, g, m, v, lr, beta1, one_minus_beta1, beta2, one_minus_beta2, nu1, one_minus_nu1, nu2, one_minus_nu2,
    unbias_m, unbias_v, eps,
):  # fmt: skip
    """Step by a mix of gradient and mean gradient, over the root of a mix of their squares.

    Examples
    --------
    >>> qhadam(1.0, 4.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.75, 0.25, 0.5, 0.5, 0.5, 0.5, 2.0, 4.0, 0.0)
    (0.5, 2.0, 4.0)
    """
    m = beta1 * m + one_minus_beta1 * g
    v = beta2 * v + one_minus_beta2 * g * g
    m_hat = m * unbias_m
    v_hat = v * unbias_v
    mean = one_minus_nu1 * g + nu1 * m_hat
    square = one_minus_nu2 * g * g + nu2 * v_hat
    return w - lr * mean / (math.sqrt(square) + eps), m, v


METHOD = Method(
    name="qhadam",
    title="QHAdam",
    formula=FORMULA,
    paper="Ma and Yarats (2019), Quasi-hyperbolic momentum and Adam for deep learning, arXiv:1810.06801, section 4",
    purpose="Adam with a longer memory of the gradient and yet a quicker reply. ν₁ = ν₂ = 1 is Adam, ν₁ = ν₂ = 0 "
    "almost signSGD.",
    notes="ν (.7, 1) and β (.995, .999) are what the paper advises; the authors' package starts as Adam.",
    rule=qhadam,
    slots=("m", "v"),
    coefficients=coefficients,
    defaults={"lr": 0.001, "beta1": 0.995, "beta2": 0.999, "nu1": 0.7, "nu2": 1.0, "eps": 1e-8},
    space={
        "lr": Range(1e-5, 1e-1),
        "beta1": Range(0.9, 0.999, "log(1-x)"),
        "beta2": Range(0.9, 0.9999, "log(1-x)"),
        "eps": Range(1e-10, 1e-2),
        "nu1": Range(0.5, 1.0, "linear"),
    },
)
