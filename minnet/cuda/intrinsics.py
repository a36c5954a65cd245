"""What a kernel uses of a GPU that Numba has no word for: loads of four floats, and a thread's number, read anew."""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Iterator

from llvmlite import ir
from numba import cuda, types
from numba.cuda.cudadrv.driver import CudaAPIError

from minnet.errors import InputError

try:
    from numba.cuda.extending import intrinsic
except ImportError:  # the target inside older versions of Numba
    from numba.core.extending import intrinsic

LANES = 4
BYTES = 4 * LANES
# Whether shared memory can be asked for at places where four floats are loaded at once.
ALIGNED = "alignment" in inspect.signature(cuda.shared.array).parameters


@contextlib.contextmanager
def launching() -> Iterator[None]:
    """Hold around a launch, and around all that waits for it.

    Numba would warn of grids that leave a part of the GPU idle, as small populations do. What the driver complains of
    becomes one line.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Grid size .* will likely result in GPU under-utilization")
            yield
    except CudaAPIError as error:
        raise InputError(
            f"device 'cuda': the driver says {error}; train fewer runs at a time, on a GPU that nobody else uses and "
            "that drives no screen, or use --device cpu"
        ) from error


@cuda.jit(device=True)
def bare(array):
    """Return an argument of a kernel as a plain array."""
    return array


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


@intrinsic
def take(typing, array, place):
    """Return the four floats from a place on that is a multiple of four: one load."""

    def generate(context, builder, signature, arguments):
        _, pointer = _four(context, builder, signature.args[0], *arguments)
        loaded = builder.load(pointer, align=BYTES if ALIGNED else 4)
        lanes = [builder.extract_element(loaded, ir.Constant(ir.IntType(32), k)) for k in range(LANES)]
        return context.make_tuple(builder, signature.return_type, lanes)

    return types.UniTuple(types.float32, LANES)(array, types.int64), generate


@intrinsic
def put(typing, array, place, values):
    """Store four floats from a place on that is a multiple of four: one store."""

    def generate(context, builder, signature, arguments):
        array, place, values = arguments
        vector, pointer = _four(context, builder, signature.args[0], array, place)
        packed = ir.Constant(vector, ir.Undefined)
        for k in range(LANES):
            packed = builder.insert_element(packed, builder.extract_value(values, k), ir.Constant(ir.IntType(32), k))
        builder.store(packed, pointer, align=BYTES if ALIGNED else 4)
        return context.get_dummy_value()

    return types.none(array, types.int64, types.UniTuple(types.float32, LANES)), generate


def _four(context, builder, array_type, array, place):
    """Return the type of four floats, and a pointer to those from a place on."""
    data = context.make_array(array_type)(context, builder, array).data
    vector = ir.VectorType(ir.FloatType(), LANES)
    return vector, builder.bitcast(builder.gep(data, [place]), vector.as_pointer())
