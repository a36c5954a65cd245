"""Prodigy: Adam that finds its step size from how far the weights have come."""

import math

import numpy as np

from minnet.optimizers.base import Method, Range, Style
from minnet.optimizers.blocks import place

FORMULA = """\
m ← β₁ m + (1 − β₁) d g
v ← β₂ v + (1 − β₂) d² g²
r ← √β₂ r + α d² ⟨g, w₀ − w⟩           (over all weights)
s ← √β₂ s + α d² g
d′ = max(d, r / ‖s‖₁)                  (over all weights)
w ← w − α d (m / (√v + d′ ε) + λ w)
d ← d′"""

OPTAX = FORMULA + "\nwith α √(1 − β₂ᵗ) / (1 − β₁ᵗ) in place of α"


def coefficients(t, lr, beta1, beta2, eps, d0, weight_decay):
    """Return the constants of both means."""
    return {
        "lr": lr,
        "beta1": beta1,
        "one_minus_beta1": 1 - beta1,
        "beta2": beta2,
        "one_minus_beta2": 1 - beta2,
        "beta3": np.sqrt(beta2),
        "eps": eps,
        "d0": d0,
        "weight_decay": weight_decay,
    }


def coefficients_optax(t, lr, beta1, beta2, eps, d0, weight_decay):
    """Return the same with Adam's bias corrections in the learning rate."""
    corrected = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    return coefficients(t, corrected, beta1, beta2, eps, d0, weight_decay)


def prodigy(params, grads, slots, memory, blocks, coefficients):
    """Update the means and the estimate d of the distance to the solution, then step by Adam's rule times d.

    `memory` of the first block holds d and r. Like the authors' code, s and r are kept divided by d₀, so that they
    don't vanish in float32.
    """
    real = params.dtype.type
    at = blocks[0, 4]
    d0 = np.float64(coefficients[0, 7])
    d = max(memory[at], d0)
    along, total = 0.0, 0.0
    for k in range(blocks.shape[0]):
        first, end, row = place(blocks, k)
        w, g, start = params[first:end], grads[first:end], slots[3][first:end]
        m, v, s = slots[0][first:end], slots[1][first:end], slots[2][first:end]
        c = coefficients[row]
        beta1, beta2, beta3 = c[1], c[3], c[5]
        to_m, to_v, to_s = c[2] * real(d), c[4] * real(d * d), c[0] * real(d * d / d0)
        for i in range(w.size):
            m[i] = beta1 * m[i] + to_m * g[i]
            v[i] = beta2 * v[i] + to_v * g[i] * g[i]
            s[i] = beta3 * s[i] + to_s * g[i]
            along += g[i] * (start[i] - w[i])
            total += abs(s[i])
    memory[at + 1] = coefficients[0, 5] * memory[at + 1] + coefficients[0, 0] * (d * d / d0) * along
    grown = max(d, memory[at + 1] / total) if total > 0 else d
    memory[at] = grown
    for k in range(blocks.shape[0]):
        first, end, row = place(blocks, k)
        w, m, v = params[first:end], slots[0][first:end], slots[1][first:end]
        c = coefficients[row]
        rate, eps = c[0] * real(d), c[6] * real(grown)
        shrink = rate * c[8]
        for i in range(w.size):
            w[i] = w[i] - shrink * w[i] - rate * m[i] / (math.sqrt(v[i]) + eps)


METHOD = Method(
    name="prodigy",
    title="Prodigy",
    formula=FORMULA,
    paper="Mishchenko and Defazio (2023), Prodigy: an expeditiously adaptive parameter-free learner, arXiv:2306.06101, "
    "Algorithm 4",
    purpose="Adam without a learning rate to tune: it is grown from the distance to the initial weights. The "
    "learning rate here multiplies it; 1 is meant to do.",
    notes="As in the authors' code, ε is multiplied by the new d, not by the one before. optax puts Adam's bias "
    "corrections into the learning rate, the authors leave them out unless asked.",
    update=prodigy,
    helpers=(place,),
    columns=(
        "lr", "beta1", "one_minus_beta1", "beta2", "one_minus_beta2", "beta3", "eps", "d0", "weight_decay",
    ),
    slots=("m", "v", "s", "start"),
    initial={"start": "params"},
    memory=lambda rows, columns: 2,
    coefficients=coefficients,
    defaults={"lr": 1.0, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "d0": 1e-6, "weight_decay": 0.0},
    space={
        "lr": Range(1e-1, 1e1),
        "beta1": Range(0.5, 0.999, "log(1-x)"),
        "beta2": Range(0.9, 0.9999, "log(1-x)"),
        "d0": Range(1e-8, 1e-3),
        "weight_decay": Range(1e-4, 1e0),
    },
    styles={"optax": Style(coefficients=coefficients_optax, formula=OPTAX)},
)  # fmt: skip
