"""The one place that chooses between Numba's CUDA target and its simulator, and sets the compiler's options.

``numba.cuda`` is NVIDIA's numba-cuda where that is installed, else the target that older versions of Numba contain.

Functions are written plainly, and become part of a kernel by `device`. What such a function calls by a global name
becomes a device function with it, so that the scalar functions of methods and networks are used as they stand.
"""

from __future__ import annotations

import dis
import functools
import importlib
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

from numba import cuda as numba_cuda
from numba.core import config

SIMULATED = bool(config.ENABLE_CUDASIM)
LANES = 4  # floats that are loaded and stored at once
BYTES = 4 * LANES

_parts: Any = importlib.import_module("minnet.cuda.simulator" if SIMULATED else "minnet.cuda.intrinsics")
cuda, launching = _parts.cuda, _parts.launching
thread, bare, take, put = _parts.thread, _parts.bare, _parts.take, _parts.put
ALIGNED = not SIMULATED and _parts.ALIGNED

_settings = inspect.signature(numba_cuda.jit).parameters
_forced = {"forceinline": True} if "forceinline" in _settings else {}


@functools.cache
def device(function: Callable) -> Callable:
    """Return a plain function as a device function, with all plain functions that it calls by global names.

    It is written into the code that calls it, so that what it keeps in registers stays there.
    """
    if SIMULATED or not isinstance(function, FunctionType):
        return function
    names = {each.argval for each in dis.get_instructions(function) if each.opname == "LOAD_GLOBAL"}
    found = {name: function.__globals__.get(name) for name in names}
    called = {name: device(value) for name, value in found.items() if isinstance(value, FunctionType)}
    bound = FunctionType(
        function.__code__, {**function.__globals__, **called}, function.__name__, function.__defaults__,
        function.__closure__,
    )  # fmt: skip
    bound.__qualname__, bound.__module__ = function.__qualname__, function.__module__
    return numba_cuda.jit(device=True, **_forced)(bound)


def kernel(function: Callable, threads: int, blocks: int) -> Any:
    """Return a kernel for blocks of so many threads, of which a multiprocessor shall hold so many."""
    if SIMULATED:
        return numba_cuda.jit(function)
    if "launch_bounds" in _settings:
        return numba_cuda.jit(launch_bounds=(threads, blocks))(function)
    return numba_cuda.jit(max_registers=registers(threads, blocks))(function)


def registers(threads: int, blocks: int) -> int:
    """Return the registers that a thread may use if a multiprocessor (65,536 registers) is to hold so many blocks.

    Examples
    --------
    >>> registers(256, 2)
    128
    """
    return min(255, 65536 // (threads * blocks) // 8 * 8)
