"""DoG, distance over gradients: SGD whose step size is the distance come over the root of all squared gradients."""

import math

from minnet.optimizers.base import Method, Range, Style
from minnet.optimizers.blocks import place

FORMULA = """\
r̄ ← max(r̄, ‖w − w₀‖), at first r_ε (1 + ‖w₀‖)     (over all weights)
G ← G + ‖g + λ w‖²                                (over all weights)
w ← w − α r̄ / √(G + ε) (g + λ w)"""


def dog(params, grads, slots, memory, blocks, coefficients):
    """Step by the gradient, at one rate for all weights: farther from the start longer, after more gradient shorter.

    `memory` of the first block holds r̄ and G.
    """
    real = params.dtype.type
    at = blocks[0, 4]
    moved, size, slope = 0.0, 0.0, 0.0
    for k in range(blocks.shape[0]):
        first, end, row = place(blocks, k)
        w, g, start = params[first:end], grads[first:end], slots[0][first:end]
        decay = coefficients[row, 3]
        for i in range(w.size):
            way, u = w[i] - start[i], g[i] + decay * w[i]
            moved += way * way
            size += start[i] * start[i]
            slope += u * u
    least = coefficients[0, 1] * (1 + math.sqrt(size))
    memory[at] = max(memory[at], math.sqrt(moved), least)
    memory[at + 1] += slope
    reach, total = memory[at], memory[at + 1] + coefficients[0, 2]
    eta = real(coefficients[0, 0] * reach / math.sqrt(total)) if total > 0 else real(0)
    for k in range(blocks.shape[0]):
        first, end, row = place(blocks, k)
        w, g = params[first:end], grads[first:end]
        decay = coefficients[row, 3]
        for i in range(w.size):
            w[i] -= eta * (g[i] + decay * w[i])


METHOD = Method(
    name="dog",
    title="DoG",
    formula=FORMULA,
    paper="Ivgi, Hinder and Carmon (2023), DoG is SGD's best friend: a parameter-free dynamic step size schedule, "
    "arXiv:2302.12022",
    purpose="SGD without a learning rate to tune. The learning rate here multiplies the one it finds; 1 is meant "
    "to do.",
    notes="The authors evaluate a mean of the last weights beside it; here, as in their optimizer and in optax, the "
    "weights are evaluated themselves. Weight decay is added to the gradient. The first steps are as short as r_ε: a "
    "run of only a hundred steps needs a larger one than the authors' 1e-6.",
    update=dog,
    helpers=(place,),
    columns=("lr", "r_eps", "eps", "weight_decay"),
    slots=("start",),
    initial={"start": "params"},
    memory=lambda rows, columns: 2,
    defaults={"lr": 1.0, "r_eps": 1e-6, "eps": 1e-8, "weight_decay": 0.0},
    space={
        "lr": Range(3e-1, 3e0),
        "r_eps": Range(1e-8, 1e-3),
        "weight_decay": Range(1e-6, 1e-2),
    },
    styles={"optax": Style()},
)
