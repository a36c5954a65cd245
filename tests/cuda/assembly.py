"""What the compiler makes of a kernel, without a GPU: PTX, registers, and the loops of the machine code."""

from __future__ import annotations

import importlib.util
import inspect
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from numba import types

from minnet.cuda.devices import check_compiler
from minnet.cuda.target import SIMULATED, numba_cuda
from minnet.errors import InputError


def require_compiler() -> None:
    """Skip a test where nothing can compile for CUDA."""
    if SIMULATED:
        pytest.skip("the simulator compiles nothing: run without NUMBA_ENABLE_CUDASIM")
    if "launch_bounds" not in inspect.signature(numba_cuda.compile).parameters:
        pytest.skip("Numba's own target compiles only where a driver is: pip install numba-cuda")
    try:
        check_compiler()
    except InputError as reason:
        pytest.skip(str(reason))


def pretend(monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int]) -> None:
    """Let device functions be compiled for a GPU that is not there."""
    from numba.cuda import dispatcher

    monkeypatch.setattr(dispatcher, "get_current_device", lambda: SimpleNamespace(compute_capability=capability))


def ptx_of(kernel, signature, capability, threads: int, blocks: int) -> str:
    """Return the PTX of a kernel."""
    return numba_cuda.compile(
        kernel.py_func, signature, device=False, abi="numba", cc=capability, launch_bounds=(threads, blocks)
    )[0]  # fmt: skip


def ptx_of_function(function, signature, capability) -> str:
    """Return the PTX of a device function."""
    return numba_cuda.compile(function.py_func, signature, device=True, abi="numba", cc=capability)[0]


def array(dtype, n: int):
    """Return the type of a contiguous array."""
    return types.Array(dtype, n, "C")


def epoch_signature():
    """Return the signature of the kernel that trains."""
    f4, f8, i4, i8 = types.float32, types.float64, types.int32, types.int64
    return types.void(
        array(types.uint8, 1), array(f4, 1), array(i4, 2), array(f4, 4), array(i8, 2), array(f4, 2), array(f4, 3),
        array(f4, 2), array(i8, 1), array(i8, 1), i8, f4, array(i8, 1), array(f8, 1), array(f8, 3),
    )  # fmt: skip


def evaluation_signature():
    """Return the signature of the kernel that evaluates."""
    f4, f8, i4, i8 = types.float32, types.float64, types.int32, types.int64
    return types.void(
        array(types.uint8, 1), array(f4, 1), array(i4, 1), array(i8, 1), array(f4, 3), array(f4, 2), array(i8, 1),
        array(i8, 1), f4, array(f8, 2), array(f8, 2),
    )  # fmt: skip


def tool(name: str) -> str | None:
    """Return a program of the CUDA toolkit: on the path, or from NVIDIA's wheels."""
    spec = importlib.util.find_spec("nvidia")
    wheels = [path for root in (spec.submodule_search_locations or [] if spec else [])
              for path in Path(root).glob(f"*/bin/{name}")]  # fmt: skip
    return shutil.which(name) or next(map(str, wheels), None)


def assemble(ptx: str, capability: tuple[int, int], folder: Path) -> tuple[Path, str]:
    """Return machine code, and what ptxas says about it."""
    ptxas = tool("ptxas")
    if ptxas is None:
        pytest.skip("no ptxas: pip install nvidia-cuda-nvcc-cu12")
    source, code = folder / "kernel.ptx", folder / "kernel.cubin"
    source.write_text(ptx)
    arch = f"-arch=sm_{capability[0]}{capability[1]}"
    done = subprocess.run([ptxas, "-v", arch, source, "-o", code], capture_output=True, text=True, check=True)
    return code, done.stderr


def inner_loops(code: Path) -> list[list[str]]:
    """Return the innermost loops, each as the names of its instructions."""
    nvdisasm = tool("nvdisasm")
    if nvdisasm is None:
        pytest.skip("no nvdisasm: pip install nvidia-cuda-nvdisasm")
    text = subprocess.run([nvdisasm, "-c", code], capture_output=True, text=True, check=True).stdout
    instructions: list[str] = []
    labels: dict[str, int] = {}
    for line in text.splitlines():
        if label := re.match(r"\s*(\.L_x_\d+):", line):
            labels[label[1]] = len(instructions)
        elif found := re.match(r"\s*/\*[0-9a-f]+\*/\s+(.*?);", line):
            instructions.append(found[1])
    back = [
        (labels[branch[1]], last)
        for last, instruction in enumerate(instructions)
        if (branch := re.search(r"BRA.*`\((\.L_x_\d+)\)", instruction)) and labels[branch[1]] <= last
    ]
    names = [re.sub(r"^@!?U?P\d+\s+", "", each).split()[0].partition(".")[0] for each in instructions]
    return [
        names[first : last + 1]
        for first, last in back
        if not any((first, last) != (begin, end) and first <= begin and end <= last for begin, end in back)
    ]


def product_loops(loops: list[list[str]]) -> list[Counter]:
    """Return for each loop of products how often it has which instruction: one barrier, and a stage's products."""
    counted = map(Counter, loops)
    return [loop for loop in counted if loop["FFMA"] >= 128 and loop["BAR"] == 1]


def asked_first(loops: list[list[str]]) -> list[int]:
    """Return for each loop that moves parameters by Adam (roots, stores) how many loads come before its first store."""
    return [
        loop[: loop.index("STG")].count("LDG")
        for loop in loops
        if {"MUFU", "STG", "LDS"} <= {*loop} and "BAR" not in loop
    ]
