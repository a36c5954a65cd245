"""A scalar rule becomes a fused loop over a block of weights.

The loops differ only in how many slots the rule has, and are written out so that the compiler sees plain
contiguous arrays and turns each into SIMD code. All of them have one signature, `update_type`: whoever trains
holds a pointer to any method's loop.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import types
from numba.extending import overload
from numba.np.unsafe.ndarray import to_fixed_tuple

from minnet import jit


def update_type(dtype: str) -> types.FunctionType:
    """Return the type of ``update(params, grads, slots, first, rows, columns, coefficients)``.

    It moves the block of ``rows * columns`` weights that starts at `first` in the flat vectors `params` and
    `grads` and in every row of `slots`. An elementwise method uses only the product of rows and columns.
    """
    real = types.float32 if dtype == "float32" else types.float64
    vector, matrix = real[::1], real[:, ::1]
    return types.FunctionType(
        types.void(vector, vector, matrix, types.int64, types.int64, types.int64, vector)
    )


@jit.once
def elementwise(rule: Callable, n_slots: int, n_coefficients: int, dtype: str) -> Callable:
    """Compile the update loop of a scalar rule, or load it from the cache.

    Parameters
    ----------
    rule : callable
        See `Method.rule`.
    n_slots, n_coefficients : int
    dtype : {"float32", "float64"}

    Returns
    -------
    callable
        Of type `update_type`.
    """
    loop = LOOPS[n_slots](jit.callable_from_kernels(rule), n_coefficients)
    return jit.compile(loop, update_type(dtype).signature)


def as_tuple(coefficients: np.ndarray, n: int) -> tuple:
    """Return the `n` coefficients as a tuple, so that a rule can take them as arguments."""
    return tuple(coefficients[:n])


@overload(as_tuple)
def _as_tuple_compiled(coefficients, n):
    def compiled(coefficients, n):
        return to_fixed_tuple(coefficients, n)

    return compiled


def no_slot(rule, n):
    """Loop for a rule without memory."""

    def update(params, grads, slots, first, rows, columns, coefficients):
        end = first + rows * columns
        w, g = params[first:end], grads[first:end]
        c = as_tuple(coefficients, n)
        for i in range(w.size):
            w[i] = rule(w[i], g[i], *c)

    return update


def one_slot(rule, n):
    """Loop for a rule that remembers one number per weight."""

    def update(params, grads, slots, first, rows, columns, coefficients):
        end = first + rows * columns
        w, g, s0 = params[first:end], grads[first:end], slots[0][first:end]
        c = as_tuple(coefficients, n)
        for i in range(w.size):
            w[i], s0[i] = rule(w[i], g[i], s0[i], *c)

    return update


def two_slots(rule, n):
    """Loop for a rule that remembers two numbers per weight."""

    def update(params, grads, slots, first, rows, columns, coefficients):
        end = first + rows * columns
        w, g, s0, s1 = params[first:end], grads[first:end], slots[0][first:end], slots[1][first:end]
        c = as_tuple(coefficients, n)
        for i in range(w.size):
            w[i], s0[i], s1[i] = rule(w[i], g[i], s0[i], s1[i], *c)

    return update


LOOPS = (no_slot, one_slot, two_slots)
