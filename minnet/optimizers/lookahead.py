"""Lookahead: slow weights that follow a method's weights every k steps, and call them back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from minnet.optimizers import momentum
from minnet.optimizers.base import Method, Range
from minnet.optimizers.wrapping import PULL, around

FORMULA = """\
after every k-th step of the method below:
    φ ← φ + a (w − φ)          (the weights to evaluate)
    w ← φ"""


def share(t, k, alpha):
    """Return `alpha` at every k-th step, 0 at the others."""
    return np.where(t % k == 0, alpha, 0.0)


def slow_weights(w, *slots):
    """Return the weights to evaluate."""
    return slots[-1]


def wrap(base: Method) -> Method:
    """Return Lookahead around a method."""
    return around(base, LOOKAHEAD, share, PULL, wrap, {"slow_weights": "params"})


# The wrapper alone: no method before it wraps one.
LOOKAHEAD = replace(
    momentum.METHOD,
    name="lookahead",
    title="Lookahead",
    formula=FORMULA,
    paper="Zhang et al. (2019), Lookahead optimizer: k steps forward, 1 step back, arXiv:1907.08610, Algorithm 1",
    purpose="Makes any method calmer: it explores with fast weights, and a slow copy of them takes part of the way. "
    "By itself around momentum; lookahead(adam) around Adam.",
    notes="Validation, test and the saved model use the slow weights φ, which Algorithm 1 returns; between two "
    "meetings they stand still. The method's own memory is kept when the weights meet. The authors' code has "
    "a = 0.8 by default, the paper 0.5 or 0.8.",
    defaults={"k": 5.0, "alpha": 0.5},
    space={"k": Range(2, 20), "alpha": Range(0.2, 0.8, "linear")},
    evaluation=slow_weights,
)
METHOD = replace(wrap(momentum.METHOD), name="lookahead", title="Lookahead", styles={})
