"""Centred RMSProp with momentum: RMSProp by the standard deviation of the gradient."""

import math

from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
n ← ρ n + (1 − ρ) g²
m ← ρ m + (1 − ρ) g
Δ ← μ Δ + α g / √(n − m² + ε)
w ← w − Δ"""

FORMULA_TORCH = """\
n ← ρ n + (1 − ρ) g²
m ← ρ m + (1 − ρ) g
Δ ← μ Δ + g / (√(n − m²) + ε)
w ← w − α Δ"""


def coefficients(t, lr, rho, momentum, eps):
    """Return the hyperparameters and 1 − ρ."""
    return {"lr": lr, "rho": rho, "one_minus_rho": 1 - rho, "momentum": momentum, "eps": eps, "zero": 0.0}


def rmsprop_graves(w, g, n, m, step, lr, rho, one_minus_rho, momentum, eps, zero):
    """Divide by the typical distance of the gradient from its mean, then step with momentum.

    The variance is not negative but for rounding, which must not reach the root.

    Examples
    --------
    >>> rmsprop_graves(1.0, 4.0, 0.0, 0.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.0, 0.0)
    (-0.25, 8.0, 2.0, 1.25)
    """
    n = rho * n + one_minus_rho * g * g
    m = rho * m + one_minus_rho * g
    variance = max(n - m * m, zero)
    step = momentum * step + lr * g / math.sqrt(variance + eps)
    return w - step, n, m, step


def rmsprop_graves_torch(w, g, n, m, step, lr, rho, one_minus_rho, momentum, eps, zero):
    """Divide by the standard deviation of the gradient and ε; the learning rate stands outside the momentum.

    Examples
    --------
    >>> rmsprop_graves_torch(1.0, 4.0, 0.0, 0.0, 1.0, 0.5, 0.5, 0.5, 0.25, 2.0, 0.0)
    (0.375, 8.0, 2.0, 1.25)
    """
    n = rho * n + one_minus_rho * g * g
    m = rho * m + one_minus_rho * g
    variance = max(n - m * m, zero)
    step = momentum * step + g / (math.sqrt(variance) + eps)
    return w - lr * step, n, m, step


METHOD = Method(
    name="rmsprop_graves",
    title="RMSProp, centred, with momentum",
    formula=FORMULA,
    paper="Graves (2013), Generating sequences with recurrent neural networks, arXiv:1308.0850, equations 38 to 41",
    purpose="RMSProp that takes steady gradients for good news: what divides is their spread, not their size.",
    notes="ε inside the root and the learning rate inside the momentum, as in Keras and optax; PyTorch has both "
    "outside. The libraries' own default is no momentum and no centring; here their forms are centred.",
    rule=rmsprop_graves,
    slots=("n", "m", "step"),
    coefficients=coefficients,
    defaults={"lr": 1e-4, "rho": 0.95, "momentum": 0.9, "eps": 1e-4},
    space={
        "lr": Range(1e-5, 1e-1),
        "rho": Range(0.5, 0.999, "log(1-x)"),
        "momentum": Range(0.5, 0.99, "log(1-x)"),
        "eps": Range(1e-8, 1e-2),
    },
    styles={
        "torch": Style(
            defaults={"lr": 0.01, "rho": 0.99, "momentum": 0.0, "eps": 1e-8},
            rule=rmsprop_graves_torch,
            formula=FORMULA_TORCH,
            notes="RMSprop(centered=True): ε outside the root, the learning rate outside the momentum.",
        ),
        "keras": Style(defaults={"lr": 0.001, "rho": 0.9, "momentum": 0.0, "eps": 1e-7}),
        "optax": Style(defaults={"rho": 0.9, "momentum": 0.0, "eps": 1e-8}),
    },
)
