"""Adan: Adam with a mean of gradients, a mean of their changes, and Nesterov's look-ahead."""

import math

import numpy as np

from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
d = g − g₋₁, at the first step 0
m ← β₁ m + (1 − β₁) g
v ← β₂ v + (1 − β₂) d
n ← β₃ n + (1 − β₃) (g + β₂ d)²
m̂ = m / (1 − β₁ᵗ)
v̂ = v / (1 − β₂ᵗ)
n̂ = n / (1 − β₃ᵗ)
w ← (w − α (m̂ + β₂ v̂) / (√n̂ + ε)) / (1 + α λ)"""

FORMULA_OPTAX = """\
d = g − g₋₁, at the first step 0
m ← β₁ m + (1 − β₁) g
v ← β₂ v + (1 − β₂) d
n ← β₃ n + (1 − β₃) (g + (1 − β₂) d)²
m̂ = m / (1 − β₁ᵗ)
v̂ = v / (1 − β₂ᵗ)
n̂ = n / (1 − β₃ᵗ)
w ← w − α ((m̂ + (1 − β₂) v̂) / (√(n̂ + ε₂) + ε) + λ w)"""


def coefficients(t, lr, beta1, beta2, beta3, weight_decay, **eps):
    """Return the bias corrections, 0 at the first step to say that no change is known, and 1 / (1 + α λ)."""
    return {
        "lr": lr,
        "beta1": beta1,
        "one_minus_beta1": 1 - beta1,
        "beta2": beta2,
        "one_minus_beta2": 1 - beta2,
        "beta3": beta3,
        "one_minus_beta3": 1 - beta3,
        "unbias_m": 1 / (1 - beta1**t),
        "unbias_v": 1 / (1 - beta2**t),
        "unbias_n": 1 / (1 - beta3**t),
        "later": np.where(t > 1, 1.0, 0.0),
        "weight_decay": weight_decay,
        "shrink": 1 / (1 + lr * weight_decay),
        **eps,
    }


def adan(
    w, g, m, v, n, before, lr, beta1, one_minus_beta1, beta2, one_minus_beta2, beta3, one_minus_beta3,
    unbias_m, unbias_v, unbias_n, later, eps, shrink,
):  # fmt: skip
    """Step by where the gradient is heading, over the typical size of that.

    Examples
    --------
    >>> adan(2.0, 4.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.75, 0.25, 2.0, 2.0, 4.0, 0.0, 0.0, 0.5)
    (0.5, 2.0, 0.0, 4.0, 4.0)
    """
    change = later * (g - before)
    m = beta1 * m + one_minus_beta1 * g
    v = beta2 * v + one_minus_beta2 * change
    ahead = g + beta2 * change
    n = beta3 * n + one_minus_beta3 * ahead * ahead
    m_hat = m * unbias_m
    v_hat = v * unbias_v
    n_hat = n * unbias_n
    return (w - lr * (m_hat + beta2 * v_hat) / (math.sqrt(n_hat) + eps)) * shrink, m, v, n, g


def adan_optax(
    w, g, m, v, n, before, lr, beta1, one_minus_beta1, beta2, one_minus_beta2, beta3, one_minus_beta3,
    unbias_m, unbias_v, unbias_n, later, eps, eps_root, weight_decay,
):  # fmt: skip
    """Step a little by where the gradient is heading: its change counts by 1 − β₂.

    Examples
    --------
    >>> adan_optax(2.0, 4.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.75, 0.25,
    ...            2.0, 2.0, 4.0, 0.0, 3.0, 9.0, 0.25)
    (1.0, 2.0, 0.0, 4.0, 4.0)
    """
    change = later * (g - before)
    m = beta1 * m + one_minus_beta1 * g
    v = beta2 * v + one_minus_beta2 * change
    ahead = g + one_minus_beta2 * change
    n = beta3 * n + one_minus_beta3 * ahead * ahead
    m_hat = m * unbias_m
    v_hat = v * unbias_v
    n_hat = n * unbias_n
    step = (m_hat + one_minus_beta2 * v_hat) / (math.sqrt(n_hat + eps_root) + eps)
    return w - lr * (step + weight_decay * w), m, v, n, g


METHOD = Method(
    name="adan",
    title="Adan",
    formula=FORMULA,
    paper="Xie et al. (2022), Adan: adaptive Nesterov momentum algorithm for faster optimizing deep models, "
    "arXiv:2208.06677, Algorithm 1, with the bias corrections of the authors' code",
    purpose="Nesterov's look-ahead for Adam, from the changes of the gradient. Bears large steps and batches.",
    notes="β is what is kept, as in the authors' code (.98, .92, .99); the paper writes 1 − β for it (.02, .08, "
    ".01). The decay is proximal: a division by 1 + α λ. optax takes the paper's 1 − β₂ for its own β₂, so that "
    "the changes count by .08, not by .92, adds a second ε inside the root and decays as AdamW does.",
    rule=adan,
    slots=("m", "v", "n", "before"),
    coefficients=coefficients,
    defaults={"lr": 0.001, "beta1": 0.98, "beta2": 0.92, "beta3": 0.99, "eps": 1e-8, "weight_decay": 0.0},
    space={
        "lr": Range(1e-5, 1e-1),
        "beta1": Range(0.9, 0.999, "log(1-x)"),
        "beta2": Range(0.8, 0.99, "log(1-x)"),
        "beta3": Range(0.9, 0.999, "log(1-x)"),
        "weight_decay": Range(1e-4, 1e0),
    },
    styles={
        "optax": Style(
            defaults={"eps_root": 1e-8},
            rule=adan_optax,
            formula=FORMULA_OPTAX,
            notes="The changes count by 1 − β₂ = .08 where the authors' code has .92; ε₂ (eps_root) stands inside "
            "the root; the decay is AdamW's.",
        )
    },
)
