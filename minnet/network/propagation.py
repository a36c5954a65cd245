"""Forward and backward through the layers, written out by hand.

All arrays are flat; a layer's matrices are parts of them. Layer 0 is the input. `widths` holds the units per layer and
`starts` where each layer's parameters begin (`Layout.starts`).

Backward first takes the derivatives to all units, and then gradients, piece by piece: whoever trains moves the weights
of a piece while its gradient is in the cache. Several workers share the buffers of a batch: each takes some of its rows
forward and back, and some pieces of the gradient of all rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import types

from minnet import jit
from minnet.network.dropout import drop, mask_key
from minnet.network.gather import CACHE_LINE
from minnet.network.layout import BIAS
from minnet.network.terms import LISTS_TYPE, Lists, lists_of_another, make_lists
from minnet.network.tiles import ROWS, Factor, Terms, multiply, wide


class Work(NamedTuple):
    """Buffers of one run, all flat, layer after layer: layer l begins at ``batch * sum(widths[:l])``.

    z : what units receive; a : what they send; x : what the inputs send (the array `a` itself, but for workers that
    take features of their own); h : what is sent after dropout (`a` itself without dropout); delta : derivative of the
    loss to z; targets : targets of the batch; panel : for `multiply`; lists : which terms the products have.

    Workers that share a batch share all but the last two, and x.
    """

    z: np.ndarray
    a: np.ndarray
    x: np.ndarray
    h: np.ndarray
    delta: np.ndarray
    targets: np.ndarray
    panel: np.ndarray
    lists: Lists


class Penalty(NamedTuple):
    """What regularises; 0 where off."""

    l2: float
    decay_biases: bool
    input_dropout: float
    dropout: float
    seed: int


class Part(NamedTuple):
    """Rows of a batch: the first one, how many, and how many the whole batch has."""

    first: int
    rows: int
    total: int


def work_type(dtype: str) -> types.BaseTuple:
    """Return the Numba type of `Work`."""
    vector = getattr(types, dtype)[::1]
    return types.NamedTuple((vector,) * (len(Work._fields) - 1) + (LISTS_TYPE,), Work)


PENALTY_TYPE = types.NamedTuple((types.float64, types.boolean, types.float64, types.float64, types.int64), Penalty)


def make_work(
    widths: tuple[int, ...], batch: int, dtype: str, dropout: bool = False, skip: bool = False, weighted: bool = False
) -> Work:
    """Allocate the buffers for batches of up to `batch` rows.

    `skip` : leave out inputs that are 0; `weighted` : targets have a further column, the weights of the samples.
    """
    size = batch * sum(widths)
    a = aligned_zeros(size, dtype)
    h = aligned_zeros(size, dtype) if dropout else a
    most = max(*widths, batch)
    return Work(
        aligned_zeros(size, dtype), a, a, h, aligned_zeros(size, dtype),
        aligned_zeros(batch * (widths[-1] + weighted), dtype),
        aligned_zeros(most * wide(dtype), dtype),
        make_lists(widths[0], most, batch, skip),
    )  # fmt: skip


def work_of_another(work: Work, own_inputs: int = 0) -> Work:
    """Return the buffers for another worker at the same batch.

    `own_inputs` : how many numbers its inputs are, if the others do not need them.
    """
    panel = aligned_zeros(work.panel.size, str(work.panel.dtype))
    x = aligned_zeros(own_inputs, str(work.x.dtype)) if own_inputs else work.x
    return work._replace(x=x, panel=panel, lists=lists_of_another(work.lists, own_inputs > 0))


def aligned_zeros(size: int, dtype: str) -> np.ndarray:
    """Return a vector of zeros that begins at a cache line, so that none of its SIMD vectors lies on two."""
    itemsize = np.dtype(dtype).itemsize
    room = np.zeros(size + CACHE_LINE // itemsize, dtype)
    skipped = -room.ctypes.data % CACHE_LINE // itemsize
    return room[skipped : skipped + size]


@jit.inner
def forward(params, widths, starts, work, batch, part, activate, penalty, step, training, received):
    """Fill `work` for some rows, up to what the output units receive.

    `received` : the products of the first layer are there already.
    """
    below = 0
    if training and penalty.input_dropout > 0:
        position, end = part.first * widths[0], (part.first + part.rows) * widths[0]
        key = mask_key(penalty.seed, step, 0)
        drop(work.a[position:end], work.h[position:end], penalty.input_dropout, key, position)
    for layer in range(widths.size - 1):
        fan_in, fan_out = widths[layer], widths[layer + 1]
        above = below + batch * fan_in
        first, end = above + part.first * fan_out, above + (part.first + part.rows) * fan_out
        middle = starts[layer] + fan_in * fan_out
        if layer > 0 or not received:
            X = Factor(sent(work, layer, training and dropped(penalty, layer)), below + part.first * fan_in, fan_in, 1)
            multiply(
                X,
                terms_of_rows(work.lists, layer, 0, fan_in),
                params,
                starts[layer],
                work.z,
                first,
                part.rows,
                fan_out,
                work.panel,
                False,
            )
        z = work.z[first:end]
        add_to_rows(params[middle : middle + fan_out], z)
        if layer + 2 < widths.size:
            a = work.a[first:end]
            activate(z, a)
            if training and penalty.dropout > 0:
                key = mask_key(penalty.seed, step, layer + 1)
                drop(a, work.h[first:end], penalty.dropout, key, part.first * fan_out)
        below = above


@jit.inner
def add_to_rows(b, z):
    """Add a vector to each row of a matrix."""
    for start in range(0, z.size, b.size):
        row = z[start : start + b.size]
        for j in range(row.size):
            row[j] += b[j]


@jit.inner
def sum_rows(z, first, columns, rows, total):
    """Fill `total` with sums over the rows of a matrix, whose first row begins at `first`."""
    for j in range(total.size):
        total[j] = 0
    for i in range(rows):
        row = z[first + i * columns : first + i * columns + total.size]
        for j in range(row.size):
            total[j] += row[j]


@jit.inner
def terms_of_rows(lists, layer, first, n):
    """Return the terms of ``X W``: `n` from `first` on, without those that are 0."""
    if layer == 0 and lists.bits.shape[1] > 0:
        return Terms(lists.of_rows, lists.of_rows.size // lists.n_of_rows.size, lists.n_of_rows, first, first + n)
    return some_terms(lists, first, n)


@jit.inner
def terms_of_features(lists, layer, rows, first):
    """Return the terms of ``Xᵀ D`` for features that begin `first` rows after those that have the first list."""
    if layer == 0 and lists.bits.shape[1] > 0:
        most, tile = lists.of_features.size // lists.n_of_features.size, first // ROWS
        return Terms(lists.of_features[tile * most :], most, lists.n_of_features[tile:], 0, rows)
    return some_terms(lists, 0, rows)


@jit.inner
def some_terms(lists, first, n):
    """Return `n` terms from `first` on, for all tiles."""
    return Terms(lists.everything[first:], 0, lists.numbers[n : n + 1], first, first + n)


@jit.inner
def backward(params, widths, starts, work, batch, part, descend, penalty, step):
    """Fill `work.delta` for some rows from the derivative at the output units, which lies there."""
    above = batch * widths[:-1].sum()
    for layer in range(widths.size - 2, 0, -1):
        fan_in, fan_out = widths[layer], widths[layer + 1]
        below = above - batch * fan_in
        first, end = below + part.first * fan_in, below + (part.first + part.rows) * fan_in
        D = Factor(work.delta, above + part.first * fan_out, fan_out, 1)
        multiply(
            D, some_terms(work.lists, 0, fan_out), params, starts[layer], work.delta, first, part.rows, fan_in,
            work.panel, True,
        )  # fmt: skip
        delta = work.delta[first:end]
        if penalty.dropout > 0:
            drop(delta, delta, penalty.dropout, mask_key(penalty.seed, step, layer), part.first * fan_in)
        descend(work.z[first:end], work.a[first:end], delta)
        above = below


@jit.inner
def piece_gradient(params, grads, widths, work, batch, rows, pieces, k, first_feature, penalty):
    """Fill `grads` for piece k from the first `rows` rows of the batch.

    `first_feature` : that of the first list of `work.lists`. With its L2 penalty.
    """
    layer, row, n = pieces.places[k, 0], pieces.places[k, 1], pieces.places[k, 2]
    start, bias = pieces.blocks[k, 0], pieces.blocks[k, 3] == BIAS
    below = batch * widths[:layer].sum()
    fan_in, fan_out = widths[layer], widths[layer + 1]
    above = below + batch * fan_in
    if bias:
        sum_rows(work.delta, above + row, fan_out, rows, grads[start : start + n])
    else:
        X = Factor(sent(work, layer, dropped(penalty, layer)), below + row, 1, fan_in)
        terms = terms_of_features(work.lists, layer, rows, row - first_feature)
        multiply(X, terms, work.delta, above, grads, start, n, fan_out, work.panel, False)
    if penalty.l2 > 0 and (penalty.decay_biases or not bias):
        end = start + pieces.blocks[k, 2]
        w, g = params[start:end], grads[start:end]
        factor = w.dtype.type(penalty.l2)
        for i in range(w.size):
            g[i] += factor * w[i]


@jit.inner
def sent(work, layer, masked):
    """Return the buffer with what the units of a layer send, after dropout if they are `masked`."""
    if masked:
        return work.h
    return work.x if layer == 0 else work.a


@jit.inner
def dropped(penalty, layer):
    """Say whether the units of a layer pass through dropout."""
    return penalty.input_dropout > 0 if layer == 0 else penalty.dropout > 0


@jit.inner
def l2_penalty(params, pieces, penalty):
    """Return the pieces' part of l2/2 times the sum of squared weights."""
    total = 0.0
    if penalty.l2 > 0:
        for k in range(pieces.blocks.shape[0]):
            if penalty.decay_biases or pieces.blocks[k, 3] != BIAS:
                first = pieces.blocks[k, 0]
                total += sum_of_squares(params[first : first + pieces.blocks[k, 2]])
    return penalty.l2 / 2 * total


@jit.summing
def sum_of_squares(vector):
    """Return the sum in double precision: squares in float32 could overflow or vanish."""
    total = 0.0
    for i in range(vector.size):
        total += np.float64(vector[i]) * np.float64(vector[i])
    return total


@jit.inner
def there_and_back(params, widths, starts, work, batch, part, activate, descend, head, penalty, step, received):
    """Take gathered rows forward and back to the first hidden layer; return what they add to the batch's mean loss."""
    forward(params, widths, starts, work, batch, part, activate, penalty, step, True, received)
    n_out, n_targets = widths[-1], work.targets.size // batch
    outputs = batch * widths[:-1].sum()
    first, end = part.first * n_out, (part.first + part.rows) * n_out
    loss = head(
        work.z[outputs + first : outputs + end], work.a[outputs + first : outputs + end],
        work.targets[part.first * n_targets : (part.first + part.rows) * n_targets],
        work.delta[outputs + first : outputs + end], n_out, params.dtype.type(1 / part.total),
    ) / part.total  # fmt: skip
    backward(params, widths, starts, work, batch, part, descend, penalty, step)
    return loss
