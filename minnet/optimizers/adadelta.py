"""Adadelta: a step that has the units of the weight."""

import math

from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
v ← ρ v + (1 − ρ) g²
Δ ← −√(u + ε) / √(v + ε) · g
u ← ρ u + (1 − ρ) Δ²
w ← w + α Δ"""


def coefficients(t, lr, rho, eps):
    """Return lr, ρ, 1 − ρ and ε."""
    return {"lr": lr, "rho": rho, "one_minus_rho": 1 - rho, "eps": eps}


def adadelta(w, g, v, u, lr, rho, one_minus_rho, eps):
    """Scale the gradient by the ratio of the typical step to the typical gradient.

    `u` remembers the steps before `lr` scales them. The paper has no step size: α = 1.

    Examples
    --------
    >>> w, v, u = adadelta(1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0)
    >>> round(w, 6), v, round(u, 6)
    (0.292893, 1.0, 0.5)
    """
    v = rho * v + one_minus_rho * g * g
    step = math.sqrt(u + eps) / math.sqrt(v + eps) * g
    u = rho * u + one_minus_rho * step * step
    return w - lr * step, v, u


METHOD = Method(
    name="adadelta",
    title="Adadelta",
    slide=9,
    formula=FORMULA,
    paper="Zeiler (2012), ADADELTA: an adaptive learning rate method, arXiv:1212.5701",
    purpose="Needs no step size: the units of the weights cancel out of the update, except in ε.",
    notes="ε stands inside both roots everywhere. The paper has no α; PyTorch's default ρ is .9, and Keras "
    "starts from α = .001, which is a thousandth of the paper's method.",
    rule=adadelta,
    slots=("v", "u"),
    coefficients=coefficients,
    defaults={"lr": 1.0, "rho": 0.95, "eps": 1e-6},
    space={
        "lr": Range(1e-1, 1e2),
        "rho": Range(0.5, 0.999, "log(1-x)"),
        "eps": Range(1e-8, 1e-2),
    },
    styles={
        "torch": Style(defaults={"rho": 0.9}),
        "keras": Style(defaults={"lr": 0.001, "eps": 1e-7}),
        "optax": Style(defaults={"rho": 0.9}),
    },
)
