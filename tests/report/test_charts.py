"""The charts hold the values of the tables, and every sentence says what its chart shows."""

from __future__ import annotations

import copy
import json
import math

import numpy as np
import plotly.graph_objects as go
import pytest

from minnet.report import readings
from minnet.report.charts import all_charts, targets_of
from minnet.report.charts.chart import shared
from minnet.report.charts.race import times_to
from minnet.report.facts import gather, labels, with_pending
from minnet.report.text import number, percent


@pytest.fixture(scope="module")
def charts(race):
    return all_charts(race, gather(race))


def of(chart, m, role="line", view=None):
    found = [t for t in chart["data"] if t["m"] == m and t["role"] == role and t.get("view") == view]
    return found[0] if found else None


def places(comparison):
    return {fact.name: m for m, fact in enumerate(gather(comparison))}


def test_the_data_are_json_and_the_axes_are_known_to_plotly(charts):
    json.dumps(charts, allow_nan=False)
    for chart in charts.values():
        for view in chart["views"].values():
            go.Layout(xaxis=view["x"], annotations=view["notes"], **({"yaxis": view["y"]} if "y" in view else {}))


def test_time_to_target_is_that_of_the_curves_and_of_the_table(race, charts):
    for name, m in places(race).items():
        final = race.curves[(race.curves["kind"] == "final") & (race.curves["optimizer"] == name)]
        for axis, column in (("epochs", "epoch"), ("steps", "steps"), ("seconds", "train_s")):
            hits = final[final["val_accuracy"] >= 0.95].groupby("seed")[column].min()
            dots = of(charts["target"], m, "seed", f"{axis} 0")
            assert (dots["custom"] if dots else []) == list(hits.index)
            np.testing.assert_allclose(dots["x"] if dots else [], hits, rtol=1e-5)
        median = race.targets.set_index("optimizer").loc[name, "epochs"]
        bar = of(charts["target"], m, "bar", "epochs 0")
        assert bar["x"] == [median] if math.isfinite(median) else bar is None
    missed = {note["m"] for note in charts["target"]["views"]["epochs 0"]["rows"]}
    assert missed == {places(race)[row.optimizer] for row in race.targets.itertuples() if row.reached < row.seeds}


def test_the_profile_is_the_share_of_seeds_within_a_ratio(race, charts):
    times = times_to(race.curves, 0.95, "epochs").unstack("optimizer")
    ratios = times.div(times.min(axis=1), axis=0)
    for name, m in places(race).items():
        trace = of(charts["profile"], m, "steps", "epochs")
        for tau, height in zip(trace["x"], trace["y"]):
            assert height == pytest.approx((ratios[name] <= tau).mean(), abs=1e-5)


def test_the_budget_is_that_of_the_table(race, charts):
    for name, m in places(race).items():
        trace = of(charts["budget"], m)
        mine = race.budget[race.budget["optimizer"] == name]
        for key, column in (("y", "mean"), ("low", "low"), ("high", "high")):
            np.testing.assert_allclose(trace[key], mine[f"val_accuracy_{column}"], rtol=1e-5)


def test_norms_are_medians_over_the_seeds(race, charts):
    for name, m in places(race).items():
        mine = race.layers[(race.layers["optimizer"] == name) & (race.layers["layer"] == 1)]
        gradients = mine.groupby("epoch")["grad_norm"].median()
        ratios = (mine["update_norm"] / mine["weight_norm"]).groupby(mine["epoch"]).median()
        np.testing.assert_allclose(of(charts["gradients"], m)["y"]["1"], gradients, rtol=1e-5)
        np.testing.assert_allclose(of(charts["ratios"], m)["y"]["1"], ratios, rtol=1e-5)
    assert "layer 2 of 2" in charts["gradients"]["views"]["epochs 2"]["reading"]


def test_times_and_schedule_are_those_of_the_runs(race, charts):
    for name, m in places(race).items():
        final = race.trials[(race.trials["optimizer"] == name) & (race.trials["kind"] == "final")]
        for role, column in (("train", "train_s"), ("evaluate", "eval_s"), ("compile", "compile_s")):
            assert of(charts["times"], m, role)["x"] == pytest.approx([final[column].mean()], rel=1e-5)
        np.testing.assert_allclose(of(charts["schedule"], m)["y"], final["lr"].iloc[0], rtol=1e-5)
    assert charts["schedule"]["views"]["epochs"]["reading"] == "Every method keeps its step size throughout."


