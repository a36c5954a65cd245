"""Elementary functions: within a few units of the last place of what `math` computes in float64, NaN kept."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from numba import types
from numpy.testing import assert_array_equal

from minnet import jit
from minnet.network import elementary, simd  # noqa: F401 : what kernels make of them


def grid(low, high):
    near_zero = np.geomspace(1e-30, 1, 2000)
    return np.unique(np.float32(np.concatenate([np.linspace(low, high, 40001), near_zero, -near_zero])))


def compiled(function, dtype="float32"):
    vector = getattr(types, dtype)[::1]

    def fill(x, y):
        for i in range(x.size):
            y[i] = function(x[i])

    return jit.compile(fill, types.void(vector, vector))


def values(function, x):
    y = np.empty_like(x)
    compiled(function, str(x.dtype))(x, y)
    return y


# The function, what it is, where, and by how many units of the last place it may differ.
CASES = [
    (elementary.exponential, math.exp, (-87.0, 88.0), 2),
    (elementary.exponential_minus_1, math.expm1, (-87.0, 88.0), 3),
    (elementary.hyperbolic_tangent, math.tanh, (-20.0, 20.0), 3),
    (elementary.log_1_plus, math.log1p, (0.0, 1.0), 3),
]
ids = [case[0].__name__ for case in CASES]


@pytest.mark.parametrize(("function", "true", "where", "units"), CASES, ids=ids)
def test_agrees_to_the_last_places(function, true, where, units):
    x = grid(*where)
    x = x[(x >= where[0]) & (x <= where[1])]
    expected = np.array([true(float(v)) for v in x])
    error = np.abs(values(function, x) - expected) / np.spacing(np.abs(np.float32(expected)))
    assert error.max() <= units


def test_normal_cdf_agrees_to_the_last_places_of_1():
    x = grid(-13, 13)
    expected = np.array([0.5 * math.erfc(-float(v) * math.sqrt(0.5)) for v in x])
    assert np.abs(values(elementary.normal_cdf, x) - expected).max() <= 2 * np.spacing(np.float32(1))
    tail = (x < 0) & (expected > 1e-30)  # which 1 + erf would round away
    assert np.abs(values(elementary.normal_cdf, x)[tail] / expected[tail] - 1).max() <= 2e-5


@pytest.mark.skipif(jit.INTERPRETED, reason="the library raises where a result is too large")
@pytest.mark.parametrize("function", [case[0] for case in CASES] + [elementary.normal_cdf])
def test_extremes(function):
    assert math.isnan(values(function, np.float32([np.nan]))[0])
    x = np.float32([-np.inf, -1e30, 0.0, 1e30, np.inf])
    expected = {
        "exponential": [0, 0, 1, np.inf, np.inf],
        "exponential_minus_1": [-1, -1, 0, np.inf, np.inf],
        "hyperbolic_tangent": [-1, -1, 0, 1, 1],
        "normal_cdf": [0, 0, 0.5, 1, 1],
    }.get(function.__name__)
    if expected:
        found = values(function, x).astype(float)
        huge = found > 1e38
        assert_array_equal(np.where(huge, np.inf, np.where(np.abs(found) < 2e-38, 0, found)), expected)


@pytest.mark.parametrize("function", [case[0] for case in CASES] + [elementary.normal_cdf])
def test_float64_is_that_of_the_library(function):
    x = np.linspace(0.01, 1, 50)
    assert_array_equal(values(function, x), [function(v) for v in x])


@pytest.mark.skipif(jit.INTERPRETED, reason="looks at compiled code")
@pytest.mark.parametrize("function", [case[0] for case in CASES] + [elementary.normal_cdf])
def test_becomes_simd_code(function, tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    jit.cache_folder.cache_clear()
    try:
        kernel = compiled(function)
        code = kernel.inspect_asm(kernel.signatures[0])
    finally:
        jit.cache_folder.cache_clear()
    packed = [line for line in code.splitlines() if re.search(r"v?(mul|fn?m(add|sub)\d+)ps\s|fml[as]\s.*4s", line)]
    assert len(packed) > 5
