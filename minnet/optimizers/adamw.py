"""AdamW: Adam with the decay of the weights taken out of the gradient."""

import math

from minnet.optimizers import adam
from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
m ← β₁ m + (1 − β₁) g
v ← β₂ v + (1 − β₂) g²
m̂ = m / (1 − β₁ᵗ)
v̂ = v / (1 − β₂ᵗ)
w ← w − α (m̂ / (√v̂ + ε) + λ w)"""
FORMULA_HAT = """\
m ← β₁ m + (1 − β₁) g
v ← β₂ v + (1 − β₂) g²
αₜ = α √(1 − β₂ᵗ) / (1 − β₁ᵗ)
w ← w − αₜ m / (√v + ε) − α λ w"""


def coefficients(t, lr, beta1, beta2, eps, weight_decay):
    """Return Adam's coefficients and λ."""
    return {**adam.coefficients(t, lr, beta1, beta2, eps), "weight_decay": weight_decay}


def coefficients_hat(t, lr, beta1, beta2, eps, weight_decay):
    """Return the coefficients of Adam's ε̂ form and λ."""
    return {**adam.coefficients_hat(t, lr, beta1, beta2, eps), "weight_decay": weight_decay}


def adamw(w, g, m, v, lr, beta1, one_minus_beta1, beta2, one_minus_beta2, unbias_m, unbias_v, eps, weight_decay):
    """Take Adam's step, and shrink the weight by a fraction that no gradient rescales.

    Examples
    --------
    >>> adamw(2.0, 50.0, 0.0, 0.0, 0.5, 0.75, 0.25, 0.75, 0.25, 4.0, 4.0, 0.0, 0.25)
    (1.25, 12.5, 625.0)
    """
    m = beta1 * m + one_minus_beta1 * g
    v = beta2 * v + one_minus_beta2 * g * g
    m_hat = m * unbias_m
    v_hat = v * unbias_v
    return w - lr * (m_hat / (math.sqrt(v_hat) + eps) + weight_decay * w), m, v


def adamw_hat(w, g, m, v, lr, beta1, one_minus_beta1, beta2, one_minus_beta2, unbias, eps, weight_decay):
    """Take the step of Adam's ε̂ form, and shrink the weight.

    Examples
    --------
    >>> adamw_hat(2.0, 8.0, 0.0, 0.0, 0.5, 0.75, 0.25, 0.75, 0.25, 2.0, 0.0, 0.25)
    (1.25, 2.0, 16.0)
    """
    m = beta1 * m + one_minus_beta1 * g
    v = beta2 * v + one_minus_beta2 * g * g
    return w - lr * (unbias * m / (math.sqrt(v) + eps) + weight_decay * w), m, v


METHOD = Method(
    name="adamw",
    title="AdamW",
    formula=FORMULA,
    paper="Loshchilov and Hutter (2019), Decoupled weight decay regularization, arXiv:1711.05101, Algorithm 2",
    purpose="Adam for networks that need weight decay: every weight shrinks at the same rate, however large its "
    "gradients are.",
    notes="λ is multiplied by α, as in every library; the paper's own λ is not, and equals α λ here. Biases are "
    "spared unless training says otherwise. PyTorch's default λ is .01, Keras's .004, optax's 1e-4; the paper "
    "gives none.",
    rule=adamw,
    slots=("m", "v"),
    coefficients=coefficients,
    defaults={"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01},
    space={
        "lr": Range(1e-5, 1e-1),
        "beta1": Range(0.5, 0.999, "log(1-x)"),
        "beta2": Range(0.9, 0.9999, "log(1-x)"),
        "eps": Range(1e-10, 1e-2),
        "weight_decay": Range(1e-4, 1e0),
    },
    styles={
        "torch": Style(),
        "keras": Style(
            defaults={"eps": 1e-7, "weight_decay": 0.004},
            rule=adamw_hat,
            coefficients=coefficients_hat,
            formula=FORMULA_HAT,
            notes=adam.HAT,
        ),
        "optax": Style(defaults={"weight_decay": 1e-4}),
    },
)
