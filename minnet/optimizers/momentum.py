"""Momentum: gather speed where the gradient keeps its direction."""

from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
v ← μ v + g
w ← w − α v"""


def momentum(w, g, v, lr, momentum):
    """Let the gradient accelerate the velocity `v`, and the velocity move the weight.

    Under a constant gradient the speed tends to lr·g / (1 − μ).

    Examples
    --------
    >>> momentum(1.0, 2.0, 4.0, 0.125, 0.5)
    (0.5, 4.0)
    """
    v = momentum * v + g
    return w - lr * v, v


FORMULA_INSIDE = """\
v ← μ v − α g
w ← w + v"""


def momentum_inside(w, g, v, lr, momentum):
    """Let the velocity `v` remember steps instead of gradients: a new learning rate does not touch old speed.

    Examples
    --------
    >>> momentum_inside(1.0, 2.0, 0.5, 0.125, 0.5)
    (1.0, 0.0)
    """
    v = momentum * v - lr * g
    return w + v, v


INSIDE = "The step size stands inside the velocity, which goes on at its old speed when the step size falls."


METHOD = Method(
    name="momentum",
    title="Momentum",
    slide=4,
    formula=FORMULA,
    paper="Polyak (1964), Some methods of speeding up the convergence of iteration methods",
    purpose="Damps the zigzag across a ravine and gathers speed along it.",
    notes="The step size stands outside the velocity, as in the lecture, PyTorch and optax. Keras, scikit-learn "
    "and Sutskever put it inside (v ← μ v − α g, w ← w + v): the same path only while α is constant.",
    rule=momentum,
    slots=("v",),
    defaults={"lr": 0.01, "momentum": 0.9},
    space={
        "lr": Range(1e-4, 1e0),
        "momentum": Range(0.5, 0.999, "log(1-x)"),
    },
    styles={
        "torch": Style(defaults={"lr": 0.001}),
        "keras": Style(rule=momentum_inside, formula=FORMULA_INSIDE, notes=INSIDE),
        "optax": Style(),
        "sklearn": Style(defaults={"lr": 0.001}, rule=momentum_inside, formula=FORMULA_INSIDE, notes=INSIDE),
    },
)
