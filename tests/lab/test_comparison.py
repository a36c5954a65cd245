"""The tables that finished runs make, on runs made by hand."""

from __future__ import annotations

import math

import known_answer
import numpy as np
import pandas as pd
import pytest

from minnet.lab.comparison import TABLES, build
from minnet.report.verdict import sentences

EPOCHS, SAMPLES = 2, 360


def run(kind, seed, val, test=None, diverged=False, lr=0.1, epochs=EPOCHS):
    """Return the record of a run whose validation accuracies are `val`."""
    history = [
        {"epoch": e, "steps": 10 * e, "lr": lr, "train_loss": 1.0, "train_accuracy": a, "val_loss": 1 - a,
         "val_accuracy": a, "train_s": 0.5 * e, "eval_s": 0.1 * e,
         **{f"{name}_norms": [1.0, 2.0] if e else None for name in ("grad", "update", "weight")}}
        for e, a in enumerate(val[: epochs + 1])
    ]  # fmt: skip
    return {
        "kind": kind, "seed": seed, "lr": lr, "hyperparameters": {"lr": lr},
        "val_accuracy": history[-1]["val_accuracy"], "val_loss": history[-1]["val_loss"], "test_accuracy": test,
        "test_loss": None, "diverged": diverged,
        "diverged_step": 7 if diverged else None, "steps": history[-1]["steps"], "train_s": 1.0, "eval_s": 0.2,
        "compile_s": 0.0, "history": history,
    }  # fmt: skip


def comparison(methods, targets=(0.85,), samples=SAMPLES):
    """Return the comparison of methods: label -> (tuning runs, final runs)."""
    plan, records = [], {}
    for label, (tuned, final) in methods.items():
        for trial, record in enumerate([*tuned, *final]):
            id = f"{label} {trial}"
            plan.append({"optimizer": label, "kind": record["kind"], "trial": trial, "seed": record["seed"],
                         "run_id": id, "selected": False})  # fmt: skip
            records[id] = {"id": id, **record}
    experiment = {
        "name": "by hand", "data": "digits", "seeds": 3, "trials": 2, "target": targets[0], "targets": list(targets),
        "network": {"hidden": [4]}, "training": {"epochs": EPOCHS, "validation": 0.1},
        "optimizer": [{"name": "sgd", "label": label} for label in methods],
    }  # fmt: skip
    return build(experiment, {"data": {"test": samples}}, {}, plan, records)


def finals(*tests, val=(0.1, 0.8, 0.9)):
    return [run("final", seed, val, test) for seed, test in enumerate(tests, 1)]


TUNED = [run("tune", 0, (0.1, 0.5, 0.6)), run("tune", 0, (0.1, 0.8, 0.9), lr=1.0)]


@pytest.fixture
def two():
    slow = finals(0.80, 0.81, 0.82, val=(0.1, 0.5, 0.84))
    slow[1]["history"][2]["val_accuracy"] = 0.86
    lost = [run("tune", 0, (0.1, 0.2), diverged=True), run("tune", 0, (0.1, 0.8, 0.9), lr=1.0)]
    return comparison({"slow": (lost, slow), "fast": (TUNED, finals(0.90, 0.92, 0.91))}, targets=(0.85, 0.8, 0.99))


def test_every_table_has_its_columns(two):
    for name, columns in TABLES.items():
        frame = getattr(two, name)
        assert list(frame.columns) == list(columns)
        assert len(frame) > 0


def test_the_leaderboard_says_how_far_behind_and_whether_that_is_shown(two):
    first, second = two.leaderboard.to_dict("records")
    assert (first["optimizer"], second["optimizer"]) == ("fast", "slow")
    assert math.isnan(first["difference"])
    assert not first["difference_shown"]
    assert second["difference"] == pytest.approx(0.1)
    assert second["difference_low"] < 0.1 < second["difference_high"]
    assert second["difference_shown"]
    assert [(row["rank_low"], row["rank_high"]) for row in (first, second)] == [(1, 1), (2, 2)]
    [pair] = two.differences.to_dict("records")
    assert (pair["first"], pair["second"], pair["seeds"]) == ("fast", "slow", 3)
    assert pair["p_corrected"] == second["p_corrected"] < 0.05


def test_targets_are_counted_in_all_units_and_misses_stay_infinite(two):
    rows = two.targets.set_index(["optimizer", "target"])
    assert rows.loc[("fast", 0.8)].tolist() == [3, 3, 1, 10, 0.5]
    assert rows.loc[("fast", 0.85)].tolist() == [3, 3, 2, 20, 1.0]
    assert rows.loc[("slow", 0.85)].tolist() == [3, 1, math.inf, math.inf, math.inf]  # the median of 2, ∞, ∞
    assert rows.loc[("slow", 0.99), "reached"] == 0
    assert two.leaderboard["epochs_to_target"].tolist() == [2, math.inf]
    assert "inf" in two.targets.to_csv()


