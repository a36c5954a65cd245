"""What is said about several seeds: pure functions over numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

LOW, HIGH = 0.1, 0.9  # the band over seeds
FIGURES = {"train_loss", "train_accuracy", "val_loss", "val_accuracy"}


def median(values: Sequence[float]) -> float:
    """Return the median; NaN for no values.

    Examples
    --------
    >>> median([3.0, 1.0, 2.0]), median([1.0, math.inf]), median([])
    (2.0, inf, nan)
    """
    return float(np.median(values)) if len(values) else math.nan


def quantile(values: Sequence[float], fraction: float) -> float:
    """Return a quantile, linear between the values; NaN for no values.

    Examples
    --------
    >>> quantile([0.0, 1.0], 0.1)
    0.1
    """
    return float(np.quantile(values, fraction)) if len(values) else math.nan


def counted(record: Mapping[str, Any], column: str) -> float:
    """Return an accuracy of a run as a comparison counts it: a run that diverged classified nothing.

    Examples
    --------
    >>> counted({"diverged": False, "val_accuracy": 0.5}, "val_accuracy")
    0.5
    >>> counted({"diverged": True, "val_accuracy": 0.1}, "val_accuracy")
    0.0
    """
    accuracy = record[column]
    if record["diverged"] or accuracy is None or math.isnan(accuracy):
        return 0.0
    return float(accuracy)


def history(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the history of a run without the figures of a network that has diverged: those of its last row.

    Examples
    --------
    >>> history({"diverged": True, "history": [{"epoch": 0, "val_loss": 9e30, "val_accuracy": 0.1}]})
    [{'epoch': 0, 'val_loss': None, 'val_accuracy': None}]
    """
    rows = [dict(row) for row in record["history"]]
    if record["diverged"] and rows:
        rows[-1].update(dict.fromkeys(FIGURES & rows[-1].keys()))
    return rows


def winner(records: Sequence[Mapping[str, Any]]) -> int:
    """Return the index of the best tuning trial.

    A run that diverged loses against any that did not; then the higher final validation accuracy wins, then
    the lower validation loss, then the earlier trial.

    Examples
    --------
    >>> winner([{"diverged": True, "val_accuracy": 0.9, "val_loss": 0.1},
    ...         {"diverged": False, "val_accuracy": 0.8, "val_loss": 0.2},
    ...         {"diverged": False, "val_accuracy": 0.8, "val_loss": 0.1}])
    2
    """

    def merit(index: int) -> tuple:
        record = records[index]
        loss = record["val_loss"]
        loss = math.inf if loss is None or math.isnan(loss) else loss
        return not record["diverged"], counted(record, "val_accuracy"), -loss, -index

    return max(range(len(records)), key=merit)
