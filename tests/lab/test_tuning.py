"""Budgets: equal for all, whatever is added to them."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing

import pandas as pd
import pytest

from minnet.errors import InputError
from minnet.lab import Experiment, compare, load
from minnet.lab.comparison import LEADERBOARD
from minnet.lab.driver import Silent
from minnet.lab.halving import trained
from minnet.lab.store import Store
from minnet.lab.trials import Trial, run_trial, without_test
from minnet.lab.tuning import Tuning

SAME = [column for column in LEADERBOARD if column != "seconds_to_target"]


def tuned(result, kind="tune"):
    rows = result.trials[result.trials["kind"] == kind]
    return {label: list(mine["lr"]) for label, mine in rows.groupby("optimizer", sort=False)}


@pytest.fixture
def narrow(small):
    """The best step size of sgd, 0.1, is above its range; adam's lies within."""
    small["optimizer"] = [{"name": "sgd", "lr": {"low": 1e-4, "high": 1e-2}}, {"name": "adam"}]
    return small


@pytest.fixture
def many(small):
    """Trials enough to halve."""
    small.update(trials=9, training={"epochs": 9, "batch_size": 8}, halving=3)
    return small


def test_the_defaults_are_a_trial_of_their_own(fake, small):
    small.update(defaults=True, trials=4)
    result = compare(small, jobs=1)
    assert tuned(result, "default") == {"sgd": [0.01], "adam": [0.001]}
    assert list(result.leaderboard["trials"]) == [4, 4], "counted apart"
    assert result.provenance["runs_planned"] == result.provenance["runs_finished"] == 2 * (4 + 1 + 2)
    best = result.trials[result.trials["selected"]].set_index("optimizer")
    assert best.loc["adam", "kind"] == "default", "the grid of four misses 0.001"
    assert best.loc["sgd", "kind"] == "tune"
    final = result.trials[(result.trials["kind"] == "final") & (result.trials["optimizer"] == "adam")]
    assert set(final["lr"]) == {0.001}
    facts = result.tuning["defaults"]
    assert (facts["sgd"]["selected"], facts["adam"]["selected"]) == (False, True)
    assert facts["sgd"]["best"] > facts["sgd"]["val_accuracy"]
    assert facts["adam"]["best"] == facts["adam"]["val_accuracy"]


def test_the_default_takes_what_its_entry_fixes_and_is_no_second_run_of_a_point(fake, small):
    small.update(defaults=True)  # adam's grid of three holds its default
    result = compare(small, jobs=1)
    assert sum(spec.optimizer.name == "adam" and not test for spec, test in fake.calls) == 3
    assert {spec.optimizer.hyper.get("beta1") for spec, _ in fake.calls if spec.optimizer.name == "adam"} == {0.8}
    chosen = result.trials[result.trials["selected"]].set_index("optimizer")
    assert chosen.loc["adam", "kind"] == "tune", "of equal ones the default is the last"
    small["optimizer"] = [{"name": "sgd", "lr": 0.1}]
    assert "default" not in set(compare(small, jobs=1).trials["kind"]), "nothing was tuned"


def test_a_best_point_at_the_end_extends_the_range_and_every_budget(fake, narrow):
    told = []

    class Told(Silent):
        def planned(self, total, why):
            told.append((total, why))

    result = compare(narrow, jobs=1, progress=Told())
    tried = tuned(result)
    assert tried["sgd"] == [1e-4, 1e-3, 1e-2, 1e-1, 1.0], "beyond the end, at the distance of the others"
    assert tried["adam"][:3] == [1e-5, 1e-3, 1e-1]
    assert len(tried["adam"]) == 5
    assert all(1e-5 < lr < 1e-1 for lr in tried["adam"][3:]), "around its best"
    assert list(result.leaderboard["trials"]) == [5, 5]
    assert result.tuning["further"] == [{"sgd": "highest"}]
    assert (result.tuning["points"], result.tuning["trials"]) == (3, 5)
    assert result.rules["sgd"]["hyperparameters"]["lr"] == 0.1
    [(total, why)] = told
    assert total == result.provenance["runs_planned"] == 2 * (5 + 2)
    assert "sgd (highest)" in why


