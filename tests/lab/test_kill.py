"""A short version of ``python tests/lab/kill.py 50 FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from kill import torture


def test_nothing_is_lost_by_kills_at_random_moments(tmp_path):
    assert torture(3, tmp_path, seed=1).total() == 3
