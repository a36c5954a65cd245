"""Adam: an exponential mean of gradients over the root of one of their squares."""

import math

import numpy as np

from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
m ← β₁ m + (1 − β₁) g
v ← β₂ v + (1 − β₂) g²
m̂ = m / (1 − β₁ᵗ)
v̂ = v / (1 − β₂ᵗ)
w ← w − α m̂ / (√v̂ + ε)"""


def coefficients(t, lr, beta1, beta2, eps):
    """Return the bias corrections 1 / (1 − βᵗ) beside the hyperparameters."""
    return {
        "lr": lr,
        "beta1": beta1,
        "one_minus_beta1": 1 - beta1,
        "beta2": beta2,
        "one_minus_beta2": 1 - beta2,
        "unbias_m": 1 / (1 - beta1**t),
        "unbias_v": 1 / (1 - beta2**t),
        "eps": eps,
    }


def adam(w, g, m, v, lr, beta1, one_minus_beta1, beta2, one_minus_beta2, unbias_m, unbias_v, eps):
    """Step by the mean gradient, measured in its own typical size.

    Examples
    --------
    The first step has the length of the learning rate, whatever the gradient:

    >>> w, m, v = adam(1.0, 50.0, 0.0, 0.0, 0.5, 0.75, 0.25, 0.75, 0.25, 4.0, 4.0, 0.0)
    >>> w
    0.5
    """
    m = beta1 * m + one_minus_beta1 * g
    v = beta2 * v + one_minus_beta2 * g * g
    m_hat = m * unbias_m
    v_hat = v * unbias_v
    return w - lr * m_hat / (math.sqrt(v_hat) + eps), m, v


FORMULA_HAT = """\
m ← β₁ m + (1 − β₁) g
v ← β₂ v + (1 − β₂) g²
αₜ = α √(1 − β₂ᵗ) / (1 − β₁ᵗ)
w ← w − αₜ m / (√v + ε)"""


def coefficients_hat(t, lr, beta1, beta2, eps):
    """Return both bias corrections as one factor of the step, beside the hyperparameters."""
    return {
        "lr": lr,
        "beta1": beta1,
        "one_minus_beta1": 1 - beta1,
        "beta2": beta2,
        "one_minus_beta2": 1 - beta2,
        "unbias": np.sqrt(1 - beta2**t) / (1 - beta1**t),
        "eps": eps,
    }


def adam_hat(w, g, m, v, lr, beta1, one_minus_beta1, beta2, one_minus_beta2, unbias, eps):
    """Step by the mean gradient over the uncorrected root: both corrections scale the step, none scales ε.

    Examples
    --------
    >>> adam_hat(1.0, 8.0, 0.0, 0.0, 0.5, 0.75, 0.25, 0.75, 0.25, 2.0, 0.0)
    (0.5, 2.0, 16.0)
    """
    m = beta1 * m + one_minus_beta1 * g
    v = beta2 * v + one_minus_beta2 * g * g
    return w - lr * unbias * m / (math.sqrt(v) + eps), m, v


HAT = "The ε̂ form of the paper's section 2: ε is added to the uncorrected root, so it counts 31.6 times more at t = 1."


METHOD = Method(
    name="adam",
    title="Adam",
    slide=10,
    formula=FORMULA,
    paper="Kingma and Ba (2015), Adam: a method for stochastic optimization, arXiv:1412.6980, Algorithm 1",
    purpose="RMSProp with inertia and with both means corrected for their start at zero.",
    notes="Keras and scikit-learn use the ε̂ form of the paper's section 2, in which ε counts 31.6 times more at "
    "the first step.",
    rule=adam,
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
        "torch": Style(),
        "keras": Style(
            defaults={"eps": 1e-7}, rule=adam_hat, coefficients=coefficients_hat, formula=FORMULA_HAT, notes=HAT
        ),
        "optax": Style(),
        "sklearn": Style(rule=adam_hat, coefficients=coefficients_hat, formula=FORMULA_HAT, notes=HAT),
    },
)
