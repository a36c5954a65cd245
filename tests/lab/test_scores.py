from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from minnet.lab import scores

INF, NAN = math.inf, math.nan


def rows(*accuracies):
    return [{"epoch": e, "steps": 7 * e, "train_s": 0.5 * e, "val_accuracy": a} for e, a in enumerate(accuracies)]


def test_time_to_target_is_the_first_time():
    history = rows(0.1, 0.8, 0.96, 0.9, 0.97)
    assert [scores.time_to_target(history, 0.95, unit) for unit in scores.UNITS] == [2, 14, 1.0]
    assert scores.time_to_target(history, 0.96) == 2
    assert scores.time_to_target(history, 0.05) == 0
    assert scores.time_to_target(history, 0.98) == INF
    assert scores.time_to_target(rows(None, None), 0.5, "seconds") == INF
    assert scores.time_to_target([], 0.5) == INF


def test_one_target_or_several():
    assert scores.targets(0.9) == (0.9,)
    assert scores.targets([0.97, 0.9]) == (0.97, 0.9)


def test_area_under_log_loss_by_hand():
    assert scores.area_under_log_loss([0, 1, 2], [1.0, 1.0, 1.0]) == 0
    assert scores.area_under_log_loss([0, 1, 2], [10.0, 1.0, 0.1]) == pytest.approx(0)
    assert scores.area_under_log_loss([0, 1, 4], [100.0, 1.0, 1.0]) == pytest.approx(1 / 4)  # a triangle of 2 · 1 / 2
    assert scores.area_under_log_loss([0], [0.01]) == -2
    assert scores.area_under_log_loss([0, 1], [1.0, 0.0]) == -INF
    for lost in ([2.3, NAN], [2.3, None], [INF, 1.0], []):
        assert scores.area_under_log_loss(range(len(lost)), lost) == INF


def test_the_area_rewards_what_is_fast():
    x = np.arange(11)
    assert scores.area_under_log_loss(x, 0.5**x) < scores.area_under_log_loss(x, 0.8**x)


def test_performance_ratios_with_misses_ties_and_gaps():
    times = {
        "tie": {"a": 3.0, "b": 3.0, "c": 6.0},
        "missed by all": {"a": INF, "b": INF, "c": INF},
        "at once": {"a": 0.0, "b": 0.0, "c": 1.0},
        "without c": {"a": 8.0, "b": 2.0},
    }
    ratios = scores.performance_ratios(times)
    assert ratios["a"] == {"tie": 1, "missed by all": INF, "at once": 1, "without c": 4}
    assert ratios["c"] == {"tie": 2, "missed by all": INF, "at once": INF, "without c": INF}


def test_a_performance_profile_by_hand():
    ratios = [1.0, 2.0, 2.0, INF]
    assert scores.performance_profile(ratios, [1.0, 1.99, 2.0, 100.0]) == [0.25, 0.25, 0.75, 0.75]
    assert scores.profile_score([1.0]) == 1
    assert scores.profile_score([4.0]) == scores.profile_score([9.0]) == scores.profile_score([INF]) == 0
    assert scores.profile_score([1.0, INF]) == 0.5
    assert scores.profile_score([2.0], longest=2.0) == 0


def test_the_score_is_the_integral_of_the_profile():
    ratios = [1.0, 1.3, 2.0, 3.7, 5.0, INF]
    taus = np.linspace(1, 4, 300_001)
    heights = scores.performance_profile(ratios, taus)
    assert scores.profile_score(ratios) == pytest.approx(np.trapezoid(heights, taus) / 3, abs=1e-5)


def test_scores_over_problems():
    times = {"one": {"a": 1.0, "b": 2.5}, "two": {"a": INF, "b": 1.0}}
    assert scores.profile_scores(times) == {"a": 0.5, "b": 0.75}
    assert scores.profile_scores({}) == {}


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_the_best_of_k_trials_is_the_mean_over_all_subsets(k):
    values = [0.9, 0.0, 0.7, 0.7, 0.95]
    best = sorted(max(subset) for subset in combinations(values, k))
    assert scores.best_after(values, k) == pytest.approx(np.mean(best))
    for fraction in (0.1, 0.5, 0.9):
        expected = np.quantile(best, fraction, method="inverted_cdf")
        assert scores.best_after_quantile(values, k, fraction) == expected


def test_the_best_of_trials_that_all_diverged_or_of_too_many():
    assert scores.best_after([0.0, 0.0], 2) == 0
    assert scores.best_after([-INF, 1.0], 2) == 1
    assert scores.best_after([0.5], 1) == 0.5
    for k in (0, 3):
        with pytest.raises(ValueError, match="between 1 and the 2 trials"):
            scores.best_after([0.1, 0.2], k)


def test_tunability_counts_the_decades_around_the_best():
    lr = [1e-4, 1e-3, 1e-2, 1e-1, 1.0]
    assert scores.tunability(lr, [0.1, 0.965, 0.97, 0.96, 0.5]) == pytest.approx(2)
    assert scores.tunability(lr, [0.97, 0.5, 0.97, 0.965, NAN]) == pytest.approx(0)  # the first of two equals, alone
    assert scores.tunability(lr, [0.1, 0.2, 0.9, NAN, NAN]) == 0
    assert scores.tunability(lr[::-1], [0.5, 0.96, 0.97, 0.965, 0.1]) == pytest.approx(2)
    assert math.isnan(scores.tunability(lr, [NAN] * 5))


def test_the_share_of_diverged_trials():
    assert scores.diverged_share([True, True]) == 1
    assert scores.diverged_share([False]) == 0
    assert math.isnan(scores.diverged_share([]))
