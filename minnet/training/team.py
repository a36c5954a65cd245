"""One run on several cores: workers that stay together for an epoch and share every step.

Each worker takes some rows of the batch through the network, and some of the parameters through the update. What
remains is the first layer, which has most of the weights. It is split in one of two ways:

* by samples: each worker has the whole gradient of its rows; the sum of these gradients, and the moved weights, go
  from core to core in every step;
* by features: each worker owns the weights of some input features, with all that the method remembers for them. Only
  products of samples and hidden units go from core to core: less where a batch has fewer samples than features.

The parameters after a step are those of one core, but for the rounding of sums that are taken in another order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.core.typing import Signature

from minnet import jit
from minnet.network import compile as network_compile
from minnet.network.layout import Layout
from minnet.network.network import sample_types
from minnet.network.propagation import (
    PENALTY_TYPE,
    Part,
    Work,
    add_l2,
    aligned_zeros,
    gather_inputs,
    gather_targets,
    gradient,
    make_work,
    terms_of_features,
    terms_of_rows,
    work_type,
)
from minnet.network.terms import LISTS_TYPE, Lists, make_lists
from minnet.network.tiles import Factor, multiply
from minnet.optimizers.compile import update_type
from minnet.training.barrier import fail, make_board, meet
from minnet.training.epoch import LIMITS_TYPE, copy_to, decay, move

FEWER = 8  # times fewer samples than features
GRAIN = 16  # parameters or features that stay together: a cache line of float32


class Shared(NamedTuple):
    """What all workers see.

    board : where they meet; losses : of each worker's rows; gradients : of each worker's rows, (workers, parameters);
    products : of each worker's features with its weights, (workers, batch * units), or without rows if the first layer
    is split by samples; deltas : of the first hidden layer, batch * units
    """

    board: np.ndarray
    losses: np.ndarray
    gradients: np.ndarray
    products: np.ndarray
    deltas: np.ndarray


class Share(NamedTuple):
    """What one worker owns.

    worker : its number; workers : how many there are; first_feature, n_features : its input features; x, lists : these
    features of a batch; blocks : its parts of the parameters, see `Method.update`; first_own : which of them it has no
    sum to take for, as the whole gradient is its own: 1 or none
    """

    worker: int
    workers: int
    first_feature: int
    n_features: int
    own: int
    x: np.ndarray
    lists: Lists
    blocks: np.ndarray


def shared_type(dtype: str) -> types.BaseTuple:
    """Return the Numba type of `Shared`."""
    real = getattr(types, dtype)
    return types.NamedTuple((types.int64[::1], types.float64[::1], real[:, ::1], real[:, ::1], real[::1]), Shared)


def share_type(dtype: str) -> types.BaseTuple:
    """Return the Numba type of `Share`."""
    whole = (types.int64,) * 5
    return types.NamedTuple((*whole, getattr(types, dtype)[::1], LISTS_TYPE, types.int64[:, ::1]), Share)


class Team:
    """The workers of a run, and the buffers they need.

    Parameters
    ----------
    workers : int
        How many, 2 or more.
    layout : Layout
    batch : int
    dtype : {"float32", "float64"}
    dropout, skip : bool
        See `make_work`.
    by_features : bool
        How the first layer is split; see the module.
    """

    def __init__(
        self, workers: int, layout: Layout, batch: int, dtype: str, dropout: bool, skip: bool, by_features: bool
    ) -> None:
        self.workers = workers
        widths, units = layout.widths, layout.widths[1]
        products = np.zeros((workers if by_features else 0, batch * units), dtype)
        self.shared = Shared(
            make_board(), np.zeros(workers * GRAIN), np.zeros((workers, layout.size), dtype), products,
            aligned_zeros(batch * units, dtype),
        )  # fmt: skip
        rows = -(-batch // workers)
        self.works = [make_work(widths, rows, dtype, dropout, skip and not by_features) for _ in range(workers)]
        self.shares = [share_of(worker, workers, layout, batch, dtype, skip, by_features) for worker in range(workers)]

    def epoch(self, kernel: Callable, *arguments: Any) -> tuple[int, float]:
        """Train for one epoch; see `team_epoch`.

        The workers live as long as the epoch: nothing is left behind, and a process may be forked in between. If one
        fails, or can't be started, none waits for it, and its error is raised.
        """
        board = self.shared.board
        board[:] = 0

        def work(share: Share, work: Work) -> tuple[int, float]:
            try:
                return kernel(self.shared, share, work, *arguments)
            except BaseException:
                fail(board)
                raise

        with ThreadPoolExecutor(self.workers, thread_name_prefix="minnet-team") as pool:
            try:
                futures = [pool.submit(work, *own) for own in zip(self.shares, self.works)]
            except BaseException:
                fail(board)
                raise
            results = [future.result() for future in futures]
        return results[0]


def by_features(batch: int, n_features: int) -> bool:
    """Say whether splitting the first layer by features is quicker than splitting it by samples.

    For every hidden unit it moves one number per sample and worker between the cores instead of one per feature, and
    meets once more. Measured on two cores: quicker at 32 samples, slower at 128, of 784 features.

    Examples
    --------
    >>> by_features(32, 784), by_features(128, 784)
    (True, False)
    """
    return FEWER * batch <= n_features


def share_of(worker: int, workers: int, layout: Layout, batch: int, dtype: str, skip: bool, by_features: bool) -> Share:
    """Return what a worker owns: an equal part of every block."""
    n_features, units = layout.widths[:2]
    first, end = part_of(worker, workers, n_features) if by_features else (0, 0)
    pieces = []
    for number, (start, rows, columns, role) in enumerate(layout.blocks.tolist()):
        low, high = part_of(worker, workers, rows * columns)
        if number == 0 and by_features:
            low, high = first * units, end * units
        pieces.append((start + low, 1, high - low, role))
    lists = make_lists(max(end - first, 1), max(end - first, batch, 1), batch, skip and by_features)
    return Share(
        worker, workers, first, end - first, int(by_features), aligned_zeros(batch * (end - first), dtype), lists,
        np.array(pieces, dtype=np.int64),
    )  # fmt: skip


def part_of(worker: int, workers: int, n: int) -> tuple[int, int]:
    """Return the first of n things that a worker owns, and the end of them, at borders of cache lines.

    Examples
    --------
    >>> [part_of(worker, 2, 100) for worker in range(2)]
    [(0, 48), (48, 100)]
    """
    borders = [n * i // workers // GRAIN * GRAIN for i in range(workers)] + [n]
    return borders[worker], borders[worker + 1]


def team_signature(x_dtype: str, dtype: str) -> Signature:
    """Return the signature of `team_epoch` for a type of samples and a type of parameters."""
    real = getattr(types, dtype)
    vector, matrix, whole = real[::1], real[:, ::1], types.int64[::1]
    X, Y, scale = sample_types(x_dtype, dtype)
    return types.Tuple((types.int64, types.float64))(
        shared_type(dtype), share_type(dtype), work_type(dtype), X, Y, scale, whole, types.int64, vector, vector,
        matrix, types.float64[::1], types.int64[:, ::1], whole, whole, real[:, :, ::1], types.float64[::1],
        types.int64, PENALTY_TYPE, LIMITS_TYPE, types.float64[::1], types.boolean, types.float64[:, ::1],
        network_compile.value_type(dtype), network_compile.slope_type(dtype), network_compile.head_type(dtype),
        update_type(dtype),
    )  # fmt: skip


@jit.once
def team_kernel(x_dtype: str, dtype: str) -> Callable:
    """Compile `team_epoch`, or load it from the cache."""
    return jit.compile(team_epoch, team_signature(x_dtype, dtype))


def team_epoch(
    shared, share, work, X, Y, scale, order, batch, params, grads, slots, memory, blocks, widths, starts, table,
    lr, first_step, penalty, limits, pulls, alone, norms, activate, descend, head, update,
):  # fmt: skip
    """Do one worker's part of an epoch; the arguments are those of `training.epoch.epoch`, and besides:

    shared, share, work : of the team, of the worker, and the worker's buffers for its rows of a batch
    pulls : Lookahead's, for every step
    alone : whether one worker moves all weights: for methods and limits that see more than one weight at a time
    """
    n_steps = (order.size + batch - 1) // batch
    total = 0.0
    most_rows = (batch + share.workers - 1) // share.workers
    for step in range(n_steps):
        if not meet(shared.board, share.workers):
            return step, total / max(step, 1)
        rows = order[step * batch : (step + 1) * batch]
        share_gradient(
            shared, share, work, X, Y, scale, rows, batch, most_rows, params, grads, widths, starts, activate, descend,
            head, penalty, first_step + step,
        )  # fmt: skip
        loss = 0.0
        sum_gradients(shared.gradients, grads, share)
        if penalty.l2 > 0:
            shared.losses[share.worker * GRAIN + 1] = add_l2(
                params, grads, share.blocks, penalty.l2, penalty.decay_biases
            )
        pull, measured = pulls[step], step == n_steps - 1
        if penalty.l2 > 0 or alone or measured or pull > 0:
            meet(shared.board, share.workers)
        for worker in range(share.workers):
            loss += shared.losses[worker * GRAIN] + shared.losses[worker * GRAIN + 1]
        if not math.isfinite(loss):
            return step, total / max(step, 1)
        total += loss
        if alone or measured or pull > 0:
            if share.worker == 0:
                move(
                    params, grads, slots, memory, blocks, starts, table[step], lr[step], limits, pull, update,
                    norms, measured,
                )  # fmt: skip
        else:
            if limits.decay > 0:
                decay(params, share.blocks, 1 - lr[step] * limits.decay, limits.decay_biases)
            update(params, grads, slots, memory, share.blocks, table[step])
    return n_steps, total / max(n_steps, 1)


@jit.inner
def share_gradient(
    shared, share, work, X, Y, scale, rows, batch, most_rows, params, grads, widths, starts, activate, descend, head,
    penalty, step,
):  # fmt: skip
    """Fill this worker's gradient of its rows, and its part of the whole gradient of the first layer if it owns one."""
    units = widths[1]
    low = min(share.worker * most_rows, rows.size)
    high = min(low + most_rows, rows.size)
    mine = rows[low:high]
    received = share.own > 0
    gather_targets(Y, mine, work.targets)
    if received:
        gather_inputs(X, rows, share.first_feature, share.n_features, scale, share.x, share.lists)
        X = Factor(share.x, 0, share.n_features, 1)
        multiply(
            X, terms_of_rows(share.lists, 0, share.n_features), params, share.first_feature * units,
            shared.products[share.worker], 0, rows.size, units,
        )  # fmt: skip
        meet(shared.board, share.workers)
        z = work.z[most_rows * widths[0] : most_rows * widths[0] + mine.size * units]
        add_products(shared.products, low * units, z)
    else:
        gather_inputs(X, mine, 0, X.shape[1], scale, work.a, work.lists)
    gradients = shared.gradients[share.worker]
    shared.losses[share.worker * GRAIN] = gradient(
        params, gradients, widths, starts, work, most_rows, Part(low, mine.size, rows.size), activate, descend, head,
        penalty, step, received,
    )  # fmt: skip
    if received:
        first = most_rows * widths[0]
        copy_to(shared.deltas[low * units :], work.delta[first : first + mine.size * units])
    meet(shared.board, share.workers)
    if received:
        X = Factor(share.x, 0, 1, share.n_features)
        multiply(
            X, terms_of_features(share.lists, 0, rows.size), shared.deltas, 0, grads, share.first_feature * units,
            share.n_features, units,
        )  # fmt: skip


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
def sum_gradients(gradients, grads, share):
    """Fill this worker's part of `grads` with the sum over the workers' rows."""
    for k in range(share.own, share.blocks.shape[0]):
        first, end = share.blocks[k, 0], share.blocks[k, 0] + share.blocks[k, 2]
        total = grads[first:end]
        part = gradients[0][first:end]
        for i in range(total.size):
            total[i] = part[i]
        for worker in range(1, gradients.shape[0]):
            part = gradients[worker][first:end]
            for i in range(total.size):
                total[i] += part[i]
