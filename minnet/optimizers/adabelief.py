"""AdaBelief: Adam that divides by how far gradients stray from their own mean."""

import math

from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
m ← β₁ m + (1 − β₁) g
s ← β₂ s + (1 − β₂) (g − m)² + ε
m̂ = m / (1 − β₁ᵗ)
ŝ = s / (1 − β₂ᵗ)
w ← w − α m̂ / (√ŝ + ε)"""

FORMULA_OPTAX = """\
m ← β₁ m + (1 − β₁) g
s ← β₂ s + (1 − β₂) (g − m)² + ε₂
m̂ = m / (1 − β₁ᵗ)
ŝ = s / (1 − β₂ᵗ)
w ← w − α m̂ / (√ŝ + ε)"""


def coefficients(t, lr, beta1, beta2, **eps):
    """Return the bias corrections 1 / (1 − βᵗ) beside the hyperparameters."""
    return {
        "lr": lr,
        "beta1": beta1,
        "one_minus_beta1": 1 - beta1,
        "beta2": beta2,
        "one_minus_beta2": 1 - beta2,
        "unbias_m": 1 / (1 - beta1**t),
        "unbias_s": 1 / (1 - beta2**t),
        **eps,
    }


def adabelief(w, g, m, s, lr, beta1, one_minus_beta1, beta2, one_minus_beta2, unbias_m, unbias_s, eps):
    """Step far where the gradient is as foreseen, and little where it surprises.

    Examples
    --------
    >>> adabelief(1.0, 4.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.75, 0.25, 2.0, 4.0, 0.0)
    (0.0, 2.0, 1.0)
    """
    m = beta1 * m + one_minus_beta1 * g
    surprise = g - m
    s = beta2 * s + one_minus_beta2 * surprise * surprise + eps
    m_hat = m * unbias_m
    s_hat = s * unbias_s
    return w - lr * m_hat / (math.sqrt(s_hat) + eps), m, s


def adabelief_optax(
    w, g, m, s, lr, beta1, one_minus_beta1, beta2, one_minus_beta2, unbias_m, unbias_s, eps, eps_root
):  # fmt: skip
    """Step far where the gradient is as foreseen; what is added to `s` has a size of its own.

    Examples
    --------
    >>> adabelief_optax(1.0, 4.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.75, 0.25, 2.0, 4.0, 0.0, 3.0)
    (0.5, 2.0, 4.0)
    """
    m = beta1 * m + one_minus_beta1 * g
    surprise = g - m
    s = beta2 * s + one_minus_beta2 * surprise * surprise + eps_root
    m_hat = m * unbias_m
    s_hat = s * unbias_s
    return w - lr * m_hat / (math.sqrt(s_hat) + eps), m, s


METHOD = Method(
    name="adabelief",
    title="AdaBelief",
    formula=FORMULA,
    paper="Zhuang et al. (2020), AdaBelief optimizer: adapting stepsizes by the belief in observed gradients, "
    "arXiv:2010.07468, Algorithm 2",
    purpose="Adam's variance without its mean: steady gradients earn long steps, erratic ones short steps.",
    notes="ε is added to s at every step, not once, and again to the root. The authors' package rectifies the "
    "first steps as RAdam does unless told not to, which the paper's algorithm does not. optax calls the two "
    "places eps_root and eps.",
    rule=adabelief,
    slots=("m", "s"),
    coefficients=coefficients,
    defaults={"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-16},
    space={
        "lr": Range(1e-5, 1e-1),
        "beta1": Range(0.5, 0.999, "log(1-x)"),
        "beta2": Range(0.9, 0.9999, "log(1-x)"),
        "eps": Range(1e-16, 1e-4),
    },
    styles={
        "optax": Style(
            defaults={"eps_root": 1e-16},
            rule=adabelief_optax,
            formula=FORMULA_OPTAX,
            notes="What s grows by (ε₂, eps_root) and what is added to the root (ε, eps) can differ.",
        )
    },
)
