"""Successive halving: hopeless trials end early, and what that saves.

All trials train for a few epochs; the best of them, one in `factor`, start again and train `factor` times as long;
and so on until one rung is as long as the whole training. A trial stays what it is, a pure function of its content
(where it stops is part of that), so the survivors train again from the start instead of from a saved state: with a
factor of 3 this adds less than a third to the epochs, and every schedule is that of the whole training from the first
step on.

Reference: Jamieson and Talwalkar (2016), Non-stochastic best arm identification and hyperparameter optimization,
arXiv:1502.07943.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minnet.lab import stats

FACTOR = 3


def rungs(trials: int, epochs: int, factor: int = FACTOR) -> list[tuple[int, int]]:
    """Return how many trials are trained up to which epoch, rung by rung.

    Examples
    --------
    >>> rungs(12, 20)
    [(12, 2), (4, 6), (1, 20)]
    >>> rungs(2, 20)
    [(2, 20)]
    """
    last = 0
    while min(trials, epochs) >= factor ** (last + 1):
        last += 1
    return [(trials // factor**rung, epochs // factor ** (last - rung)) for rung in range(last + 1)]


def best(records: Sequence[Mapping[str, Any]], count: int) -> list[int]:
    """Return the indices of the best records, ascending; which is better, `stats.winner` says.

    Examples
    --------
    >>> best([{"diverged": False, "val_accuracy": a, "val_loss": 1.0} for a in (0.8, 0.9, 0.7)], 2)
    [0, 1]
    """
    left = list(range(len(records)))
    chosen = []
    for _ in range(min(count, len(left))):
        chosen.append(left.pop(stats.winner([records[i] for i in left])))
    return sorted(chosen)


def trained(record: Mapping[str, Any]) -> int:
    """Return the epochs that a run was trained for."""
    return max(int(row["epoch"]) for row in record["history"])


def until(record: Mapping[str, Any], epochs: int) -> dict[str, Any]:
    """Return what a run looked like after some epochs: its figures and history up to there."""
    history = [row for row in record["history"] if row["epoch"] <= epochs]
    last = history[-1]
    diverged = bool(record["diverged"]) and trained(record) <= epochs
    return {
        "diverged": diverged,
        "val_accuracy": last["val_accuracy"],
        "val_loss": last["val_loss"],
        "history": history,
    }


@dataclass(frozen=True)
class Replay:
    """What successive halving would have done with trials that were all trained to the end.

    Parameters
    ----------
    winner : int
        Index of the trial that it would have selected.
    epochs : int
        What it would have trained, the survivors' new starts included.
    full : int
        What was trained.
    """

    winner: int
    epochs: int
    full: int


def replay(records: Sequence[Mapping[str, Any]], epochs: int, factor: int = FACTOR) -> Replay:
    """Say what successive halving would have selected and trained, from the curves of the whole trainings.

    Parameters
    ----------
    records : list of dict
        Finished runs with `diverged` and `history` (rows with `epoch`, `val_accuracy`, `val_loss`).
    epochs : int
        Of the whole training.
    factor : int

    Examples
    --------
    >>> def run(*accuracies):
    ...     rows = [{"epoch": e, "val_accuracy": a, "val_loss": 1 - a} for e, a in enumerate(accuracies)]
    ...     return {"diverged": False, "history": rows}
    >>> replay([run(0, 0.5, 0.6, 0.7), run(0, 0.4, 0.6, 0.9), run(0, 0.1, 0.2, 0.3)], epochs=3)
    Replay(winner=0, epochs=6, full=9)
    """
    alive, before, spent = list(range(len(records))), 0, 0
    for count, end in rungs(len(records), epochs, factor):
        alive = [alive[i] for i in best([until(records[i], before) for i in alive], count)]
        spent += sum(min(trained(records[i]), end) for i in alive)
        before = end
    winner = alive[stats.winner([until(records[i], epochs) for i in alive])]
    return Replay(winner, spent, sum(trained(record) for record in records))
