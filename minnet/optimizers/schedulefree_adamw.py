"""Schedule-free AdamW: Adam's scaling of the step, an exact mean of the weights in place of its momentum."""

import math

from minnet.optimizers import schedulefree_sgd as sgd
from minnet.optimizers.base import Method, Range, Style
from minnet.optimizers.blocks import place
from minnet.optimizers.schedulefree_sgd import share

FORMULA = """\
y = (1 − β₁) z + β₁ x        (the weights in training)
α_t = α min(1, t / T_warmup)
v ← β₂ v + (1 − β₂) g(y)²
v̂ = v / (1 − β₂ᵗ)
z ← z − α_t (g(y) / (√v̂ + ε) + λ y)
c = α_t² / (α₁² + … + α_t²)
x ← (1 − c) x + c z          (the weights to evaluate)"""

OPTAX = FORMULA.replace("c = α_t² / (α₁² + … + α_t²)", "c = A_t² / (A₁² + … + A_t²), A_t = max(α₁, …, α_t)")


def coefficients(t, lr, beta1, beta2, eps, warmup_steps, weight_decay):
    """Return what schedule-free SGD needs and the constants of the second moment."""
    return {
        **sgd.coefficients(t, lr, beta1, warmup_steps, weight_decay),
        "beta2": beta2,
        "one_minus_beta2": 1 - beta2,
        "unbias_v": 1 / (1 - beta2**t),
        "eps": eps,
    }


def coefficients_optax(t, lr, beta1, beta2, eps, warmup_steps, weight_decay):
    """Return the same with the rates of optax."""
    rates = sgd.coefficients_optax(t, lr, beta1, warmup_steps, weight_decay)
    return {**coefficients(t, lr, beta1, beta2, eps, warmup_steps, weight_decay), **rates}


def schedulefree_adamw(params, grads, slots, memory, blocks, coefficients):
    """Step z by the scaled gradient at y, let the mean x follow, and put the weights y between the two.

    What was done to y from outside since the last step (decay, a bound on the norm) is done to z.
    """
    real = params.dtype.type
    c = real(share(memory, blocks, coefficients[0, 1], coefficients[0, 2]))
    for k in range(blocks.shape[0]):
        first, end, row = place(blocks, k)
        y, g = params[first:end], grads[first:end]
        z, x, v = slots[0][first:end], slots[1][first:end], slots[2][first:end]
        lr, beta, decay = coefficients[row, 0], coefficients[row, 3], coefficients[row, 4]
        beta2, one_minus_beta2 = coefficients[row, 5], coefficients[row, 6]
        unbias_v, eps = coefficients[row, 7], coefficients[row, 8]
        for i in range(y.size):
            v[i] = beta2 * v[i] + one_minus_beta2 * g[i] * g[i]
            step = g[i] / (math.sqrt(v[i] * unbias_v) + eps) + decay * y[i]
            outside = y[i] - (z[i] + beta * (x[i] - z[i]))
            z[i] = z[i] + outside - lr * step
            x[i] += c * (z[i] - x[i])
            y[i] = z[i] + beta * (x[i] - z[i])


def mean(y, z, x, v):
    """Return the weights to evaluate."""
    return x


METHOD = Method(
    name="schedulefree_adamw",
    title="Schedule-free AdamW",
    formula=FORMULA,
    paper="Defazio et al. (2024), The road less scheduled, arXiv:2405.15682, Algorithm 1",
    purpose="AdamW that needs no falling learning rate and no length of the run known in advance.",
    notes="Validation, test and the saved model use x, the gradients are taken at y. Algorithm 1 weighs the mean by "
    "the rate of the step; the authors' code and optax by the largest rate so far, which is the same unless the rate "
    "falls. optax starts a warm-up at rate 0, and cannot do β₁ = 0 because it remembers no x.",
    update=schedulefree_adamw,
    helpers=(place, share),
    columns=("lr", "weight", "hold", "beta1", "weight_decay", "beta2", "one_minus_beta2", "unbias_v", "eps"),
    slots=("z", "x", "v"),
    initial={"z": "params", "x": "params"},
    memory=lambda rows, columns: 2,
    evaluation=mean,
    coefficients=coefficients,
    defaults={"lr": 0.0025, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "warmup_steps": 0.0, "weight_decay": 0.0},
    space={
        "lr": Range(1e-4, 1e-1),
        "beta1": Range(0.8, 0.99, "log(1-x)"),
        "beta2": Range(0.9, 0.9999, "log(1-x)"),
        "weight_decay": Range(1e-4, 1e0),
    },
    styles={"optax": Style(coefficients=coefficients_optax, formula=OPTAX)},
)
