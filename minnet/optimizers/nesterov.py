"""Nesterov momentum: take the gradient where the velocity is about to carry the weights.

The method is v ← μ v + g(w − α μ v), w ← w − α v. Written for the look-ahead point w − α μ v itself, which is what
training keeps as the weights, it needs no second gradient.
"""

from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
v ← μ v + g
w ← w − α (g + μ v)"""


def nesterov(w, g, v, lr, momentum):
    """Step from one look-ahead point to the next.

    `w` is the look-ahead point, so `g` is the gradient that Nesterov's method asks for. On a quadratic of
    curvature λ the method is momentum with μ (1 − α λ): it brakes where the slope is steep.

    Examples
    --------
    >>> nesterov(1.0, 2.0, 4.0, 0.125, 0.5)
    (0.5, 4.0)
    """
    v = momentum * v + g
    return w - lr * (g + momentum * v), v


FORMULA_INSIDE = """\
v ← μ v − α g
w ← w + μ v − α g"""


def nesterov_inside(w, g, v, lr, momentum):
    """Step from one look-ahead point to the next, with a velocity that remembers steps instead of gradients.

    Examples
    --------
    >>> nesterov_inside(1.0, 2.0, 0.5, 0.125, 0.5)
    (0.75, 0.0)
    """
    v = momentum * v - lr * g
    return w + momentum * v - lr * g, v


INSIDE = "The step size stands inside the velocity, which goes on at its old speed when the step size falls."


METHOD = Method(
    name="nesterov",
    title="Nesterov momentum",
    slide=5,
    formula=FORMULA,
    paper="Nesterov (1983), A method for solving the convex programming problem with convergence rate O(1/k²); "
    "Sutskever et al. (2013), On the importance of initialization and momentum in deep learning",
    purpose="Momentum that looks ahead, and so overshoots less.",
    notes="Every library writes it for the look-ahead point. With the step size inside the velocity (Keras, "
    "scikit-learn) a changing step size gives another path.",
    rule=nesterov,
    slots=("v",),
    defaults={"lr": 0.01, "momentum": 0.9},
    space={
        "lr": Range(1e-4, 1e0),
        "momentum": Range(0.5, 0.999, "log(1-x)"),
    },
    styles={
        "torch": Style(defaults={"lr": 0.001}),
        "keras": Style(rule=nesterov_inside, formula=FORMULA_INSIDE, notes=INSIDE),
        "optax": Style(),
        "sklearn": Style(
            defaults={"lr": 0.001},
            rule=nesterov_inside,
            formula=FORMULA_INSIDE,
            notes=f"{INSIDE} This is scikit-learn's solver sgd as it comes.",
        ),
    },
)
