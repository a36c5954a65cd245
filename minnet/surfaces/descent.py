"""A method on any differentiable function: `minimize`, the path it walks, and how many steps it needs."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from minnet import optimizers
from minnet.errors import InputError
from minnet.optimizers import Method, Optimizer
from minnet.optimizers.lbfgs import Lbfgs
from minnet.schedules import Schedule

Fun = Callable[[np.ndarray], tuple[float, npt.ArrayLike]]
TABLED = 1000  # steps whose coefficients are computed at a time


@dataclass(frozen=True)
class Descent:
    """The path of a method over a function.

    Attributes
    ----------
    x : float64 array of shape (steps + 1, d)
        Points at which the gradient was taken, the start first; NaN after a divergence.
    f : float64 array of shape (steps + 1,)
        Values there.
    evaluation : float64 array of shape (steps + 1, d)
        Points that the method would have evaluated: `x`, but for averaging methods.
    f_evaluation : float64 array of shape (steps + 1,)
        Values there.
    steps : int
        Steps done with finite values.
    diverged : bool
        Whether a point, value or gradient stopped being finite.
    """

    x: np.ndarray
    f: np.ndarray
    evaluation: np.ndarray
    f_evaluation: np.ndarray
    steps: int
    diverged: bool


def minimize(
    fun: Fun,
    x0: npt.ArrayLike,
    opt: str | Method | Optimizer,
    steps: int,
    stop: Callable[[int, float], bool] | None = None,
) -> Descent:
    """Walk down a function, in float64.

    Parameters
    ----------
    fun : callable
        ``fun(x) -> (value, gradient)``: `x` is a float64 array of shape (d,), `value` a number and
        `gradient` has the shape of `x`.
    x0 : array of shape (d,)
        Where to start.
    opt : str, Method or Optimizer
        A method with its default hyperparameters, or what `minnet.optimizers.create` returned. A schedule
        that needs the length of the run gets `steps`.
    steps : int
    stop : callable, optional
        ``stop(t, value)`` is asked with the value to be evaluated after every step t; True ends the walk there, and
        the arrays end with it.

    Returns
    -------
    Descent

    Raises
    ------
    InputError
        (a `ValueError`) For a start that is not finite, or for values and gradients of other shapes. Values that
        stop being finite on the way are no error: the result says `diverged`.

    Examples
    --------
    >>> import minnet
    >>> opt = minnet.optimizers.create("sgd", lr=0.5)
    >>> result = minnet.minimize(lambda x: (0.5 * x @ x, x), [4.0, -8.0], opt, steps=3)
    >>> result.x.tolist()
    [[4.0, -8.0], [2.0, -4.0], [1.0, -2.0], [0.5, -1.0]]
    >>> result.f.tolist()
    [40.0, 10.0, 2.5, 0.625]
    """
    start = _start(x0)
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 0:
        raise InputError(f"steps = {steps!r} must be a whole number from 0")
    opt = _ready(opt, int(steps))
    x, f = np.full((steps + 1, start.size), np.nan), np.full(steps + 1, np.nan)
    averages = opt.method.evaluation is not None
    evaluation, f_evaluation = (np.full_like(x, np.nan), np.full_like(f, np.nan)) if averages else (x, f)

    x[0] = start
    value, gradient = _ask(fun, x[0])
    if not _finite(value, gradient):
        raise InputError(f"fun is not finite at the start {start.tolist()}: start where value and gradient are")
    f[0] = value
    evaluation[0], f_evaluation[0] = x[0], f[0]
    walker, done = _Walker(fun, opt, start, int(steps)), 0
    for t in range(1, steps + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            known = walker.step(value, gradient)
        if not np.isfinite(walker.w).all():
            break
        x[t] = walker.w
        value, gradient = known or _ask(fun, x[t])
        if not _finite(value, gradient):
            x[t] = np.nan
            break
        f[t] = value
        if averages:
            evaluation[t] = opt.evaluation_params(walker.w, walker.state)
            f_evaluation[t] = _ask(fun, evaluation[t])[0]
        done = t
        if stop is not None and stop(t, float(f_evaluation[t])):
            x, f, evaluation, f_evaluation = x[: t + 1], f[: t + 1], evaluation[: t + 1], f_evaluation[: t + 1]
            return Descent(x, f, evaluation, f_evaluation, done, diverged=False)
    return Descent(x, f, evaluation, f_evaluation, done, diverged=done < steps)


def steps_to(result: Descent, lowest: float, tolerance: float) -> int | None:
    """Return after how many steps the value has come down for good.

    Parameters
    ----------
    result : Descent
    lowest : float
        Smallest value of the function.
    tolerance : float
        Share of the height of the start above `lowest`.

    Returns
    -------
    int or None
        The smallest t such that from step t to the end f − lowest ≤ tolerance · (f₀ − lowest), at the points of
        evaluation. A method that passes through the minimum and leaves again has not arrived. None if it never does.

    Examples
    --------
    >>> from minnet import optimizers
    >>> result = minimize(lambda x: (x @ x, 2 * x), [1.0], optimizers.create("sgd", lr=0.25), steps=10)
    >>> steps_to(result, 0.0, 1e-2), steps_to(result, 0.0, 1e-9)
    (4, None)
    """
    above = result.f_evaluation - lowest
    far = ~(above <= tolerance * above[0])
    if far[-1]:
        return None
    return int(np.flatnonzero(far)[-1]) + 1 if far.any() else 0


class _Walker:
    """A point that a method moves, with the coefficients of many steps computed at a time."""

    def __init__(self, fun: Fun, opt: Optimizer, start: np.ndarray, steps: int) -> None:
        self.fun, self.opt, self.w, self.steps = fun, opt, start.copy(), steps
        self.state = opt.init(self.w)
        self.whole = Lbfgs(start.size, **opt.hyper) if opt.method.full_batch else None
        plain = self.whole is None and opt.method.base is None
        self.update = opt.update("float64") if plain else None

    def step(self, value: float, gradient: np.ndarray) -> tuple[float, np.ndarray] | None:
        """Move the point by one step; return value and gradient there if the method knows them."""
        t, state = self.state.t, self.state
        if self.whole is not None:
            lr = float(self.opt.learning_rates(np.array([t]))[0])
            state.t += 1
            self.w, value, gradient = self.whole.iterate(partial(_ask, self.fun), self.w, value, gradient, lr)
            return value, gradient
        if self.update is None:  # a wrapper, which may want a second gradient
            self.opt.step(self.w, gradient, state)
            for _ in range(self.opt.gradients_per_step - 1):
                self.opt.step(self.w, _ask(self.fun, self.w)[1], state)
            return None
        if t % TABLED == 0:
            self.table = self.opt.table(np.arange(t, min(t + TABLED, self.steps)))
        self.update(self.w, gradient, state.slots, state.memory, state.blocks, self.table[t % TABLED])
        state.t += 1
        return None


def _start(x0: npt.ArrayLike) -> np.ndarray:
    try:
        start = np.array(x0, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("x0 must be a vector of numbers") from None
    if start.ndim != 1 or start.size == 0:
        raise InputError(f"x0 must be a vector of one or more numbers, not of shape {start.shape}")
    if not np.isfinite(start).all():
        raise InputError(f"x0 must be finite, not {start.tolist()}")
    return start


def _ready(opt: Any, steps: int) -> Optimizer:
    """Return the optimizer, its schedule bound to the length of the walk."""
    if not isinstance(opt, Optimizer):
        opt = Optimizer(opt) if isinstance(opt, Method) else optimizers.create(opt)
    if isinstance(opt.lr, Schedule) and opt.lr.needs_total and opt.lr.total_steps is None:
        opt = copy.copy(opt)
        opt.lr = opt.lr.bind(max(steps, 1), 1)
    return opt


def _ask(fun: Fun, x: np.ndarray) -> tuple[float, np.ndarray]:
    """Return value and gradient; an overflow is an infinite value."""
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            answer = fun(x.copy())  # its own, to change and to keep
    except OverflowError:
        return math.inf, np.full_like(x, np.nan)
    try:
        value, gradient = answer
    except (TypeError, ValueError):
        raise InputError(f"fun must return (value, gradient), not {type(answer).__name__}") from None
    if np.ndim(value) != 0:
        raise InputError(f"fun must return a number as value, not an array of shape {np.shape(value)}")
    try:
        number, slope = float(value), np.array(gradient, dtype=np.float64, order="C")
    except (TypeError, ValueError):
        raise InputError("fun must return numbers: a value and a gradient") from None
    if slope.shape != x.shape:
        raise InputError(f"fun returned a gradient of shape {slope.shape} at a point of shape {x.shape}")
    return number, slope


def _finite(value: float, gradient: np.ndarray) -> bool:
    return math.isfinite(value) and bool(np.isfinite(gradient).all())
