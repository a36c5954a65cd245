"""The walk over a function that Numba compiled, as one compiled loop.

Function and method reach the loop as function pointers, so that it is compiled once for all of them and then loaded
from the disk cache. It does what `plain.walk` does, in the same order, and finds the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core.dispatcher import Dispatcher

from minnet import jit
from minnet.errors import InputError
from minnet.optimizers import Optimizer
from minnet.optimizers.compile import update_type
from minnet.surfaces.plain import TABLED, Path, Stop

real, vector, matrix = types.float64, types.float64[::1], types.float64[:, ::1]
FUN = types.FunctionType(types.Tuple((real, vector))(vector))
OTHER_SHAPE = -1


def pointer(fun: Any, opt: Optimizer) -> Callable | None:
    """Return a compiled `fun` in the form that the loop takes, or None if the walk has to be a plain one.

    It has to be where `fun` is not compiled or returns something else than a number and a float64 vector, and with
    wrappers and L-BFGS, which take several gradients per step.
    """
    if not isinstance(fun, Dispatcher) or opt.method.base is not None or opt.method.full_batch:
        return None
    answers = [s.return_type for s in fun.nopython_signatures if s.args == (vector,)]
    answer = answers[0] if answers else None
    if not isinstance(answer, types.BaseTuple) or len(answer) != 2:
        return None
    value, gradient = answer
    is_vector = isinstance(gradient, types.Array) and gradient.ndim == 1 and gradient.dtype == real
    if not isinstance(value, types.Number) or isinstance(value, types.Complex) or not is_vector:
        return None
    return _pointer(fun)


@jit.once
def _pointer(fun: Dispatcher) -> Callable:
    def asked(x):
        value, gradient = fun(x.copy())  # its own, to change and to keep
        return np.float64(value), gradient.copy()

    return numba.njit(FUN.signature, **jit.OPTIONS)(asked)


def walk(
    fun: Callable,
    opt: Optimizer,
    path: Path,
    gradient: np.ndarray,
    noise: np.ndarray | None,
    stop: Stop | None,
) -> tuple[int, bool]:
    """Do as `plain.walk` does; `fun` is a `pointer`."""
    steps, w = len(path.x) - 1, path.x[0].copy()
    state, update, loop = opt.init(w), opt.update("float64"), _loop()
    added = np.empty((0, w.size)) if noise is None else noise
    for first in range(0, steps, TABLED):
        last = min(first + TABLED, steps)
        rows = slice(first + 1, last + 1)
        slots = np.empty((last - first if path.averages else 0, *state.slots.shape))
        done, gradient = loop(
            fun, update, w, state.slots, state.memory, state.blocks, opt.table(np.arange(first, last)),
            gradient, added[first:last], path.x[rows], path.f[rows], slots,
        )  # fmt: skip
        if done == OTHER_SHAPE:
            raise InputError(f"fun returned a gradient of another shape than the point's, {w.shape}")
        if path.averages:
            _evaluate(fun, opt, path, slice(first + 1, first + done + 1), slots[:done])
        if stop is not None:
            for t in range(first + 1, first + done + 1):
                if stop(t, float(path.f_evaluation[t])):
                    return t, True
        if done < last - first:
            return first + done, False
    return steps, False


def _evaluate(fun: Callable, opt: Optimizer, path: Path, rows: slice, slots: np.ndarray) -> None:
    """Write down the points that an averaging method evaluates, and the values there."""
    assert opt.method.evaluation is not None
    path.evaluation[rows] = opt.method.evaluation(path.x[rows], *np.moveaxis(slots, 1, 0))
    _values()(fun, path.evaluation[rows], path.f_evaluation[rows])


@jit.once
def _loop() -> Callable:
    inputs = (FUN, update_type("float64"), vector, matrix, vector, types.int64[:, ::1], types.float64[:, :, ::1])
    outputs = (vector, matrix, matrix, vector, types.float64[:, :, ::1])
    return jit.compile(steps_over, types.Tuple((types.int64, vector))(*inputs, *outputs))


@jit.once
def _values() -> Callable:
    return jit.compile(values_at, types.void(FUN, matrix, vector))


def steps_over(fun, update, w, slots, memory, blocks, table, gradient, noise, x, f, kept):
    """Take a step per row of the table; return how many had finite values, and the last gradient."""
    for k in range(len(table)):
        if len(noise) > 0:
            gradient = gradient + noise[k]
        update(w, gradient, slots, memory, blocks, table[k])
        if not np.isfinite(w).all():
            return k, gradient
        value, gradient = fun(w)
        if gradient.size != w.size:
            return OTHER_SHAPE, gradient
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return k, gradient
        x[k], f[k] = w, value
        if len(kept) > 0:
            kept[k] = slots
    return len(table), gradient


def values_at(fun, points, values):
    """Write the values at all points."""
    for k in range(len(points)):
        values[k] = fun(points[k])[0]
