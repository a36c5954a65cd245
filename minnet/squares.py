"""Random numbers by counter: what is drawn is a function of (key, position), in any order, on any device.

The generator is Squares (Widynski 2020, Squares: a fast counter-based RNG), four rounds.
"""

from __future__ import annotations

import numpy as np

from minnet import jit

# Typed, since in Numba (as in NumPy) an operation of uint64 with a signed integer gives a float.
HALF = np.uint64(32)
GOLDEN, MIX1, MIX2 = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)
SHIFT1, SHIFT2, SHIFT3 = np.uint64(30), np.uint64(27), np.uint64(31)
ONE = np.uint64(1)


@jit.inner
def mix(x):
    """Return 64 well-mixed bits of x (the finaliser of SplitMix64)."""
    x = np.uint64(x) + GOLDEN
    x = (x ^ (x >> SHIFT1)) * MIX1
    x = (x ^ (x >> SHIFT2)) * MIX2
    return x ^ (x >> SHIFT3)


@jit.inner
def key_of(seed, first, second):
    """Return a key for three whole numbers."""
    return mix(mix(mix(seed) ^ np.uint64(first)) ^ np.uint64(second)) | ONE


@jit.inner
def random_bits(counter, key):
    """Return 32 random bits, as a uint64."""
    x = counter * key
    y = x
    z = y + key
    x = x * x + y
    x = (x >> HALF) | (x << HALF)
    x = x * x + z
    x = (x >> HALF) | (x << HALF)
    x = x * x + y
    x = (x >> HALF) | (x << HALF)
    return (x * x + z) >> HALF
