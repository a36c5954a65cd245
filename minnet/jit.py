"""The one place that sets compiler options and decides where compiled kernels are kept.

Three rules hold for every kernel of minnet:

* an *entry point* (what Python calls) is compiled by `compile` for one explicit signature and kept on disk;
* what an entry point calls is decorated with `inner` and becomes part of it;
* what can be swapped (a method's update, an activation, a loss) reaches an entry point as a function pointer
  with a fixed signature, so that the entry point is compiled once for all of them.

Numba's own cache does not notice an edit in another file. The folder of the kernels therefore carries a digest
of the source that kernels come from: an edit or an upgrade starts a new folder.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import os
import re
import shutil
import tempfile
import threading
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba.core import config
from numba.core.registry import cpu_target
from numba.core.serialize import dumps
from numba.core.typing import Signature

log = logging.getLogger("minnet")

# "python" would make a division a possible exception and so forbid SIMD. Full fast-math would let the compiler
# assume that there are no NaNs and delete the divergence tests; these three flags give its speed without that.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract", "arcp", "nsz"}, "nogil": True}
INNER_OPTIONS = {"error_model": OPTIONS["error_model"], "fastmath": OPTIONS["fastmath"], "no_cfunc_wrapper": True}
INTERPRETED = bool(config.DISABLE_JIT)
KEEP_DAYS = 30
KERNEL_SOURCE = ("jit.py", "squares.py", "data/elastic.py", "network/*.py", "optimizers/*.py", "training/*.py")

_lock = threading.RLock()


def inner(function: Callable) -> Callable:
    """Let kernels call a function and make it part of themselves. For Python, and for CUDA, it stays what it is."""
    return numba.extending.register_jitable(**INNER_OPTIONS)(function)


def summing(function: Callable) -> Callable:
    """Do as `inner` for a sum whose order does not matter: several partial sums go side by side.

    The order is fixed when the kernel is compiled.
    """
    options = {**INNER_OPTIONS, "fastmath": OPTIONS["fastmath"] | {"reassoc"}}
    return numba.extending.register_jitable(**options)(function)


def compile(function: Callable, signature: Signature, key: str = "") -> Callable:
    """Compile an entry point for one signature, or load it from the disk cache.

    Parameters
    ----------
    function : callable
        Plain Python function. If it is a closure, it may only close over plain functions and numbers: a compiled
        function in a closure would miss the cache in every process.
    signature : numba signature
    key : str
        Digest of source outside minnet that the function comes from: it gets a folder of its own in the cache.

    Returns
    -------
    callable
        Also usable as a function pointer: an argument of another kernel. With ``NUMBA_DISABLE_JIT=1`` the
        function itself.
    """
    if INTERPRETED:
        return function
    with _lock:
        started = time.perf_counter()
        identity = _identity(function, signature)
        with _kernel_folder(Path(key, identity)) as folder:
            kernel = _decorate(_named(function, identity), folder)
        kernel.compile(signature)
        kernel.disable_compile()
        hit = bool(sum(kernel.stats.cache_hits.values()))
        log.debug("%s %s in %.2f s", "loaded" if hit else "compiled", function.__qualname__,
                  time.perf_counter() - started)  # fmt: skip
        return kernel


def _identity(function: Callable, signature: Signature) -> str:
    """Return a digest of all that tells one kernel from another.

    Each has a folder of its own. Numba would give the loops of all rules one list of files, and two processes that add
    to it at the same time would find one method's code under another's name.
    """
    cells = dumps(tuple(cell.cell_contents for cell in function.__closure__ or ()))
    processor = cpu_target.target_context.codegen().magic_tuple()
    what = f"{function.__module__}.{function.__qualname__}{signature}{processor}".encode()
    return hashlib.sha256(b"\0".join((what, function.__code__.co_code, cells))).hexdigest()[:16]


def _named(function: Callable, identity: str) -> Callable:
    """Return a copy of a function whose compiled code has a name of its own.

    Function pointers are found by name. Numba tells equal ones apart by counting in each process, so that two kernels
    from the disk cache could share a name, and one method's pointer lead to another's code.
    """
    named = types.FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    named.__kwdefaults__, named.__module__ = function.__kwdefaults__, function.__module__
    named.__qualname__ = f"{function.__qualname__}_{identity}"
    return named


def _decorate(function: Callable, folder: Path | None) -> Any:
    try:
        return numba.njit(cache=folder is not None, **OPTIONS)(function)
    except RuntimeError:  # typed at a prompt: there is no file whose changes the cache could notice
        return numba.njit(**OPTIONS)(function)


def lines_with(kernel: Any, word: str) -> list[str]:
    """Return the lines of a kernel's intermediate code that hold a word; none if it was not compiled just now."""
    if INTERPRETED or not sum(kernel.stats.cache_misses.values()):
        return []
    code = "\n".join(kernel.inspect_llvm(signature) for signature in kernel.signatures)
    return [line for line in code.splitlines() if re.search(rf"\b{word}\b", line)]


def once(build: Callable) -> Callable:
    """Remember what `build` returned for its arguments; threads that ask at the same time wait for the first."""
    remembered = functools.cache(build)

    @functools.wraps(build)
    def locked(*args: Any) -> Any:
        with _lock:
            return remembered(*args)

    return locked


@functools.cache
def source_digest() -> str:
    """Return a digest of the source that kernels come from and of the compiler's version."""
    digest = hashlib.sha256(numba.__version__.encode())
    package = Path(__file__).parent
    for part in KERNEL_SOURCE:
        for file in sorted(package.glob(part)):
            digest.update(file.name.encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


@functools.cache
def cache_folder() -> Path | None:
    """Return the folder of the compiled kernels, or None where no place can be written to.

    It lies in ``NUMBA_CACHE_DIR`` if that is set, else in the user's cache directory.
    """
    base = os.environ.get("NUMBA_CACHE_DIR")
    for home in (Path(base) if base else None, Path(platformdirs.user_cache_dir("minnet")), _temporary_home()):
        if home is None:
            continue
        folder = home / "kernels" / source_digest()
        with contextlib.suppress(OSError):
            if not folder.is_dir():
                folder.mkdir(parents=True, exist_ok=True)
                _forget_old(folder.parent)
            with tempfile.TemporaryFile(dir=folder):
                os.utime(folder)
                return folder
    log.warning("no folder for compiled kernels can be written to: every process will compile anew")
    return None


def _temporary_home() -> Path | None:
    """Return a folder of this user's own among the temporary files; None if it can't be had or is someone else's."""
    user = str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    with contextlib.suppress(OSError):
        home = Path(tempfile.gettempdir()) / f"minnet-{user}"
        home.mkdir(mode=0o700, exist_ok=True)
        # Compiled code is run as it lies there: nobody else may have put it.
        if not hasattr(os, "getuid") or (home.stat().st_uid == os.getuid() and not home.stat().st_mode & 0o022):
            return home
    return None


@contextlib.contextmanager
def _kernel_folder(part: Path) -> Iterator[Path | None]:
    """Point Numba's cache at our folder while a function is decorated, without changing it for anyone else."""
    folder, before = cache_folder(), config.CACHE_DIR
    folder = folder / part if folder else None
    config.CACHE_DIR = str(folder or before)
    try:
        yield folder
    finally:
        config.CACHE_DIR = before


def _forget_old(kernels: Path) -> None:
    """Remove the folders of versions that nobody has used for a month."""
    for folder in kernels.iterdir():
        if time.time() - folder.stat().st_mtime > KEEP_DAYS * 86400:
            shutil.rmtree(folder, ignore_errors=True)
