"""What paired seeds show: differences between methods, corrected for how many are compared, and ranks.

Seed i gives every method the same initial weights and the same batches, so differences are taken seed by seed and
judged by Student's t for their mean. (With five pairs a sign or signed-rank test cannot show anything, and the
bootstrap of three to five values is far too narrow: see Colas, Sigaud and Oudeyer, 2019, A hitchhiker's guide to
statistical comparisons of reinforcement learning algorithms, arXiv:1904.06979.) Every pair has its own variance: a
method with one diverged run varies a hundred times as much as the others (Maxwell, 1980, Pairwise multiple
comparisons in repeated measures designs).

The winner is not known beforehand: it is whoever came first. Comparisons with it are therefore corrected for all
K (K − 1) / 2 pairs that might have become one. Corrected for K − 1 alone, as with a control that was named before,
twenty equal methods would show a false "difference" several times as often as the level says. The correction is Dunn's
(1961, Bonferroni's inequality): Holm's would show slightly more, but has no intervals, and here p-value, interval,
mark and rank follow from one calculation and cannot contradict one another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from minnet.report.facts import LEVEL

Scores = Mapping[str, Mapping[int, float]]  # method -> seed -> accuracy


@dataclass(frozen=True)
class Difference:
    """By how much one method is ahead of another on the seeds that both ran.

    Parameters
    ----------
    first, second : str
    mean : float
        Of first − second over the seeds; NaN where they share none.
    low, high : float
        Its interval, at the corrected level; NaN for fewer than two seeds.
    p : float
        Corrected; NaN for fewer than two seeds.
    seeds : int
    shown : bool
        Whether a difference is shown: the interval leaves out zero.
    """

    first: str
    second: str
    mean: float
    low: float
    high: float
    p: float
    seeds: int
    shown: bool


def paired_difference(
    first: Mapping[int, float],
    second: Mapping[int, float],
    comparisons: int = 1,
    resolution: float = 0.0,
    level: float = LEVEL,
) -> tuple[float, float, float, float, int]:
    """Return mean, interval and p-value of the paired differences, and the number of pairs.

    Parameters
    ----------
    first, second : mapping of seed to score
    comparisons : int
        How many such differences are judged together (Bonferroni).
    resolution : float
        The step of the scores, as 1 / 360 for accuracies on 360 samples. Scores that are rounded to it differ by
        the same amount on all of a few seeds far too easily; their variance is taken to be at least that of the
        rounding, a twelfth of the step squared for each.
    level : float

    Returns
    -------
    mean, low, high, p : float
    seeds : int

    Examples
    --------
    >>> mean, low, high, p, seeds = paired_difference({1: 0.95, 2: 0.96, 3: 0.955}, {1: 0.93, 2: 0.942, 3: 0.934})
    >>> f"{mean:.4f} [{low:.4f}, {high:.4f}] p = {p:.3f}"
    '0.0197 [0.0135, 0.0258] p = 0.002'
    """
    from scipy import stats

    differences = np.array([first[seed] - second[seed] for seed in first if seed in second], dtype=np.float64)
    seeds = differences.size
    if seeds < 2:
        return float(differences[0]) if seeds else math.nan, math.nan, math.nan, math.nan, seeds
    mean = float(differences.mean())
    variance = max(float(differences.var(ddof=1)), resolution**2 / 6)
    error = math.sqrt(variance / seeds)
    half = float(stats.t.isf((1 - level) / 2 / comparisons, seeds - 1)) * error
    if mean == 0:  # 0 / 0 for methods that are the same run by run
        return mean, -half, half, 1.0, seeds
    t = abs(mean) / error if error > 0 else math.inf
    p = min(1.0, 2 * comparisons * float(stats.t.sf(t, seeds - 1)))
    return mean, mean - half, mean + half, p, seeds


def differences(scores: Scores, resolution: float = 0.0, level: float = LEVEL) -> list[Difference]:
    """Return the differences of all pairs, in the order of the methods, corrected for their number.

    The probability that any of them is called shown although there is none is at most 1 − level.

    Examples
    --------
    >>> [(d.first, d.second, d.shown) for d in differences({"a": {1: 0.9, 2: 0.91}, "b": {1: 0.8, 2: 0.81}})]
    [('a', 'b', True)]
    """
    pairs = list(combinations(scores, 2))
    found = []
    for first, second in pairs:
        mean, low, high, p, seeds = paired_difference(scores[first], scores[second], len(pairs), resolution, level)
        found.append(Difference(first, second, mean, low, high, p, seeds, shown=low > 0 or high < 0))
    return found


def rank_intervals(names: Sequence[str], found: Sequence[Difference]) -> dict[str, tuple[int, int]]:
    """Return from which to which rank every method may have: behind all shown to be better, before all shown worse.

    All true ranks lie in their intervals with the probability at which all differences are right.

    References
    ----------
    Mohamad, van Zwet, Goeman and Solari (2017), Simultaneous confidence sets for ranks using the partitioning
    principle, arXiv:1708.02729, for Tukey's test in the place of Dunn's

    Examples
    --------
    >>> clear, open_ = Difference("a", "c", 2, 1, 3, 0.01, 5, True), Difference("a", "b", 1, -1, 3, 0.4, 5, False)
    >>> rank_intervals(["a", "b", "c"], [clear, open_])
    {'a': (1, 2), 'b': (1, 3), 'c': (2, 3)}
    """
    better = dict.fromkeys(names, 0)
    worse = dict.fromkeys(names, 0)
    for each in found:
        if each.shown:
            ahead, behind = (each.first, each.second) if each.mean > 0 else (each.second, each.first)
            better[behind] += 1
            worse[ahead] += 1
    return {name: (1 + better[name], len(names) - worse[name]) for name in names}


def against_first(scores: Scores, found: Sequence[Difference]) -> dict[str, dict[str, float | bool]]:
    """Return what the leaderboard says of every method beside the first one: columns by method.

    Parameters
    ----------
    scores : mapping of method to mapping of seed to accuracy
        The winner first.
    found : list of Difference
        From `differences`.

    Examples
    --------
    >>> scores = {"a": {1: 0.9, 2: 0.91}, "b": {1: 0.8, 2: 0.81}}
    >>> columns = against_first(scores, differences(scores))
    >>> columns["b"]["difference_shown"], columns["b"]["rank_low"], columns["a"]["difference_shown"]
    (True, 2, False)
    """
    names = list(scores)
    ranks = rank_intervals(names, found)
    behind = {each.second: each for each in found if each.first == names[0]}
    itself = Difference("", "", math.nan, math.nan, math.nan, math.nan, 0, shown=False)
    return {
        name: {
            "difference": each.mean,
            "difference_low": each.low,
            "difference_high": each.high,
            "p_corrected": each.p,
            "difference_shown": each.shown,
            "rank_low": ranks[name][0],
            "rank_high": ranks[name][1],
        }
        for name in names
        for each in [behind.get(name, itself)]
    }


def median_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Return the bootstrap interval of a median (percentile method); NaN for fewer than two values.

    With up to five values it is their range, which is all that they can say: the level is then not reached.

    Examples
    --------
    >>> median_interval([0.9, 0.91, 0.92, 0.93, 0.95])
    (0.9, 0.95)
    """
    if len(values) < 2:
        return math.nan, math.nan
    from scipy import stats

    result = stats.bootstrap(
        (np.asarray(values, dtype=np.float64),),
        np.median,
        confidence_level=level,
        method="percentile",
        random_state=np.random.default_rng(0),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)
