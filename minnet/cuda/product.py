"""A tile of a matrix product: every thread keeps its part in registers while the terms pass through shared memory.

There are two stages in shared memory. While the block multiplies from one, each thread brings its share of the next
tile from memory into registers and puts it into the other; so one barrier per tile is enough.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from minnet.cuda.operands import Loader
from minnet.cuda.target import LANES, cuda, device, put, take, thread
from minnet.cuda.tiling import PAD, Tiling


def product(tiling: Tiling, left: Loader, right: Loader) -> Callable:
    """Return a device function that fills `sums` with a thread's part of a tile of ``left · right``.

    The tile begins at (m0, n0) of a result of `rows` by `columns`, and each number is a sum of `terms`. After it the
    shared memory is free.
    """
    depth = tiling.depth
    left_stage, right_stage = depth * (tiling.rows + PAD), depth * (tiling.columns + PAD)
    right_begin = 2 * left_stage
    multiply = multiplication(tiling)
    left_count, right_count = left.each, right.each
    left_aim, left_fetch, left_store, _ = left
    right_aim, right_fetch, right_store, _ = right
    size = tiling.height * tiling.width

    def multiplied(a, b, m0, n0, rows, columns, terms, sums, shared):
        a_starts, b_starts = cuda.local.array(left_count, np.uint32), cuda.local.array(right_count, np.uint32)
        a_brought, b_brought = cuda.local.array(left_count, np.float32), cuda.local.array(right_count, np.float32)
        for i in range(size):
            sums[i] = np.float32(0)
        left_aim(a, m0, rows, a_starts)
        right_aim(b, n0, columns, b_starts)
        left_fetch(a, a_starts, m0, 0, terms, a_brought)
        right_fetch(b, b_starts, n0, 0, terms, b_brought)
        left_store(a_brought, shared, 0)
        right_store(b_brought, shared, right_begin)
        cuda.syncthreads()
        stage = 0
        for k0 in range(0, terms, depth):
            more = k0 + depth < terms
            if more:
                left_fetch(a, a_starts, m0, k0 + depth, terms, a_brought)
                right_fetch(b, b_starts, n0, k0 + depth, terms, b_brought)
            multiply(shared, stage * left_stage, right_begin + stage * right_stage, sums)
            stage = 1 - stage
            if more:
                left_store(a_brought, shared, stage * left_stage)
                right_store(b_brought, shared, right_begin + stage * right_stage)
            cuda.syncthreads()

    return device(multiplied)


@functools.cache
def multiplication(tiling: Tiling) -> Callable:
    """Return the innermost loop: the products of one stage, from shared memory into registers."""
    across = tiling.columns // tiling.width
    terms = [_term(tiling, k) for k in range(tiling.depth)]
    add = _in_turn(terms)

    def multiply(shared, left, right, sums):
        tid = thread()
        add(shared, left + tid // across * LANES, right + tid % across * LANES, sums)

    return device(multiply)


def _in_turn(functions: list[Callable]) -> Callable:
    """Return a device function that calls several: a loop whose every turn knows its number."""
    first, *rest = functions
    if not rest:
        return first
    following = _in_turn(rest)

    def both(shared, row, column, sums):
        first(shared, row, column, sums)
        following(shared, row, column, sums)

    return device(both)


def _term(tiling: Tiling, k: int) -> Callable:
    """Return the function that adds term k of a stage to a thread's sums."""
    height, width = tiling.height, tiling.width
    left, right = k * (tiling.rows + PAD), k * (tiling.columns + PAD)
    row_step, column_step = tiling.strip, tiling.columns * LANES // width
    bands, lanes = height // LANES, width // LANES

    def term(shared, row, column, sums):
        a, b = cuda.local.array(height, np.float32), cuda.local.array(width, np.float32)
        for i in range(bands):
            a[i * LANES], a[i * LANES + 1], a[i * LANES + 2], a[i * LANES + 3] = take(
                shared, row + (left + i * row_step)
            )
        for j in range(lanes):
            b[j * LANES], b[j * LANES + 1], b[j * LANES + 2], b[j * LANES + 3] = take(
                shared, column + (right + j * column_step)
            )
        for i in range(height):
            for j in range(width):
                sums[i * width + j] += a[i] * b[j]

    return device(term)


@functools.cache
def places(tiling: Tiling) -> tuple[Callable, Callable]:
    """Return the functions that say in which row and column of the tile a thread's number (i, j) lies."""
    across, row_step, column_step = tiling.columns // tiling.width, tiling.strip, tiling.columns * LANES // tiling.width

    def row_of(tid, i):
        return tid // across * LANES + (i // LANES * row_step + i % LANES)

    def column_of(tid, j):
        return tid % across * LANES + (j // LANES * column_step + j % LANES)

    return device(row_of), device(column_of)


@functools.cache
def unloading(tiling: Tiling) -> Callable:
    """Return the function that puts one strip of the result into shared memory, row by row."""
    columns, height, width = tiling.columns, tiling.height, tiling.width
    across, column_step = columns // width, columns * LANES // width
    lanes = width // LANES

    def unload(sums, shared, strip):
        tid = thread()
        corner = tid // across * LANES * columns + tid % across * LANES
        for i in range(height):
            if i // LANES == strip:
                for j in range(lanes):
                    at = i * width + j * LANES
                    values = (sums[at], sums[at + 1], sums[at + 2], sums[at + 3])
                    put(shared, corner + (i % LANES * columns + j * column_step), values)

    return device(unload)
