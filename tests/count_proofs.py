"""Print what is proven, method by method: ``python tests/count_proofs.py``.

Columns: styles (the form of the paper and those of libraries), whether a slow reference stands behind it, recorded
trajectories, and broken copies that the tests must catch (`optimizers/test_mutants.py`).
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "optimizers"))

from method_checks import CASES, REFERENCES
from test_mutants import MUTANTS

from minnet import optimizers


def main() -> None:
    """Print the table and its sums."""
    print(f"{'method':20s} {'styles':32s} {'reference':9s} {'recordings':>10s} {'mutants':>7s}")
    sums = [0, 0, 0]
    for name in optimizers.names():
        styles = optimizers.get(name).style_names
        recorded = [case for case in CASES if case["method"] == name]
        broken = [label for label in MUTANTS if label.split("/")[0] == name]
        sums = [a + b for a, b in zip(sums, (len(styles), len(recorded), len(broken)))]
        known = "yes" if name in REFERENCES else "own test"
        print(f"{name:20s} {' '.join(styles):32s} {known:9s} {len(recorded):10d} {len(broken):7d}")
    print(f"\n{len(optimizers.names())} methods, {sums[0]} styles, {sums[1]} recorded trajectories, {sums[2]} mutants")


if __name__ == "__main__":
    main()
