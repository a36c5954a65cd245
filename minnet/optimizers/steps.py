"""The first steps of a method under a constant gradient, and those of its styles side by side."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from minnet.optimizers.base import Method
from minnet.optimizers.optimizer import Optimizer

MATRIX = (2, 2)


def first_steps(method: Method, gradient: float, lr: float, steps: int) -> list[dict[str, float]]:
    """Return what happens under a constant gradient: t, the slots and the weight after each step.

    A rule moves one weight from 0. A method that sees layers moves a 2 by 2 matrix of ones, of which the first
    weight is reported.

    Parameters
    ----------
    method : Method
        In its style.
    gradient, lr : float
    steps : int

    Examples
    --------
    >>> from minnet.optimizers import get
    >>> [row["w"] for row in first_steps(get("sgd"), gradient=2.0, lr=0.25, steps=2)]
    [-0.5, -1.0]
    """
    if method.rule is None or method.evaluation is not None:
        return _steps_of_a_matrix(method, gradient, lr, steps)
    hyper = {key: value for key, value in method.defaults.items() if key != "lr"}
    w, slots = 0.0, [0.0 if v == "params" else float(v) for v in _initial(method)]
    rows = []
    for t, row in enumerate(method.table(np.arange(steps), np.full(steps, lr), hyper), start=1):
        before = w
        moved = method.rule(w, gradient, *slots, *row.tolist())
        w, *slots = moved if isinstance(moved, tuple) else (moved,)
        rows.append({"t": t, **dict(zip(method.slots, slots)), "w": w, "step": w - before})
    return rows


def _initial(method: Method) -> list[float | str]:
    return [method.initial.get(name, 0.0) for name in method.slots]


def _steps_of_a_matrix(method: Method, gradient: float, lr: float, steps: int) -> list[dict[str, float]]:
    optimizer = Optimizer(method, lr=lr)
    w = np.zeros(MATRIX) if method.rule is not None else np.ones(MATRIX)
    state = optimizer.init(w)
    rows = []
    for t in range(1, steps + 1):
        before = w[0, 0]
        while state.t < t:
            optimizer.step(w, np.full(MATRIX, gradient), state)
        slots = {name: float(state.slots[k, 0]) for k, name in enumerate(method.slots)}
        rows.append({"t": t, **slots, "w": float(w[0, 0]), "step": float(w[0, 0] - before)})
    return rows


def side_by_side(methods: Mapping[str, Method], gradient: float, lr: float, steps: int) -> list[dict[str, float]]:
    """Return the first steps of several styles of a method, in units of the step size.

    Parameters
    ----------
    methods : mapping of str to Method
        By style.

    Returns
    -------
    list of dict
        One per step: t, and for every style how far the weight has moved, over `lr`.

    Examples
    --------
    >>> from minnet.optimizers import get
    >>> styles = {style: get("rmsprop", style) for style in ("paper", "torch")}
    >>> [round(value, 3) for value in side_by_side(styles, 1.0, 0.1, 1)[0].values()]
    [1, -3.162, -10.0]
    """
    steps_of = {style: first_steps(method, gradient, lr, steps) for style, method in methods.items()}
    return [
        {"t": t + 1, **{style: sum(row["step"] for row in rows[: t + 1]) / lr for style, rows in steps_of.items()}}
        for t in range(steps)
    ]


def deviation(rows: list[dict[str, float]], style: str, other: str) -> float:
    """Return the largest ratio, above or below one, between the ways of two styles; 1 if they agree."""
    ratio = 1.0
    for row in rows:
        a, b = abs(row[style]), abs(row[other])
        if a != b:
            ratio = max(ratio, max(a, b) / min(a, b) if min(a, b) > 0 else np.inf)
    return float(ratio)
