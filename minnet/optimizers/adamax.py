"""Adamax: Adam measured by the largest recent gradient instead of the mean square."""

from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
m ← β₁ m + (1 − β₁) g
u ← max(β₂ u, |g| + ε)
w ← w − α / (1 − β₁ᵗ) · m / u"""
FORMULA_KERAS = """\
m ← β₁ m + (1 − β₁) g
u ← max(β₂ u, |g|)
w ← w − α / (1 − β₁ᵗ) · m / (u + ε)"""


def coefficients(t, lr, beta1, beta2, eps):
    """Return the bias correction 1 / (1 − β₁ᵗ) beside the hyperparameters."""
    return {
        "lr": lr,
        "beta1": beta1,
        "one_minus_beta1": 1 - beta1,
        "beta2": beta2,
        "unbias_m": 1 / (1 - beta1**t),
        "eps": eps,
    }


def adamax(w, g, m, u, lr, beta1, one_minus_beta1, beta2, unbias_m, eps):
    """Step by the mean gradient over the largest recent one.

    Examples
    --------
    The first step has the length of the learning rate, whatever the gradient:

    >>> adamax(1.0, -6.0, 0.0, 0.0, 0.5, 0.75, 0.25, 0.75, 4.0, 0.0)
    (1.5, -1.5, 6.0)
    """
    m = beta1 * m + one_minus_beta1 * g
    u = max(beta2 * u, abs(g) + eps)
    return w - lr * unbias_m * m / u, m, u


def adamax_keras(w, g, m, u, lr, beta1, one_minus_beta1, beta2, unbias_m, eps):
    """Step by the mean gradient over the largest recent one plus ε.

    Examples
    --------
    >>> adamax_keras(1.0, -6.0, 0.0, 0.0, 0.5, 0.75, 0.25, 0.75, 4.0, 2.0)
    (1.375, -1.5, 6.0)
    """
    m = beta1 * m + one_minus_beta1 * g
    u = max(beta2 * u, abs(g))
    return w - lr * unbias_m * m / (u + eps), m, u


METHOD = Method(
    name="adamax",
    title="Adamax",
    formula=FORMULA,
    paper="Kingma and Ba (2015), Adam: a method for stochastic optimization, arXiv:1412.6980, Algorithm 2",
    purpose="Adam whose steps stay within the step size: a sudden large gradient is divided by itself.",
    notes="The paper has no ε; here, as in PyTorch and optax, it is added to |g| before the maximum. Keras adds it to "
    "u after. The paper's bound |Δw| ≤ α is not exact for gradients that shrink by β₂ at every step: they reach "
    "α (1 − β₁) / (1 − β₁/β₂), which is 1.009 α.",
    rule=adamax,
    slots=("m", "u"),
    coefficients=coefficients,
    defaults={"lr": 0.002, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    space={
        "lr": Range(1e-5, 1e-1),
        "beta1": Range(0.5, 0.999, "log(1-x)"),
        "beta2": Range(0.9, 0.9999, "log(1-x)"),
    },
    styles={
        "torch": Style(),
        "keras": Style(
            defaults={"lr": 0.001, "eps": 1e-7},
            rule=adamax_keras,
            formula=FORMULA_KERAS,
            notes="ε is added to u, which itself stays free of it.",
        ),
        "optax": Style(),
    },
)
