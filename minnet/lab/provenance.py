"""When, where and with what an experiment ran."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from minnet import machine
from minnet.resources import PACKAGE


def command() -> str:
    """Return the command of this process, as one would type it again."""
    program = Path(sys.argv[0]).name
    program = "python -m minnet" if program == "__main__.py" else program
    return " ".join([program, *map(shlex.quote, sys.argv[1:])])


def commit(folder: Path = PACKAGE.parent) -> str | None:
    """Return the Git commit of a checkout, with "-dirty" if files differ from it; None where there is none."""
    if not (folder / ".git").exists():
        return None
    ask = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() or None


def blas() -> list[dict[str, Any]]:
    """Return the libraries for matrix products that this process has loaded.

    Examples
    --------
    >>> sorted(blas()[0])
    ['architecture', 'library', 'threading_layer', 'version']
    """
    import scipy.linalg.cython_blas  # noqa: F401  (Numba's products come from here)
    from threadpoolctl import threadpool_info

    facts = ("version", "threading_layer", "architecture")
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return [
        {"library": library["internal_api"], **{name: library.get(name) for name in facts}} for library in libraries
    ]


def session(jobs: int, engine: str, device: str = "cpu") -> dict[str, Any]:
    """Return what is known when a session of an experiment starts.

    `jobs` matters for the times: so many runs shared the machine while each was timed, with one thread each.
    """
    return {
        "engine": engine,
        "device": device,
        "jobs": jobs,
        "threads": 1,
        "command": command(),
        "versions": machine.versions(),
        "commit": commit(),
        "hardware": machine.hardware(),
        "blas": blas(),
    }
