from __future__ import annotations

import math

import known_answer
import numpy as np
import pytest
from scipy import stats

from minnet.lab import inference
from minnet.lab.inference import Difference, differences, median_interval, paired_difference, rank_intervals


def by_seed(values):
    return dict(enumerate(values, 1))


def test_one_comparison_is_the_paired_t_test():
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.9, 0.01, 6), rng.normal(0.89, 0.01, 6)
    expected = stats.ttest_rel(first, second)
    mean, low, high, p, seeds = paired_difference(by_seed(first), by_seed(second))
    assert (mean, seeds) == (pytest.approx((first - second).mean()), 6)
    assert p == pytest.approx(expected.pvalue)
    assert (low, high) == pytest.approx(expected.confidence_interval(inference.LEVEL))


def test_the_correction_is_bonferronis():
    rng = np.random.default_rng(1)
    first, second = rng.normal(0.9, 0.01, 5), rng.normal(0.88, 0.01, 5)
    expected = stats.ttest_rel(first, second)
    _, low, high, p, _ = paired_difference(by_seed(first), by_seed(second), comparisons=6)
    assert p == pytest.approx(6 * expected.pvalue)
    assert (low, high) == pytest.approx(expected.confidence_interval(1 - (1 - inference.LEVEL) / 6))
    assert paired_difference(by_seed(first), by_seed(second), comparisons=10**9)[3] == 1


def test_seeds_are_paired_and_only_common_ones_count():
    first, second = {0: 0.90, 1: 0.80, 2: 0.70, 9: 0.1}, {2: 0.69, 1: 0.79, 0: 0.89, 7: 0.9}
    mean, low, high, _, seeds = paired_difference(first, second)
    assert (mean, seeds) == (pytest.approx(0.01), 3)
    assert low > 0
    assert low <= mean <= high


def test_one_seed_or_none_shows_nothing():
    mean, low, _, p, seeds = paired_difference({1: 0.9}, {1: 0.1})
    assert (mean, seeds) == (pytest.approx(0.8), 1)
    assert math.isnan(low)
    assert math.isnan(p)
    assert paired_difference({1: 0.9}, {2: 0.1})[4] == 0
    for scores in ({"a": {1: 0.9}, "b": {1: 0.1}}, {"a": {1: 0.9}, "b": {2: 0.1}}):
        assert [d.shown for d in differences(scores)] == [False]
        assert rank_intervals(["a", "b"], differences(scores)) == {"a": (1, 2), "b": (1, 2)}


@pytest.mark.parametrize("values", [[0.9, 0.9, 0.9], [0.9, 0.8, 0.95], [0.0, 0.0, 0.0]])
def test_runs_that_are_equal_show_no_difference(values):
    """The same method twice, or two of which all runs diverged."""
    [found] = differences({"a": by_seed(values), "b": by_seed(values)})
    assert (found.mean, found.low, found.high, found.p, found.shown) == (0, 0, 0, 1, False)


def test_accuracies_of_few_samples_do_not_agree_by_chance():
    """One image of 360 more on both of two seeds has no variance at all, and yet shows nothing."""
    scores = {"a": {1: 342 / 360, 2: 350 / 360}, "b": {1: 341 / 360, 2: 349 / 360}}
    assert differences(scores)[0].shown
    assert not differences(scores, resolution=1 / 360)[0].shown
    lasting = {"a": by_seed([342 / 360] * 5), "b": by_seed([302 / 360] * 5)}
    assert differences(lasting, resolution=1 / 360)[0].shown


def test_a_diverged_run_makes_the_mean_uncertain():
    scores = {"a": by_seed([0.97, 0.96, 0.97, 0.96]), "b": by_seed([0.95, 0.94, 0.95, 0.0])}
    assert not differences(scores)[0].shown


def test_p_value_interval_and_mark_agree():
    rng = np.random.default_rng(2)
    scores = {str(i): by_seed(rng.normal(0.9 - 0.01 * i, 0.01, 8)) for i in range(8)}
    found = differences(scores)
    assert len(found) == 28
    assert {each.shown for each in found} == {True, False}
    for each in found:
        assert each.shown == (each.p < 1 - inference.LEVEL) == (each.low > 0 or each.high < 0)


def test_ranks_leave_open_what_is_not_shown():
    names = ["a", "b", "c", "d"]
    pairs = [("a", "b", 0), ("a", "c", 1), ("a", "d", 1), ("b", "c", 0), ("b", "d", 1), ("c", "d", -1)]
    found = [Difference(f, s, float(sign), 0, 0, 0, 5, shown=bool(sign)) for f, s, sign in pairs]
    assert rank_intervals(names, found) == {"a": (1, 2), "b": (1, 3), "c": (3, 4), "d": (3, 3)}
    assert rank_intervals(["a"], []) == {"a": (1, 1)}


def test_columns_beside_the_first():
    scores = {"a": by_seed([0.9, 0.91, 0.92]), "b": by_seed([0.5, 0.52, 0.51]), "c": {}}
    columns = inference.against_first(scores, differences(scores))
    assert math.isnan(columns["a"]["difference"])
    assert not columns["a"]["difference_shown"]
    assert columns["b"]["difference"] == pytest.approx(0.4)
    assert columns["b"]["difference_shown"]
    assert (columns["b"]["rank_low"], columns["b"]["rank_high"]) == (2, 3)
    assert not columns["c"]["difference_shown"]
    assert inference.against_first({"a": {1: 0.5}}, [])["a"]["rank_high"] == 1


def test_the_interval_of_a_median():
    assert all(map(math.isnan, median_interval([0.9])))
    assert median_interval([0.3, 0.1, 0.2]) == (0.1, 0.3)
    assert median_interval([0.5] * 4) == (0.5, 0.5)
    assert median_interval(list(range(30))) == median_interval(list(range(30)))
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(100):
        low, high = median_interval(rng.normal(0, 1, 15))
        hits += low <= 0 <= high
    assert hits >= 90


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("methods", [2, 7])
def test_equal_methods_are_told_apart_no_more_often_than_said(methods, seeds):
    false = known_answer.shown([0.95] * methods, seeds, rounds=1000)
    assert false <= stats.binom.ppf(0.999, 1000, 0.05) / 1000


def test_a_planted_difference_is_found():
    for means, seeds in (([0.95, 0.90], 5), ([0.95] * 6 + [0.85], 5), ([0.95] * 6 + [0.91], 10)):
        assert known_answer.shown(means, seeds, rounds=100, samples=2000) >= 0.95
