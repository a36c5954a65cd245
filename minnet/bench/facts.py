"""What a race depends on: versions of the peers, settings of their libraries, and what else the machine does."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path

PACKAGES = ("jax", "jaxlib", "torch", "threadpoolctl")
PREFIXES = ("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "NUMBA_", "XLA_", "JAX_", "TORCH")


def peer_versions() -> dict[str, str]:
    """Return the versions of the peers that are installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def environment() -> dict[str, str]:
    """Return the variables that change how fast a library computes."""
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith(PREFIXES)}


def machine_cpu_s() -> float | None:
    """Return the processor seconds that all processes have used; None where the system does not say (Linux does)."""
    try:
        fields = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0].split()
    except OSError:
        return None
    user, nice, system = map(int, fields[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")
