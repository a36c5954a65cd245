from __future__ import annotations

import math

import numpy as np
import pytest

from minnet.bench import stats


def test_a_ratio_is_the_median_of_paired_ratios():
    # Round 2 met a slow machine: both took three times as long. The medians apart would say 2/3, the pairs say 1/2.
    ours, theirs = [1.0, 6.0, 2.0], [2.0, 12.0, 3.0]
    assert stats.ratio(ours, theirs).median == 0.5
    assert np.median(ours) / np.median(theirs) == pytest.approx(2 / 3)


def test_the_interval_holds_the_median_and_narrows_with_rounds():
    rng = np.random.default_rng(0)
    wide = stats.ratio(rng.uniform(0.8, 1.2, 5), np.ones(5))
    narrow = stats.ratio(rng.uniform(0.8, 1.2, 500), np.ones(500))
    assert wide.low <= wide.median <= wide.high
    assert narrow.high - narrow.low < 0.3 * (wide.high - wide.low)


def test_the_interval_is_the_quantiles_of_resampled_medians():
    # Of two rounds a resample is (a, a), (a, b), (b, a) or (b, b): its median is 1, 2 or 3, at 1/4, 1/2, 1/4.
    assert stats.ratio([1.0, 3.0], [1.0, 1.0]) == (2.0, 1.0, 3.0)


def test_the_interval_is_the_same_every_time():
    times = np.random.default_rng(1).uniform(1, 2, 9)
    assert stats.ratio(times, times[::-1]) == stats.ratio(times, times[::-1])


def test_no_rounds_give_no_numbers():
    assert all(map(math.isnan, stats.ratio([], [])))
    assert math.isnan(stats.median([]))
    assert all(map(math.isnan, stats.band([])))


def test_the_band_is_the_10_and_the_90_percent_quantile():
    assert stats.band(list(range(11))) == (1.0, 9.0)