def test_scores_of_tuning_and_of_the_way(two):
    rows = two.scores.set_index("optimizer")
    assert rows.loc["fast", "tunability"] == 0
    assert rows.loc["slow", "diverged_share"] == 0.5
    heights = np.log10([0.9, 0.2, 0.1])
    assert rows.loc["fast", "area_under_log_loss"] == pytest.approx((heights[0] / 2 + heights[1] + heights[2] / 2) / 2)
    assert (rows.loc["fast", "median_low"], rows.loc["fast", "median_high"]) == (0.90, 0.92)
    budget = two.budget.set_index(["optimizer", "trials"])["val_accuracy_mean"]
    assert budget.loc["fast"].tolist() == pytest.approx([0.75, 0.9])
    assert budget.loc["slow"].tolist() == pytest.approx([0.45, 0.9])  # the diverged trial counts as 0


def test_trials_that_were_ended_early_say_nothing_about_budgets():
    early = [run("tune", 0, (0.1, 0.5), epochs=1), TUNED[1]]
    made = comparison({"early": (early, finals(0.9, 0.9)), "whole": (TUNED, finals(0.9, 0.9))})
    assert made.budget["optimizer"].unique().tolist() == ["whole"]
    assert math.isnan(made.scores.set_index("optimizer").loc["early", "tunability"])


def test_trials_that_differ_in_more_than_the_step_size_say_nothing_about_it_alone():
    other = {**TUNED[0], "hyperparameters": {**TUNED[0]["hyperparameters"], "momentum": 0.5}}
    made = comparison({"several": ([other, TUNED[1]], finals(0.9, 0.9)), "one": (TUNED, finals(0.9, 0.9))})
    rows = made.scores.set_index("optimizer")
    assert math.isnan(rows.loc["several", "tunability"])
    assert rows.loc["one", "tunability"] == 0


def test_one_seed_one_method_and_all_diverged():
    lost = [run("final", seed, (0.1, 0.1), None, diverged=True) for seed in (1, 2)]
    made = comparison({"lost": (TUNED, lost), "lost too": (TUNED, lost)})
    assert made.leaderboard["test_accuracy_median"].tolist() == [0, 0]
    assert not made.leaderboard["difference_shown"].any()
    assert made.leaderboard["rank_high"].tolist() == [2, 2]
    one = comparison({"a": (TUNED, finals(0.9)), "b": (TUNED, finals(0.1))})
    assert not one.leaderboard["difference_shown"].any()
    assert one.leaderboard["p_corrected"].isna().all()
    alone = comparison({"a": (TUNED, finals(0.9, 0.91))})
    assert alone.differences.empty
    assert (alone.leaderboard["rank_low"][0], alone.leaderboard["rank_high"][0]) == (1, 1)
    nothing = comparison({"a": (TUNED, [])})
    assert nothing.leaderboard.empty
    assert nothing.scores.empty


def simulated(rng, means):
    """Return a comparison of methods with these true accuracies over five seeds."""
    tests = known_answer.accuracies(rng, means, 5, SAMPLES)
    return comparison({f"m{i}": (TUNED, finals(*tests[:, i])) for i in range(len(means))})


def test_two_identical_methods_under_two_names_show_no_difference_and_a_worse_one_does():
    """Corrected for three pairs; `known_answer` has the rates of more methods and seeds."""
    rng = np.random.default_rng(0)
    silent = found = 0
    for _ in range(100):
        made = simulated(rng, [0.95, 0.95, 0.80])
        first, twin, worse = made.leaderboard["difference_shown"]
        assert not first
        assert sentences(made)[0].startswith("No difference shown between ") != (twin and worse)
        silent += not twin
        found += worse
    assert silent >= 95
    assert found >= 95


def test_the_size_of_the_test_set_says_what_chance_can_do():
    """One image more on each of two seeds shows nothing; the same difference measured finely does."""
    methods = {"a": (TUNED, finals(0.9, 0.9)), "b": (TUNED, finals(0.9 - 1 / 360, 0.9 - 1 / 360))}
    assert not comparison(methods, samples=360).leaderboard["difference_shown"][1]
    assert comparison(methods, samples=1_000_000).leaderboard["difference_shown"][1]


def test_two_names_of_the_same_runs_show_no_difference():
    tests = finals(0.90, 0.93, 0.91)
    assert not comparison({"a": (TUNED, tests), "b": (TUNED, tests)}).leaderboard["difference_shown"].any()


def test_tables_survive_a_file(two, tmp_path):
    for name in TABLES:
        frame = getattr(two, name)
        frame.to_csv(tmp_path / name, index=False)
        again = pd.read_csv(tmp_path / name, keep_default_na=True).astype(dict(TABLES[name]))
        numbers = frame.select_dtypes("number").columns
        pd.testing.assert_frame_equal(again[numbers], frame[numbers])
