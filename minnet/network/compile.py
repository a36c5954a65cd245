"""Activations and losses become function pointers: loops over arrays with fixed signatures."""

from __future__ import annotations

from collections.abc import Callable

from numba import types

from minnet import jit
from minnet.network import simd  # noqa: F401 : kernels find its forms
from minnet.network.activations import ACTIVATIONS, SHARED
from minnet.network.losses import binary_cross_entropy, cross_entropy, squared_error, weighted

for function in SHARED:
    jit.inner(function)


def value_type(dtype: str) -> types.FunctionType:
    """Return the type of ``activate(z, a)``, which fills `a`."""
    vector = getattr(types, dtype)[::1]
    return types.FunctionType(types.void(vector, vector))


def slope_type(dtype: str) -> types.FunctionType:
    """Return the type of ``descend(z, a, delta)``, which multiplies `delta` by the slope."""
    vector = getattr(types, dtype)[::1]
    return types.FunctionType(types.void(vector, vector, vector))


def head_type(dtype: str) -> types.FunctionType:
    """Return the type of ``head(z, out, targets, delta, columns, scale) -> loss``."""
    real = getattr(types, dtype)
    vector = real[::1]
    return types.FunctionType(types.float64(vector, vector, vector, vector, types.int64, real))


@jit.once
def activation(name: str, dtype: str) -> tuple[Callable, Callable]:
    """Return ``activate`` and ``descend`` for one activation, compiled."""
    scalar = ACTIVATIONS[name]
    return (
        jit.compile(value_loop(jit.inner(scalar.value)), value_type(dtype).signature),
        jit.compile(slope_loop(jit.inner(scalar.slope)), slope_type(dtype).signature),
    )


@jit.once
def head(loss: str, output: str, dtype: str, by_weight: bool = False) -> Callable:
    """Return the head for a loss and an output activation (not "auto"), compiled; `by_weight` : see `weighted`."""
    if loss == "mse":
        scalar = ACTIVATIONS[output]
        function = squared_error(jit.inner(scalar.value), jit.inner(scalar.slope))
    else:
        function = {"cross_entropy": cross_entropy, "binary_cross_entropy": binary_cross_entropy}[loss]
    if by_weight:
        function = weighted(jit.inner(function))
    return jit.compile(function, head_type(dtype).signature)


def value_loop(value):
    """Apply a scalar function to an array."""

    def activate(z, a):
        for i in range(z.size):
            a[i] = value(z[i])

    return activate


def slope_loop(slope):
    """Multiply an array by a slope: the chain rule at the units of one layer."""

    def descend(z, a, delta):
        for i in range(z.size):
            delta[i] = delta[i] * slope(z[i], a[i])

    return descend