def test_extensions_are_bounded_and_can_be_turned_off(fake, narrow):
    narrow["optimizer"][0]["lr"] = {"low": 1e-6, "high": 1e-5}
    assert list(compare(narrow, jobs=1).leaderboard["trials"]) == [7, 7]
    assert list(compare(narrow, jobs=1, extend=1).leaderboard["trials"]) == [5, 5]
    off = compare(narrow, jobs=1, extend=0)
    assert list(off.leaderboard["trials"]) == [3, 3]
    assert off.tuning["further"] == []


def test_nobody_gets_further_trials_where_one_cannot(fake, narrow):
    narrow["optimizer"][1]["lr"] = {"values": [0.1, 0.01, 0.001]}
    assert list(compare(narrow, jobs=1).leaderboard["trials"]) == [3, 3]


def test_what_has_nothing_to_tune_is_left_out(fake, narrow):
    narrow["optimizer"].append({"name": "momentum", "lr": 0.01})
    board = compare(narrow, jobs=1).leaderboard.set_index("optimizer")
    assert dict(board["trials"]) == {"sgd": 5, "adam": 5, "momentum": 1}


def test_unequal_budgets_are_refused(small):
    small["optimizer"][0]["lr"] = {"values": [0.1, 0.2]}
    with pytest.raises(InputError, match=r"sgd has 2 values to try and others 3 trials: budgets must be equal"):
        Experiment.from_dict(small)
    small["trials"] = 2
    Experiment.from_dict(small)


