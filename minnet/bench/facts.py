"""What a race depends on beside the machine: versions of the peers, settings of their libraries."""

from __future__ import annotations

import importlib.metadata
import os

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
