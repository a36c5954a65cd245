"""Steps that must see the whole gradient before any weight moves, or all weights after they have moved.

Such are clipping by norm, the climb of SAM, a bound on the norm of units, and the last step of an epoch, whose norms
go into the history. The gradient is then stored in the block's memory first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minnet.cuda.reduce import squares
from minnet.cuda.shape import Shape
from minnet.cuda.table import CLIMB, L2, LEAN
from minnet.cuda.target import cuda, device, thread
from minnet.network.layout import BIAS

GRADIENT, UPDATE, WEIGHTS = range(3)


class Limits(NamedTuple):
    """Bounds, 0 where off: of every component of the gradient, of its norm, of the norm of a unit's weights."""

    clip_value: np.float32
    clip_norm: np.float32
    max_norm: np.float32


def whole_move(shape: Shape, move: Callable) -> Callable:
    """Return the function that moves all weights along a stored gradient, and measures norms if asked."""
    threads, size, grads, kept = shape.block.threads, shape.layout.size, shape.grads, shape.kept
    clip, bound_units, measure = _clip(shape), _bound_units(shape), _measure(shape)
    move_blocks = _move_blocks(shape, move)

    def finish(mover, limits, slow, state, work, norms, measured, scratch):
        clip(work, limits, scratch)
        if measured:
            for i in range(thread(), size, threads):
                work[kept + i] = state[0, i]
            measure(work, grads, norms, GRADIENT, scratch)
        move_blocks(mover, state, work)
        cuda.syncthreads()
        if limits.max_norm > 0:
            bound_units(state, limits.max_norm)
            cuda.syncthreads()
            if slow > 0 and mover.weights[LEAN] < np.float32(1):
                for i in range(thread(), size, threads):
                    state[slow, i] = state[0, i]
        if measured:
            for i in range(thread(), size, threads):
                work[kept + i] -= state[0, i]  # the first sum takes each thread's own; between sums are barriers
            measure(work, kept, norms, UPDATE, scratch)
            measure(state[0], 0, norms, WEIGHTS, scratch)

    return device(finish)


def _move_blocks(shape: Shape, move: Callable) -> Callable:
    """Return the function that moves the weights and the biases of all layers."""
    grads = shape.grads
    blocks = tuple((first, rows * columns, int(role == BIAS)) for first, rows, columns, role in
                   shape.layout.blocks.tolist())  # fmt: skip

    def move_blocks(mover, state, work):
        none = np.float32(0)
        for first, size, bias in blocks:
            row = mover.biases if bias else mover.weights
            move(mover.kind, state, row, none, none, work, grads + first, size, 1, size, first, size)

    return device(move_blocks)


def _clip(shape: Shape) -> Callable:
    """Return the function that bounds every component of the stored gradient, then its norm."""
    threads, begin, end = shape.block.threads, shape.grads, shape.grads + shape.layout.size
    sum_of_squares = squares(threads)

    def clip(work, limits, scratch):
        bound = limits.clip_value
        if bound > 0:
            for i in range(begin + thread(), end, threads):
                work[i] = min(max(work[i], -bound), bound)
            cuda.syncthreads()
        if limits.clip_norm > 0:
            length = math.sqrt(sum_of_squares(work, begin, end, scratch))
            if length > limits.clip_norm and math.isfinite(length):
                factor = np.float32(limits.clip_norm / length)
                for i in range(begin + thread(), end, threads):
                    work[i] *= factor
            cuda.syncthreads()

    return device(clip)


def _bound_units(shape: Shape) -> Callable:
    """Return the function that scales back the incoming weights of every unit whose norm exceeds a bound."""
    threads = shape.block.threads
    layers = [_bound_columns(block, threads) for block in shape.layout.blocks.tolist() if block[3] != BIAS]

    def all_of(functions: list[Callable]) -> Callable:
        first, *rest = functions
        if not rest:
            return first
        following = all_of(rest)

        def both(state, bound):
            first(state, bound)
            following(state, bound)

        return device(both)

    return all_of(layers)


def _bound_columns(block: list[int], threads: int) -> Callable:
    """Return the same for one layer: every thread takes some units."""
    first, rows, columns, _ = block

    def bound_columns(state, bound):
        for j in range(thread(), columns, threads):
            square = 0.0
            for i in range(rows):
                weight = np.float64(state[0, first + i * columns + j])
                square += weight * weight
            if square > np.float64(bound) * np.float64(bound):
                factor = np.float32(bound / math.sqrt(square))
                for i in range(rows):
                    state[0, first + i * columns + j] *= factor

    return device(bound_columns)


def _measure(shape: Shape) -> Callable:
    """Return the function that writes the norm of each layer's part of a vector into the history's norms."""
    threads, starts = shape.block.threads, tuple(int(start) for start in shape.layout.starts)
    sum_of_squares, layers = squares(threads), shape.last

    def measure(vector, begin, norms, which, scratch):
        for layer in range(layers):
            first, end = begin + starts[layer], begin + starts[layer + 1]
            square = sum_of_squares(vector, first, end, scratch)
            if thread() == 0:
                norms[which, layer] = math.sqrt(square)

    return device(measure)


def climbing(shape: Shape) -> Callable:
    """Return SAM's climb: the weights are kept, and moved up the stored gradient."""
    threads, size, grads, kept = shape.block.threads, shape.layout.size, shape.grads, shape.kept
    sum_of_squares = squares(threads)

    def climb(state, work, row, scratch):
        length = math.sqrt(sum_of_squares(work, grads, grads + size, scratch))
        factor = np.float32(row[CLIMB] / length) if length > 0 else np.float32(0)
        for i in range(thread(), size, threads):
            w = state[0, i]
            work[kept + i] = w
            state[0, i] = w + factor * work[grads + i]
        cuda.syncthreads()

    return device(climb)


def returning(shape: Shape) -> Callable:
    """Return the function that brings the kept weights back."""
    threads, size, kept = shape.block.threads, shape.layout.size, shape.kept

    def back(state, work):
        for i in range(thread(), size, threads):
            state[0, i] = work[kept + i]
        cuda.syncthreads()

    return device(back)


def penalty(shape: Shape) -> Callable:
    """Return the function for the L2 penalty of the weights, and of the biases if they count."""
    sum_of_squares = squares(shape.block.threads)
    blocks = tuple((first, first + rows * columns, int(role == BIAS)) for first, rows, columns, role in
                   shape.layout.blocks.tolist())  # fmt: skip

    def of_weights(state, mover, scratch):
        total = 0.0
        for first, end, bias in blocks:
            l2 = mover.biases[L2] if bias else mover.weights[L2]
            if l2 > 0:
                total += np.float64(l2) / 2 * sum_of_squares(state[0], first, end, scratch)
        return total

    return device(of_weights)
