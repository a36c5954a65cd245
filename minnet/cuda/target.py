"""The one place that speaks to Numba's CUDA target, compiled or simulated.

``numba.cuda`` is NVIDIA's numba-cuda where that is installed, else the target that older versions of Numba contain.
With ``NUMBA_ENABLE_CUDASIM=1`` both run kernels as Python threads: every CUDA thread is one.

Functions are written plainly, and become part of a kernel by `device`. What such a function calls by a global name
becomes a device function with it, so that the scalar functions of methods and networks are used as they stand.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import numpy as np
from llvmlite import ir
from numba import cuda as numba_cuda
from numba import types
from numba.core import config

SIMULATED = bool(config.ENABLE_CUDASIM)
SWITCH_S = 1e-5  # simulated threads wait for each other by turns of the interpreter: short ones
LANES = 4  # floats that are loaded and stored at once
BYTES = 4 * LANES

if not SIMULATED:
    try:
        from numba.cuda.extending import intrinsic
    except ImportError:  # the target inside older versions of Numba
        from numba.core.extending import intrinsic

_settings = inspect.signature(numba_cuda.jit).parameters
_forced = {"forceinline": True} if "forceinline" in _settings else {}
# Whether shared memory can be asked for at places where four floats are loaded at once.
ALIGNED = not SIMULATED and "alignment" in inspect.signature(numba_cuda.shared.array).parameters


class _Simulated:
    """``numba.cuda`` as a simulated thread sees it, wherever the function that asks was defined."""

    def __getattr__(self, name: str) -> Any:
        from numba.cuda.simulator.kernel import _get_kernel_context

        return getattr(_get_kernel_context() or numba_cuda, name)


cuda: Any = _Simulated() if SIMULATED else numba_cuda


@functools.cache
def device(function: Callable) -> Callable:
    """Return a plain function as a device function, with all plain functions that it calls by global names.

    It is written into the code that calls it, so that what it keeps in registers stays there.
    """
    if SIMULATED or not isinstance(function, FunctionType):
        return function
    found = {name: function.__globals__.get(name) for name in function.__code__.co_names}
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


@contextlib.contextmanager
def launching() -> Iterator[None]:
    """Hold around a launch: simulated threads take short turns, and their integers wrap around without a warning."""
    if not SIMULATED:
        yield
        return
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=RuntimeWarning, message=".*encountered in")
            yield
    finally:
        sys.setswitchinterval(interval)


if SIMULATED:

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
        array[place : place + LANES] = values

else:

    @intrinsic
    def thread(typing):
        """Return the number of the thread in its block, read anew.

        The compiler would otherwise work out at the kernel's begin what every phase will need, and keep all of it in
        registers that the products need.
        """

        def generate(context, builder, signature, arguments):
            read = ir.InlineAsm(ir.FunctionType(ir.IntType(32), []), "mov.u32 $0, %tid.x;", "=r", side_effect=True)
            number = builder.and_(builder.call(read, []), ir.Constant(ir.IntType(32), 1023))
            return builder.zext(number, ir.IntType(64))

        return types.int64(), generate

    @device
    def bare(array):
        """Return an argument of a kernel as a plain array."""
        return array

    def _vector(context, builder, array_type, array, place):
        """Return a pointer to the four floats from a place on."""
        data = context.make_array(array_type)(context, builder, array).data
        vector = ir.VectorType(ir.FloatType(), LANES)
        return vector, builder.bitcast(builder.gep(data, [place]), vector.as_pointer())

    @intrinsic
    def take(typing, array, place):
        """Return the four floats from a place on that is a multiple of four: one load."""

        def generate(context, builder, signature, arguments):
            _, pointer = _vector(context, builder, signature.args[0], *arguments)
            loaded = builder.load(pointer, align=BYTES if ALIGNED else 4)
            lanes = [builder.extract_element(loaded, ir.Constant(ir.IntType(32), k)) for k in range(LANES)]
            return context.make_tuple(builder, signature.return_type, lanes)

        return types.UniTuple(types.float32, LANES)(array, types.int64), generate

    @intrinsic
    def put(typing, array, place, values):
        """Store four floats from a place on that is a multiple of four: one store."""

        def generate(context, builder, signature, arguments):
            array, place, values = arguments
            vector, pointer = _vector(context, builder, signature.args[0], array, place)
            packed = ir.Constant(vector, ir.Undefined)
            for k in range(LANES):
                lane = builder.extract_value(values, k)
                packed = builder.insert_element(packed, lane, ir.Constant(ir.IntType(32), k))
            builder.store(packed, pointer, align=BYTES if ALIGNED else 4)
            return context.get_dummy_value()

        return types.none(array, types.int64, types.UniTuple(types.float32, LANES)), generate