def test_portraits_are_drawn(race, charts):
    m = places(race)["adam"]
    assert of(charts["confusion"], m, "heat")["z"] == race.portraits["adam"]["confusion"]
    reading = of(charts["confusion"], m, "heat")["reading"]
    assert reading.startswith("adam gets 89 of 95 right (93.68 %); most often it takes one for zero, 5 of 33 times")
    steps = of(charts["steps"], m)
    assert (steps["low"][0], steps["y"][-1], steps["high"][0]) == (0.01, 0.6, 10)
    assert steps["x"]["steps"] == [100 * e for e in range(1, 7)]


def test_final_accuracies_are_paired_by_seed(race, charts):
    for name, m in places(race).items():
        final = race.trials[(race.trials["optimizer"] == name) & (race.trials["kind"] == "final")]
        dots = of(charts["scores"], m, "seed")
        assert dots["custom"] == list(final["seed"])
        np.testing.assert_allclose(dots["x"], final["test_accuracy"], rtol=1e-5)


def test_columns_that_occur_again_are_shared_and_nothing_is_lost(charts):
    packed = copy.deepcopy(charts)
    columns = shared(packed)
    assert len(json.dumps([packed, columns])) < 0.85 * len(json.dumps(charts))

    def unpacked(value):
        if isinstance(value, dict):
            return {key: unpacked(each) for key, each in value.items()}
        return columns[int(value[1:])] if isinstance(value, str) and value[:1] == "#" else value

    for name, chart in charts.items():
        assert [unpacked(trace) for trace in packed[name]["data"]] == chart["data"]


def test_a_comparison_under_way_has_charts_too(make):
    comparison = make(epochs=3, seeds=2)
    for frame in ("leaderboard", "differences", "scores", "targets", "budget", "layers"):
        setattr(comparison, frame, getattr(comparison, frame).head(0))
    comparison.trials = comparison.trials[comparison.trials["kind"] == "tune"]
    comparison.curves = comparison.curves[comparison.curves["kind"] == "tune"]
    comparison.portraits = {}
    facts = with_pending(comparison, gather(comparison))
    assert [f.name for f in facts] == labels(comparison)
    charts = all_charts(comparison, facts)
    assert of(charts["sensitivity"], 0)["x"]
    comparison.trials, comparison.curves = comparison.trials.head(0), comparison.curves.head(0)
    charts = all_charts(comparison, with_pending(comparison, gather(comparison)))
    for chart in charts.values():
        assert all(view["reading"].endswith(".") for view in chart["views"].values())
    json.dumps(charts, allow_nan=False)


def test_without_validation_there_is_no_target(make):
    comparison = make(validation=0.0, epochs=2, seeds=2)
    assert targets_of(comparison) == []
    charts = all_charts(comparison, gather(comparison))
    assert charts["target"]["data"] == charts["profile"]["data"] == []
    assert "There is no target" in charts["target"]["views"]["epochs 0"]["reading"]


def test_sentences_follow_their_data(race):
    medians = race.targets.set_index("optimizer")["epochs"].to_dict()
    told = readings.target(medians, 0.95, "epochs")
    known = sorted({value for value in medians.values() if math.isfinite(value)})
    assert f"in {number(known[0])} epochs, {number(known[1] / known[0], 2)} times sooner" in told
    assert told.endswith("sgd did not reach it in the median.")
    assert readings.target({"a": 2, "b": 3, "c": 3, "d": 4}, 0.9, "steps").endswith("1.5 times sooner than b and c.")
    assert "too short a time to rank" in readings.target({"a": 0.001, "b": 0.01}, 0.9, "seconds")
    assert readings.target({"a": math.inf}, 0.9, "steps") == (
        "No method reached 90 % validation accuracy in the median of its runs."
    )
    best = race.budget[race.budget["trials"] == 8].sort_values("val_accuracy_mean").iloc[-1]
    end = f"with all 8 {best['optimizer']} ({percent(best['val_accuracy_mean'])})."
    assert readings.budget(race.budget, list(medians)).endswith(end)
    moved = readings.schedule({"a": np.array([0.1, 0.01]), "b": np.array([1.0, 1.0])})
    assert moved == "a changed the step size: a from 0.1 to 0.01; 1 method kept theirs."
