"""The workers of a run: one, or several that stay together for an epoch and share every step.

Each worker takes some rows of the batch through the network and back. Then it takes the gradient of the weights that it
owns, from all rows, and moves them: gradients never leave their core. Moved weights do, and what units send and get
back. The first layer has most of the weights, and is split in one of two ways:

* by samples, as all others: each worker reads all of its weights;
* by features: each worker multiplies its own features by its own weights, and the products go from core to core, which
  is less where a batch has few samples.

The parameters after a step are those of one worker, but for the rounding of sums that are taken in another order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numba import types

from minnet.network.layout import Layout
from minnet.network.pieces import GRAIN, PIECES_TYPE, Pieces, part_of, pieces_of
from minnet.network.propagation import Part, Work, aligned_zeros, work_of_another
from minnet.network.terms import WORD
from minnet.network.tiles import ROWS
from minnet.training.barrier import fail, make_board

FEWER = 3  # times fewer samples than features: best or next to it, also where the cores are far apart
LEAST = 2 * WORD  # features per worker


class Shared(NamedTuple):
    """What all workers see.

    board : where they meet; losses : of each worker's rows, a cache line each; products : of each worker's features
    with its weights, (workers, batch * units), or without rows if the first layer is split by samples
    """

    board: np.ndarray
    losses: np.ndarray
    products: np.ndarray


class Share(NamedTuple):
    """What one worker owns.

    worker : its number; workers : how many there are; first_feature, n_features : its input features; pieces : its
    parameters
    """

    worker: int
    workers: int
    first_feature: int
    n_features: int
    pieces: Pieces


def shared_type(dtype: str) -> types.BaseTuple:
    """Return the Numba type of `Shared`."""
    return types.NamedTuple((types.int64[::1], types.float64[::1], getattr(types, dtype)[:, ::1]), Shared)


SHARE_TYPE = types.NamedTuple((*(types.int64,) * 4, PIECES_TYPE), Share)


class Team:
    """The workers of a run, and the buffers they need.

    Parameters
    ----------
    workers : int
    layout : Layout
    work : Work
        Buffers for a batch.
    batch : int
    dtype : {"float32", "float64"}
    by_features : bool
        How the first layer is split; see the module.
    """

    def __init__(self, workers: int, layout: Layout, work: Work, batch: int, dtype: str, by_features: bool) -> None:
        self.workers = workers
        sent = workers if by_features else 0, batch * layout.widths[1]
        products = aligned_zeros(math.prod(sent), dtype).reshape(sent)
        self.shared = Shared(make_board(), np.zeros(workers * GRAIN), products)
        # What a core reads ahead should not be what another one writes: features of one's own lie apart.
        inputs = batch * layout.widths[0] if by_features else 0
        self.works = [work] + [work_of_another(work, inputs) for _ in range(workers - 1)]
        self.shares = []
        for worker in range(workers):
            grain = WORD if by_features else GRAIN
            first, end = part_of(worker, workers, layout.widths[0], grain)
            self.shares.append(Share(worker, workers, first, end - first, pieces_of(layout, worker, workers, grain)))

    def epoch(self, kernel: Callable, *arguments: Any) -> tuple[int, float]:
        """Train for one epoch; see `training.epoch.epoch`.

        The caller is a worker; the others live as long as the epoch: nothing is left behind, and a process may be
        forked in between. If one fails, or can't be started, none waits for it, and its error is raised.
        """
        board = self.shared.board
        board[:] = 0

        def work(share: Share, work: Work) -> tuple[int, float]:
            try:
                return kernel(self.shared, share, work, *arguments)
            except BaseException:
                fail(board)
                raise

        if self.workers == 1:
            return work(self.shares[0], self.works[0])
        with ThreadPoolExecutor(self.workers - 1, thread_name_prefix="minnet-team") as pool:
            try:
                others = [pool.submit(work, *own) for own in zip(self.shares[1:], self.works[1:])]
                # The caller works too: with a thread more, two workers may begin on one core, and stay there.
                result = work(self.shares[0], self.works[0])
            except BaseException:  # a Ctrl-C may come outside `work`
                fail(board)
                raise
            for other in others:
                other.result()
        return result


def by_features(workers: int, batch: int, n_features: int) -> bool:
    """Say whether splitting the first layer by features is quicker than splitting it by samples.

    For every hidden unit it moves one number per sample and worker between the cores instead of one per feature, and
    meets once more. Measured on two cores.

    Examples
    --------
    >>> by_features(2, 128, 784), by_features(2, 512, 784), by_features(1, 128, 784)
    (True, False, False)
    """
    return workers > 1 and FEWER * batch <= n_features and n_features >= LEAST * workers


def rows_of(worker: int, workers: int, rows: int) -> Part:
    """Return the rows of a batch that a worker takes: full tiles for all but the last.

    Examples
    --------
    >>> [rows_of(worker, 3, 20)[:2] for worker in range(3)]
    [(0, 8), (8, 8), (16, 4)]
    """
    most = (rows + workers * ROWS - 1) // (workers * ROWS) * ROWS
    first = min(worker * most, rows)
    return Part(first, min(most, rows - first), rows)
