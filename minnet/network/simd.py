"""Elementary functions of activations in a form that becomes SIMD code.

The C library computes them number by number, which takes longer than the products of a small layer. Compiled for
float32, each is a polynomial here, within a few units of the last place; for float64, interpreted and on a GPU it is
what `math` has. A NaN stays one.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numba import types
from numba.extending import overload

from minnet import jit
from minnet.network.elementary import exponential, exponential_minus_1, hyperbolic_tangent, log_1_plus, normal_cdf


def simd(function: Callable) -> Callable:
    """Let kernels compile a factory's function in place of `function` where numbers are float32."""

    def register(make):
        def choose(x):
            return make() if x == types.float32 else function

        overload(function, jit_options=jit.INNER_OPTIONS)(choose)
        return make

    return register


real, whole = np.float32, np.int32
ZERO, HALF, ONE, TWO = real(0), real(0.5), real(1), real(2)
LOG2_E = real(math.log2(math.e))
LN2_HIGH = real(355 / 512)  # n times this is exact
LN2_LOW = real(math.log(2) - 355 / 512)
ROUND = real(1.5 * 2**23)  # added to a float32, it leaves the nearest whole number in the lowest bits
ROUND_BITS, BIAS, MANTISSA = whole(ROUND.view(whole)), whole(127), whole(23)
LEAST, MOST = real(-87), real(88)
C2, C3, C4, C5, C6, C7 = (real(1 / math.factorial(k)) for k in range(2, 8))


@jit.inner
def split_exponent(x):
    """Return 2ⁿ and r² and eʳ − 1 with eˣ = 2ⁿ eʳ: n is whole, and |r| at most half of log 2."""
    x = LEAST if x < LEAST else x
    x = MOST if x > MOST else x
    shifted = x * LOG2_E + ROUND
    n = shifted - ROUND
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    power = whole((whole(real(shifted).view(whole) - ROUND_BITS) + BIAS) << MANTISSA).view(real)
    series = C2 + r * (C3 + r * (C4 + r * (C5 + r * (C6 + r * C7))))
    return power, r + r * r * series


@simd(exponential)
def _exp():
    def compiled(x):
        power, rest = split_exponent(x)
        return power + power * rest

    return compiled


@simd(exponential_minus_1)
def _expm1():
    def compiled(x):
        power, rest = split_exponent(x)
        return (power - ONE) + power * rest

    return compiled


@simd(hyperbolic_tangent)
def _tanh():
    def compiled(x):
        e = exponential_minus_1(-TWO * abs(x))
        return math.copysign(e / (TWO + e), x)

    return compiled


@simd(log_1_plus)
def _log1p_of_share():
    odd = [real(1 / k) for k in range(1, 17, 2)]
    c0, c1, c2, c3, c4, c5, c6, c7 = odd

    def compiled(x):
        s = x / (TWO + x)  # log(1 + x) = 2 artanh s
        q = s * s
        return TWO * s * (c0 + q * (c1 + q * (c2 + q * (c3 + q * (c4 + q * (c5 + q * (c6 + q * c7)))))))

    return compiled


@simd(normal_cdf)
def _normal_cdf():
    # exp(x²) erfc(x) = t P(t), t = 1 / (1 + 0.3 x), for x from 0 to 9.4: a weighted least-squares fit to
    # scipy.special.erfcx at Chebyshev's points, whose relative error is 2e-8.
    fit = (
        0.169190115, 0.170684725, 0.148526627, 0.214285638, -0.0933185504, 0.54598964, -0.510905387, 0.48495424,
        -0.129407067,
    )  # fmt: skip
    c0, c1, c2, c3, c4, c5, c6, c7, c8 = (real(c) for c in fit)
    root, slope = real(math.sqrt(0.5)), real(0.3)

    def compiled(x):
        size = abs(x) * root
        t = ONE / (ONE + slope * size)
        series = c0 + t * (c1 + t * (c2 + t * (c3 + t * (c4 + t * (c5 + t * (c6 + t * (c7 + t * c8)))))))
        tail = HALF * t * series * exponential(-size * size)
        return tail if x < ZERO else ONE - tail

    return compiled
