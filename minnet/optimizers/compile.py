"""A method becomes a compiled update of all weights.

All updates have one signature, `update_type`, so that whoever trains holds a pointer to any method's. The loops of
scalar rules differ only in how many slots the rule has, and are written out so that the compiler sees plain
contiguous arrays and turns each into SIMD code.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.core.errors import NumbaError
from numba.extending import overload
from numba.np.unsafe.ndarray import to_fixed_tuple

from minnet import jit
from minnet.errors import InputError
from minnet.optimizers.base import Method
from minnet.optimizers.blocks import place as blocks_place
from minnet.optimizers.own import explain


def update_type(dtype: str) -> types.FunctionType:
    """Return the type of ``update(params, grads, slots, memory, blocks, coefficients)``: see `Method.update`."""
    real = getattr(types, dtype)
    vector, matrix = real[::1], real[:, ::1]
    return types.FunctionType(types.void(vector, vector, matrix, types.float64[::1], types.int64[:, ::1], matrix))


def update(method: Method, dtype: str) -> Callable:
    """Compile the update of a method for "float32" or "float64", or load it from the cache."""
    if method.base is not None:
        return update(method.base, dtype)
    if len(method.slots) >= len(LOOPS) and method.rule is not None:
        raise InputError(f"{method.name} has {len(method.slots)} slots: a rule can have {len(LOOPS) - 1} at most")
    try:
        if method.rule is None:
            return _of_blocks(method.update, method.helpers, dtype, method.digest)
        return _elementwise(method.rule, method.helpers, len(method.slots), len(method.columns), dtype, method.digest)
    except NumbaError as error:
        if not method.digest:
            raise
        raise explain(method, error) from error


@jit.once
def _of_blocks(function: Callable, helpers: tuple[Callable, ...], dtype: str, digest: str) -> Callable:
    for helper in helpers:
        _known_to_kernels(helper)
    return jit.compile(function, update_type(dtype).signature, digest)


@jit.once
def _elementwise(
    rule: Callable, helpers: tuple[Callable, ...], n_slots: int, n_coefficients: int, dtype: str, digest: str
) -> Callable:
    for helper in helpers:
        _known_to_kernels(helper)
    loop = LOOPS[n_slots](_known_to_kernels(rule), n_coefficients)
    kernel = jit.compile(loop, update_type(dtype).signature, digest)
    if digest and dtype == "float32" and jit.lines_with(kernel, "double"):
        warnings.warn(
            f"{rule.__name__} computes partly in double precision, and so up to four times slower than it could: "
            "write its conversions without numpy.float64 and its counters without arithmetic on w or g",
            stacklevel=3,
        )
    return kernel


_known_to_kernels = jit.once(jit.inner)


def as_tuple(coefficients: np.ndarray, n: int) -> tuple:
    """Return the `n` coefficients as a tuple, so that a rule can take them as arguments."""
    return tuple(coefficients[:n])


@overload(as_tuple)
def _as_tuple_compiled(coefficients, n):
    def compiled(coefficients, n):
        return to_fixed_tuple(coefficients, n)

    return compiled


place = jit.inner(blocks_place)


# What holds a float as an integer, what to add to a third of that for a cube root, and Halley's steps after it.
ROOTS: dict[types.Type, tuple[Any, Any, int, int]] = {
    types.float32: (np.float32, np.int32, 709958130, 2),
    types.float64: (np.float64, np.int64, 715094163 << 32, 3),
}


@overload(math.cbrt, jit_options=jit.INNER_OPTIONS)
def _cube_root_compiled(x):
    """Cube root, which Numba lacks, in a form that becomes SIMD code: a power would be ten times slower.

    A third of the integer that holds a float has a third of its exponent, and is within 6 % of the root with the right
    constant added (known from the C libraries). Each of Halley's steps cubes the error.
    """
    if x not in ROOTS:
        return None
    real, integer, shift, steps = ROOTS[x]
    shift, third, two, zero, most = integer(shift), real(1 / 3), real(2), real(0), real(np.inf)

    def compiled(x):
        size = abs(x)
        bits = real(size).view(integer)
        y = integer(integer(real(bits) * third) + shift).view(real)
        for _ in range(steps):
            cube = y * y * y
            y = y * ((cube + two * size) / (two * cube + size))
        return math.copysign(y, x) if zero < size < most else x

    return compiled


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
