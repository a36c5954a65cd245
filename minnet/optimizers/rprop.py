"""Rprop: a step size for every weight, grown while the sign of its gradient stays, shrunk when it turns."""

import math

import numpy as np

from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
s = sign(g g₋₁)
Δ ← min(η⁺ Δ, Δmax) where s > 0
w ← w − Δ sign(g)
Δ ← max(η⁻ Δ, Δmin) where s < 0
g ← 0 where s < 0"""

FORMULA_TORCH = """\
s = sign(g g₋₁)
Δ ← clip(η⁺ Δ, Δmin, Δmax) where s > 0
Δ ← clip(η⁻ Δ, Δmin, Δmax) where s < 0
g ← 0 where s < 0
w ← w − Δ sign(g)"""

FORMULA_OPTAX = """\
s = sign(g u)
Δ ← clip(η⁺ Δ, Δmin, Δmax) where s > 0
Δ ← clip(η⁻ Δ, Δmin, Δmax) where s < 0
w ← w − u where s ≥ 0
u ← Δ sign(g)
u ← 0 where s < 0"""

LONGEST = 1e30


def coefficients(t, lr, eta_minus, eta_plus, min_step, max_step):
    """Return the factors, and the bounds of a step in units of lr; where lr is 0 they do not bind."""
    unit = np.where(lr > 0, lr, 1.0)
    return {
        "lr": lr,
        "eta_minus": eta_minus,
        "eta_plus": eta_plus,
        "least": np.where(lr > 0, np.minimum(min_step / unit, LONGEST), 0.0),
        "most": np.where(lr > 0, np.minimum(max_step / unit, LONGEST), LONGEST),
        "zero": 0.0,
    }


def rprop(w, g, size, last, lr, eta_minus, eta_plus, least, most, zero):
    """Step by `size`; where the gradient's sign has turned, take back the step before instead.

    `size` counts in units of `lr`. The step back goes down the new gradient, as far as the step before went. After it
    `last` is 0, so that the next step is of the size found.

    Examples
    --------
    >>> rprop(1.0, 3.0, 1.0, 2.0, 0.5, 0.5, 1.5, 0.0, 8.0, 0.0)
    (0.25, 1.5, 3.0)
    >>> rprop(0.25, -1.0, 1.5, 3.0, 0.5, 0.5, 1.5, 0.0, 8.0, 0.0)
    (1.0, 0.75, 0.0)
    """
    turn = g * last
    back = turn < zero
    grown = min(size * eta_plus, most) if turn > zero else size
    length = size if back else grown
    step = math.copysign(length, g) if abs(g) > zero else zero
    shrunk = max(size * eta_minus, least)
    return w - lr * step, shrunk if back else grown, zero if back else g


def rprop_stay(w, g, size, last, lr, eta_minus, eta_plus, least, most, zero):
    """Step by `size`; where the gradient's sign has turned, stay for one step.

    Examples
    --------
    >>> rprop_stay(1.0, 3.0, 1.0, 2.0, 0.5, 0.5, 1.5, 0.0, 8.0, 0.0)
    (0.25, 1.5, 3.0)
    >>> rprop_stay(0.25, -1.0, 1.5, 3.0, 0.5, 0.5, 1.5, 0.0, 8.0, 0.0)
    (0.25, 0.75, 0.0)
    """
    turn = g * last
    changed = size * eta_plus if turn > zero else (size * eta_minus if turn < zero else size)
    size = min(max(changed, least), most)
    last = zero if turn < zero else g
    step = math.copysign(size, last) if abs(last) > zero else zero
    return w - lr * step, size, last


def rprop_late(w, g, size, last, lr, eta_minus, eta_plus, least, most, zero):
    """Take the step that the gradient before asked for, unless the sign has turned since.

    Here `last` is that step, in units of `lr`.

    Examples
    --------
    >>> rprop_late(1.0, 3.0, 1.0, 0.0, 0.5, 0.5, 1.5, 0.0, 8.0, 0.0)
    (1.0, 1.0, 1.0)
    >>> rprop_late(1.0, 3.0, 1.0, 1.0, 0.5, 0.5, 1.5, 0.0, 8.0, 0.0)
    (0.5, 1.5, 1.5)
    """
    turn = g * last
    grown = min(max(size * eta_plus, least), most)
    shrunk = min(max(size * eta_minus, least), most)
    size = grown if turn > zero else (shrunk if turn < zero else size)
    step = zero if turn < zero else last
    last = math.copysign(size, g) if abs(g) > zero else zero
    last = zero if turn < zero else last
    return w - lr * step, size, last


METHOD = Method(
    name="rprop",
    title="Rprop",
    formula=FORMULA,
    paper="Riedmiller and Braun (1993), A direct adaptive method for faster backpropagation learning: the RPROP "
    "algorithm",
    purpose="Needs only the sign of the gradient, of the full batch: the sign of a small batch's is mostly noise.",
    notes="No library here takes back a step, as the paper does where the sign turns (Igel and Hüsken call that "
    "Rprop+): PyTorch stays for one step (iRprop−), optax also moves one step late. lr is the first Δ; a schedule "
    "scales every Δ, but not the bounds. The libraries read lr only once.",
    rule=rprop,
    slots=("size", "last"),
    initial={"size": 1.0},
    coefficients=coefficients,
    defaults={"lr": 0.1, "eta_minus": 0.5, "eta_plus": 1.2, "min_step": 1e-6, "max_step": 50.0},
    space={
        "lr": Range(1e-5, 1e0),
        "eta_minus": Range(0.3, 0.8, "linear"),
        "eta_plus": Range(1.05, 1.5, "linear"),
    },
    styles={
        "torch": Style(
            defaults={"lr": 0.01},
            rule=rprop_stay,
            formula=FORMULA_TORCH,
            notes="iRprop− of Igel and Hüsken (2000): where the sign turns, the weight stays for one step.",
        ),
        "optax": Style(
            rule=rprop_late,
            formula=FORMULA_OPTAX,
            notes="Moves by the step that the gradient before asked for: the first step moves nothing.",
        ),
    },
)
