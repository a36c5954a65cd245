"""The compiled epoch: gather, forward, backward, update, over all batches, in one call that holds no lock.

It is compiled once for each dtype. The method, the activation and the loss reach it as function pointers, and the
coefficients of every step as one row of a table. Weights are moved piece by piece, while their gradient is in the
cache, unless something has to see the whole gradient first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import types
from numba.core.typing import Signature

from minnet import jit
from minnet.network import compile as network_compile
from minnet.network.gather import gather_inputs, gather_targets
from minnet.network.network import sample_types
from minnet.network.pieces import GRAIN
from minnet.network.propagation import (
    PENALTY_TYPE,
    Part,
    l2_penalty,
    piece_gradient,
    sum_of_squares,
    terms_of_rows,
    there_and_back,
    work_type,
)
from minnet.network.terms import list_rows_of_features
from minnet.network.tiles import Factor, multiply
from minnet.optimizers.base import BIAS
from minnet.optimizers.compile import update_type
from minnet.training import team
from minnet.training.barrier import meet
from minnet.training.team import SHARE_TYPE, shared_type


class Limits(NamedTuple):
    """What is done to a gradient before, and to the weights around, the method's own update; 0 is off.

    decay : decoupled weight decay times the learning rate is taken from the weights; decay_biases : and from the
    biases; max_norm : of the incoming weights of a unit; clip_value, clip_norm : of the gradient.
    """

    decay: float
    decay_biases: bool
    max_norm: float
    clip_value: float
    clip_norm: float


class Around(NamedTuple):
    """What a wrapper does around the method's update, for every step; 0 is nothing.

    radius : how far SAM climbs before it takes the gradient; pull : Lookahead's step of the slow weights, which are
    the last slot.
    """

    radius: np.ndarray
    pull: np.ndarray


AROUND_TYPE = types.NamedUniTuple(types.float64[::1], 2, Around)
LIMITS_TYPE = types.NamedTuple((types.float64, types.boolean, types.float64, types.float64, types.float64), Limits)


def epoch_signature(x_dtype: str, dtype: str) -> Signature:
    """Return the signature of `epoch` for a type of samples and a type of parameters."""
    real = getattr(types, dtype)
    vector, matrix, whole = real[::1], real[:, ::1], types.int64[::1]
    X, Y, scale = sample_types(x_dtype, dtype)
    return types.Tuple((types.int64, types.float64))(
        shared_type(dtype), SHARE_TYPE, work_type(dtype),
        X, Y, scale, whole, types.int64, vector, vector, matrix, types.float64[::1], types.int64[:, ::1],
        whole, whole, real[:, :, ::1], types.float64[::1], types.int64, PENALTY_TYPE, LIMITS_TYPE, AROUND_TYPE,
        types.boolean, types.float64[:, ::1],
        network_compile.value_type(dtype), network_compile.slope_type(dtype),
        network_compile.head_type(dtype), update_type(dtype),
    )  # fmt: skip


@jit.once
def epoch_kernel(x_dtype: str, dtype: str) -> Callable:
    """Compile `epoch`, or load it from the cache."""
    return jit.compile(epoch, epoch_signature(x_dtype, dtype))


def epoch(
    shared, share, work, X, Y, scale, order, batch, params, grads, slots, memory, blocks, widths, starts, table,
    lr, first_step, penalty, limits, around, whole, norms, activate, descend, head, update,
):  # fmt: skip
    """Train on the samples `order`, in batches; or do one worker's part of that.

    Parameters
    ----------
    shared, share, work : see `team`; the buffers of a batch, which workers share but for their lists
    X, Y : samples (n, n_features) and targets (n, n_outputs); X is multiplied by `scale`
    order : samples in the order of training
    batch : samples per step; the last batch may be smaller
    params, grads : flat vectors; slots, memory, blocks : the method's state, see `Method.update`
    widths, starts : see `propagation`
    table : coefficients, (n_steps, 2, n_coefficients); lr : learning rate of every step; first_step : steps done before
    penalty, limits : regularisers; around : what wrappers do
    whole : whether the method, or a limit, must see the whole gradient before it moves a weight
    norms : (3, n_layers), filled at the last step with the norms of gradient, update and weights per layer
    activate, descend, head, update : function pointers

    Returns
    -------
    steps : number of steps done; fewer than asked if the loss stopped being finite
    loss : mean over the steps, penalty included
    """
    n_steps = (order.size + batch - 1) // batch
    total = 0.0
    for step in range(n_steps):
        rows = order[step * batch : (step + 1) * batch]
        part = rows_of(share.worker, share.workers, rows.size)
        measured, climbs = step == n_steps - 1, around.radius[step] > 0
        by_pieces = not (whole or measured or climbs or around.pull[step] > 0)
        if not meet(shared.board, share.workers):  # all weights have been moved
            return step, total / max(step, 1)
        gather_batch(shared, share, work, X, Y, scale, order[step * batch :], part)
        for ascent in range(1 if climbs else 0, -1, -1):  # SAM takes the gradient twice
            here = batch_loss(
                shared, share, work, rows, batch, part, params, widths, starts, activate, descend, head, penalty,
                first_step + step,
            )  # fmt: skip
            if not math.isfinite(here):
                return step, total / max(step, 1)
            if ascent > 0 or not climbs:
                total += here
            if work.lists.bits.shape[1] > 0:
                list_rows_of_features(work.lists, rows.size, share.first_feature, share.n_features)
            for k in range(share.pieces.blocks.shape[0]):
                piece_gradient(
                    params, grads, widths, work, batch, rows.size, share.pieces, k, share.first_feature, penalty
                )
                if by_pieces:
                    piece = share.pieces.blocks[k : k + 1]
                    if limits.decay > 0:
                        decay(params, piece, 1 - lr[step] * limits.decay, limits.decay_biases)
                    update(params, grads, slots, memory, piece, table[step])
            if not by_pieces:
                meet(shared.board, share.workers)  # the whole gradient is there
                if share.worker == 0 and ascent > 0:
                    kept = params.copy()
                    climb(params, grads, around.radius[step])
                elif share.worker == 0:
                    if climbs:
                        copy_to(params, kept)
                    move(
                        params, grads, slots, memory, blocks, starts, table[step], lr[step], limits, around.pull[step],
                        update, norms, measured,
                    )  # fmt: skip
                meet(shared.board, share.workers)
    return n_steps, total / max(n_steps, 1)


rows_of = jit.inner(team.rows_of)


@jit.inner
def gather_batch(shared, share, work, X, Y, scale, rows, part):
    """Copy this worker's part of a batch: its features of all rows, or all features of its rows.

    `rows` : the samples of this batch and all after it
    """
    gather_targets(Y, rows, part, work.targets)
    if shared.products.shape[0] > 0:
        whole = Part(0, part.total, part.total)
        gather_inputs(X, rows, whole, share.first_feature, share.n_features, scale, work.x, work.lists)
    else:
        gather_inputs(X, rows, part, 0, X.shape[1], scale, work.x, work.lists)


@jit.inner
def batch_loss(
    shared, share, work, rows, batch, part, params, widths, starts, activate, descend, head, penalty, step
):  # fmt: skip
    """Take this worker's rows there and back; return the loss of the batch, which is not finite if a worker failed."""
    units, received = widths[1], shared.products.shape[0] > 0
    if received:
        X = Factor(work.x, 0, widths[0], 1)
        terms = terms_of_rows(work.lists, 0, share.first_feature, share.n_features)
        multiply(X, terms, params, starts[0], shared.products[share.worker], 0, rows.size, units, work.panel, False)
        meet(shared.board, share.workers)
        z = batch * widths[0] + part.first * units
        add_products(shared.products, part.first * units, work.z[z : z + part.rows * units])
    losses = shared.losses
    losses[share.worker * GRAIN] = there_and_back(
        params, widths, starts, work, batch, part, activate, descend, head, penalty, step, received
    ) + l2_penalty(params, share.pieces, penalty)
    if not meet(shared.board, share.workers):  # all rows have been taken there and back
        return np.nan
    loss = 0.0
    for worker in range(share.workers):
        loss += losses[worker * GRAIN]
    return loss


