"""What a kernel uses of a GPU, in Numba's simulator: every CUDA thread is one of Python's.

It lets the tests run everywhere, with few threads. ``NUMBA_ENABLE_CUDASIM=1`` switches it on. The threads of a block
take turns from barrier to barrier, one at a time in a fixed order: what the simulator computes does not depend on how
the interpreter shares its time, and none of them waits by polling, as in Numba's own way of running a block.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numba import cuda as numba_cuda
from numba.cuda.simulator import kernel

LANES = 4  # floats that are loaded and stored at once


class Simulated:
    """``numba.cuda`` as a simulated thread sees it, wherever the function that asks was defined."""

    def __init__(self) -> None:
        self.shared = _Shared()

    def __getattr__(self, name: str) -> Any:
        return getattr(_launch() or numba_cuda, name)


class _Shared:
    """Shared memory of a simulated block: one array for each line that asks for one.

    The simulator's own may give two threads that ask at once an array each.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def array(self, shape: int, dtype: Any) -> np.ndarray:
        """Return the array of the line that asks."""
        frame = sys._getframe(1)
        with self.lock:
            arrays = _launch().__dict__.setdefault("minnet_shared", {})
            return arrays.setdefault((frame.f_code, frame.f_lineno), np.empty(shape, dtype))


def _launch() -> Any:
    """Return what the simulator shows to the kernel that it runs; None outside one."""
    from numba.cuda.simulator.kernel import _get_kernel_context

    return _get_kernel_context()


cuda = Simulated()


class Thread(kernel.BlockThread):
    """A thread of a block, which computes while it is its turn; `phase` counts the barriers that it has passed."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.turn = threading.Semaphore(0)
        self.phase = 0

    def run(self) -> None:
        """Compute to the end, and leave the turn to the others."""
        self.turn.acquire()
        with contextlib.suppress(SystemExit):
            super().run()
        self._manager.left(self)

    def syncthreads(self) -> None:
        """Wait until all threads of the block have come here."""
        self._manager.arrived(self)
        self.turn.acquire()
        if self.abort:
            raise SystemExit  # another thread has failed
        self.phase += 1


class Block(kernel.BlockManager):
    """A block whose threads take turns."""

    def run(self, grid_point: Any, *arguments: Any) -> None:
        """Run a block to its end, and raise what one of its threads has raised."""
        self.waiting: list[Thread] = []
        self.arrivals: list[Thread] = []
        self.ended = threading.Semaphore(0)
        for point in np.ndindex(*self._block_dim):
            each = Thread(lambda: self._f(*arguments), self, grid_point, point, self._debug)
            self.waiting.append(each)
            each.start()
        threads = list(self.waiting)
        self._next()
        self.ended.acquire()
        for each in threads:
            each.join()
            if each.exception:
                raise each.exception[0].with_traceback(each.exception[1])

    def arrived(self, thread: Thread) -> None:
        """Note that a thread is at a barrier."""
        self.arrivals.append(thread)
        self._next()

    def left(self, thread: Thread) -> None:
        """Note that a thread has ended; if it has failed, so do the others at their barriers."""
        if thread.exception:
            for each in (*self.waiting, *self.arrivals):
                each.abort = True
        self._next()

    def _next(self) -> None:
        if not self.waiting:
            self.waiting, self.arrivals = self.arrivals, []
        if self.waiting:
            self.waiting.pop(0).turn.release()
        else:
            self.ended.release()


kernel.BlockManager = Block


@contextlib.contextmanager
def launching() -> Iterator[None]:
    """Hold around a launch: integers wrap around without a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=RuntimeWarning, message=".*encountered in")
        yield


def thread():
    """Return the number of the thread in its block."""
    return cuda.threadIdx.x


def bare(array):
    """Return an argument of a kernel as a plain array: the simulator's own would check every access."""
    return array._item._ary if hasattr(array, "_item") else array


def take(array, place):
    """Return the four floats from a place on that is a multiple of four."""
    assert place % LANES == 0
    return array[place], array[place + 1], array[place + 2], array[place + 3]


def put(array, place, values):
    """Store four floats from a place on that is a multiple of four."""
    assert place % LANES == 0
    array[place : place + len(values)] = values
