"""RAdam: Adam that waits until its mean square can be trusted."""

import math

import numpy as np

from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
m ← β₁ m + (1 − β₁) g
v ← β₂ v + (1 − β₂) g²
m̂ = m / (1 − β₁ᵗ)
ρ∞ = 2 / (1 − β₂) − 1
ρ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)
r = √((ρ − 4) (ρ − 2) ρ∞ / ((ρ∞ − 4) (ρ∞ − 2) ρ))
w ← w − α m̂ · r √(1 − β₂ᵗ) / (√v + ε)    if ρ > 4
w ← w − α m̂    otherwise"""
FORMULA_TORCH = FORMULA.replace("ρ > 4", "ρ > 5")
FORMULA_OPTAX = (
    FORMULA.replace("ρ > 4", "ρ ≥ 5")
    .replace("√(1 − β₂ᵗ) / (√v + ε)", "/ (√v̂ + ε)")
    .replace("\nρ∞", "\nv̂ = v / (1 − β₂ᵗ)\nρ∞", 1)
)


def length(t, beta2):
    """Return ρ∞ and ρ at every t: how many gradients the mean of squares stands for."""
    longest = 2 / (1 - beta2) - 1
    return longest, longest - 2 * t * beta2**t / (1 - beta2**t)


def rectification(t, beta2, threshold=4.0):
    """Return r at every t, 0 where ρ does not exceed the threshold.

    Examples
    --------
    >>> rectification(np.array([4.0, 6.0, 1000.0]), 0.999).round(5)
    array([0.     , 0.02582, 0.64533])
    """
    longest, rho = length(t, beta2)
    trusted = rho > threshold
    rho, r = rho[trusted], np.zeros(len(t))
    r[trusted] = np.sqrt((rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho))
    return r


def coefficients(t, lr, beta1, beta2, eps, threshold=4.0):
    """Return r (or 0, and then 1 for a plain step) and the bias corrections, beside the hyperparameters."""
    r = rectification(t, beta2, threshold)
    return {
        "lr": lr,
        "beta1": beta1,
        "one_minus_beta1": 1 - beta1,
        "beta2": beta2,
        "one_minus_beta2": 1 - beta2,
        "unbias_m": 1 / (1 - beta1**t),
        "unbias_rate": np.sqrt(1 - beta2**t),
        "rectify": r,
        "plain": np.where(r > 0, 0.0, 1.0),
        "eps": eps,
    }


def coefficients_torch(t, lr, beta1, beta2, eps):
    """Return the same with the threshold at 5."""
    return coefficients(t, lr, beta1, beta2, eps, threshold=5.0)


def coefficients_optax(t, lr, beta1, beta2, eps):
    """Return the same with 5 itself above the threshold, and the correction of v."""
    below = np.nextafter(5.0, 0.0)
    return {**coefficients(t, lr, beta1, beta2, eps, threshold=below), "unbias_v": 1 / (1 - beta2**t)}


def radam(
    w, g, m, v, lr, beta1, one_minus_beta1, beta2, one_minus_beta2, unbias_m, unbias_rate, rectify, plain, eps
):  # fmt: skip
    """Step by the mean gradient: plainly at first, then as far in its own typical size as that is known.

    Examples
    --------
    >>> radam(1.0, 8.0, 0.0, 0.0, 0.5, 0.75, 0.25, 0.75, 0.25, 4.0, 0.5, 0.25, 0.0, 0.0)
    (0.875, 2.0, 16.0)
    >>> radam(1.0, 8.0, 0.0, 0.0, 0.5, 0.75, 0.25, 0.75, 0.25, 4.0, 0.5, 0.0, 1.0, 0.0)
    (-3.0, 2.0, 16.0)
    """
    m = beta1 * m + one_minus_beta1 * g
    v = beta2 * v + one_minus_beta2 * g * g
    m_hat = m * unbias_m
    rate = unbias_rate / (math.sqrt(v) + eps)
    return w - lr * m_hat * (rectify * rate + plain), m, v


def radam_optax(
    w, g, m, v, lr, beta1, one_minus_beta1, beta2, one_minus_beta2, unbias_m, unbias_v, rectify, plain, eps
):  # fmt: skip
    """Do the same with ε beside the root of the corrected mean square.

    Examples
    --------
    >>> radam_optax(1.0, 8.0, 0.0, 0.0, 0.5, 0.75, 0.25, 0.75, 0.25, 4.0, 4.0, 0.25, 0.0, 0.0)
    (0.875, 2.0, 16.0)
    """
    m = beta1 * m + one_minus_beta1 * g
    v = beta2 * v + one_minus_beta2 * g * g
    m_hat = m * unbias_m
    v_hat = v * unbias_v
    return w - lr * m_hat * (rectify / (math.sqrt(v_hat) + eps) + plain), m, v


METHOD = Method(
    name="radam",
    title="RAdam",
    formula=FORMULA,
    paper="Liu et al. (2020), On the variance of the adaptive learning rate and beyond, arXiv:1908.03265, Algorithm 2",
    purpose="Adam that needs no warm-up: its first steps are momentum's, and its rate grows as v becomes reliable.",
    notes="The paper has no ε; here it is added to √v, as the authors and PyTorch do. Rectified from ρ > 4 as in the "
    "paper; PyTorch waits for ρ > 5 and optax for ρ ≥ 5, one step longer at β₂ = .999. Some libraries make no step at "
    "all before that.",
    rule=radam,
    slots=("m", "v"),
    coefficients=coefficients,
    defaults={"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    space={
        "lr": Range(1e-5, 1e-1),
        "beta1": Range(0.5, 0.999, "log(1-x)"),
        "beta2": Range(0.9, 0.9999, "log(1-x)"),
        "eps": Range(1e-10, 1e-2),
    },
    styles={
        "torch": Style(
            coefficients=coefficients_torch, formula=FORMULA_TORCH, notes="Rectified only where ρ exceeds 5."
        ),
        "optax": Style(
            rule=radam_optax,
            coefficients=coefficients_optax,
            formula=FORMULA_OPTAX,
            notes="Rectified from ρ = 5 on; ε is added to the root of the corrected v̂.",
        ),
    },
)
