"""LARS: momentum whose step is, in every layer, in proportion to the layer's weights."""

from minnet.optimizers.base import Method, Range, Style
from minnet.optimizers.blocks import length, place

FORMULA = """\
for every layer:
    λ = η ‖w‖ / (‖g‖ + β ‖w‖)
    v ← μ v + α λ (g + β w)
    w ← w − v"""

OPTAX = """\
for every layer:
    u = g + β w
    λ = η ‖w‖ / ‖u‖
    v ← μ v + α λ u
    w ← w − v"""


def lars(params, grads, slots, memory, blocks, coefficients):
    """Step every layer by momentum, at a rate of its own: the trust ratio λ.

    A layer whose weights or gradients are all zero has no ratio: its λ is 1.
    """
    for k in range(blocks.shape[0]):
        first, end, row = place(blocks, k)
        w, g, v = params[first:end], grads[first:end], slots[0][first:end]
        c = coefficients[row]
        lr, momentum, trust, decay = c[0], c[1], c[2], c[3]
        size, slope = length(w), length(g)
        rate = lr * trust * size / (slope + decay * size) if size > 0 and slope > 0 else lr
        for i in range(w.size):
            v[i] = momentum * v[i] + rate * (g[i] + decay * w[i])
            w[i] -= v[i]


def lars_optax(params, grads, slots, memory, blocks, coefficients):
    """Step as LARS, with the norm of the sum of gradient and decay in the trust ratio."""
    for k in range(blocks.shape[0]):
        first, end, row = place(blocks, k)
        w, g, v = params[first:end], grads[first:end], slots[0][first:end]
        c = coefficients[row]
        lr, momentum, trust, decay = c[0], c[1], c[2], c[3]
        u = g + decay * w
        size, slope = length(w), length(u)
        rate = lr * trust * size / slope if size > 0 and slope > 0 else lr
        for i in range(w.size):
            v[i] = momentum * v[i] + rate * u[i]
            w[i] -= v[i]


METHOD = Method(
    name="lars",
    title="LARS",
    formula=FORMULA,
    paper="You, Gitman and Ginsburg (2017), Large batch training of convolutional networks, arXiv:1708.03888, "
    "Algorithm 1",
    purpose="Momentum for very large batches: no layer moves by more than a fixed fraction of its size.",
    notes="The learning rate stands inside the velocity. optax divides by ‖g + βw‖ instead of ‖g‖ + β‖w‖; "
    "pytorch_optimizer keeps the learning rate outside the velocity and gives biases no trust ratio. "
    "The paper names no learning rate; here it is 1.",
    update=lars,
    helpers=(place, length),
    columns=("lr", "momentum", "trust", "weight_decay"),
    slots=("v",),
    defaults={"lr": 1.0, "momentum": 0.9, "trust": 0.001, "weight_decay": 0.0005},
    space={
        "lr": Range(1e-1, 1e2),
        "momentum": Range(0.5, 0.999, "log(1-x)"),
        "weight_decay": Range(1e-5, 1e-2),
    },
    styles={"optax": Style(update=lars_optax, formula=OPTAX, defaults={"weight_decay": 0.0})},
)
