"""Scores of methods beyond the final accuracy: pure functions over numbers. A miss is infinite and stays so."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minnet.report.curves import tolerance
from minnet.report.profile import LONGEST, performance_ratios
from minnet.report.profile import performance_profile as performance_profile

UNITS = {"epochs": "epoch", "steps": "steps", "seconds": "train_s"}  # what a time is counted in -> column of a history


def targets(value: float | Sequence[float]) -> tuple[float, ...]:
    """Return one target or several as a tuple; the first is that of the leaderboard.

    Examples
    --------
    >>> targets(0.9), targets([0.9, 0.95])
    ((0.9,), (0.9, 0.95))
    """
    return tuple(float(each) for each in np.atleast_1d(np.asarray(value, dtype=np.float64)))


def time_to_target(history: Sequence[Mapping[str, Any]], target: float, unit: str = "epochs") -> float:
    """Return when the validation accuracy first reaches `target`; infinite if it never does.

    Parameters
    ----------
    history : list of dict
        Rows with ``val_accuracy`` (None where there is none) and the column of the unit.
    target : float
    unit : {"epochs", "steps", "seconds"}

    Examples
    --------
    >>> rows = [{"epoch": e, "steps": 10 * e, "val_accuracy": a} for e, a in enumerate([0.1, 0.8, 0.9])]
    >>> time_to_target(rows, 0.8), time_to_target(rows, 0.9, "steps"), time_to_target(rows, 0.95)
    (1.0, 20.0, inf)
    """
    for row in history:
        accuracy = row["val_accuracy"]
        if accuracy is not None and accuracy >= target:
            return float(row[UNITS[unit]])
    return math.inf


def area_under_log_loss(x: Sequence[float], loss: Sequence[float | None]) -> float:
    """Return the area under log10(loss) over `x`, divided by the length of `x`: the mean height of the curve.

    It counts the whole way and not the end alone; a smaller one is better, one less is a loss of a tenth.

    Parameters
    ----------
    x : sequence of float
        Increasing: epochs, steps or seconds.
    loss : sequence of float or None
        None, NaN or infinity anywhere (a run that diverged) make the area infinite.

    Examples
    --------
    >>> area_under_log_loss([0, 1, 2], [1.0, 0.1, 0.01]), area_under_log_loss([0, 1], [2.3, None])
    (-1.0, inf)
    """
    heights = np.array([math.nan if each is None else each for each in loss], dtype=np.float64)
    if heights.size == 0 or not np.isfinite(heights).all():
        return math.inf
    with np.errstate(divide="ignore"):
        heights = np.log10(heights)
    if heights.size == 1:
        return float(heights[0])
    places = np.asarray(x, dtype=np.float64)
    return float(np.trapezoid(heights, places) / (places[-1] - places[0]))


def profile_score(ratios: Sequence[float], longest: float = LONGEST) -> float:
    """Return the mean height of a performance profile from 1 to `longest`: 1 for always the best, 0 for never near.

    This is AlgoPerf's benchmark score. The profile is a staircase, so the integral is exact: a problem with
    the ratio r counts (longest − r) / (longest − 1), or 0 beyond.

    References
    ----------
    Dahl et al. (2023), Benchmarking neural network training algorithms, arXiv:2306.07179

    Examples
    --------
    >>> profile_score([1.0, 2.5]), profile_score([math.inf])
    (0.75, 0.0)
    """
    heights = (longest - np.asarray(ratios, dtype=np.float64)) / (longest - 1)
    return float(np.clip(heights, 0, 1).mean())


def profile_scores(times: Mapping[str, Mapping[str, float]], longest: float = LONGEST) -> dict[str, float]:
    """Return AlgoPerf's score of every method over several problems, see `performance_ratios`.

    Examples
    --------
    >>> profile_scores({"digits": {"sgd": 5.0, "adam": 2.0}, "mnist": {"sgd": math.inf, "adam": 3.0}})
    {'sgd': 0.25, 'adam': 1.0}
    """
    return {method: profile_score(list(row.values()), longest) for method, row in performance_ratios(times).items()}


def best_after(values: Sequence[float], k: int) -> float:
    """Return the expected best of `k` of the trials, drawn at random without replacement.

    This is the exact mean over all subsets, to which a bootstrap would converge: the i-th smallest of n is the
    best of k in C(i − 1, k − 1) of the C(n, k) subsets. (With replacement it would be biased downwards.)

    Parameters
    ----------
    values : sequence of float
        What every trial came to, the higher the better; a trial that diverged counts as the worst, 0 for an
        accuracy.
    k : int
        From 1 to the number of trials.

    References
    ----------
    Dodge et al. (2019), Show your work, arXiv:1909.03004; Tang et al. (2020), Showing your work doesn't always
    work, arXiv:2004.13705, for the draw without replacement

    Examples
    --------
    >>> [round(best_after([0.9, 0.0, 0.6], k), 6) for k in (1, 2, 3)]
    [0.5, 0.8, 0.9]
    """
    ordered, shares = _best_of(values, k)
    return float(shares[shares > 0] @ ordered[shares > 0])  # 0 · ∞ is nothing here


def best_after_quantile(values: Sequence[float], k: int, fraction: float) -> float:
    """Return a quantile of the best of `k` of the trials: the smallest value that is not exceeded so often.

    Examples
    --------
    >>> best_after_quantile([0.9, 0.0, 0.6], 2, 0.1), best_after_quantile([0.9, 0.0, 0.6], 2, 0.9)
    (0.6, 0.9)
    """
    ordered, shares = _best_of(values, k)
    return float(ordered[np.searchsorted(np.cumsum(shares), fraction - 1e-12)])


def _best_of(values: Sequence[float], k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the values in order and how likely each is the best of `k`."""
    n = len(values)
    if not 1 <= k <= n:
        raise ValueError(f"k must lie between 1 and the {n} trials, not {k}")
    subsets = math.comb(n, k)
    shares = [math.comb(i, k - 1) / subsets for i in range(n)]
    return np.sort(np.asarray(values, dtype=np.float64)), np.array(shares)


def tunability(lr: Sequence[float], accuracy: Sequence[float], within: float = 0.01) -> float:
    """Return how many decades of the step size give an accuracy within one percentage point of the best.

    The decades of the unbroken row of trials around the best are counted, so it can be no finer than their
    spacing: 0 if only the best is good, NaN if no trial is finite.

    Examples
    --------
    >>> tunability([0.01, 0.1, 1.0, 10.0], [0.90, 0.97, 0.975, math.nan])
    1.0
    """
    return math.log10(tolerance(np.asarray(lr, dtype=np.float64), np.asarray(accuracy, dtype=np.float64), within))


def diverged_share(diverged: Sequence[bool]) -> float:
    """Return the share of trials that diverged, the smaller the more robust; NaN without trials.

    Examples
    --------
    >>> diverged_share([True, False, False, False])
    0.25
    """
    return sum(map(bool, diverged)) / len(diverged) if len(diverged) else math.nan