@jit.inner
def add_products(products, first, z):
    """Fill z with the sum of what the workers' features contribute to it."""
    part = products[0][first : first + z.size]
    for i in range(z.size):
        z[i] = part[i]
    for worker in range(1, products.shape[0]):
        part = products[worker][first : first + z.size]
        for i in range(z.size):
            z[i] += part[i]


@jit.inner
def move(
    params, grads, slots, memory, blocks, starts, coefficients, lr, limits, pull, update, norms, measured
):  # fmt: skip
    """Move the weights by one step of the method and of what is around it; fill `norms` if they are `measured`."""
    clip(grads, limits.clip_value, limits.clip_norm)
    if measured:
        before = params.copy()
        measure(grads, starts, norms[0])
    if limits.decay > 0:
        decay(params, blocks, 1 - lr * limits.decay, limits.decay_biases)
    update(params, grads, slots, memory, blocks, coefficients)
    if pull > 0:
        lean(params, slots[-1], 1 - pull)
    if limits.max_norm > 0:
        bound_norms(params, blocks, limits.max_norm)
    if pull > 0:
        copy_to(slots[-1], params)
    if measured:
        measure(params, starts, norms[2])
        for i in range(params.size):
            before[i] -= params[i]
        measure(before, starts, norms[1])


@jit.inner
def copy_to(there, values):
    """Copy a vector. NumPy's own notation would compile the text of an error about shapes as well."""
    for i in range(values.size):
        there[i] = values[i]


