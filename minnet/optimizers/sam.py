"""SAM, sharpness-aware minimization: take the gradient where the loss is highest nearby."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from minnet.optimizers import momentum
from minnet.optimizers.base import Method, Range
from minnet.optimizers.wrapping import RADIUS, around

FORMULA = """\
ŵ = w + ρ g(w) / ‖g(w)‖       (over all weights)
a step of the method below from w, with g(ŵ) for g, of the same batch:"""


def radius(t, rho):
    """Return how far to climb: the same at every step."""
    return np.full_like(t, rho)


def wrap(base: Method) -> Method:
    """Return SAM around a method."""
    return around(base, SAM, radius, RADIUS, wrap)


# The wrapper alone: no method before it wraps one.
SAM = replace(
    momentum.METHOD,
    name="sam",
    title="SAM",
    formula=FORMULA,
    paper="Foret et al. (2021), Sharpness-aware minimization for efficiently improving generalization, "
    "arXiv:2010.01412, Algorithm 1",
    purpose="Seeks weights around which the loss is low everywhere, at twice the price per step. "
    "By itself around momentum; sam(adam) around Adam.",
    notes="Each step needs two gradients of the same batch: two calls of Optimizer.step. A penalty in the loss (l2) "
    "counts in both; the bounds on the gradient (clip) only in the second.",
    defaults={"rho": 0.05},
    space={"rho": Range(0.01, 0.5)},
)
METHOD = replace(wrap(momentum.METHOD), name="sam", title="SAM", styles={})
