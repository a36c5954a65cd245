"""What a kernel uses of a GPU, in Numba's simulator: every CUDA thread is one of Python's.

It lets the tests run everywhere, with few threads. ``NUMBA_ENABLE_CUDASIM=1`` switches it on.
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

SWITCH_S = 1e-5  # threads wait for each other by turns of the interpreter: short ones


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


@contextlib.contextmanager
def launching() -> Iterator[None]:
    """Hold around a launch: threads take short turns, and integers wrap around without a warning."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=RuntimeWarning, message=".*encountered in")
            yield
    finally:
        sys.setswitchinterval(interval)


def thread():
    """Return the number of the thread in its block."""
    return cuda.threadIdx.x


def bare(array):
    """Return an argument of a kernel as a plain array: the simulator's own would check every access."""
    return array._item._ary if hasattr(array, "_item") else array


def take(array, place):
    """Return the four floats from a place on that is a multiple of four."""
    return array[place], array[place + 1], array[place + 2], array[place + 3]


def put(array, place, values):
    """Store four floats from a place on that is a multiple of four."""
    array[place : place + len(values)] = values
