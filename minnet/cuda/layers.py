"""Forward and backward through the layers of a network, one block per run.

For every layer a function is made whose sizes are constants; `chain` joins them. All matrices are flat, as on the CPU.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minnet.cuda import scalars
from minnet.cuda.operands import DROPPED, MATRIX, SAMPLES, Matrix, Samples, along_rows, down_rows
from minnet.cuda.product import places, product, unloading
from minnet.cuda.shape import Shape
from minnet.cuda.table import L2
from minnet.cuda.target import cuda, device, thread
from minnet.network.dropout import mask_key, random_bits


class Batch(NamedTuple):
    """The samples of one step, and what dropout does to them.

    samples : the inputs; rows : how many; seed, step : of the masks; threshold, kept : of the hidden units
    """

    samples: Samples
    rows: int
    seed: int
    step: int
    threshold: np.uint64
    kept: np.float32


def chain(functions: Sequence[Callable]) -> Callable:
    """Return a device function that calls several, in turn, with its arguments."""
    first, *rest = functions
    if not rest:
        return first
    following = chain(rest)

    def both(batch, state, work, shared, mover):
        first(batch, state, work, shared, mover)
        following(batch, state, work, shared, mover)

    return device(both)


def forward(shape: Shape) -> Callable:
    """Return the function that fills z, a and h of all layers of a block's `work`."""
    return chain([_forward(shape, layer) for layer in range(1, len(shape.widths))])


def _forward(shape: Shape, layer: int) -> Callable:
    fan_in, fan_out = shape.widths[layer - 1 : layer + 1]
    tiling = shape.block.tiling(fan_out)
    tile_rows, tile_columns, height, width = tiling.rows, tiling.columns, tiling.height, tiling.width
    start = int(shape.layout.starts[layer - 1])
    middle = start + fan_in * fan_out
    multiply = product(
        tiling,
        along_rows(_inputs(shape, layer), tile_rows, tiling.depth, tiling.threads),
        down_rows(MATRIX, tile_columns, tiling.depth, tiling.threads),
    )
    (row_of, column_of), size = places(tiling), height * width
    finish, inputs = _finish(shape, layer), _input_matrix(shape, layer)

    def through(batch, state, work, shared, mover):
        sums, params = cuda.local.array(size, np.float32), state[0]
        key = mask_key(batch.seed, batch.step, layer)
        for m0 in range(0, batch.rows, tile_rows):
            for n0 in range(0, fan_out, tile_columns):
                multiply(
                    inputs(batch, work), Matrix(params, start, fan_out), m0, n0, batch.rows, fan_out, fan_in,
                    sums, shared,
                )  # fmt: skip
                tid = thread()
                for j in range(width):
                    column = n0 + column_of(tid, j)
                    if column < fan_out:
                        bias = params[np.uint32(middle + column)]
                        for i in range(height):
                            row = m0 + row_of(tid, i)
                            if row < batch.rows:
                                finish(work, row * fan_out + column, sums[i * width + j] + bias, batch, key)
        cuda.syncthreads()

    return device(through)


def _inputs(shape: Shape, layer: int):
    """Return how to read what a layer receives its sums from."""
    if layer > 1:
        return MATRIX
    return DROPPED if shape.drops_inputs else SAMPLES


def _input_matrix(shape: Shape, layer: int) -> Callable:
    """Return the function that returns it."""
    if layer == 1:
        return device(lambda batch, work: batch.samples)
    begin, width = shape.h(layer - 1), shape.widths[layer - 1]
    return device(lambda batch, work: Matrix(work, begin, width))


def _finish(shape: Shape, layer: int) -> Callable:
    """Return what is done with the sum that a unit receives."""
    z_begin, a_begin, h_begin = shape.z(layer), shape.a(layer), shape.h(layer)

    if layer == shape.last:

        def received(work, place, z, batch, key):
            work[np.uint32(z_begin + place)] = z

        return device(received)
    value, _ = scalars.activation(shape.activation)
    drops = shape.drops

    def sent(work, place, z, batch, key):
        a = value(z)
        work[np.uint32(z_begin + place)] = z
        work[np.uint32(a_begin + place)] = a
        if drops:
            work[np.uint32(h_begin + place)] = masked(a, place, batch, key)

    return device(sent)


@device
def masked(value, place, batch, key):
    """Return a number after dropout."""
    if batch.threshold > 0:
        left_out = random_bits(np.uint64(place), key) < batch.threshold
        return np.float32(0) if left_out else value * batch.kept
    return value


class Mover(NamedTuple):
    """How the parameters of a run move at one step.

    kind : number of the method; stored : whether the gradient is only stored, since it must be seen as a whole first
    weights, biases : the row of the table for each; bound : of every component of the gradient
    """

    kind: int
    stored: Any
    weights: np.ndarray
    biases: np.ndarray
    bound: np.float32


def backward(shape: Shape, move: Callable) -> Callable:
    """Return the function that takes the derivative at the output units down through the layers.

    The gradient of a layer's parameters goes to `move` tile by tile, as soon as nobody needs its weights any more.
    """
    steps = []
    for layer in range(shape.last, 0, -1):
        steps += [_descent(shape, layer)] if layer > 1 else []
        steps += [_weights(shape, layer, move), _biases(shape, layer, move)]
    return chain(steps)


