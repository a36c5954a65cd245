"""Forward and backward through the layers, written out by hand.

All arrays are flat; a layer's matrices are parts of them. Layer 0 is the input. `widths` holds the units per layer and
`starts` where each layer's parameters begin (`Layout.starts`).
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
from numba import types

from minnet import jit
from minnet.network.dropout import drop, mask_key
from minnet.network.layout import BIAS
from minnet.network.terms import (
    LISTS_TYPE,
    Lists,
    list_features_of_rows,
    list_rows_of_features,
    make_lists,
    note_zeros,
)
from minnet.network.tiles import Factor, Terms, multiply

CACHE_LINE = 64
STRIP = 16  # rows of a matrix that are transposed side by side


class Work(NamedTuple):
    """Buffers of one run, all flat, layer after layer: layer l begins at ``batch * sum(widths[:l])``.

    z : what units receive; a : what they send; h : the same after dropout (the array `a` itself without dropout);
    delta : derivative of the loss to z; targets : targets of the batch; turned : the transposed weights of a layer;
    lists : which terms the products have.
    """

    z: np.ndarray
    a: np.ndarray
    h: np.ndarray
    delta: np.ndarray
    targets: np.ndarray
    turned: np.ndarray
    lists: Lists


class Penalty(NamedTuple):
    """What regularises; 0 where off."""

    l2: float
    decay_biases: bool
    input_dropout: float
    dropout: float
    seed: int


class Part(NamedTuple):
    """Rows of a batch: those in the buffers.

    first : the position of the first one in the batch; rows : how many; total : rows of the whole batch.
    """

    first: int
    rows: int
    total: int


def work_type(dtype: str) -> types.BaseTuple:
    """Return the Numba type of `Work`."""
    vector = getattr(types, dtype)[::1]
    return types.NamedTuple((vector,) * (len(Work._fields) - 1) + (LISTS_TYPE,), Work)


PENALTY_TYPE = types.NamedTuple((types.float64, types.boolean, types.float64, types.float64, types.int64), Penalty)


def make_work(widths: tuple[int, ...], batch: int, dtype: str, dropout: bool = False, skip: bool = False) -> Work:
    """Allocate the buffers for batches of up to `batch` rows; `skip` : leave out inputs that are 0."""
    size = batch * sum(widths)
    a = aligned_zeros(size, dtype)
    h = aligned_zeros(size, dtype) if dropout else a
    most_weights = max((m * n for m, n in itertools.pairwise(widths[1:])), default=0)
    return Work(
        aligned_zeros(size, dtype), a, h, aligned_zeros(size, dtype), aligned_zeros(batch * widths[-1], dtype),
        aligned_zeros(most_weights, dtype), make_lists(widths[0], max(*widths, batch), batch, skip),
    )  # fmt: skip


def aligned_zeros(size: int, dtype: str) -> np.ndarray:
    """Return a vector of zeros that begins at a cache line, so that none of its SIMD vectors lies on two."""
    itemsize = np.dtype(dtype).itemsize
    room = np.zeros(size + CACHE_LINE // itemsize, dtype)
    skipped = -room.ctypes.data % CACHE_LINE // itemsize
    return room[skipped : skipped + size]


@jit.inner
def gather_inputs(X, rows, first, n_features, scale, x, lists):
    """Copy some features of the samples `rows`, and list those that are not 0 if there are lists."""
    skip = lists.bits.shape[0] > 0
    for i in range(rows.size):
        sample = X[rows[i]][first : first + n_features]
        x_row = x[i * n_features : (i + 1) * n_features]
        for j in range(x_row.size):
            x_row[j] = sample[j] * scale
        if skip:
            note_zeros(sample, lists.bits[i])
    if skip:
        list_features_of_rows(lists.bits, lists.of_rows, lists.n_of_rows, rows.size, n_features)
        list_rows_of_features(lists.bits, lists.of_features, lists.n_of_features, rows.size, n_features)


@jit.inner
def gather_targets(Y, rows, targets):
    """Copy the targets of the samples `rows`."""
    n_outputs = Y.shape[1]
    for i in range(rows.size):
        target = Y[rows[i]]
        t_row = targets[i * n_outputs : (i + 1) * n_outputs]
        for j in range(t_row.size):
            t_row[j] = target[j]


@jit.inner
def forward(params, widths, starts, work, batch, part, activate, penalty, step, training, received):
    """Fill `work` for some rows, up to what the output units receive.

    `received` : the products of the first layer are there already.
    """
    first, rows = 0, part.rows
    if training and penalty.input_dropout > 0:
        end, position = rows * widths[0], part.first * widths[0]
        drop(work.a[:end], work.h[:end], penalty.input_dropout, mask_key(penalty.seed, step, 0), position)
    for layer in range(widths.size - 1):
        fan_in, fan_out = widths[layer], widths[layer + 1]
        following = first + batch * fan_in
        middle = starts[layer] + fan_in * fan_out
        if layer > 0 or not received:
            source = work.h if training and dropped(penalty, layer) else work.a
            X = Factor(source, first, fan_in, 1)
            multiply(
                X, terms_of_rows(work.lists, layer, fan_in), params, starts[layer], work.z, following, rows, fan_out
            )
        z = work.z[following : following + rows * fan_out]
        add_to_rows(params[middle : middle + fan_out], z)
        if layer + 2 < widths.size:
            a = work.a[following : following + rows * fan_out]
            activate(z, a)
            if training and penalty.dropout > 0:
                h = work.h[following : following + rows * fan_out]
                drop(a, h, penalty.dropout, mask_key(penalty.seed, step, layer + 1), part.first * fan_out)
        first = following


@jit.inner
def add_to_rows(b, z):
    """Add a vector to each row of a matrix."""
    for start in range(0, z.size, b.size):
        row = z[start : start + b.size]
        for j in range(row.size):
            row[j] += b[j]


@jit.inner
def sum_rows(z, total):
    """Fill `total` with the sum of the rows of a matrix."""
    for j in range(total.size):
        total[j] = 0
    for start in range(0, z.size, total.size):
        row = z[start : start + total.size]
        for j in range(row.size):
            total[j] += row[j]


@jit.inner
def terms_of_rows(lists, layer, fan_in):
    """Return the terms of ``X W``."""
    if layer == 0 and lists.bits.shape[0] > 0:
        return Terms(lists.of_rows, fan_in, lists.n_of_rows)
    return all_terms(lists, fan_in)


@jit.inner
def terms_of_features(lists, layer, rows):
    """Return the terms of ``Xᵀ D``."""
    if layer == 0 and lists.bits.shape[0] > 0:
        return Terms(lists.of_features, lists.of_features.size // lists.n_of_features.size, lists.n_of_features)
    return all_terms(lists, rows)


@jit.inner
def all_terms(lists, n):
    """Return the terms 0 to n - 1, for all tiles."""
    return Terms(lists.everything, 0, lists.numbers[n : n + 1])


@jit.inner
def backward(params, grads, widths, starts, work, batch, part, descend, penalty, step, received):
    """Fill `grads` from the derivative at the output units, which lies in `work.delta`.

    `received` : leave out the weights of the first layer.
    """
    first, rows = batch * widths[:-1].sum(), part.rows
    for layer in range(widths.size - 2, -1, -1):
        fan_in, fan_out = widths[layer], widths[layer + 1]
        before = first - batch * fan_in
        middle = starts[layer] + fan_in * fan_out
        delta = work.delta
        if layer > 0 or not received:
            source = work.h if dropped(penalty, layer) else work.a
            X = Factor(source, before, 1, fan_in)
            multiply(X, terms_of_features(work.lists, layer, rows), delta, first, grads, starts[layer], fan_in, fan_out)
        sum_rows(delta[first : first + rows * fan_out], grads[middle : middle + fan_out])
        if layer > 0:
            turn(params[starts[layer] : middle], work.turned, fan_in, fan_out)
            D = Factor(delta, first, fan_out, 1)
            multiply(D, all_terms(work.lists, fan_out), work.turned, 0, delta, before, rows, fan_in)
            below = delta[before : before + rows * fan_in]
            if penalty.dropout > 0:
                drop(below, below, penalty.dropout, mask_key(penalty.seed, step, layer), part.first * fan_in)
            descend(work.z[before : before + rows * fan_in], work.a[before : before + rows * fan_in], below)
        first = before


@jit.inner
def turn(W, turned, rows, columns):
    """Fill `turned` with the transposed matrix, in strips that fit the cache."""
    for strip in range(0, rows, STRIP):
        height = min(STRIP, rows - strip)
        for j in range(columns):
            line = turned[j * rows + strip : j * rows + strip + height]
            for i in range(line.size):
                line[i] = W[(strip + i) * columns + j]


@jit.inner
def dropped(penalty, layer):
    """Say whether the units of a layer pass through dropout."""
    return penalty.input_dropout > 0 if layer == 0 else penalty.dropout > 0


@jit.inner
def add_l2(params, grads, blocks, l2, biases):
    """Add the gradient of l2/2 times the sum of squared weights, and return that penalty."""
    total = 0.0
    for k in range(blocks.shape[0]):
        if biases or blocks[k, 3] != BIAS:
            first, end = blocks[k, 0], blocks[k, 0] + blocks[k, 1] * blocks[k, 2]
            w, g = params[first:end], grads[first:end]
            factor = w.dtype.type(l2)
            for i in range(w.size):
                g[i] += factor * w[i]
            total += sum_of_squares(w)
    return l2 / 2 * total


@jit.summing
def sum_of_squares(vector):
    """Return the sum in double precision: squares in float32 could overflow or vanish."""
    total = 0.0
    for i in range(vector.size):
        total += np.float64(vector[i]) * np.float64(vector[i])
    return total


@jit.inner
def gradient(params, grads, widths, starts, work, batch, part, activate, descend, head, penalty, step, received):
    """Fill `grads` with what a gathered part of a batch adds to the gradient of its mean loss; return its loss.

    Without the L2 penalty: see `add_l2`.
    """
    forward(params, widths, starts, work, batch, part, activate, penalty, step, True, received)
    first, n_out = batch * widths[:-1].sum(), widths[-1]
    end = first + part.rows * n_out
    loss = head(
        work.z[first:end], work.a[first:end], work.targets[: part.rows * n_out], work.delta[first:end],
        n_out, params.dtype.type(1 / part.total),
    ) / part.total  # fmt: skip
    backward(params, grads, widths, starts, work, batch, part, descend, penalty, step, received)
    return loss
