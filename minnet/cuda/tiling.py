"""How a block's threads share a matrix product: tiles of the result, and a small part of the tile per thread."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from minnet.cuda.target import LANES

PAD = LANES  # floats between the rows of a tile in shared memory, so that neighbours lie in different banks


@dataclass(frozen=True)
class Tiling:
    """A tile of `rows` x `columns`, of which every thread computes `height` x `width` numbers, in groups of four.

    depth : terms of the sum that are in shared memory at a time.

    Examples
    --------
    >>> Tiling(128, 128, 8, 8, 8).threads
    256
    """

    rows: int
    columns: int
    height: int
    width: int
    depth: int

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return (self.rows // self.height) * (self.columns // self.width)

    @property
    def floats(self) -> int:
        """Shared memory: two stages of both factors, or a part of the result on its way out."""
        return max(2 * self.depth * (self.rows + self.columns + 2 * PAD), self.strip * self.columns)

    @property
    def strip(self) -> int:
        """Rows of the result that are in shared memory at a time, on their way out."""
        return self.rows * LANES // self.height

    def work(self, rows: int, columns: int) -> int:
        """Return the products that are computed for a result of that shape, those beyond its edges included."""
        return -(-rows // self.rows) * self.rows * -(-columns // self.columns) * self.columns


@dataclass(frozen=True)
class Block:
    """The tilings of one kernel, which all have the same number of threads, and its blocks per multiprocessor.

    wide : for results with many columns; narrow : with few.
    """

    wide: Tiling
    narrow: Tiling
    resident: int

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return self.wide.threads

    @property
    def floats(self) -> int:
        """Floats of shared memory."""
        return max(self.wide.floats, self.narrow.floats)

    def tiling(self, columns: int) -> Tiling:
        """Return the tiling for results of so many columns."""
        return self.narrow if columns <= self.narrow.columns else self.wide


# The first computes 64 products for every four loads from shared memory; the second suits small batches and layers.
LARGE = Block(Tiling(128, 128, 8, 8, 8), Tiling(256, 16, 4, 4, 8), 2)
SMALL = Block(Tiling(64, 64, 4, 4, 8), Tiling(256, 16, 4, 4, 8), 3)
SIMULATED = Block(Tiling(8, 8, 4, 4, 4), Tiling(16, 4, 4, 4, 4), 1)  # four threads: each is one of Python's
LOAD = 0.5  # rate of the products of SMALL, which loads as much for half of the products


def choose(widths: tuple[int, ...], batch: int) -> Block:
    """Return the block that computes least beyond the edges of this network's products.

    Examples
    --------
    >>> choose((784, 128, 10), 128) is LARGE, choose((64, 32, 10), 32) is SMALL
    (True, True)
    """
    large, small = (_work(block, widths, batch) for block in (LARGE, SMALL))
    return LARGE if large <= small / LOAD else SMALL


def _work(block: Block, widths: tuple[int, ...], batch: int) -> int:
    total = 0
    for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(widths)):
        tiling = block.tiling(fan_out)
        total += tiling.work(batch, fan_out) * fan_in + tiling.work(fan_in, fan_out) * batch
        total += block.wide.work(batch, fan_in) * fan_out if layer else 0
    return total
