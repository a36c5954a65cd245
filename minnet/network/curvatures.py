"""Second derivatives: of each activation, and of each loss to what the output units receive.

`curvature(z, a)` is the second derivative of one unit's value, given what it receives and what it sends; where an
activation has a kink, that of the piece on which `z` lies. A *curve* takes a direction `rz` in which what the output
units receive moves, and fills `rdelta` with how the derivative of the loss to `z` (`delta` of a head) moves with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from numba import types

from minnet import jit
from minnet.network.activations import ACTIVATIONS, sigmoid
from minnet.network.compile import slope_loop, slope_type


def straight(z, a):
    """Return 0: the activation consists of straight pieces."""
    return type(z)(0)


def elu_curvature(z, a):
    """Return 0 where z is positive, else exp(z)."""
    return type(z)(0) if z > type(z)(0) else a + type(z)(1)


def gelu_curvature(z, a):
    """Return φ(z) (2 − z²)."""
    density = type(z)(0.3989422804014327) * type(z)(math.exp(-z * z * type(z)(0.5)))
    return density * (type(z)(2) - z * z)


def silu_curvature(z, a):
    """Return σ'(z) (2 + z (1 − 2 σ(z)))."""
    s = sigmoid(z)
    return s * (type(z)(1) - s) * (type(z)(2) + z * (type(z)(1) - s - s))


def softplus_curvature(z, a):
    """Return σ(z) (1 − σ(z))."""
    s = sigmoid(z)
    return s * (type(z)(1) - s)


def tanh_curvature(z, a):
    """Return −2 a (1 − a²)."""
    return -type(z)(2) * a * (type(z)(1) - a * a)


def lecun_tanh_curvature(z, a):
    """Return −2 · 1.7159 · (2/3)² t (1 − t²), t = tanh(2 z / 3)."""
    t = a * type(z)(1 / 1.7159)
    return -type(z)(2 * 1.7159 * 4 / 9) * t * (type(z)(1) - t * t)


def sigmoid_curvature(z, a):
    """Return a (1 − a) (1 − 2 a)."""
    return a * (type(z)(1) - a) * (type(z)(1) - a - a)


CURVATURES: dict[str, Callable] = {
    "relu": straight,
    "leaky_relu": straight,
    "elu": elu_curvature,
    "gelu": gelu_curvature,
    "silu": silu_curvature,
    "softplus": softplus_curvature,
    "tanh": tanh_curvature,
    "lecun_tanh": lecun_tanh_curvature,
    "sigmoid": sigmoid_curvature,
    "identity": straight,
}


def cross_entropy_curve(z, out, targets, rz, rdelta, columns, scale):
    """Softmax: the derivative p − t moves by p (rz − p·rz)."""
    for start in range(0, z.size, columns):
        end = start + columns
        p, r, d = out[start:end], rz[start:end], rdelta[start:end]
        mean = type(scale)(0)
        for j in range(p.size):
            mean += p[j] * r[j]
        for j in range(p.size):
            d[j] = p[j] * (r[j] - mean) * scale


def binary_cross_entropy_curve(z, out, targets, rz, rdelta, columns, scale):
    """Sigmoid units: the derivative p − t moves by p (1 − p) rz."""
    for i in range(z.size):
        rdelta[i] = out[i] * (type(scale)(1) - out[i]) * rz[i] * scale


def squared_error_curve(slope, curvature):
    """Output units of any activation: the derivative (a − t) a' moves by (a'² + (a − t) a'') rz."""

    def curve(z, out, targets, rz, rdelta, columns, scale):
        for i in range(z.size):
            s = slope(z[i], out[i])
            rdelta[i] = (s * s + (out[i] - targets[i]) * curvature(z[i], out[i])) * rz[i] * scale

    return curve


def curve_type(dtype: str) -> types.FunctionType:
    """Return the type of ``curve(z, out, targets, rz, rdelta, columns, scale)``."""
    real = getattr(types, dtype)
    return types.FunctionType(types.void(*(real[::1],) * 5, types.int64, real))


@jit.once
def bend(activation: str, dtype: str) -> Callable:
    """Return ``bend(z, a, vector)``, which multiplies a vector by the curvature of an activation, compiled."""
    return jit.compile(slope_loop(jit.inner(CURVATURES[activation])), slope_type(dtype).signature)


@jit.once
def curve(loss: str, output: str, dtype: str) -> Callable:
    """Return the curve of a loss with an output activation (not "auto"), compiled."""
    if loss == "mse":
        function = squared_error_curve(jit.inner(ACTIVATIONS[output].slope), jit.inner(CURVATURES[output]))
    else:
        curves = {"cross_entropy": cross_entropy_curve, "binary_cross_entropy": binary_cross_entropy_curve}
        function = curves[loss]
    return jit.compile(function, curve_type(dtype).signature)
