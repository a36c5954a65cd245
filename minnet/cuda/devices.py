"""Which GPUs there are, and in one line why there is none."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from minnet.errors import InputError

EXTRA = 'pip install "minnet[cuda]"'


@dataclass(frozen=True)
class Device:
    """A GPU: its name, compute capability, multiprocessors, memory in bytes, and top clock in hertz."""

    name: str
    capability: tuple[int, int]
    multiprocessors: int
    memory: int
    clock: float = 0.0

    @property
    def peak_gflops(self) -> float:
        """Float32 operations per nanosecond: two for each core and clock."""
        cores = 64 if self.capability in ((6, 0), (7, 0), (7, 2), (7, 5), (8, 0)) else 128
        return 2 * cores * self.multiprocessors * self.clock / 1e9

    def describe(self) -> str:
        """Return all of it in one line.

        Examples
        --------
        >>> Device("NVIDIA H100", (9, 0), 132, 85_000_000_000).describe()
        'NVIDIA H100, compute capability 9.0, 132 multiprocessors, 85 GB'
        """
        major, minor = self.capability
        if not major:
            return self.name
        return (
            f"{self.name}, compute capability {major}.{minor}, {self.multiprocessors} multiprocessors, "
            f"{self.memory / 1e9:.3g} GB"
        )


SIMULATOR = Device("Numba's simulator (NUMBA_ENABLE_CUDASIM=1)", (0, 0), 1, 2**30)


def found() -> list[Device]:
    """Return the GPUs that Numba can use; the simulator in their place where that is switched on.

    Raises
    ------
    InputError
        If there is none, saying why.
    """
    from minnet.cuda.target import SIMULATED, numba_cuda

    if SIMULATED:
        return [SIMULATOR]
    try:
        devices = [_describe(gpu, numba_cuda) for gpu in numba_cuda.gpus]
    except numba_cuda.cudadrv.error.CudaSupportError:
        raise InputError("device 'cuda': no driver of NVIDIA is installed here; use --device cpu") from None
    if not devices:
        raise InputError("device 'cuda': the driver knows of no GPU; use --device cpu")
    return devices


def require() -> Device:
    """Return the GPU that will be used, the first one.

    Raises
    ------
    InputError
        If there is none, or Numba has no compiler for it.
    """
    device = found()[0]
    if device is not SIMULATOR:
        check_compiler()
    return device


def _describe(gpu: object, numba_cuda: object) -> Device:
    with gpu:  # type: ignore[attr-defined]
        context = numba_cuda.current_context()  # type: ignore[attr-defined]
        name = context.device.name
        return Device(
            name.decode() if isinstance(name, bytes) else str(name),
            tuple(context.device.compute_capability)[:2],
            context.device.MULTIPROCESSOR_COUNT,
            context.get_memory_info().total,
            1e3 * context.device.CLOCK_RATE,
        )


@functools.cache
def check_compiler() -> None:
    """Raise an `InputError` unless the libraries that compile for CUDA are there."""
    from numba import types

    from minnet.cuda.target import numba_cuda

    try:
        numba_cuda.compile_ptx(lambda value: value, (types.float32,), device=True, cc=(8, 0))
    except Exception as error:
        raise InputError(f"device 'cuda': NVIDIA's compiler libraries are missing or incomplete: {EXTRA}") from error
