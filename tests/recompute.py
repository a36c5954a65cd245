"""Compute the leaderboard once more, from curves.csv and trials.csv: python tests/recompute.py FOLDER [METHOD ...].

Nothing of minnet, NumPy or pandas is used, so that an error there cannot hide here. Prints every number of the
leaderboard beside its recomputation, and ends with 1 if one differs.
"""

from __future__ import annotations

import csv
import math
import sys
from collections import defaultdict
from pathlib import Path

LEVEL = 0.98  # at which differences are judged


def read(folder: Path, name: str) -> list[dict[str, str]]:
    """Return the rows of a table."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def recompute(folder: Path, method: str) -> dict[str, float]:
    """Return the numbers of one method's row of the leaderboard."""
    target = float(read(folder, "targets")[0]["target"])
    runs = defaultdict(list)  # (kind, trial, seed) -> rows in order of epochs
    for row in read(folder, "curves"):
        if row["optimizer"] == method:
            runs[row["kind"], int(row["trial"]), int(row["seed"])].append(row)
    finals = [rows for (kind, _, _), rows in runs.items() if kind == "final"]
    tuned = {trial: rows for (kind, trial, _), rows in runs.items() if kind == "tune"}
    default = {trial: rows for (kind, trial, _), rows in runs.items() if kind == "default"}
    hits = [first_hit(rows, target) for rows in finals]
    tests = test_accuracies(folder, method)
    return {
        "trials": len(tuned),
        "seeds": len(finals),
        "selected": max({**tuned, **default}.items(), key=lambda item: merit(item[1]))[0],
        "val_accuracy_median": quantile([last_accuracy(rows) for rows in finals], 0.5),
        "test_accuracy_median": quantile([*tests.values()], 0.5),
        "test_accuracy_low": quantile([*tests.values()], 0.1),
        "test_accuracy_high": quantile([*tests.values()], 0.9),
        "epochs_to_target": quantile([epoch for epoch, _ in hits], 0.5),
        "seconds_to_target": quantile([seconds for _, seconds in hits], 0.5),
        "diverged_trials": sum(not rows[-1]["val_accuracy"] for rows in tuned.values()),
        **behind(folder, tests),
    }


def first_hit(rows: list[dict[str, str]], target: float) -> tuple[float, float]:
    """Return epoch and seconds of the first row that reaches the target."""
    for row in rows:
        if row["val_accuracy"] and float(row["val_accuracy"]) >= target:
            return float(row["epoch"]), float(row["train_s"])
    return math.inf, math.inf


def last_accuracy(rows: list[dict[str, str]]) -> float:
    """Return the last validation accuracy: 0 for a run that diverged, whose last cell is empty."""
    return float(rows[-1]["val_accuracy"] or 0)


def merit(rows: list[dict[str, str]]) -> tuple[bool, float, float]:
    """Return what decides between trials; of equal ones the first wins."""
    return bool(rows[-1]["val_accuracy"]), last_accuracy(rows), -float(rows[-1]["val_loss"] or "inf")


def test_accuracies(folder: Path, method: str) -> dict[int, float]:
    """Return the test accuracies of the final runs by seed: 0 for a run that diverged."""
    return {
        int(row["seed"]): 0.0 if row["diverged"] == "True" else float(row["test_accuracy"])
        for row in read(folder, "trials")
        if row["optimizer"] == method and row["kind"] == "final"
    }


def behind(folder: Path, tests: dict[int, float]) -> dict[str, float]:
    """Return mean, interval and corrected p-value of the paired differences to the winner."""
    methods = {row["optimizer"] for row in read(folder, "trials") if row["kind"] == "final"}
    winner = test_accuracies(folder, read(folder, "leaderboard")[0]["optimizer"])
    gaps = [winner[seed] - tests[seed] for seed in tests if seed in winner]
    pairs = len(methods) * (len(methods) - 1) // 2
    if winner == tests or len(gaps) < 2:
        return {"difference": sum(gaps) / len(gaps)} if gaps and winner != tests else {}
    mean = sum(gaps) / len(gaps)
    error = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / (len(gaps) - 1) / len(gaps))
    if error < 1e-12:
        return {"difference": mean}
    half = quantile_of_t((1 - LEVEL) / 2 / pairs, len(gaps) - 1) * error
    p = min(1.0, 2 * pairs * tail_of_t(abs(mean) / error, len(gaps) - 1))
    return {"difference": mean, "difference_low": mean - half, "difference_high": mean + half, "p_corrected": p}


def tail_of_t(t: float, df: int, steps: int = 2000) -> float:
    """Return how likely Student's t exceeds `t`: with t = √df tan θ its density is that of cos θ ^ (df − 1)."""

    def integral(low: float) -> float:  # up to π / 2, by Simpson's rule
        width = (math.pi / 2 - low) / steps
        heights = [math.cos(low + i * width) ** (df - 1) for i in range(steps + 1)]
        return width / 3 * sum(h * (1 if i in (0, steps) else 4 if i % 2 else 2) for i, h in enumerate(heights))

    return integral(math.atan(t / math.sqrt(df))) / integral(0) / 2


def quantile_of_t(tail: float, df: int) -> float:
    """Return the t that is exceeded with a probability, by bisection."""
    low, high = 0.0, 1e6
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if tail_of_t(middle, df, 400) > tail else (low, middle)
    return low


def quantile(values: list[float], fraction: float) -> float:
    """Return a quantile, linear between the values."""
    ordered = sorted(values)
    place = fraction * (len(ordered) - 1)
    below = math.floor(place)
    share = place - below
    return ordered[below] if not share else (1 - share) * ordered[below] + share * ordered[below + 1]


def compare(folder: Path, method: str) -> list[tuple[str, float, float]]:
    """Return what the leaderboard says of a method beside what comes out here."""
    [said] = [row for row in read(folder, "leaderboard") if row["optimizer"] == method]
    [chosen] = [
        row["trial"]
        for row in read(folder, "trials")
        if row["optimizer"] == method and row["kind"] != "final" and row["selected"] == "True"
    ]
    said = {**said, "selected": chosen}
    return [(name, float(said[name]), value) for name, value in recompute(folder, method).items()]


def agree(one: float, other: float) -> bool:
    """Say whether two numbers are the same but for their last digits."""
    return one == other or math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-12)


def main(folder: Path, methods: list[str]) -> int:
    """Print all numbers, and return 1 if one differs."""
    wrong = 0
    for method in methods or [row["optimizer"] for row in read(folder, "leaderboard")]:
        print(method)
        for name, said, computed in compare(folder, method):
            wrong += not agree(said, computed)
            print(
                f"  {name:22} {said:<22.12g} {computed:<22.12g} {'' if agree(said, computed) else 'DIFFERS'}".rstrip()
            )
    print(f"{wrong} numbers differ" if wrong else "all numbers agree")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
