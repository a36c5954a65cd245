"""Settings of the whole suite."""

from __future__ import annotations

import os


def pytest_configure(config):
    if os.environ.get("NUMBA_DISABLE_JIT") == "1":
        # The generator of dropout masks wraps around on purpose; compiled integers do so silently, NumPy's warn.
        config.addinivalue_line("filterwarnings", "ignore:overflow encountered in scalar:RuntimeWarning")
        # Norms are meant to meet numbers whose squares float32 can't hold.
        config.addinivalue_line("filterwarnings", "ignore:overflow encountered in dot:RuntimeWarning")
