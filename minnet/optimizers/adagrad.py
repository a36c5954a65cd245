"""Adagrad: a rate of its own for every weight, smaller the more it has been pushed."""

import math

from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
G ← G + g²
w ← w − α g / (√G + ε)"""


def adagrad(w, g, G, lr, eps):
    """Divide by the root of the sum of all squared gradients, which only ever grows.

    Examples
    --------
    >>> adagrad(1.0, 3.0, 16.0, 0.5, 0.0)
    (0.7, 25.0)
    """
    G = G + g * g
    return w - lr * g / (math.sqrt(G) + eps), G


FORMULA_INSIDE = """\
G ← G + g²    (G starts at 0.1)
w ← w − α g / √(G + ε)"""


def adagrad_inside(w, g, G, lr, eps):
    """Divide by the root of the sum of all squared gradients and of ε.

    Examples
    --------
    >>> adagrad_inside(1.0, 3.0, 12.0, 0.5, 4.0)
    (0.7, 21.0)
    """
    G = G + g * g
    return w - lr * g / math.sqrt(G + eps), G


INSIDE = "ε stands inside the root, and G starts at 0.1: gradients below 0.3 hardly move anything at first."


METHOD = Method(
    name="adagrad",
    title="Adagrad",
    slide=6,
    formula=FORMULA,
    paper="Duchi, Hazan and Singer (2011), Adaptive subgradient methods for online learning and stochastic "
    "optimization",
    purpose="Rare features learn faster. Its rates only ever fall, so long training stalls.",
    notes="ε stands outside the root, as δ does in the paper and in PyTorch. Keras and optax put it inside and "
    "start G at 0.1, so that small first gradients move far less there.",
    rule=adagrad,
    slots=("G",),
    defaults={"lr": 0.01, "eps": 1e-10},
    space={
        "lr": Range(1e-3, 1e0),
        "eps": Range(1e-10, 1e-2),
    },
    styles={
        "torch": Style(),
        "keras": Style(
            defaults={"lr": 0.001, "eps": 1e-7},
            rule=adagrad_inside,
            initial={"G": 0.1},
            formula=FORMULA_INSIDE,
            notes=INSIDE,
        ),
        "optax": Style(
            defaults={"eps": 1e-7}, rule=adagrad_inside, initial={"G": 0.1}, formula=FORMULA_INSIDE, notes=INSIDE
        ),
    },
)