@jit.inner
def climb(params, grads, radius):
    """Move the weights by `radius` up the gradient."""
    length = length_of(grads)
    if length > 0:
        factor = params.dtype.type(radius / length)
        for i in range(params.size):
            params[i] += factor * grads[i]


@jit.inner
def lean(values, towards, share):
    """Move `values` by a share of the way towards others, in place."""
    share = values.dtype.type(share)
    for i in range(values.size):
        values[i] += share * (towards[i] - values[i])


@jit.inner
def clip(grads, value, norm):
    """Bound every component by `value`, then the norm of the whole by `norm`, in place; 0 is off."""
    if value > 0:
        bound = grads.dtype.type(value)
        for i in range(grads.size):
            grads[i] = min(max(grads[i], -bound), bound)
    if norm > 0:
        length = length_of(grads)
        if length > norm and math.isfinite(length):
            shrink(grads, norm / length)


@jit.inner
def length_of(vector):
    """Return the Euclidean norm."""
    return math.sqrt(sum_of_squares(vector))


@jit.inner
def shrink(values, factor):
    """Multiply in place."""
    factor = values.dtype.type(factor)
    for i in range(values.size):
        values[i] *= factor


@jit.inner
def decay(params, blocks, factor, biases):
    """Multiply the weights, and the biases if asked, by `factor`."""
    for k in range(blocks.shape[0]):
        if biases or blocks[k, 3] != BIAS:
            first = blocks[k, 0]
            shrink(params[first : first + blocks[k, 1] * blocks[k, 2]], factor)


@jit.inner
def bound_norms(params, blocks, bound):
    """Scale back the incoming weights of every unit whose norm exceeds `bound`."""
    for k in range(blocks.shape[0]):
        if blocks[k, 3] != BIAS:
            first, rows, columns = blocks[k, 0], blocks[k, 1], blocks[k, 2]
            bound_columns(params[first : first + rows * columns].reshape(rows, columns), bound)


@jit.inner
def bound_columns(W, bound):
    """Scale back every column of W whose norm exceeds `bound`."""
    squares = np.zeros(W.shape[1])
    for i in range(W.shape[0]):
        for j in range(W.shape[1]):
            squares[j] += W[i, j] * W[i, j]
    for j in range(W.shape[1]):
        if squares[j] > bound * bound:
            factor = W.dtype.type(bound / math.sqrt(squares[j]))
            for i in range(W.shape[0]):
                W[i, j] *= factor


@jit.inner
def measure(vector, starts, norms):
    """Fill `norms` with the Euclidean norm of each layer's part of a flat vector."""
    for layer in range(norms.size):
        norms[layer] = length_of(vector[starts[layer] : starts[layer + 1]])