def _descent(shape: Shape, layer: int) -> Callable:
    """Return the function that takes the derivative from the units of a layer to those below."""
    fan_in, fan_out = shape.widths[layer - 1 : layer + 1]
    tiling = shape.block.tiling(fan_in)
    tile_rows, tile_columns, height, width = tiling.rows, tiling.columns, tiling.height, tiling.width
    start = int(shape.layout.starts[layer - 1])
    delta, below, drops = shape.delta(layer), shape.delta(layer - 1), shape.drops
    z_begin, a_begin = shape.z(layer - 1), shape.a(layer - 1)
    multiply = product(
        tiling,
        along_rows(MATRIX, tile_rows, tiling.depth, tiling.threads),
        along_rows(MATRIX, tile_columns, tiling.depth, tiling.threads),
    )
    (row_of, column_of), size = places(tiling), height * width
    _, slope = scalars.activation(shape.activation)

    def descend(batch, state, work, shared, mover):
        sums = cuda.local.array(size, np.float32)
        key = mask_key(batch.seed, batch.step, layer - 1)
        for m0 in range(0, batch.rows, tile_rows):
            for n0 in range(0, fan_in, tile_columns):
                multiply(
                    Matrix(work, delta, fan_out), Matrix(state[0], start, fan_out), m0, n0, batch.rows, fan_in,
                    fan_out, sums, shared,
                )  # fmt: skip
                tid = thread()
                for i in range(height):
                    row = m0 + row_of(tid, i)
                    for j in range(width):
                        column = n0 + column_of(tid, j)
                        if row < batch.rows and column < fan_in:
                            place = row * fan_in + column
                            value = sums[i * width + j]
                            if drops:
                                value = masked(value, place, batch, key)
                            z, a = work[np.uint32(z_begin + place)], work[np.uint32(a_begin + place)]
                            work[np.uint32(below + place)] = value * slope(z, a)

    return device(descend)


def _weights(shape: Shape, layer: int, move: Callable) -> Callable:
    """Return the function that finds the gradient of a layer's weights."""
    fan_in, fan_out = shape.widths[layer - 1 : layer + 1]
    tiling = shape.block.tiling(fan_out)
    tile_rows, tile_columns, height = tiling.rows, tiling.columns, tiling.height
    strip, strips = tiling.strip, tiling.rows // tiling.strip
    start = int(shape.layout.starts[layer - 1])
    delta, grads = shape.delta(layer), shape.grads
    multiply = product(
        tiling,
        down_rows(_inputs(shape, layer), tile_rows, tiling.depth, tiling.threads),
        down_rows(MATRIX, tile_columns, tiling.depth, tiling.threads),
    )
    unload, size, inputs = unloading(tiling), height * tiling.width, _input_matrix(shape, layer)
    store = storing(shape.block.threads)

    def weights(batch, state, work, shared, mover):
        sums = cuda.local.array(size, np.float32)
        for m0 in range(0, fan_in, tile_rows):
            for n0 in range(0, fan_out, tile_columns):
                multiply(
                    inputs(batch, work), Matrix(work, delta, fan_out), m0, n0, fan_in, fan_out, batch.rows,
                    sums, shared,
                )  # fmt: skip
                for part in range(strips):
                    unload(sums, shared, part)
                    cuda.syncthreads()
                    first = m0 + part * strip
                    rows, columns = min(strip, fan_in - first), min(tile_columns, fan_out - n0)
                    begin = start + first * fan_out + n0
                    if mover.stored:
                        store(work, grads, state, mover.weights, shared, tile_columns, rows, columns, begin, fan_out)
                    else:
                        move(
                            mover.kind, state, mover.weights, mover.weights[L2], mover.bound, shared, 0, tile_columns,
                            rows, columns, begin, fan_out,
                )  # fmt: skip
                    cuda.syncthreads()

    return device(weights)


def _biases(shape: Shape, layer: int, move: Callable) -> Callable:
    """Return the function that finds the gradient of a layer's biases: the sums of the columns of delta."""
    fan_in, fan_out = shape.widths[layer - 1 : layer + 1]
    threads, floats = shape.block.threads, shape.block.floats
    middle = int(shape.layout.starts[layer - 1]) + fan_in * fan_out
    delta, grads = shape.delta(layer), shape.grads
    store = storing(threads)
    part = min(floats, fan_out)

    def biases(batch, state, work, shared, mover):
        for first in range(0, fan_out, part):
            columns = min(part, fan_out - first)
            for j in range(thread(), columns, threads):
                total = np.float32(0)
                for i in range(batch.rows):
                    total += work[np.uint32(delta + i * fan_out + first + j)]
                shared[np.uint32(j)] = total  # the same thread moves this bias
            begin = middle + first
            if mover.stored:
                store(work, grads, state, mover.biases, shared, columns, 1, columns, begin, columns)
            else:
                move(
                    mover.kind, state, mover.biases, mover.biases[L2], mover.bound, shared, 0, columns, 1, columns,
                    begin, columns,
                )  # fmt: skip
            cuda.syncthreads()

    return device(biases)


@functools.cache
def storing(threads: int) -> Callable:
    """Return the function that stores a part of the gradient, with that of the L2 penalty, for later."""

    def store(work, grads, state, row, source, pitch, rows, columns, begin, stride):
        l2 = row[L2]
        for e in range(thread(), rows * pitch, threads):
            i = e // pitch
            j = e - i * pitch
            if j < columns:
                place = np.uint32(begin + i * stride + j)
                work[np.uint32(grads) + place] = source[np.uint32(e)] + l2 * state[0, place]

    return device(store)
