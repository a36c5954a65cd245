"""RMSProp: Adagrad that forgets."""

import math

from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
v ← ρ v + (1 − ρ) g²
w ← w − α g / (√v + ε)"""


def coefficients(t, lr, rho, eps):
    """Return lr, ρ, 1 − ρ and ε."""
    return {"lr": lr, "rho": rho, "one_minus_rho": 1 - rho, "eps": eps}


def rmsprop(w, g, v, lr, rho, one_minus_rho, eps):
    """Divide by the root of an exponential mean of squared gradients.

    Examples
    --------
    The first step is 1/√(1 − ρ) times the learning rate:

    >>> w, v = rmsprop(0.0, 1.0, 0.0, 1.0, 0.75, 0.25, 0.0)
    >>> w
    -2.0
    """
    v = rho * v + one_minus_rho * g * g
    return w - lr * g / (math.sqrt(v) + eps), v


FORMULA_INSIDE = """\
v ← ρ v + (1 − ρ) g²
w ← w − α g / √(v + ε)"""


def rmsprop_inside(w, g, v, lr, rho, one_minus_rho, eps):
    """Divide by the root of an exponential mean of squared gradients and of ε.

    Examples
    --------
    >>> rmsprop_inside(1.0, 2.0, 8.0, 1.5, 0.75, 0.25, 2.0)
    (0.0, 7.0)
    """
    v = rho * v + one_minus_rho * g * g
    return w - lr * g / math.sqrt(v + eps), v


INSIDE = "ε stands inside the root: a root of ε, not ε itself, is what a gradient must exceed to count in full."


METHOD = Method(
    name="rmsprop",
    title="RMSProp",
    slide=8,
    formula=FORMULA,
    paper="Hinton (2012), Neural networks for machine learning, lecture 6e (never published)",
    purpose="Adapts the rate of every weight like Adagrad, but recovers when the gradient calms down.",
    notes="The lecture divides by √v and names no ε; here, as in PyTorch, it stands outside the root. Keras, "
    "TensorFlow and optax put it inside, so that a first step at g = 1e-4 is up to 30 times smaller there. "
    "PyTorch's default ρ is .99.",
    rule=rmsprop,
    slots=("v",),
    coefficients=coefficients,
    defaults={"lr": 0.001, "rho": 0.9, "eps": 1e-8},
    space={
        "lr": Range(1e-5, 1e-1),
        "rho": Range(0.5, 0.999, "log(1-x)"),
        "eps": Range(1e-10, 1e-2),
    },
    styles={
        "torch": Style(defaults={"lr": 0.01, "rho": 0.99}),
        "keras": Style(defaults={"eps": 1e-7}, rule=rmsprop_inside, formula=FORMULA_INSIDE, notes=INSIDE),
        "optax": Style(rule=rmsprop_inside, formula=FORMULA_INSIDE, notes=INSIDE),
    },
)
