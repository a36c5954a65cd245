"""Performance profiles: how often a method is at most so many times slower than the best one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

LONGEST = 4.0  # times the best time: where AlgoPerf stops to count


def performance_ratios(times: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Return every method's time on every problem as a multiple of the best method's time there.

    Parameters
    ----------
    times : mapping of problem to mapping of method to time
        Infinite for a miss; a method that is missing from a problem has missed it too.

    Returns
    -------
    dict
        By method, then by problem: 1 for the best, infinite for a miss.

    References
    ----------
    Dolan and Moré (2002), Benchmarking optimization software with performance profiles

    Examples
    --------
    >>> performance_ratios({"digits": {"sgd": 6.0, "adam": 2.0}, "mnist": {"sgd": 5.0, "adam": math.inf}})
    {'sgd': {'digits': 3.0, 'mnist': 1.0}, 'adam': {'digits': 1.0, 'mnist': inf}}
    """
    methods = list(dict.fromkeys(method for row in times.values() for method in row))
    best = {problem: min(row.values(), default=math.inf) for problem, row in times.items()}
    return {
        method: {problem: _ratio(row.get(method, math.inf), best[problem]) for problem, row in times.items()}
        for method in methods
    }


def _ratio(time: float, best: float) -> float:
    if not math.isfinite(time):
        return math.inf
    if time == best:  # both may be 0: a target that is reached before the first step
        return 1.0
    return time / best if best > 0 else math.inf


def performance_profile(ratios: Sequence[float], taus: Sequence[float]) -> list[float]:
    """Return the share of problems that a method solves within `tau` times the best time, for every tau.

    Examples
    --------
    >>> performance_profile([1.0, 3.0, math.inf], [1.0, 2.0, 3.0])
    [0.3333333333333333, 0.3333333333333333, 0.6666666666666666]
    """
    within = np.asarray(ratios, dtype=np.float64)[:, None] <= np.asarray(taus, dtype=np.float64)
    return [float(share) for share in within.mean(axis=0)]
