from __future__ import annotations

import math

import pytest

from minnet.lab import stats


def test_a_miss_counts_in_the_median():
    assert stats.median([3.0, 5.0, math.inf]) == 5.0
    assert stats.median([3.0, math.inf, math.inf]) == math.inf
    assert stats.median([3.0, math.inf]) == math.inf
    assert math.isnan(stats.median([]))


def test_quantiles_are_linear():
    assert stats.quantile([1.0, 2.0, 3.0, 4.0, 5.0], stats.LOW) == pytest.approx(1.4)
    assert stats.quantile([1.0, 2.0, 3.0, 4.0, 5.0], stats.HIGH) == pytest.approx(4.6)


def record(accuracy, loss, diverged=False):
    return {"val_accuracy": accuracy, "val_loss": loss, "diverged": diverged}


def test_what_an_accuracy_counts():
    assert stats.counted(record(0.5, 0.1), "val_accuracy") == 0.5
    for nothing in (record(None, 0.1), record(math.nan, 0.1), record(0.5, 0.1, diverged=True)):
        assert stats.counted(nothing, "val_accuracy") == 0


@pytest.mark.parametrize(
    ("records", "best"),
    [
        ([record(0.8, 0.1), record(0.9, 0.5)], 1),
        ([record(0.9, 0.5), record(0.9, 0.4), record(0.9, 0.4)], 1),
        ([record(0.95, 0.1, diverged=True), record(0.2, 3.0)], 1),
        ([record(None, None, diverged=True), record(0.1, 2.0, diverged=True)], 1),
        ([record(0.9, None), record(0.9, 0.4)], 1),
    ],
)
def test_the_winner_of_the_tuning(records, best):
    assert stats.winner(records) == best
