"""AdEMAMix: Adam with a second, very slow mean of gradients."""

import math

import numpy as np

from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
m ← β₁ m + (1 − β₁) g
s ← β₃ s + (1 − β₃) g
v ← β₂ v + (1 − β₂) g²
m̂ = m / (1 − β₁ᵗ)
v̂ = v / (1 − β₂ᵗ)
w ← w − α ((m̂ + a s) / (√v̂ + ε) + λ w)"""


def coefficients(t, lr, beta1, beta2, beta3, alpha, warmup, eps, weight_decay):
    """Return the bias corrections beside the hyperparameters; over the first `warmup` steps a and β₃ grow.

    a grows linearly from 0, and β₃ from β₁ in such a way that the mean's half-life grows linearly.
    """
    if warmup > 0:
        done = np.minimum(t / warmup, 1.0)
        start, end = math.log(max(beta1, 1e-300)), math.log(max(beta3, 1e-300))
        growing = np.exp(start * end / ((1 - done) * end + done * start))
        alpha, beta3 = alpha * done, np.where(done < 1, np.minimum(growing, beta3), beta3)
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
        "alpha": alpha,
        "eps": eps,
        "weight_decay": weight_decay,
    }


def ademamix(
    w, g, m, slow, v, lr, beta1, one_minus_beta1, beta2, one_minus_beta2, beta3, one_minus_beta3,
    unbias_m, unbias_v, alpha, eps, weight_decay,
):  # fmt: skip
    """Step by a mix of a fast and a slow mean gradient, measured in the typical size of a gradient.

    Examples
    --------
    >>> ademamix(2.0, 4.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.75, 0.25, 0.75, 0.25, 2.0, 4.0, 4.0, 0.0, 0.5)
    (0.5, 2.0, 1.0, 4.0)
    """
    m = beta1 * m + one_minus_beta1 * g
    slow = beta3 * slow + one_minus_beta3 * g
    v = beta2 * v + one_minus_beta2 * g * g
    m_hat = m * unbias_m
    v_hat = v * unbias_v
    step = (m_hat + alpha * slow) / (math.sqrt(v_hat) + eps)
    return w - lr * (step + weight_decay * w), m, slow, v


METHOD = Method(
    name="ademamix",
    title="AdEMAMix",
    formula=FORMULA,
    paper="Pagliardini, Ablin and Grangier (2024), The AdEMAMix optimizer: better, faster, older, "
    "arXiv:2409.03137, Algorithm 1",
    purpose="Gradients of ten thousand steps ago still help. For long training; set `warmup` to its length.",
    notes="a is `alpha`, the weight of the slow mean s, which no bias correction touches. The paper grows a and β₃ "
    "over `warmup` steps, as a rule all of them; 0 leaves them where they are. The authors' code has a = 2.",
    rule=ademamix,
    slots=("m", "slow", "v"),
    coefficients=coefficients,
    defaults={
        "lr": 0.001, "beta1": 0.9, "beta2": 0.999, "beta3": 0.9999, "alpha": 5.0, "warmup": 0.0,
        "eps": 1e-8, "weight_decay": 0.0,
    },
    space={
        "lr": Range(1e-5, 1e-1),
        "beta1": Range(0.5, 0.999, "log(1-x)"),
        "beta2": Range(0.9, 0.9999, "log(1-x)"),
        "beta3": Range(0.99, 0.99999, "log(1-x)"),
        "alpha": Range(1.0, 10.0),
        "weight_decay": Range(1e-4, 1e0),
    },
    styles={"optax": Style()},
)  # fmt: skip
