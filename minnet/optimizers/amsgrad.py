"""AMSGrad: Adam that never forgets its largest mean square."""

import math

from minnet.optimizers import adam
from minnet.optimizers.base import Method, Range, Style

MOMENTS = """\
m ← β₁ m + (1 − β₁) g
v ← β₂ v + (1 − β₂) g²
"""
FORMULA = f"""\
{MOMENTS}V ← max(V, v)
w ← w − α m / (√V + ε)"""
FORMULA_TORCH = f"""\
{MOMENTS}V ← max(V, v)
m̂ = m / (1 − β₁ᵗ)
V̂ = V / (1 − β₂ᵗ)
w ← w − α m̂ / (√V̂ + ε)"""
FORMULA_KERAS = f"""\
{MOMENTS}V ← max(V, v)
αₜ = α √(1 − β₂ᵗ) / (1 − β₁ᵗ)
w ← w − αₜ m / (√V + ε)"""
FORMULA_OPTAX = f"""\
{MOMENTS}m̂ = m / (1 − β₁ᵗ)
v̂ = v / (1 − β₂ᵗ)
V ← max(V, v̂)
w ← w − α m̂ / (√V + ε)"""


def coefficients(t, lr, beta1, beta2, eps):
    """Return the hyperparameters and 1 − β."""
    return {
        "lr": lr,
        "beta1": beta1,
        "one_minus_beta1": 1 - beta1,
        "beta2": beta2,
        "one_minus_beta2": 1 - beta2,
        "eps": eps,
    }


def amsgrad(w, g, m, v, V, lr, beta1, one_minus_beta1, beta2, one_minus_beta2, eps):
    """Divide the mean gradient by the root of the largest mean square so far.

    Examples
    --------
    >>> amsgrad(1.0, 2.0, 0.0, 0.0, 16.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.0)
    (0.875, 1.0, 2.0, 16.0)
    """
    m = beta1 * m + one_minus_beta1 * g
    v = beta2 * v + one_minus_beta2 * g * g
    V = max(V, v)
    return w - lr * m / (math.sqrt(V) + eps), m, v, V


def amsgrad_torch(
    w, g, m, v, V, lr, beta1, one_minus_beta1, beta2, one_minus_beta2, unbias_m, unbias_v, eps
):  # fmt: skip
    """Keep the largest mean square, and correct it as if it were the present one.

    Examples
    --------
    >>> amsgrad_torch(1.0, 2.0, 0.0, 0.0, 16.0, 0.5, 0.5, 0.5, 0.5, 0.5, 2.0, 4.0, 0.0)
    (0.875, 1.0, 2.0, 16.0)
    """
    m = beta1 * m + one_minus_beta1 * g
    v = beta2 * v + one_minus_beta2 * g * g
    V = max(V, v)
    m_hat = m * unbias_m
    V_hat = V * unbias_v
    return w - lr * m_hat / (math.sqrt(V_hat) + eps), m, v, V


def amsgrad_keras(w, g, m, v, V, lr, beta1, one_minus_beta1, beta2, one_minus_beta2, unbias, eps):
    """Keep the largest mean square, uncorrected, under a step that carries both corrections.

    Examples
    --------
    >>> amsgrad_keras(1.0, 2.0, 0.0, 0.0, 16.0, 0.5, 0.5, 0.5, 0.5, 0.5, 2.0, 0.0)
    (0.75, 1.0, 2.0, 16.0)
    """
    m = beta1 * m + one_minus_beta1 * g
    v = beta2 * v + one_minus_beta2 * g * g
    V = max(V, v)
    return w - lr * unbias * m / (math.sqrt(V) + eps), m, v, V


def amsgrad_optax(
    w, g, m, v, V, lr, beta1, one_minus_beta1, beta2, one_minus_beta2, unbias_m, unbias_v, eps
):  # fmt: skip
    """Keep the largest corrected mean square.

    Examples
    --------
    >>> amsgrad_optax(1.0, 2.0, 0.0, 0.0, 4.0, 0.5, 0.5, 0.5, 0.5, 0.5, 2.0, 8.0, 0.0)
    (0.75, 1.0, 2.0, 16.0)
    """
    m = beta1 * m + one_minus_beta1 * g
    v = beta2 * v + one_minus_beta2 * g * g
    m_hat = m * unbias_m
    V = max(V, v * unbias_v)
    return w - lr * m_hat / (math.sqrt(V) + eps), m, v, V


METHOD = Method(
    name="amsgrad",
    title="AMSGrad",
    formula=FORMULA,
    paper="Reddi, Kale and Kumar (2018), On the convergence of Adam and beyond, arXiv:1904.09237, Algorithm 2",
    purpose="Mends the proof of Adam: rare large gradients are not forgotten, so no weight's rate ever grows again.",
    notes="The paper corrects no bias and has no ε; ours keeps 0/0 away. PyTorch and Keras take the largest of the "
    "raw v and correct it afterwards, so their rates can still grow while 1 − β₂ᵗ does; optax takes the largest of "
    "the corrected v̂.",
    rule=amsgrad,
    slots=("m", "v", "V"),
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
            rule=amsgrad_torch,
            coefficients=adam.coefficients,
            formula=FORMULA_TORCH,
            notes="The largest raw v, corrected afterwards by the present 1 − β₂ᵗ.",
        ),
        "keras": Style(
            defaults={"eps": 1e-7},
            rule=amsgrad_keras,
            coefficients=adam.coefficients_hat,
            formula=FORMULA_KERAS,
            notes=f"The largest raw v. {adam.HAT}",
        ),
        "optax": Style(
            rule=amsgrad_optax,
            coefficients=adam.coefficients,
            formula=FORMULA_OPTAX,
            notes="The largest corrected v̂, which early in training is the one of the first gradients.",
        ),
    },
)
