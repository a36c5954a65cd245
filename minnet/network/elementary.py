"""Elementary functions of activations, by names of their own: `minnet.network.simd` says how kernels compute them."""

from __future__ import annotations

import math


def exponential(x):
    """Return eˣ."""
    return math.exp(x)


def exponential_minus_1(x):
    """Return eˣ − 1, exact near 0."""
    return math.expm1(x)


def hyperbolic_tangent(x):
    """Return tanh x."""
    return math.tanh(x)


def log_1_plus(x):
    """Return log(1 + x) for x from 0 to 1."""
    return math.log1p(x)


def normal_cdf(x):
    """Return Φ(x), the standard normal distribution function."""
    return type(x)(0.5) * type(x)(math.erfc(-x * type(x)(math.sqrt(0.5))))
