from __future__ import annotations

import pytest

from minnet.lab.space import Values, points
from minnet.optimizers.base import Range


def test_one_axis_is_a_grid_with_both_ends():
    assert [p["lr"] for p in points({"lr": Range(1e-4, 1.0)}, 5)] == [1e-4, 1e-3, 1e-2, 1e-1, 1.0]
    assert [p["mu"] for p in points({"mu": Range(0.0, 1.0, "linear")}, 3)] == [0.0, 0.5, 1.0]
    assert points({"lr": Range(1e-4, 1.0)}, 1) == [{"lr": 1e-2}]


def test_several_axes_fill_the_box_evenly_and_more_trials_only_add():
    axes = {"lr": Range(1e-4, 1.0), "mu": Range(0.0, 1.0, "linear"), "beta": Values((0.8, 0.9))}
    few, many = points(axes, 8), points(axes, 64)
    assert many[:8] == few
    assert all(1e-4 <= p["lr"] <= 1 and 0 <= p["mu"] <= 1 for p in many)
    for low in (1e-4, 1e-3, 1e-2, 1e-1):
        assert 14 <= sum(low <= p["lr"] < 10 * low for p in many) <= 18
    assert 30 <= sum(p["beta"] == 0.8 for p in many) <= 34
    assert points(axes, 8, seed=1) != few


def test_values_are_tried_as_they_stand():
    assert points({"lr": Values((0.3, 0.1))}, 12) == [{"lr": 0.3}, {"lr": 0.1}]


@pytest.mark.parametrize("trials", [2, 7, 12])
def test_points_are_distinct_and_readable(trials):
    values = [p["lr"] for p in points({"lr": Range(1e-5, 1e-1)}, trials)]
    assert len(set(values)) == trials
    assert all(len(f"{value:.4g}") <= 9 and float(f"{value:.4g}") == value for value in values)
