"""D-Adaptation Adam: Adam whose step size is a lower bound of the distance to the solution."""

import math

import numpy as np

from minnet.optimizers.base import Method, Range, Style
from minnet.optimizers.blocks import place

FORMULA = """\
r ← √β₂ r + (1 − √β₂) α d ⟨g, s / (√v + ε)⟩     (over all weights)
m ← β₁ m + (1 − β₁) α d g
v ← β₂ v + (1 − β₂) g²
s ← √β₂ s + (1 − √β₂) α d g
w ← w − m / (√v + ε) − α d λ w
d ← max(d, r / ((1 − √β₂) ‖s‖₁))                (over all weights)"""

OPTAX = FORMULA + "\nwith α √(1 − β₂ᵗ) / (1 − β₁ᵗ) in place of α"


def coefficients(t, lr, beta1, beta2, eps, d0, weight_decay):
    """Return the constants of the three means."""
    return {
        "lr": lr,
        "beta1": beta1,
        "one_minus_beta1": 1 - beta1,
        "beta2": beta2,
        "one_minus_beta2": 1 - beta2,
        "beta3": np.sqrt(beta2),
        "one_minus_beta3": 1 - np.sqrt(beta2),
        "eps": eps,
        "d0": d0,
        "weight_decay": weight_decay,
    }


def coefficients_optax(t, lr, beta1, beta2, eps, d0, weight_decay):
    """Return the same with Adam's bias corrections in the learning rate."""
    corrected = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    return coefficients(t, corrected, beta1, beta2, eps, d0, weight_decay)


def dadapt_adam(params, grads, slots, memory, blocks, coefficients):
    """Step by Adam's rule times d, then raise d to the newest lower bound of the distance if that is higher.

    `memory` of the first block holds d and r.
    """
    real = params.dtype.type
    at = blocks[0, 4]
    d = max(memory[at], np.float64(coefficients[0, 8]))
    along, total = 0.0, 0.0
    for k in range(blocks.shape[0]):
        first, end, row = place(blocks, k)
        w, g = params[first:end], grads[first:end]
        m, v, s = slots[0][first:end], slots[1][first:end], slots[2][first:end]
        c = coefficients[row]
        beta1, beta2, beta3, one_minus_beta2, eps = c[1], c[3], c[5], c[4], c[7]
        rate = c[0] * real(d)
        to_m, to_s, shrink = c[2] * rate, c[6] * rate, c[9] * rate
        for i in range(w.size):
            if s[i] != 0:  # before the first gradient both s and v are 0, and ε may be
                along += g[i] * s[i] / (math.sqrt(v[i]) + eps)
            m[i] = beta1 * m[i] + to_m * g[i]
            v[i] = beta2 * v[i] + one_minus_beta2 * g[i] * g[i]
            s[i] = beta3 * s[i] + to_s * g[i]
            total += abs(s[i])
            w[i] = w[i] - shrink * w[i] - m[i] / (math.sqrt(v[i]) + eps)
    fresh = coefficients[0, 6] * coefficients[0, 0] * d * along
    memory[at + 1] = coefficients[0, 5] * memory[at + 1] + fresh
    memory[at] = max(d, memory[at + 1] / (coefficients[0, 6] * total)) if total > 0 else d


METHOD = Method(
    name="dadapt_adam",
    title="D-Adapt Adam",
    formula=FORMULA,
    paper="Defazio and Mishchenko (2023), Learning-rate-free learning by D-adaptation, arXiv:2301.07733, Algorithm 5",
    purpose="Adam without a learning rate to tune: it is a lower bound of the distance to the solution, which only "
    "grows. The learning rate here multiplies it; 1 is meant to do.",
    notes="Weight decay is decoupled; in the authors' code that is a switch (decouple=True), without which it is "
    "added to the gradient. optax puts Adam's bias corrections into the learning rate.",
    update=dadapt_adam,
    helpers=(place,),
    columns=(
        "lr", "beta1", "one_minus_beta1", "beta2", "one_minus_beta2", "beta3", "one_minus_beta3", "eps", "d0",
        "weight_decay",
    ),
    slots=("m", "v", "s"),
    memory=lambda rows, columns: 2,
    coefficients=coefficients,
    defaults={"lr": 1.0, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "d0": 1e-6, "weight_decay": 0.0},
    space={
        "lr": Range(3e-2, 3e0),
        "beta1": Range(0.5, 0.999, "log(1-x)"),
        "beta2": Range(0.9, 0.9999, "log(1-x)"),
        "d0": Range(1e-8, 1e-3),
        "weight_decay": Range(1e-4, 1e0),
    },
    styles={"optax": Style(coefficients=coefficients_optax, formula=OPTAX)},
)  # fmt: skip
