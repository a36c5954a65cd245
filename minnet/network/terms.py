"""Which terms a product of the first layer has: all of them, or, in images that are mostly black, those that are not 0.

A tile of the forward product covers a few samples: its list holds the features that are not zero in all of them. A tile
of the weight gradient covers a few features that lie side by side: its list holds the samples of the batch that are not
zero in all of these. Zeros are found when a batch is gathered, one bit per feature.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import types
from numba.extending import intrinsic, overload

from minnet import jit
from minnet.network.tiles import ROWS, start_of

# Lists cost a little and win where they are short. Measured: 19 % (MNIST) wins a half, 50 % (Fashion-MNIST) a quarter.
SKIP_BELOW = 0.6
LOOKED_AT = 200
WORD = 64
ONE, ALL = np.uint64(1), ~np.uint64(0)
GROUP_SHIFTS = tuple(np.uint64(bit) for bit in range(1, ROWS))
FIRST_OF_GROUP = np.uint64(sum(1 << bit for bit in range(0, WORD, ROWS)))


class Lists(NamedTuple):
    """Lists of terms for `tiles.multiply`, and where they come from.

    everything : 0, 1, 2, ...; numbers : the same, whose part ``[n : n + 1]`` says that a product has n terms
    bits : (batch, words), a bit for each feature that is not 0; without rows if all terms are taken
    of_rows, n_of_rows : lists of features for tiles of samples
    of_features, n_of_features : lists of samples for tiles of features

    Workers that share a batch share all but the lists.
    """

    everything: np.ndarray
    numbers: np.ndarray
    bits: np.ndarray
    of_rows: np.ndarray
    n_of_rows: np.ndarray
    of_features: np.ndarray
    n_of_features: np.ndarray


_short, _whole = types.int32[::1], types.int64[::1]
LISTS_TYPE = types.NamedTuple((_short, _whole, types.uint64[:, ::1], _short, _whole, _short, _whole), Lists)


def make_lists(n_features: int, most: int, batch: int, skip: bool) -> Lists:
    """Allocate lists for products of up to `most` terms; with those that skip zeros if asked."""
    words = -(-n_features // WORD)
    return Lists(
        np.arange(most, dtype=np.int32),
        np.arange(most + 1),
        np.zeros((batch if skip else 0, words), np.uint64),
        *lists_of(*((batch, n_features) if skip else (0, 0))),
    )


def lists_of(batch: int, n_features: int) -> tuple[np.ndarray, ...]:
    """Allocate the lists of `Lists`."""
    rows, features = tiles_of(batch), tiles_of(n_features)
    return (
        np.zeros(rows * n_features, np.int32),
        np.zeros(rows, np.int64),
        np.zeros(features * batch, np.int32),
        np.zeros(features, np.int64),
    )


def lists_of_another(lists: Lists) -> Lists:
    """Return the same with lists of its own, for another worker at the same batch."""
    own = (np.zeros_like(array) for array in lists[3:])
    return Lists(*lists[:3], *own)


def tiles_of(rows: int) -> int:
    """Return how many tiles cover so many rows."""
    return -(-rows // ROWS)


def mostly_zero(X: np.ndarray) -> bool:
    """Say whether skipping the zeros of X pays, from a few rows of it.

    Examples
    --------
    >>> mostly_zero(np.eye(4)), mostly_zero(np.ones((4, 4)))
    (True, False)
    """
    part = X[:: max(1, len(X) // LOOKED_AT)]
    return bool(np.count_nonzero(part) < SKIP_BELOW * part.size)


@jit.inner
def note_zeros(sample, words):
    """Set the bits of the features that are not 0."""
    zero = sample.dtype.type(0)
    for w in range(words.size):
        bits = np.uint64(0)
        part = sample[w * WORD : (w + 1) * WORD]
        for j in range(part.size):
            bits |= np.uint64(part[j] != zero) << np.uint64(j)
        words[w] = bits


@jit.inner
def list_features_of_rows(lists, low, rows, first, n_features):
    """For each tile of `rows` samples from `low` on: the features that are not 0 in all of them.

    Only `n_features` features from `first` on, a multiple of `WORD`, are looked at.
    """
    bits, terms, n_terms = lists.bits, lists.of_rows, lists.n_of_rows
    most = terms.size // max(n_terms.size, 1)
    for tile in range((rows + ROWS - 1) // ROWS):
        top, count = low + start_of(tile, rows), tile * most
        for w in range(first // WORD, (first + n_features + WORD - 1) // WORD):
            found = np.uint64(0)
            for r in range(top, min(top + ROWS, low + rows)):
                found |= bits[r, w]
            while found:
                terms[count] = w * WORD + lowest_bit(found)
                count += 1
                found &= found - ONE
        n_terms[tile] = count - tile * most


@jit.inner
def list_rows_of_features(lists, rows, first, n_features):
    """For each tile of `n_features` features from `first` on: the samples that are not 0 in all of them.

    `first` is a multiple of `ROWS`.
    """
    bits, terms, n_terms = lists.bits, lists.of_features, lists.n_of_features
    most = terms.size // max(n_terms.size, 1)
    tiles = (n_features + ROWS - 1) // ROWS
    for tile in range(tiles):
        n_terms[tile] = 0
    low, end = first // WORD, (first + n_features + WORD - 1) // WORD
    before = ALL << np.uint64(first % WORD)
    after = ALL >> np.uint64(-(first + n_features) % WORD)
    for i in range(rows):
        for w in range(low, end):
            word = bits[i, w]
            if w == low:
                word &= before
            if w == end - 1:
                word &= after
            found = word
            for shift in GROUP_SHIFTS:
                found |= word >> shift
            found &= FIRST_OF_GROUP
            while found:
                tile = (w * WORD + lowest_bit(found) - first) // ROWS
                terms[tile * most + n_terms[tile]] = i
                n_terms[tile] += 1
                found &= found - ONE
    if n_features > ROWS and n_features % ROWS:  # the last tile is moved back: it is no group of bits
        last = tiles - 1
        for i in range(rows):
            terms[last * most + i] = i
        n_terms[last] = rows


def lowest_bit(bits):
    """Return the position of the lowest bit that is set."""
    return (int(bits) & -int(bits)).bit_length() - 1


@overload(lowest_bit)
def _lowest_bit_compiled(bits):
    return lambda bits: trailing_zeros(bits)


@intrinsic
def trailing_zeros(context, bits):
    """Count the zeros below the lowest bit that is set."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], context.get_constant(types.boolean, False))

    return types.uint64(types.uint64), generate
