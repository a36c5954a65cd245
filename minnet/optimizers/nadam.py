"""Nadam: Adam with Nesterov's momentum, which grows over the first steps."""

import math

import numpy as np

from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
μₜ = β₁ (1 − ½ · 0.96^(t ψ))
m ← β₁ m + (1 − β₁) g
v ← β₂ v + (1 − β₂) g²
m̄ = μₜ₊₁ m / (1 − μ₁ … μₜ₊₁) + (1 − μₜ) g / (1 − μ₁ … μₜ)
v̂ = v / (1 − β₂ᵗ)
w ← w − α m̄ / (√v̂ + ε)"""


def momentum_at(t, beta1, momentum_decay):
    """Return μₜ: half of β₁ at first, then slowly β₁."""
    return beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))


def momentum_product(t, beta1, momentum_decay):
    """Return the product of μ₁ to μₜ, for every t; those below e⁻⁵⁰ are as good as 0 and not followed further."""
    enough = math.ceil(50 / -math.log(beta1)) if beta1 > 0 else 1
    longest = int(min(np.max(t, initial=0.0), enough))
    products = np.cumprod(np.r_[1.0, momentum_at(np.arange(1, longest + 1), beta1, momentum_decay)])
    return products[np.minimum(t, longest).astype(np.int64)]


def coefficients(t, lr, beta1, beta2, eps, momentum_decay):
    """Return μ and the corrections by its product, beside the hyperparameters."""
    return {
        "lr": lr,
        "beta1": beta1,
        "one_minus_beta1": 1 - beta1,
        "beta2": beta2,
        "one_minus_beta2": 1 - beta2,
        "mu_next": momentum_at(t + 1, beta1, momentum_decay),
        "one_minus_mu": 1 - momentum_at(t, beta1, momentum_decay),
        "unbias_m": 1 / (1 - momentum_product(t + 1, beta1, momentum_decay)),
        "unbias_g": 1 / (1 - momentum_product(t, beta1, momentum_decay)),
        "unbias_v": 1 / (1 - beta2**t),
        "eps": eps,
    }


def nadam(
    w, g, m, v, lr, beta1, one_minus_beta1, beta2, one_minus_beta2, mu_next, one_minus_mu,
    unbias_m, unbias_g, unbias_v, eps,
):  # fmt: skip
    """Step by the mean gradient as the next step would see it, measured in its own typical size.

    Examples
    --------
    >>> nadam(1.0, 8.0, 0.0, 0.0, 0.5, 0.75, 0.25, 0.75, 0.25, 0.5, 0.5, 2.0, 1.0, 4.0, 0.0)
    (0.625, 2.0, 16.0)
    """
    m = beta1 * m + one_minus_beta1 * g
    v = beta2 * v + one_minus_beta2 * g * g
    m_bar = mu_next * m * unbias_m + one_minus_mu * g * unbias_g
    v_hat = v * unbias_v
    return w - lr * m_bar / (math.sqrt(v_hat) + eps), m, v


METHOD = Method(
    name="nadam",
    title="Nadam",
    formula=FORMULA,
    paper="Dozat (2015), Incorporating Nesterov momentum into Adam, Stanford CS229 report 54; ICLR workshop (2016)",
    purpose="Adam that looks ahead: the newest gradient counts more in the step than in the memory.",
    notes="The schedule of μ moves only the look-ahead; m itself decays by β₁, here and in PyTorch and Keras. "
    "Keras fixes ψ at 1, so that μ is grown up after a hundred steps; optax has no schedule.",
    rule=nadam,
    slots=("m", "v"),
    coefficients=coefficients,
    defaults={"lr": 0.002, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "momentum_decay": 0.004},
    space={
        "lr": Range(1e-5, 1e-1),
        "beta1": Range(0.5, 0.999, "log(1-x)"),
        "beta2": Range(0.9, 0.9999, "log(1-x)"),
        "eps": Range(1e-10, 1e-2),
    },
    styles={
        "torch": Style(),
        "keras": Style(
            defaults={"lr": 0.001, "eps": 1e-7, "momentum_decay": 1.0},
            notes="ψ is fixed at 1: μ grows to β₁ within a hundred steps, not within ten thousand.",
        ),
        "optax": Style(
            defaults={"momentum_decay": 1e6},
            notes="optax has no ψ and holds μ at β₁ from the first step; so large a ψ does the same.",
        ),
    },
)
