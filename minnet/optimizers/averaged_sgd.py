"""Averaged SGD: gradient descent, evaluated at the mean of its path."""

import numpy as np

from minnet.optimizers.base import Method, Range, Style
from minnet.optimizers.blocks import place

FORMULA = """\
w ← w − α g
w̄ ← w̄ + (w − w̄) / t         (the weights to evaluate)"""

TORCH = """\
η₁ = α, η_t = α / (1 + λ α (t − 1))^p
w ← (1 − λ η_t) w − η_t (g + β w)
w̄ ← w̄ + (w − w̄) / max(1, t − 1 − t₀)     (the weights to evaluate)"""


def coefficients(t, lr):
    """Return the share of the newest weights in a plain mean."""
    return {"lr": lr, "next_lr": 0.0, "lambd": 0.0, "weight_decay": 0.0, "share": 1 / t}


def coefficients_torch(t, lr, lambd, power, t0, weight_decay):
    """Return PyTorch's rates: each step takes the one that was computed at the end of the step before."""
    return {
        "lr": np.where(t == 1, lr, 0.0),
        "next_lr": lr / (1 + lambd * lr * t) ** power,
        "lambd": lambd,
        "weight_decay": weight_decay,
        "share": 1 / np.maximum(1.0, t - 1 - t0),
    }


def averaged_sgd(params, grads, slots, memory, blocks, coefficients):
    """Step by the gradient, and move the mean towards the new weights.

    `memory` holds the rate that the last step left for this one, if it left any.
    """
    real = params.dtype.type
    for k in range(blocks.shape[0]):
        first, end, row = place(blocks, k)
        w, g, average = params[first:end], grads[first:end], slots[0][first:end]
        rate = coefficients[row, 0] + real(memory[blocks[k, 4]])
        memory[blocks[k, 4]] = coefficients[row, 1]
        lambd, decay, share = coefficients[row, 2], coefficients[row, 3], coefficients[row, 4]
        shrink = lambd * rate
        for i in range(w.size):
            w[i] = w[i] - shrink * w[i] - rate * (g[i] + decay * w[i])
            average[i] += share * (w[i] - average[i])


def mean(w, average):
    """Return the weights to evaluate."""
    return average


METHOD = Method(
    name="averaged_sgd",
    title="Averaged SGD",
    formula=FORMULA,
    paper="Ruppert (1988), Efficient estimations from a slowly convergent Robbins–Monro process; Polyak and Juditsky "
    "(1992), Acceleration of stochastic approximation by averaging",
    purpose="A large constant step without its noise: the path wanders around the minimum, its mean stands closer.",
    notes="The mean is that of the weights after every step; the initial weights do not count. Validation, test and "
    "the saved model use it. PyTorch's ASGD (Bottou's) lets the rate fall, shrinks the weights, and averages only "
    "from step t₀ + 2: with its default t₀ = 1,000,000 for most runs not at all. A changed learning rate reaches its "
    "step one step late.",
    update=averaged_sgd,
    helpers=(place,),
    columns=("lr", "next_lr", "lambd", "weight_decay", "share"),
    slots=("average",),
    initial={"average": "params"},
    memory=lambda rows, columns: 1,
    evaluation=mean,
    coefficients=coefficients,
    defaults={"lr": 0.01},
    space={"lr": Range(1e-3, 1e1)},
    styles={
        "torch": Style(
            defaults={"lambd": 1e-4, "power": 0.75, "t0": 1e6, "weight_decay": 0.0},
            coefficients=coefficients_torch,
            formula=TORCH,
        )
    },
)
