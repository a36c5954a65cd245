"""Pieces of the parameters: small enough that a gradient is still in the cache when its weights are moved."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import types

from minnet.network.layout import BIAS, Layout

GRAIN = 16  # rows or biases that stay together: a cache line of float32
ROWS, PARAMETERS = 128, 16384  # a piece of weights has so many at least


class Pieces(NamedTuple):
    """Some rows of a layer's weights, or some of its biases, each.

    blocks : (n, 4), as in `Layout.blocks`, each as if it were one row
    places : (n, 3): layer, first row of its weights (or first bias), how many
    """

    blocks: np.ndarray
    places: np.ndarray


PIECES_TYPE = types.NamedUniTuple(types.int64[:, ::1], 2, Pieces)


def pieces_of(layout: Layout, worker: int = 0, workers: int = 1, grain: int = GRAIN) -> Pieces:
    """Return what one of several workers owns: an equal part of the rows of every layer.

    Parameters
    ----------
    layout : Layout
    worker, workers : int
    grain : int
        Rows of the first layer that stay together.

    Examples
    --------
    >>> pieces_of(Layout((200, 100, 10)), worker=1, workers=2).places.tolist()
    [[0, 96, 104], [0, 48, 52], [1, 48, 52], [1, 0, 10]]
    """
    blocks, places = [], []
    for number, (start, rows, columns, role) in enumerate(layout.blocks.tolist()):
        if role == BIAS:
            rows, columns = columns, 1
        low, high = part_of(worker, workers, rows, grain if number == 0 else GRAIN)
        height = rows if role == BIAS else max(ROWS, PARAMETERS // columns // GRAIN * GRAIN)
        for first in range(low, high, height):
            count = min(height, high - first)
            blocks.append((start + first * columns, 1, count * columns, role))
            places.append((number // 2, first, count))
    return Pieces(np.array(blocks, np.int64).reshape(-1, 4), np.array(places, np.int64).reshape(-1, 3))


def part_of(worker: int, workers: int, n: int, grain: int = GRAIN) -> tuple[int, int]:
    """Return the first of n things that a worker owns, and the end of them.

    Examples
    --------
    >>> [part_of(worker, 2, 100) for worker in range(2)]
    [(0, 48), (48, 100)]
    """
    borders = [n * i // workers // grain * grain for i in range(workers)] + [n]
    return borders[worker], borders[worker + 1]
