"""The walk over a plain Python function, step by step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from minnet.errors import InputError
from minnet.optimizers import Optimizer
from minnet.optimizers.lbfgs import Lbfgs

Fun = Callable[[np.ndarray], tuple[float, npt.ArrayLike]]
Stop = Callable[[int, float], bool]
TABLED = 1000  # steps whose coefficients are computed at a time


@dataclass
class Path:
    """Where a walk is written down: row t is after step t, NaN what was not reached.

    Without a method that averages, `evaluation` and `f_evaluation` are `x` and `f` themselves.
    """

    x: np.ndarray
    f: np.ndarray
    evaluation: np.ndarray
    f_evaluation: np.ndarray

    @property
    def averages(self) -> bool:
        """Whether the method evaluates elsewhere than it takes gradients."""
        return self.evaluation is not self.x


def walk(
    fun: Fun,
    opt: Optimizer,
    path: Path,
    value: float,
    gradient: np.ndarray,
    noise: np.ndarray | None,
    stop: Stop | None,
) -> tuple[int, bool]:
    """Walk from the first row of a path.

    Parameters
    ----------
    value, gradient
        Of `fun` at the start.
    noise : array of shape (steps, d), optional
        What is added to the gradient of every step.

    Returns
    -------
    steps done with finite values, and whether `stop` ended it
    """
    steps = len(path.x) - 1
    walker, done = _Walker(fun, opt, path.x[0], steps), 0
    for t in range(1, steps + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            known = walker.step(value, gradient, None if noise is None else noise[t - 1])
        if not np.isfinite(walker.w).all():
            break
        value, gradient = known or ask(fun, walker.w)
        if not finite(value, gradient):
            break
        path.x[t], path.f[t] = walker.w, value
        if path.averages:
            path.evaluation[t] = opt.evaluation_params(walker.w, walker.state)
            path.f_evaluation[t] = ask(fun, path.evaluation[t])[0]
        done = t
        if stop is not None and stop(t, float(path.f_evaluation[t])):
            return done, True
    return done, False


def ask(fun: Fun, x: np.ndarray, shift: np.ndarray | None = None) -> tuple[float, np.ndarray]:
    """Return value and gradient of `fun`, or of fun(x) + x · shift; an overflow is an infinite value."""
    try:
        with np.errstate(all="ignore"):
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
    return (number, slope) if shift is None else (number + float(x @ shift), slope + shift)


def finite(value: float, gradient: np.ndarray) -> bool:
    """Say whether a value and all of a gradient are finite."""
    return math.isfinite(value) and bool(np.isfinite(gradient).all())


class _Walker:
    """A point that a method moves, with the coefficients of many steps computed at a time."""

    def __init__(self, fun: Fun, opt: Optimizer, start: np.ndarray, steps: int) -> None:
        self.fun, self.opt, self.w, self.steps = fun, opt, start.copy(), steps
        self.state = opt.init(self.w)
        self.whole = Lbfgs(start.size, **opt.hyper) if opt.method.full_batch else None
        stepped = self.whole is None and opt.method.base is None
        self.update = opt.update("float64") if stepped else None

    def step(self, value: float, gradient: np.ndarray, shift: np.ndarray | None) -> tuple[float, np.ndarray] | None:
        """Move the point by one step; return value and gradient there if the method knows them."""
        t, state, asked = self.state.t, self.state, partial(ask, self.fun, shift=shift)
        if shift is not None:
            value, gradient = value + float(self.w @ shift), gradient + shift
        if self.whole is not None:
            lr = float(self.opt.learning_rates(np.array([t]))[0])
            state.t += 1
            self.w, value, gradient = self.whole.iterate(asked, self.w, value, gradient, lr)
            return (value, gradient) if shift is None else None
        if self.update is None:  # a wrapper, which may want a second gradient
            self.opt.step(self.w, gradient, state)
            for _ in range(self.opt.gradients_per_step - 1):
                self.opt.step(self.w, asked(self.w)[1], state)
            return None
        if t % TABLED == 0:
            self.table = self.opt.table(np.arange(t, min(t + TABLED, self.steps)))
        self.update(self.w, gradient, state.slots, state.memory, state.blocks, self.table[t % TABLED])
        state.t += 1
        return None
