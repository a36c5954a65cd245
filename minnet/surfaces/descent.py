"""A method on any differentiable function: `minimize`, the path it walks, and how many steps it needs."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minnet import optimizers
from minnet.errors import InputError
from minnet.optimizers import Method, Optimizer
from minnet.schedules import Schedule
from minnet.surfaces import plain
from minnet.surfaces.plain import Fun, Path, Stop


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
    stop: Stop | None = None,
    noise: npt.ArrayLike | None = None,
) -> Descent:
    """Walk down a function, in float64.

    Where `fun` was compiled by Numba, so is the whole walk.

    Parameters
    ----------
    fun : callable
        ``fun(x) -> (value, gradient)``: `x` is a float64 array of shape (d,), `value` a number and
        `gradient` has the shape of `x`. If it comes from ``numba.njit`` and returns a number and a float64 array,
        the walk is one compiled loop (L-BFGS and wrapped methods excepted), with the same result.
    x0 : array of shape (d,)
        Where to start.
    opt : str, Method or Optimizer
        A method with its default hyperparameters, or what `minnet.optimizers.create` returned. A schedule
        that needs the length of the run gets `steps`.
    steps : int
    stop : callable, optional
        ``stop(t, value)`` is asked with the value to be evaluated after every step t; True ends the walk there, and
        the arrays end with it.
    noise : array of shape (steps, d), optional
        What is added to the gradient of every step, as batches do: step t sees fun(x) + x · noise[t]. Methods that are
        given the same rows meet the same noise. The values in the result are those of `fun`.

    Returns
    -------
    Descent

    Raises
    ------
    InputError
        (a `ValueError`) For a start that is not finite, or for values, gradients and noise of other shapes. Values that
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
    from minnet.surfaces import compiled

    start = _start(x0)
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 0:
        raise InputError(f"steps = {steps!r} must be a whole number from 0")
    opt = _ready(opt, int(steps))
    added = None if noise is None else _noise(noise, (int(steps), start.size))
    value, gradient = plain.ask(fun, start)
    if not plain.finite(value, gradient):
        raise InputError(f"fun is not finite at the start {start.tolist()}: start where value and gradient are")
    path = _path(start, value, int(steps), opt.method.evaluation is not None)
    pointer = compiled.pointer(fun, opt)
    if pointer is None:
        done, stopped = plain.walk(fun, opt, path, value, gradient, added, stop)
    else:
        done, stopped = compiled.walk(pointer, opt, path, gradient, added, stop)
    rows = slice(done + 1 if stopped else None)
    return Descent(
        path.x[rows], path.f[rows], path.evaluation[rows], path.f_evaluation[rows], done, not stopped and done < steps
    )


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
        The smallest t such that from step t to the end |f − lowest| ≤ tolerance · (f₀ − lowest), at the points of
        evaluation. A method that passes through the minimum and leaves again has not arrived. None if it never does.

    Examples
    --------
    >>> from minnet import optimizers
    >>> result = minimize(lambda x: (x @ x, 2 * x), [1.0], optimizers.create("sgd", lr=0.25), steps=10)
    >>> steps_to(result, 0.0, 1e-2), steps_to(result, 0.0, 1e-9)
    (4, None)
    """
    above = result.f_evaluation - lowest
    far = ~(np.abs(above) <= tolerance * above[0])
    if far[-1]:
        return None
    return int(np.flatnonzero(far)[-1]) + 1 if far.any() else 0


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


def _noise(noise: npt.ArrayLike, shape: tuple[int, int]) -> np.ndarray:
    try:
        rows = np.array(noise, dtype=np.float64, order="C")
    except (TypeError, ValueError):
        raise InputError("noise must be an array of numbers, a row per step") from None
    if rows.shape != shape or not np.isfinite(rows).all():
        raise InputError(f"noise must be finite and of shape {shape}, a row per step, not of shape {rows.shape}")
    return rows


def _path(start: np.ndarray, value: float, steps: int, averages: bool) -> Path:
    """Return an empty path but for its start."""
    x, f = np.full((steps + 1, start.size), np.nan), np.full(steps + 1, np.nan)
    x[0], f[0] = start, value
    return Path(x, f, x.copy(), f.copy()) if averages else Path(x, f, x, f)


def _ready(opt: Any, steps: int) -> Optimizer:
    """Return the optimizer, its schedule bound to the length of the walk."""
    if not isinstance(opt, Optimizer):
        opt = Optimizer(opt) if isinstance(opt, Method) else optimizers.create(opt)
    if isinstance(opt.lr, Schedule) and opt.lr.needs_total and opt.lr.total_steps is None:
        opt = copy.copy(opt)
        opt.lr = opt.lr.bind(max(steps, 1), 1)
    return opt
