"""Activations, each as two scalar functions: the value of one unit, and its slope.

`value(z)` maps what a unit receives to what it sends; `slope(z, a)` is its derivative, given both. Constants are
written ``type(z)(...)`` so that a float32 network computes in float32. None of them overflows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from minnet.network.elementary import exponential, exponential_minus_1, hyperbolic_tangent, log_1_plus, normal_cdf


@dataclass(frozen=True)
class Activation:
    """An activation: its two scalar functions, its formula, and the initialisation that suits it."""

    value: Callable
    slope: Callable
    formula: str
    init: str


def identity(z):
    """Return z."""
    return z


def identity_slope(z, a):
    """Return 1."""
    return type(z)(1)


def relu(z):
    """Return z where it is positive, else 0 (a NaN stays one)."""
    return type(z)(0) if z < type(z)(0) else z


def relu_slope(z, a):
    """Return 1 where z is positive, else 0."""
    return type(z)(1) if z > type(z)(0) else type(z)(0)


def leaky_relu(z):
    """Return z where it is positive, else z / 100."""
    return z if z > type(z)(0) else z * type(z)(0.01)


def leaky_relu_slope(z, a):
    """Return 1 where z is positive, else 1 / 100."""
    return type(z)(1) if z > type(z)(0) else type(z)(0.01)


def elu(z):
    """Return z where it is positive, else exp(z) − 1."""
    return z if z > type(z)(0) else type(z)(exponential_minus_1(z))


def elu_slope(z, a):
    """Return 1 where z is positive, else exp(z)."""
    return type(z)(1) if z > type(z)(0) else a + type(z)(1)


def gelu(z):
    """Return z Φ(z) (Hendrycks and Gimpel 2016, the exact form)."""
    return z * normal_cdf(z)


def gelu_slope(z, a):
    """Return Φ(z) + z φ(z)."""
    density = type(z)(0.3989422804014327) * type(z)(exponential(-z * z * type(z)(0.5)))
    return normal_cdf(z) + z * density


def sigmoid(z):
    """Return 1 / (1 + exp(−z)), written so that exp never overflows."""
    e = type(z)(exponential(-abs(z)))
    return (type(z)(1) if z > type(z)(0) else e) / (type(z)(1) + e)


def sigmoid_slope(z, a):
    """Return a (1 − a)."""
    return a * (type(z)(1) - a)


def silu(z):
    """Return z σ(z)."""
    return z * sigmoid(z)


def silu_slope(z, a):
    """Return σ(z) + a (1 − σ(z))."""
    s = sigmoid(z)
    return s + a * (type(z)(1) - s)


def softplus(z):
    """Return log(1 + exp(z))."""
    return (z if z > type(z)(0) else type(z)(0)) + type(z)(log_1_plus(exponential(-abs(z))))


def softplus_slope(z, a):
    """Return σ(z)."""
    return sigmoid(z)


def tanh(z):
    """Return tanh z."""
    return type(z)(hyperbolic_tangent(z))


def tanh_slope(z, a):
    """Return 1 − a²."""
    return type(z)(1) - a * a


def lecun_tanh(z):
    """Return 1.7159 tanh(2 z / 3) (LeCun et al. 1998, Efficient BackProp)."""
    return type(z)(1.7159) * type(z)(hyperbolic_tangent(z * type(z)(2 / 3)))


def lecun_tanh_slope(z, a):
    """Return 1.7159 · 2/3 · (1 − tanh²(2 z / 3))."""
    t = a * type(z)(1 / 1.7159)
    return type(z)(1.7159 * 2 / 3) * (type(z)(1) - t * t)


ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(relu, relu_slope, "max(0, z)", "he_normal"),
    "leaky_relu": Activation(leaky_relu, leaky_relu_slope, "z if z > 0 else z / 100", "he_normal"),
    "elu": Activation(elu, elu_slope, "z if z > 0 else exp(z) − 1", "he_normal"),
    "gelu": Activation(gelu, gelu_slope, "z Φ(z)", "he_normal"),
    "silu": Activation(silu, silu_slope, "z σ(z)", "he_normal"),
    "softplus": Activation(softplus, softplus_slope, "log(1 + exp z)", "he_normal"),
    "tanh": Activation(tanh, tanh_slope, "tanh z", "glorot_uniform"),
    "lecun_tanh": Activation(lecun_tanh, lecun_tanh_slope, "1.7159 tanh(2 z / 3)", "lecun_normal"),
    "sigmoid": Activation(sigmoid, sigmoid_slope, "1 / (1 + exp(−z))", "glorot_uniform"),
    "identity": Activation(identity, identity_slope, "z", "glorot_uniform"),
}

# What other functions of the network call.
SHARED = (sigmoid, softplus)
