"""Signum: the sign of the mean gradient."""

import math

from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
m ← β m + (1 − β) g
w ← w − α sign(m)"""


def coefficients(t, lr, momentum):
    """Return β, 1 − β and the 0 of the sign."""
    return {"lr": lr, "momentum": momentum, "one_minus_momentum": 1 - momentum, "zero": 0.0}


def signum(w, g, m, lr, momentum, one_minus_momentum, zero):
    """Step by the learning rate against the sign of the mean gradient.

    Examples
    --------
    >>> signum(1.0, -8.0, 4.0, 0.5, 0.5, 0.5, 0.0)
    (1.5, -2.0)
    >>> signum(1.0, -4.0, 4.0, 0.5, 0.5, 0.5, 0.0)
    (1.0, 0.0)
    """
    m = momentum * m + one_minus_momentum * g
    step = math.copysign(lr, m) if abs(m) > zero else m
    return w - step, m


METHOD = Method(
    name="signum",
    title="Signum",
    formula=FORMULA,
    paper="Bernstein et al. (2018), signSGD: compressed optimisation for non-convex problems, arXiv:1802.04434, "
    "Algorithm 2",
    purpose="One bit per weight: every weight moves by α. With β = 0 it is signSGD.",
    notes="The scale of m does not matter, so neither does a bias correction.",
    rule=signum,
    slots=("m",),
    coefficients=coefficients,
    defaults={"lr": 1e-4, "momentum": 0.9},
    space={
        "lr": Range(1e-5, 1e-2),
        "momentum": Range(0.5, 0.999, "log(1-x)"),
    },
    styles={"optax": Style()},
)
