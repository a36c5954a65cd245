"""Schedule-free SGD: gradients taken between the fast weights and their mean, evaluation at the mean."""

import numpy as np

from minnet.optimizers.base import Method, Range, Style
from minnet.optimizers.blocks import place

FORMULA = """\
y = (1 − β) z + β x          (the weights in training)
α_t = α min(1, t / T_warmup)
z ← z − α_t (g(y) + λ y)
c = α_t² / (α₁² + … + α_t²)
x ← (1 − c) x + c z          (the weights to evaluate)"""

OPTAX = FORMULA.replace("c = α_t² / (α₁² + … + α_t²)", "c = A_t² / (A₁² + … + A_t²), A_t = max(α₁, …, α_t)")


def warm(t, warmup_steps):
    """Return the share of the learning rate at step t: a straight line up to 1."""
    return np.minimum(1.0, t / warmup_steps) if warmup_steps > 0 else np.ones_like(t)


def coefficients(t, lr, beta1, warmup_steps, weight_decay):
    """Return the rate at step t, which also weighs z in the mean."""
    rate = lr * warm(t, warmup_steps)
    return {"lr": rate, "weight": rate, "hold": 0.0, "beta1": beta1, "weight_decay": weight_decay}


def coefficients_optax(t, lr, beta1, warmup_steps, weight_decay):
    """Return the rates of optax, whose warm-up starts at 0 for the step and is one step ahead in the mean."""
    return {
        "lr": lr * warm(t - 1, warmup_steps),
        "weight": lr * warm(t, warmup_steps),
        "hold": 1.0,
        "beta1": beta1,
        "weight_decay": weight_decay,
    }


def share(memory, blocks, weight, hold):
    """Return c, the share of the newest z in the mean x.

    `memory` of the first block holds the sum of the squared rates, and the largest rate so far, which counts
    instead of the newest where `hold` is 1.
    """
    total, largest = blocks[0, 4], blocks[0, 4] + 1
    memory[largest] = max(weight, hold * memory[largest])
    square = memory[largest] * memory[largest]
    memory[total] += square
    return square / memory[total] if memory[total] > 0 else 0.0


def schedulefree_sgd(params, grads, slots, memory, blocks, coefficients):
    """Step z by the gradient at y, let the mean x follow, and put the weights y between the two.

    Both z and x are remembered, so x is exact for every β. What was done to y from outside since the last step
    (decay, a bound on the norm) is done to z.
    """
    real = params.dtype.type
    c = real(share(memory, blocks, coefficients[0, 1], coefficients[0, 2]))
    for k in range(blocks.shape[0]):
        first, end, row = place(blocks, k)
        y, g, z, x = params[first:end], grads[first:end], slots[0][first:end], slots[1][first:end]
        lr, beta, decay = coefficients[row, 0], coefficients[row, 3], coefficients[row, 4]
        for i in range(y.size):
            outside = y[i] - (z[i] + beta * (x[i] - z[i]))
            z[i] = z[i] + outside - lr * (g[i] + decay * y[i])
            x[i] += c * (z[i] - x[i])
            y[i] = z[i] + beta * (x[i] - z[i])


def mean(y, z, x):
    """Return the weights to evaluate."""
    return x


METHOD = Method(
    name="schedulefree_sgd",
    title="Schedule-free SGD",
    formula=FORMULA,
    paper="Defazio et al. (2024), The road less scheduled, arXiv:2405.15682",
    purpose="SGD that needs no falling learning rate: the mean of the weights takes the place of the schedule.",
    notes="Validation, test and the saved model use x, the gradients are taken at y. The text of the paper gives the "
    "mean for a constant rate, c = 1 / (t + 1), which counts the initial weights; Algorithm 1 and all code do not. The "
    "authors' code and optax weigh by the largest rate so far: the same unless the rate falls. optax starts a "
    "warm-up at rate 0, and cannot do β = 0 because it remembers no x.",
    update=schedulefree_sgd,
    helpers=(place, share),
    columns=("lr", "weight", "hold", "beta1", "weight_decay"),
    slots=("z", "x"),
    initial={"z": "params", "x": "params"},
    memory=lambda rows, columns: 2,
    evaluation=mean,
    coefficients=coefficients,
    defaults={"lr": 1.0, "beta1": 0.9, "warmup_steps": 0.0, "weight_decay": 0.0},
    space={
        "lr": Range(1e-2, 1e1),
        "beta1": Range(0.8, 0.99, "log(1-x)"),
        "weight_decay": Range(1e-6, 1e-2),
    },
    styles={"optax": Style(coefficients=coefficients_optax, formula=OPTAX)},
)
