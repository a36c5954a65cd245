from __future__ import annotations

import pytest

from minnet import optimizers
from minnet.errors import InputError
from minnet.lab.space import Values, beyond, further, points
from minnet.optimizers.base import SCALES, Range


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


GUARDS = {
    "eps", "min_scale", "min_step", "max_step",  # against division by zero and steps without bounds
    "c1", "c2", "refresh", "trust",  # of a line search, how often a matrix is inverted, a factor of the step size
    "warmup", "warmup_steps", "momentum_decay",  # schedules
}  # fmt: skip
BY_DESIGN = {"aggmo": {"beta1"}, "muon": {"beta1", "beta2"}, "qhadam": {"nu2"}}  # of the paper's form; Adam's part


@pytest.mark.parametrize("name", optimizers.names("all"))
def test_every_method_declares_a_range_for_whatever_is_worth_tuning(name):
    method = optimizers.get(name)
    assert next(iter(method.space)) == "lr"
    assert set(method.space) <= set(method.defaults)
    assert set(method.defaults) - set(method.space) <= GUARDS | BY_DESIGN.get(name, set())


def test_values_are_tried_as_they_stand():
    assert points({"lr": Values((0.3, 0.1))}, 12) == [{"lr": 0.3}, {"lr": 0.1}]


@pytest.mark.parametrize("trials", [2, 7, 12])
def test_points_are_distinct_and_readable(trials):
    values = [p["lr"] for p in points({"lr": Range(1e-5, 1e-1)}, trials)]
    assert len(set(values)) == trials
    assert all(len(f"{value:.4g}") <= 9 and float(f"{value:.4g}") == value for value in values)


def test_the_scale_of_what_is_kept_is_even_in_what_is_lost():
    axis = Range(0.9, 0.9999, "log(1-x)")
    assert [p["beta"] for p in points({"beta": axis}, 4)] == [0.9, 0.99, 0.999, 0.9999]


def test_whole_numbers_stay_whole():
    assert {p["k"] for p in points({"k": Range(2, 20)}, 9)} <= {float(k) for k in range(2, 21)}


@pytest.mark.parametrize("design", ["halton", "sobol"])
def test_sequences_are_scrambled_by_seed_and_more_trials_only_add(design):
    axes = {"lr": Range(1e-4, 1.0), "mu": Range(0.0, 1.0, "linear")}
    few, many = points(axes, 5, design=design), points(axes, 64, design=design)
    assert many[:5] == few == points(axes, 5, design=design)
    assert few != points(axes, 5, seed=1, design=design)
    for low in (1e-4, 1e-3, 1e-2, 1e-1):
        assert 14 <= sum(low <= p["lr"] < 10 * low for p in many) <= 18
    assert len(points({"lr": axes["lr"]}, 5, design=design)) == len(points(axes, 1, design=design)) * 5


def test_a_grid_is_for_one():
    with pytest.raises(InputError, match="points = 'grid' is for one hyperparameter, not for lr, mu"):
        points({"lr": Range(1e-4, 1.0), "mu": Range(0.0, 1.0, "linear")}, 5, design="grid")


def tried(*values, name="lr"):
    return [{name: value} for value in values]


def test_further_points_go_on_beyond_an_end_or_between_the_neighbours():
    axis = {"lr": Range(1e-3, 1e-1)}
    grid = tried(1e-3, 1e-2, 1e-1)
    assert [beyond(axis, grid, best, 0.5) for best in range(3)] == ["lowest", "", "highest"]
    assert further(axis, grid, 0, 0.5) == tried(1e-4, 1e-5)
    assert further(axis, grid, 2, 0.5) == tried(1.0, 10.0)
    assert further(axis, grid, 1, 0.5) == tried(0.003162, 0.03162)
    more = [*grid, *tried(1.0, 10.0)]
    assert beyond(axis, more, 4, 0.5) == "highest", "again, from the end of all those tried"
    assert further(axis, more, 4, 0.5) == tried(100.0, 1000.0)


def test_no_point_lies_beyond_what_is_allowed():
    axis = {"mu": Range(0.0, 0.9, "linear")}
    grid = tried(0.0, 0.45, 0.9, name="mu")
    assert [beyond(axis, grid, best, 0.5) for best in range(3)] == ["lowest", "", "highest"], "any name: no bounds"
    axis, grid = {"momentum": axis["mu"]}, tried(0.0, 0.45, 0.9, name="momentum")
    assert [beyond(axis, grid, best, 0.5) for best in range(3)] == ["", "", ""]
    assert further(axis, grid, 2, 0.5) == tried(0.6, 0.75, name="momentum"), "two between it and its one neighbour"


def test_of_several_hyperparameters_the_step_size_moves_alone():
    axes = {"lr": Range(1e-3, 1e-1), "momentum": Range(0.5, 0.99, "log(1-x)")}
    grid = [{"lr": lr, "momentum": m} for lr, m in ((1e-3, 0.9), (1e-2, 0.6), (1e-1, 0.7))]
    assert further(axes, grid, 2, 0.5) == [{"lr": 1.0, "momentum": 0.7}, {"lr": 10.0, "momentum": 0.7}]
    assert further({"momentum": axes["momentum"], "eps": Range(1e-8, 1e-2)}, grid, 2, 0.5) == []
    assert further({"lr": Values((1e-3, 1e-2, 1e-1))}, grid, 2, 0.5) == []


def test_a_default_that_no_logarithm_reaches_lies_at_the_low_end():
    axis = {"weight_decay": Range(1e-4, 1.0)}
    grid = tried(1e-4, 1e-2, 1.0, 0.0, name="weight_decay")
    assert beyond(axis, grid, 3, 0.5) == "lowest"
    assert further(axis, grid, 3, 0.5) == tried(1e-6, 1e-8, name="weight_decay")


@pytest.mark.parametrize("name", optimizers.names())
def test_what_a_method_declares_is_allowed_and_holds_its_default(name):
    method = optimizers.get(name)
    assert "lr" in method.space
    for key, axis in method.space.items():
        default = method.defaults[key]
        assert axis.scale in SCALES
        method.settings({key: axis.low})
        method.settings({key: axis.high})
        assert axis.low <= default <= axis.high or default == 0


def test_nearly_every_method_declares_more_than_its_step_size():
    alone = [name for name in optimizers.names() if set(optimizers.get(name).space) == {"lr"}]
    assert alone == [name for name in alone if set(optimizers.get(name).defaults) == {"lr"}]


def test_a_wrapped_method_is_searched_in_both_spaces():
    wrapped = optimizers.get("lookahead(adam)").space
    assert set(wrapped) == {*optimizers.get("adam").space, "k", "alpha"}
