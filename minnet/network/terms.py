"""Which terms a product of the first layer has: all of them, or, in images that are mostly black, those that are not 0.

A tile of the forward product covers a few samples: its list holds the features that are not zero in all of them. A tile
of the weight gradient covers a few features that lie side by side: its list holds the samples of the batch that are not
zero in all of these. Zeros are found when a batch is gathered, one bit per feature. Bits become lists eight at a time:
a table holds the positions of the bits of every byte.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from minnet import jit
from minnet.network.tiles import INTEGER, ROWS, data_of, spread, start_of

# Lists cost a little and win where they are short. Measured: 19 % (MNIST) wins a half, 50 % (Fashion-MNIST) a quarter.
SKIP_BELOW = 0.6
LOOKED_AT = 200
WORD, BYTE = 64, 8
LOWEST, GROUP = np.uint64(0xFF), np.uint64((1 << ROWS) - 1)
POSITIONS = np.array([[bit for bit in range(BYTE) if byte >> bit & 1] + [0] * (BYTE - byte.bit_count())
                      for byte in range(256)], np.int32)  # fmt: skip
COUNTS = np.array([byte.bit_count() for byte in range(256)])


class Lists(NamedTuple):
    """Lists of terms for `tiles.multiply`, and where they come from.

    everything : 0, 1, 2, ...; numbers : the same, whose part ``[n : n + 1]`` says that a product has n terms
    bits : (words, samples), a bit for each feature that is not 0; without columns if all terms are taken
    of_rows, n_of_rows : lists of features for tiles of samples
    of_features, n_of_features : lists of samples for tiles of features

    Workers that share a batch share all but the lists, and the bits if they take features of their own.
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
    samples = -(-batch // BYTE) * BYTE if skip else 0
    return Lists(
        np.arange(most, dtype=np.int32),
        np.arange(most + 1),
        np.zeros((-(-n_features // WORD), samples), np.uint64),
        *lists_of(*((batch, n_features) if skip else (0, 0))),
    )


def lists_of(batch: int, n_features: int) -> tuple[np.ndarray, ...]:
    """Allocate the lists of `Lists`, with room for a byte more than is listed."""
    rows, features = tiles_of(batch), tiles_of(n_features)
    return (
        np.zeros(rows * (n_features + BYTE), np.int32),
        np.zeros(rows, np.int64),
        np.zeros(features * (batch + BYTE), np.int32),
        np.zeros(features, np.int64),
    )


def lists_of_another(lists: Lists, own_bits: bool) -> Lists:
    """Return the same with lists of its own, for another worker at the same batch."""
    shared = 2 if own_bits else 3
    own = (np.zeros_like(array) for array in lists[shared:])
    return Lists(*lists[:shared], *own)


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
def note_zeros(sample, bits, i, first_word):
    """Set the bits of the features of sample i that are not 0."""
    zero, whole = sample.dtype.type(0), sample.size // WORD
    for w in range(whole):
        bits[first_word + w, i] = word_of(sample, w * WORD)
    if sample.size > whole * WORD:
        word = np.uint64(0)
        part = sample[whole * WORD :]
        for j in range(part.size):
            word |= np.uint64(part[j] != zero) << np.uint64(j)
        bits[first_word + whole, i] = word


def word_of(sample, first):
    """Return one bit for each of 64 features: whether it is not 0."""
    return sum(1 << k for k in range(WORD) if sample[first + k] != 0)


@overload(word_of, jit_options=jit.INNER_OPTIONS)
def _word_of_compiled(sample, first):
    return lambda sample, first: compare_word(sample, first)


@intrinsic
def compare_word(context, sample, first):
    """Do what `word_of` says with vectors; a feature that is no number is not 0."""

    def generate(context, builder, signature, arguments):
        values, first = data_of(context, builder, signature, arguments)
        start = builder.gep(values, [first])
        vector = ir.VectorType(values.type.pointee, WORD)
        features = builder.load(builder.bitcast(start, vector.as_pointer()), align=1)
        real = isinstance(sample.dtype, types.Float)
        compare = builder.fcmp_unordered if real else builder.icmp_unsigned
        return builder.bitcast(compare("!=", features, ir.Constant(vector, None)), INTEGER)

    return types.uint64(sample, types.int64), generate


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
                found |= bits[w, r]
            for shift in range(0, WORD, BYTE):
                byte = int(found >> np.uint64(shift) & LOWEST)
                put_positions(terms, count, byte, w * WORD + shift)
                count += COUNTS[byte]
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
        feature, count = first + tile * ROWS, tile * most
        group = GROUP << np.uint64(feature % WORD)
        for i in range(0, rows, BYTE):
            byte = byte_of(bits, feature // WORD, i, group) & ((1 << min(rows - i, BYTE)) - 1)
            put_positions(terms, count, byte, i)
            count += COUNTS[byte]
        n_terms[tile] = count - tile * most
    if n_features > ROWS and n_features % ROWS:  # the last tile is moved back: it is no group of bits
        last = tiles - 1
        for i in range(rows):
            terms[last * most + i] = i
        n_terms[last] = rows


def put_positions(terms, count, byte, first):
    """Write the positions of the bits of a byte, counted from `first`, and then what does not matter: eight in all."""
    terms[count : count + BYTE] = POSITIONS[byte] + first


@overload(put_positions, jit_options=jit.INNER_OPTIONS)
def _put_positions_compiled(terms, count, byte, first):
    def compiled(terms, count, byte, first):
        put_eight(terms, count, POSITIONS, byte, first)

    return compiled


@intrinsic
def put_eight(context, terms, count, table, row, first):
    """Write a row of the table, with `first` added, in one vector."""

    def generate(context, builder, signature, arguments):
        terms, count, table, row, first = data_of(context, builder, signature, arguments)
        vector = ir.VectorType(ir.IntType(32), BYTE)
        source = builder.gep(table, [builder.mul(row, INTEGER(BYTE))])
        positions = builder.load(builder.bitcast(source, vector.as_pointer()), align=4)
        place = builder.bitcast(builder.gep(terms, [count]), vector.as_pointer())
        moved = builder.add(positions, spread(builder, builder.trunc(first, ir.IntType(32)), BYTE))
        builder.store(moved, place, align=4)
        return context.get_dummy_value()

    whole = types.int64
    return types.void(terms, whole, table, whole, whole), generate


def byte_of(bits, w, i, group):
    """Return which of eight samples from i on have bits of a group: a byte."""
    return sum(1 << k for k in range(BYTE) if bits[w, i + k] & group)


@overload(byte_of, jit_options=jit.INNER_OPTIONS)
def _byte_of_compiled(bits, w, i, group):
    return lambda bits, w, i, group: compare_eight(bits, w * bits.shape[1] + i, group)


@intrinsic
def compare_eight(context, bits, first, group):
    """Return one bit for each of eight words: whether it has a bit of the group."""

    def generate(context, builder, signature, arguments):
        bits, first, group = data_of(context, builder, signature, arguments)
        vector = ir.VectorType(INTEGER, BYTE)
        words = builder.load(builder.bitcast(builder.gep(bits, [first]), vector.as_pointer()), align=8)
        common = builder.and_(words, spread(builder, group, BYTE))
        there = builder.icmp_unsigned("!=", common, ir.Constant(vector, None))
        return builder.zext(builder.bitcast(there, ir.IntType(BYTE)), INTEGER)

    return types.int64(bits, types.int64, types.uint64), generate
