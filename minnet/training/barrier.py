"""A barrier for workers that compute side by side: nobody goes on before everybody has come.

Threads of one process share a board of three numbers, a cache line apart. Who waits looks at the board again and
again, which takes less than a microsecond; where others keep the machine busy, it soon sleeps between two looks. Nobody
waits for a worker that has failed: `fail` lets all go on, with the answer False.
"""

from __future__ import annotations

import sys

import numpy as np
from numba import types
from numba.extending import intrinsic

from minnet import jit

ARRIVED, ROUND, FAILED = 0, 8, 16
LOOKS = 100_000  # some hundred microseconds, before a core is given away
MICROSECONDS = 50
sleep = types.ExternalFunction("usleep", types.int32(types.uint32))
switch = types.ExternalFunction("SwitchToThread", types.int32())


def make_board() -> np.ndarray:
    """Return the board of a team."""
    return np.zeros(24, np.int64)


@jit.inner
def meet(board, workers):
    """Wait until all workers have come; return False if one has failed."""
    if workers == 1:
        return board[FAILED] == 0
    now = read(board, ROUND)
    if add(board, ARRIVED, 1) == workers - 1:
        add(board, ARRIVED, -workers)
        add(board, ROUND, 1)
    else:
        looks = 0
        while read(board, ROUND) == now and read(board, FAILED) == 0:
            looks += 1
            if looks > LOOKS:
                give_way()
    return read(board, FAILED) == 0


if sys.platform == "win32":  # whose shortest sleep is fifteen milliseconds

    @jit.inner
    def give_way():
        """Let others have the core."""
        switch()

else:

    @jit.inner
    def give_way():
        """Let others have the core for a moment.

        Who has slept is soon back. Who only yields (sched_yield) waits until others have used up their time, some
        milliseconds, at every meeting.
        """
        sleep(MICROSECONDS)


def fail(board: np.ndarray) -> None:
    """Let nobody wait any more."""
    board[FAILED] = 1


def _address(context, builder, signature, arguments):
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(array.data, [arguments[1]])


@intrinsic
def read(context, board, place):
    """Return a number of the board as all workers see it now."""

    def generate(context, builder, signature, arguments):
        return builder.load_atomic(_address(context, builder, signature, arguments), "seq_cst", 8)

    return types.int64(board, types.int64), generate


@intrinsic
def add(context, board, place, value):
    """Add to a number of the board in one piece; return what was there."""

    def generate(context, builder, signature, arguments):
        place = _address(context, builder, signature, arguments)
        return builder.atomic_rmw("add", place, arguments[2], "seq_cst")

    return types.int64(board, types.int64, types.int64), generate
