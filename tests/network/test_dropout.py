"""Dropout's generator and masks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minnet import jit
from minnet.network.dropout import drop, mask_key, random_bits


@jit.numba.njit(**jit.OPTIONS)
def dropped(values, rate, seed, step, layer, position):
    kept = np.empty_like(values)
    drop(values, kept, rate, mask_key(seed, step, layer), position)
    return kept


MASK = (1 << 64) - 1


def squares(counter: int, key: int) -> int:
    """Widynski (2020), Squares, four rounds, in Python's own integers."""
    x = y = (counter * key) & MASK
    z = (y + key) & MASK
    for add in (y, z, y):
        x = (x * x + add) & MASK
        x = ((x >> 32) | (x << 32)) & MASK
    return ((x * x + z) & MASK) >> 32


@pytest.fixture
def ones():
    return np.ones(20_000, np.float32)


def test_generator_is_squares():
    key = 0x5B3C9D1E7F2A4861
    bits = jit.numba.njit(lambda i, k: random_bits(i, k)) if not jit.INTERPRETED else random_bits
    for counter in (0, 1, 2, 12345, 10**9):
        assert int(bits(np.uint64(counter), np.uint64(key))) == squares(counter, key)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_share_and_mean(ones, rate):
    kept = dropped(ones, rate, 3, 0, 1, 0)
    assert_allclose((kept == 0).mean(), rate, atol=0.015)
    assert_allclose(kept[kept > 0], 1 / (1 - rate), rtol=1e-6)
    assert_allclose(kept.mean(), 1.0, atol=0.1)


def test_mask_depends_on_seed_step_and_layer_only(ones):
    def mask(*key):
        return dropped(ones, 0.5, *key, 0) > 0

    base = mask(1, 2, 3)
    assert_array_equal(mask(1, 2, 3), base)
    for other in ((2, 2, 3), (1, 3, 3), (1, 2, 4), (2, 1, 3)):
        assert_allclose((mask(*other) == base).mean(), 0.5, atol=0.02)


def test_parts_of_a_batch_have_parts_of_its_mask(ones):
    whole = dropped(ones, 0.5, 1, 2, 3, 0)
    assert_array_equal(dropped(ones[700:], 0.5, 1, 2, 3, 700), whole[700:])
