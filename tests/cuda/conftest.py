"""These tests need a GPU, or Numba's simulator of one: ``NUMBA_ENABLE_CUDASIM=1 python -m pytest tests/cuda``."""

from __future__ import annotations

import pytest

from minnet.cuda import devices
from minnet.errors import InputError


@pytest.fixture(scope="session")
def device():
    """Return the GPU; tests that ask for it are skipped where there is none."""
    try:
        return devices.require()
    except InputError as reason:
        pytest.skip(f"{reason}; or set NUMBA_ENABLE_CUDASIM=1 for the simulator")
