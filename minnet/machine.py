"""What a result was made with: versions, hardware, and how many threads the matrix products may use."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PACKAGES = ("minnet", "numpy", "numba", "scipy", "scikit-learn", "pandas", "joblib", "threadpoolctl")


def versions() -> dict[str, str]:
    """Return the versions of minnet, Python and the packages that results depend on.

    Examples
    --------
    >>> sorted(versions())[:3]
    ['joblib', 'minnet', 'numba']
    """
    return {"python": platform.python_version(), **{package: _version(package) for package in PACKAGES}}


def hardware() -> dict[str, Any]:
    """Return system, processor and cores of this machine.

    Examples
    --------
    >>> hardware()["usable_cores"] >= 1
    True
    """
    return {
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "usable_cores": usable_cores(),
    }


def usable_cores() -> int:
    """Return how many cores this process may use."""
    import joblib

    return int(joblib.cpu_count())


@contextmanager
def blas_threads(n: int) -> Iterator[None]:
    """Let the matrix products use at most `n` threads, in the whole process, until the block ends.

    Runs side by side need 1: otherwise every run's products wait for threads that serve another run.
    """
    import scipy.linalg.cython_blas  # noqa: F401  (Numba's products come from here; only a loaded library is limited)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=n, user_api="blas"):
        yield


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    """Return the processor's name: on Linux the kernel knows it better than `platform`."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
