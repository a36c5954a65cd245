"""A method becomes a compiled update of all weights.

All updates have one signature, `update_type`, so that whoever trains holds a pointer to any method's. The loops of
scalar rules differ only in how many slots the rule has, and are written out so that the compiler sees plain
contiguous arrays and turns each into SIMD code.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import types
from numba.extending import overload
from numba.np.unsafe.ndarray import to_fixed_tuple

from minnet import jit
from minnet.optimizers.base import BIAS, Method


def update_type(dtype: str) -> types.FunctionType:
    """Return the type of ``update(params, grads, slots, memory, blocks, coefficients)``: see `Method.update`."""
    real = getattr(types, dtype)
    vector, matrix = real[::1], real[:, ::1]
    return types.FunctionType(types.void(vector, vector, matrix, types.float64[::1], types.int64[:, ::1], matrix))


def update(method: Method, dtype: str) -> Callable:
    """Compile the update of a method for "float32" or "float64", or load it from the cache."""
    if method.rule is None:
        return _of_blocks(method.update, dtype)
    return _elementwise(method.rule, len(method.slots), len(method.columns), dtype)


@jit.once
def _of_blocks(function: Callable, dtype: str) -> Callable:
    return jit.compile(function, update_type(dtype).signature)


@jit.once
def _elementwise(rule: Callable, n_slots: int, n_coefficients: int, dtype: str) -> Callable:
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


@jit.inner
def place(blocks, k):
    """Return where block k begins and ends, and which row of the coefficients is its."""
    first = blocks[k, 0]
    return first, first + blocks[k, 1] * blocks[k, 2], 1 if blocks[k, 3] == BIAS else 0


def no_slot(rule, n):
    """Loop for a rule without memory."""

    def update(params, grads, slots, memory, blocks, coefficients):
        for k in range(blocks.shape[0]):
            first, end, row = place(blocks, k)
            w, g, c = params[first:end], grads[first:end], as_tuple(coefficients[row], n)
            for i in range(w.size):
                w[i] = rule(w[i], g[i], *c)

    return update


def one_slot(rule, n):
    """Loop for a rule that remembers one number per weight."""

    def update(params, grads, slots, memory, blocks, coefficients):
        for k in range(blocks.shape[0]):
            first, end, row = place(blocks, k)
            w, g, c = params[first:end], grads[first:end], as_tuple(coefficients[row], n)
            s0 = slots[0][first:end]
            for i in range(w.size):
                w[i], s0[i] = rule(w[i], g[i], s0[i], *c)

    return update


def two_slots(rule, n):
    """Loop for a rule that remembers two numbers per weight."""

    def update(params, grads, slots, memory, blocks, coefficients):
        for k in range(blocks.shape[0]):
            first, end, row = place(blocks, k)
            w, g, c = params[first:end], grads[first:end], as_tuple(coefficients[row], n)
            s0, s1 = slots[0][first:end], slots[1][first:end]
            for i in range(w.size):
                w[i], s0[i], s1[i] = rule(w[i], g[i], s0[i], s1[i], *c)

    return update


def three_slots(rule, n):
    """Loop for a rule that remembers three numbers per weight."""

    def update(params, grads, slots, memory, blocks, coefficients):
        for k in range(blocks.shape[0]):
            first, end, row = place(blocks, k)
            w, g, c = params[first:end], grads[first:end], as_tuple(coefficients[row], n)
            s0, s1, s2 = slots[0][first:end], slots[1][first:end], slots[2][first:end]
            for i in range(w.size):
                w[i], s0[i], s1[i], s2[i] = rule(w[i], g[i], s0[i], s1[i], s2[i], *c)

    return update


def four_slots(rule, n):
    """Loop for a rule that remembers four numbers per weight."""

    def update(params, grads, slots, memory, blocks, coefficients):
        for k in range(blocks.shape[0]):
            first, end, row = place(blocks, k)
            w, g, c = params[first:end], grads[first:end], as_tuple(coefficients[row], n)
            s0, s1 = slots[0][first:end], slots[1][first:end]
            s2, s3 = slots[2][first:end], slots[3][first:end]
            for i in range(w.size):
                w[i], s0[i], s1[i], s2[i], s3[i] = rule(w[i], g[i], s0[i], s1[i], s2[i], s3[i], *c)

    return update


LOOPS = (no_slot, one_slot, two_slots, three_slots, four_slots)
