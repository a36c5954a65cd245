"""The factors of a product, as they come into shared memory: parts of matrices, and samples that are gathered.

A tile of a factor lies in shared memory term by term: ``tile[k, m]``. Its matrix has rows in memory, and the terms of
the sum run either along a row (`along_rows`: the tile is turned on its way) or down the rows (`down_rows`). Every
thread first finds where its numbers begin (`aim`), then brings some of them (`fetch`) for each tile: into registers,
while the block still works on the tile before. What is beyond the edge of the result is brought from the edge: it costs
nothing to test, and is never stored. What is beyond the last term is 0.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minnet.cuda.target import device, thread
from minnet.cuda.tiling import PAD
from minnet.network.dropout import random_bits


class Matrix(NamedTuple):
    """A matrix in a flat array: element (i, j) is ``values[start + i * stride + j]``."""

    values: np.ndarray
    start: int
    stride: int


class Samples(NamedTuple):
    """Samples of a batch: element (i, j) is ``values[order[first + i] * stride + j] * scale``, after dropout.

    threshold : inputs are left out whose random 32 bits lie below; kept : factor of the others.
    """

    values: np.ndarray
    order: np.ndarray
    first: int
    stride: int
    scale: np.float32
    key: np.uint64
    threshold: np.uint64
    kept: np.float32


class Source(NamedTuple):
    """How to read a kind of factor: where row i begins, and the number at row i, column j."""

    row: Callable
    number: Callable


class Loader(NamedTuple):
    """The three steps that bring tiles of a factor: device functions, and how many numbers each thread brings."""

    aim: Callable
    fetch: Callable
    store: Callable
    each: int


def matrix_row(matrix, i):
    """Return where a row begins."""
    return matrix.start + i * matrix.stride


def matrix_number(matrix, value, i, j):
    """Return the number as it is."""
    return value


def sample_row(samples, i):
    """Return where a sample begins."""
    return samples.order[np.uint32(samples.first + i)] * samples.stride


def sample_number(samples, value, i, j):
    """Return the scaled number."""
    return np.float32(value) * samples.scale


def dropped_number(samples, value, i, j):
    """Return the scaled number, or 0 where it is left out."""
    number = np.float32(value) * samples.scale
    if samples.threshold > 0:
        bits = random_bits(np.uint64(i * samples.stride + j), samples.key)
        return np.float32(0) if bits < samples.threshold else number * samples.kept
    return number


MATRIX = Source(matrix_row, matrix_number)
SAMPLES = Source(sample_row, sample_number)
DROPPED = Source(sample_row, dropped_number)


@functools.cache
def shares(width: int, height: int, threads: int) -> tuple[int, Callable, Callable]:
    """Return how a block's threads share a field of `width` by `height`, neighbours side by side.

    Returns
    -------
    count : int
        Numbers of each thread; beyond the field if it has fewer numbers than there are threads.
    column, row : callable
        ``column(tid, p)`` and ``row(tid, p)`` say where a thread's number p lies: at a place of its own and, from
        there, at a distance that is known beforehand, so that it costs neither an operation nor a register.

    Examples
    --------
    >>> count, column, row = shares(8, 4, 16)
    >>> count, [(column(9, p), row(9, p)) for p in range(count)]
    (2, [(1, 1), (1, 3)])
    """
    across = min(width, threads)
    turns, rows = width // across, threads // across
    assert across * turns == width
    assert across * rows == threads
    return (
        -(-width * height // threads),
        lambda tid, p: tid % across + p % turns * threads,
        lambda tid, p: tid // across + p // turns * rows,
    )


@functools.cache
def along_rows(source: Source, size: int, depth: int, threads: int) -> Loader:
    """Return the loader of ``factor[m, k] = matrix[m, k]`` for tiles of `size` by `depth`."""
    row, number = device(source.row), device(source.number)
    count, column, line = shares(depth, size, threads)
    own_k, own_m = device(column), device(line)

    def aim(matrix, m0, end, starts):
        tid = thread()
        for p in range(count):
            starts[p] = row(matrix, min(m0 + own_m(tid, p), end - 1)) + own_k(tid, p)

    def fetch(matrix, starts, m0, k0, terms, brought):
        tid = thread()
        for p in range(count):
            k = k0 + own_k(tid, p)
            brought[p] = np.float32(0)
            if k < terms:
                value = matrix.values[np.uint32(starts[p] + k0)]
                brought[p] = number(matrix, value, m0 + own_m(tid, p), k)

    return Loader(device(aim), device(fetch), _store(size, depth, count, own_m, own_k), count)


@functools.cache
def down_rows(source: Source, size: int, depth: int, threads: int) -> Loader:
    """Return the loader of ``factor[m, k] = matrix[k, m]`` for tiles of `size` by `depth`."""
    row, number = device(source.row), device(source.number)
    count, column, line = shares(size, depth, threads)
    own_m, own_k = device(column), device(line)

    def aim(matrix, m0, end, starts):
        tid = thread()
        for p in range(count):
            starts[p] = min(m0 + own_m(tid, p), end - 1)

    def fetch(matrix, starts, m0, k0, terms, brought):
        tid = thread()
        for p in range(count):
            k = k0 + own_k(tid, p)
            brought[p] = np.float32(0)
            if k < terms:
                value = matrix.values[np.uint32(row(matrix, k) + starts[p])]
                brought[p] = number(matrix, value, k, starts[p])

    return Loader(device(aim), device(fetch), _store(size, depth, count, own_m, own_k), count)


def _store(size: int, depth: int, count: int, own_m: Callable, own_k: Callable) -> Callable:
    """Return the function that puts what a thread has brought into shared memory."""
    pitch = size + PAD

    def store(brought, shared, begin):
        tid = thread()
        for p in range(count):
            m, k = own_m(tid, p), own_k(tid, p)
            if m < size and k < depth:
                shared[np.uint32(begin + k * pitch + m)] = brought[p]

    return device(store)