def test_halving_trains_the_rungs_and_nothing_else(fake, many):
    result = compare(many, jobs=1)
    lengths = {label: sorted(mine["steps"] // 10) for label, mine in
               result.trials[result.trials["kind"] == "tune"].groupby("optimizer")}  # fmt: skip
    assert len(lengths["adam"]) == 9, "one row for a trial, its longest run"
    assert lengths["adam"].count(9) == 1
    assert set(lengths["adam"]) <= {1, 3, 9}
    facts = result.tuning["halving"]
    assert facts["rungs"] == [[9, 1], [3, 3], [1, 9]]
    assert facts["full"] == 2 * 9 * 9
    assert facts["epochs"] < facts["full"] / 2
    assert "replay" not in result.tuning


@pytest.mark.parametrize("defaults", [False, True])
def test_halving_does_what_the_replay_of_the_whole_trainings_says(fake, many, defaults):
    many["defaults"] = defaults
    live, full = compare(many, jobs=1), compare(many, jobs=1, halving=0, extend=0)
    said = full.tuning["replay"]
    assert said["optimizers"] == 2
    assert said["epochs"] == live.tuning["halving"]["epochs"]
    instead = {each["optimizer"]: each["lr"] for each in said["others"]}
    for label in ("sgd", "adam"):
        chosen = live.rules[label]["hyperparameters"]["lr"]
        assert chosen == instead.get(label, full.rules[label]["hyperparameters"]["lr"])


def test_schedules_are_those_of_the_whole_training_and_a_rung_is_another_trial(small, split):
    experiment = Experiment.from_dict(small)
    run = experiment.run_spec(experiment.entries[0], {"lr": 0.1}, 0)
    whole, part = Trial("tune", run, "x"), Trial("tune", run, "x", stop_after=2)
    assert (whole.epochs, part.epochs) == (4, 2)
    assert whole.id != part.id
    assert "stop_after" not in whole.content(), "what was stored before there were rungs still counts"
    assert part.run.training.epochs == 4


def test_the_run_of_a_rung_is_the_beginning_of_the_whole_one():
    from minnet.lab.experiment import resolve
    from minnet.lab.trials import load_split

    spec = resolve(optimizers="adam", hidden=(8,), epochs=4, schedule="cosine")
    run = spec.run_spec(spec.entries[0], {"lr": 0.01}, 0)
    split = load_split(run)
    whole, part = (run_trial(Trial("tune", run, "", stop), split) for stop in (0, 2))
    times = ("train_s", "eval_s")
    assert trained(part) == 2
    for one, other in zip(part["history"], whole["history"]):
        assert {k: v for k, v in one.items() if k not in times} == {k: v for k, v in other.items() if k not in times}


def test_too_little_to_halve(small):
    with pytest.raises(InputError, match="halving = 5 needs at least 5 trials and 5 epochs"):
        Experiment.from_dict({**small, "halving": 5})


@pytest.mark.parametrize("change", [{"halving": 0}, {"halving": 3}])
@pytest.mark.parametrize("jobs", [1, 3])
def test_the_result_does_not_depend_on_jobs_or_interruptions(fake, many, tmp_path, change, jobs):
    many.update(change, defaults=True)
    many["optimizer"][0]["lr"] = {"low": 1e-7, "high": 1e-5}
    whole = compare(many, jobs=1)
    assert len(whole.tuning["further"]) == 2
    count, done = len(fake.calls), 0
    while True:
        fake.calls, fake.stop_after, fake.on_stop = [], 7, lambda: signal.raise_signal(signal.SIGINT)
        try:
            resumed = compare(many, out=tmp_path, jobs=jobs)
            break
        except KeyboardInterrupt:
            with closing(sqlite3.connect(tmp_path / "runs.sqlite")) as db:
                now = db.execute("SELECT count(*) FROM runs").fetchone()[0]
            assert now > done
            done = now
    with closing(sqlite3.connect(tmp_path / "runs.sqlite")) as db:
        assert db.execute("SELECT count(*) FROM runs").fetchone()[0] == count, "none twice, none too many"
    pd.testing.assert_frame_equal(resumed.leaderboard[SAME], whole.leaderboard[SAME], check_exact=True)
    pd.testing.assert_frame_equal(resumed.trials, whole.trials, check_exact=True)
    assert resumed.tuning == whole.tuning == load(tmp_path).tuning


def test_only_trials_of_equal_length_are_compared(many):
    """Accuracies fall with time here: a trial that ended early looks better than any that went on."""
    spec = Experiment.from_dict({**many, "extend": 0, "optimizer": [{"name": "sgd"}]})
    batches = []

    def train(tuning, parts):
        batches.append([(part.trial, part.run.epochs) for part in parts])
        return {
            part.run.id: {
                "diverged": False,
                "val_accuracy": 1 / part.run.epochs + part.trial / 100,
                "val_loss": 0.0,
                "history": [{"epoch": part.run.epochs}],
            }
            for part in parts
        }

    [winner] = Tuning(spec, "x", train).run()
    assert batches == [[(trial, 1) for trial in range(9)], [(6, 3), (7, 3), (8, 3)], [(8, 9)]]
    assert (winner.trial, winner.run.epochs) == (8, 9)


def test_the_total_told_is_what_is_run(fake, many):
    counts = {"ran": 0}

    class Counting(Silent):
        def started(self, experiment, total, finished):
            counts["total"] = total

        def planned(self, total, why):
            counts["total"] = total

        def ran(self, parts, record, stored):
            counts["ran"] += len(parts)

    many["defaults"] = True
    many["optimizer"][0]["lr"] = {"low": 1e-7, "high": 1e-5}
    compare(many, jobs=2, progress=Counting())
    assert counts["ran"] == counts["total"] == 2 * (9 + 3 + 1 + 1 + 4 + 2)


def test_planning_twice_with_the_same_records_plans_the_same(small):
    spec = Experiment.from_dict({**small, "defaults": True})

    def train(tuning, parts):
        return {part.run.id: {"diverged": False, "val_accuracy": part.hyper["lr"], "val_loss": 0.0,
                              "history": [{"epoch": part.run.epochs}]} for part in parts}  # fmt: skip

    one, two = Tuning(spec, "x", train), Tuning(spec, "x", train)
    assert one.run() == two.run()
    assert one.parts == two.parts
    assert one.facts() == two.facts()


def test_a_tuning_run_never_has_the_test_set(fake, small, split, monkeypatch):
    seen = []

    def train(spec, split, **options):
        seen.append((options["test"], len(split.X_test), len(split.y_test), len(split.X_train)))
        return fake(spec, split, **options)

    monkeypatch.setattr("minnet.training.train", train)
    compare(small, jobs=1)
    assert set(seen) == {(False, 0, 0, 8), (True, 2, 2, 8)}
    assert len(split.X_test) == 2
    assert without_test(split).X_train is split.X_train


def test_the_store_refuses_a_test_figure_of_a_tuning_run(fake, small, split):
    experiment = Experiment.from_dict(small)
    run = experiment.run_spec(experiment.entries[0], {"lr": 0.1}, 0)
    record = run_trial(Trial("tune", run, "x"), split)
    with Store(None) as store:
        for figure in ("test_accuracy", "test_loss"):
            with pytest.raises(InputError, match="a tuning run holds a test figure"):
                store.add({**record, figure: 0.9})
        assert store.missing([record["id"]]) == [record["id"]]
        store.add(record)
