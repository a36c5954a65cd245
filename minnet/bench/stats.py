"""What is said about rounds of seconds: pure functions over numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

LOW, HIGH = 0.1, 0.9  # the band over rounds
CONFIDENCE = 0.95
RESAMPLES = 4000


class Ratio(NamedTuple):
    """The median ratio over rounds, and the interval that resampled rounds give it with 95 % confidence."""

    median: float
    low: float
    high: float


def median(values: Sequence[float]) -> float:
    """Return the median; NaN for no values."""
    return float(np.median(values)) if len(values) else float("nan")


def band(values: Sequence[float]) -> tuple[float, float]:
    """Return the 10 and the 90 % quantile.

    Examples
    --------
    >>> band([0.0, 1.0])
    (0.1, 0.9)
    """
    if not len(values):
        return (float("nan"), float("nan"))
    low, high = np.quantile(values, [LOW, HIGH])
    return float(low), float(high)


def ratio(times: Sequence[float], to: Sequence[float]) -> Ratio:
    """Return the ratio of paired times: what both met in a round (a clock, a neighbour) cancels.

    Examples
    --------
    >>> ratio([1.0, 2.0, 30.0], [2.0, 4.0, 60.0])
    Ratio(median=0.5, low=0.5, high=0.5)
    """
    if not len(times):
        return Ratio(*[float("nan")] * 3)
    ratios = np.asarray(times) / np.asarray(to)
    draws = np.random.default_rng(0).integers(len(ratios), size=(RESAMPLES, len(ratios)))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(np.median(ratios[draws], axis=1), [tail, 1 - tail])
    return Ratio(float(np.median(ratios)), float(low), float(high))
