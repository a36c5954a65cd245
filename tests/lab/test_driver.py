from __future__ import annotations

import json
import signal
import sqlite3
import threading
import time
import tomllib
from contextlib import closing, contextmanager

import numpy as np
import pandas as pd
import pytest

from minnet.errors import InputError
from minnet.lab import Experiment, compare, load
from minnet.lab.comparison import CURVES, LEADERBOARD, TRIALS
from minnet.lab.driver import Silent, read
from minnet.lab.store import Store
from minnet.lab.trials import RESULTS_VERSION, Trial, fingerprint

SAME = [column for column in LEADERBOARD if column != "seconds_to_target"]


def trained(fake, test):
    return [(spec.optimizer.name, spec.optimizer.hyper["lr"], spec.seed) for spec, t in fake.calls if t is test]


def test_every_method_gets_the_same_budget_and_only_winners_read_the_test_set(fake, small):
    result = compare(small, jobs=1)
    tuning, final = trained(fake, False), trained(fake, True)
    assert sorted(tuning) == sorted(
        [("adam", lr, 0) for lr in (1e-5, 1e-3, 1e-1)] + [("sgd", lr, 0) for lr in (1e-3, 1e-1, 1e1)]
    )
    assert sorted(final) == [("adam", 1e-3, 1), ("adam", 1e-3, 2), ("sgd", 0.1, 1), ("sgd", 0.1, 2)]
    assert list(result.leaderboard["trials"]) == [3, 3]
    tuned = result.trials[result.trials["kind"] == "tune"]
    assert tuned["test_accuracy"].isna().all()
    assert tuned["test_loss"].isna().all()
    assert list(tuned.loc[tuned["selected"], "lr"]) == [0.1, 1e-3]
    assert not result.trials.loc[result.trials["kind"] == "final", "selected"].any()


def test_the_frames_have_the_promised_columns_and_types(fake, small):
    result = compare(small, jobs=1)
    for frame, columns in (
        (result.leaderboard, LEADERBOARD),
        (result.trials, TRIALS),
        (result.curves, CURVES),
    ):
        assert dict(zip(frame.columns, frame.dtypes.astype(str))) == dict(columns)
    assert len(result.trials) == 2 * (3 + 2)
    assert list(result.leaderboard["rank"]) == [1, 2]
    assert json.loads(result.leaderboard["hyperparameters"][0]).keys() <= {"lr", "beta1"}
    diverged = result.trials["diverged"]
    assert list(result.trials.loc[diverged, "diverged_step"]) == [7.0] * diverged.sum()
    assert dict(zip(result.leaderboard["optimizer"], result.leaderboard["diverged_trials"])) == {
        "sgd": 1,
        "adam": 1,
    }


def test_the_leaderboard_is_what_the_final_runs_say(fake, small):
    small["seeds"] = 5
    result = compare(small, jobs=1)
    final = result.trials[result.trials["kind"] == "final"]
    for row in result.leaderboard.itertuples():
        tests = final.loc[final["optimizer"] == row.optimizer, "test_accuracy"]
        assert row.test_accuracy_median == tests.median()
        assert (row.test_accuracy_low, row.test_accuracy_high) == tuple(np.quantile(tests, [0.1, 0.9]))
        assert (row.seeds, row.epochs_to_target, row.seconds_to_target) == (5, 4.0, 2.0)
    assert result.leaderboard["test_accuracy_median"].is_monotonic_decreasing


def test_a_missed_target_is_infinite_and_ties_stay_in_the_order_of_the_experiment(fake, small):
    small.update(target=1.0, optimizer=[{"name": "sgd", "label": label, "lr": 0.1} for label in "cab"])
    result = compare(small, jobs=2)
    assert list(result.leaderboard["optimizer"]) == ["c", "a", "b"]
    assert list(result.leaderboard["rank"]) == [1, 2, 3]
    assert np.isinf(result.leaderboard["epochs_to_target"]).all()
    assert np.isinf(result.leaderboard["seconds_to_target"]).all()
    assert len(fake.calls) == 1 + 2, "equal runs under several labels are trained once"


def test_a_method_that_always_diverges_comes_last(fake, small):
    small["optimizer"] = [{"name": "sgd", "lr": 1e3}, {"name": "adam"}]
    result = compare(small, jobs=1)
    assert list(result.leaderboard["optimizer"]) == ["adam", "sgd"]


def test_a_final_run_that_diverged_counts_as_0_whatever_it_reached(fake, small, monkeypatch):
    small.update(seeds=3, optimizer=[{"name": "sgd", "lr": 0.1}, {"name": "adam", "lr": 0.01}])

    def train(spec, split, **options):
        result = fake(spec, split, **options)
        if spec.optimizer.name == "sgd" and spec.seed > 1:
            result.diverged, result.diverged_step = True, 31
        return result

    monkeypatch.setattr("minnet.training.train", train)
    result = compare(small, jobs=1)
    board = result.leaderboard.set_index("optimizer")
    assert list(board.index) == ["adam", "sgd"]
    for column in ("val_accuracy_median", "test_accuracy_median", "test_accuracy_low"):
        assert board.loc["sgd", column] == 0
    curves = result.curves[(result.curves["optimizer"] == "sgd") & (result.curves["kind"] == "final")]
    last = curves[curves["epoch"] == 4].set_index("seed")
    for column in ("train_accuracy", "val_accuracy"):
        assert list(last[column].isna()) == [False, True, True]
    assert curves[curves["epoch"] < 4]["val_accuracy"].notna().all()
    assert board.loc["sgd", "epochs_to_target"] == np.inf


@pytest.mark.parametrize("jobs", [2, 5])
def test_the_result_does_not_depend_on_the_number_of_jobs(fake, small, jobs):
    one, many = compare(small, jobs=1), compare(small, jobs=jobs)
    pd.testing.assert_frame_equal(one.leaderboard[SAME], many.leaderboard[SAME], check_exact=True)
    pd.testing.assert_frame_equal(one.trials, many.trials, check_exact=True)
    pd.testing.assert_frame_equal(one.curves, many.curves, check_exact=True)
    assert (one.provenance["jobs"], many.provenance["jobs"]) == (1, jobs)


def test_the_same_call_trains_nothing_twice(fake, small, tmp_path):
    first = compare(small, out=tmp_path, jobs=2)
    count = len(fake.calls)
    again = compare(small, out=tmp_path, jobs=1)
    assert len(fake.calls) == count == 10
    pd.testing.assert_frame_equal(first.leaderboard, again.leaderboard, check_exact=True)
    assert again.provenance["sessions"] == 2


def test_nobody_else_works_in_the_folder_until_its_files_are_written(fake, small, tmp_path, monkeypatch):
    def save(comparison, folder):
        with pytest.raises(InputError, match="another process is working in"):
            Store(folder)
        saved.append(folder)

    saved = []
    monkeypatch.setattr("minnet.lab.comparison.Comparison.save", save)
    compare(small, out=tmp_path, jobs=1)
    assert saved == [tmp_path]
    Store(tmp_path).close()


def test_what_is_said_of_the_training_is_that_of_the_sessions_that_trained(fake, small, tmp_path):
    compare(small, out=tmp_path, jobs=2)
    assert compare(small, out=tmp_path, jobs=1).provenance["jobs"] == 2, "nothing was left to train"
    assert compare(small, out=tmp_path, jobs=3, seeds=4).provenance["jobs"] == "2 / 3"
    assert load(tmp_path).provenance["sessions"] == 3


@pytest.mark.parametrize("done", [0, 3, 6, 8])
def test_an_interrupted_comparison_goes_on_where_it_was(fake, small, tmp_path, done):
    fake.stop_after = done
    fake.on_stop = lambda: signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        compare(small, out=tmp_path, jobs=1)
    with closing(sqlite3.connect(tmp_path / "runs.sqlite")) as db:
        assert db.execute("SELECT count(*) FROM runs").fetchone()[0] == done
    fake.stop_after, fake.calls = None, []
    resumed = compare(small, out=tmp_path, jobs=1)
    assert len(fake.calls) == 10 - done
    fresh = compare(small, jobs=1)
    pd.testing.assert_frame_equal(resumed.leaderboard, fresh.leaderboard, check_exact=True)


def test_more_seeds_and_trials_train_only_what_is_missing(fake, small, tmp_path):
    compare(small, out=tmp_path, jobs=1)
    fake.calls.clear()
    compare(small, out=tmp_path, jobs=1, seeds=4)
    assert trained(fake, False) == []
    assert sorted(seed for _, _, seed in trained(fake, True)) == [3, 3, 4, 4]
    fake.calls.clear()
    compare(small, out=tmp_path, jobs=1, seeds=4, trials=5)
    assert sorted(trained(fake, False)) == [
        ("adam", 1e-4, 0),
        ("adam", 1e-2, 0),
        ("sgd", 1e-2, 0),
        ("sgd", 1.0, 0),
    ]
    assert tomllib.loads((tmp_path / "experiment.toml").read_text())["trials"] == 5
    fake.calls.clear()
    fewer = compare(small, out=tmp_path, jobs=1, target=0.5)
    assert fake.calls == []
    assert list(fewer.leaderboard["seeds"]) == [2, 2]
    pd.testing.assert_frame_equal(fewer.leaderboard, compare(small, jobs=1, target=0.5).leaderboard, check_exact=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 5}, r"training\.epochs is 4 there, 5 here"),
        ({"hidden": [5]}, r"network\.hidden differs"),
        ({"data": "mnist"}, r"data is 'digits' there, 'mnist' here"),
        ({"optimizers": "sgd"}, r"the list of optimizers differs"),
        ({"optimizers": [{"name": "sgd"}, {"name": "adam"}]}, r"optimizer adam differs"),
    ],
)
def test_the_folder_of_another_experiment_is_left_alone(fake, small, tmp_path, change, message):
    compare(small, out=tmp_path, jobs=1)
    fake.calls.clear()
    with pytest.raises(InputError, match=rf"holds another experiment \({message}\): choose another folder"):
        compare(small, out=tmp_path, jobs=1, **change)
    assert fake.calls == []
    assert Experiment.from_dict(tomllib.loads((tmp_path / "experiment.toml").read_text())).training.epochs == 4


def test_results_on_other_data_do_not_count(fake, small, tmp_path, split):
    compare(small, out=tmp_path, jobs=1)
    fake.calls.clear()
    split.y_train = 1 - split.y_train
    compare(small, out=tmp_path, jobs=1)
    assert len(fake.calls) == 10


def test_the_files_and_what_is_rebuilt_from_the_store_alone(fake, small, tmp_path):
    small["optimizer"][0]["label"] = '<script>alert("1")</script>, "x"'
    result = compare(small, out=tmp_path, jobs=1)
    names = {
        "experiment.toml",
        "runs.sqlite",
        "leaderboard.csv",
        "trials.csv",
        "curves.csv",
        "report.html",
        "figures",
    }
    assert names <= {path.name for path in tmp_path.iterdir()}
    assert tomllib.loads((tmp_path / "experiment.toml").read_text()) == result.experiment
    for path in tmp_path.glob("*.csv"):
        pd.testing.assert_frame_equal(
            pd.read_csv(path), getattr(result, path.stem), check_exact=True, check_dtype=False
        )
        path.unlink()
    again = load(tmp_path)
    assert (again.experiment, again.rules, again.provenance) == (
        result.experiment,
        result.rules,
        result.provenance,
    )
    for name in ("leaderboard", "trials", "curves"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(result, name), check_exact=True)


def test_what_ran_is_told(fake, small):
    result = compare(small, jobs=1)
    rule = result.rules["adam"]
    assert rule["hyperparameters"] == {"lr": 1e-3, "beta1": 0.8, "beta2": 0.999, "eps": 1e-8}
    assert rule["space"] == {"lr": {"low": 1e-5, "high": 1e-1, "scale": "log"}}
    assert rule["rule_source"].startswith("def adam(")
    assert result.provenance["data"]["test"] == 2
    assert result.provenance["started"] <= result.provenance["finished"]


def test_a_comparison_without_final_runs_has_no_result_yet(fake, small, tmp_path):
    fake.stop_after, fake.on_stop = 2, lambda: signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        compare(small, out=tmp_path, jobs=1)
    with pytest.raises(InputError, match="no final runs yet: resume it"):
        load(tmp_path)


def test_an_unfinished_comparison_shows_what_is_there(fake, small, tmp_path):
    fake.stop_after, fake.on_stop = 7, lambda: signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        compare(small, out=tmp_path, jobs=1)
    partial = load(tmp_path)
    assert list(partial.leaderboard["seeds"]) == [1]
    assert len(partial.trials) == 7
    assert (partial.provenance["runs_planned"], partial.provenance["runs_finished"]) == (10, 7)
    fake.stop_after = None
    whole = compare(small, out=tmp_path, jobs=1).provenance
    assert (whole["runs_planned"], whole["runs_finished"]) == (10, 10)


def test_what_is_planned_includes_final_runs_that_nobody_could_plan_yet(fake, small, tmp_path):
    fake.stop_after, fake.on_stop = 3, lambda: signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        compare(small, out=tmp_path, jobs=1)
    with Store(tmp_path, write=False) as store:
        facts = read(store).provenance
    assert (facts["runs_planned"], facts["runs_finished"]) == (10, 3)


def test_whoever_fails_while_runs_are_under_way_waits_for_them(fake, small, monkeypatch):
    alive, left = [], []

    @contextmanager
    def blas_threads(n):
        try:
            yield
        finally:
            left.append(list(alive))

    class Failing(Silent):
        def ran(self, parts, record, stored):
            raise BrokenPipeError("nobody reads")

    def train(spec, split, should_stop=None, **options):
        alive.append(spec)
        if len(alive) > 1:
            deadline = time.monotonic() + 5
            while not should_stop() and time.monotonic() < deadline:
                time.sleep(0.001)
            assert should_stop()
        try:
            return fake(spec, split, should_stop=should_stop, **options)
        finally:
            alive.remove(spec)

    monkeypatch.setattr("minnet.training.train", train)
    monkeypatch.setattr("minnet.machine.blas_threads", blas_threads)
    with pytest.raises(BrokenPipeError):
        compare(small, jobs=2, progress=Failing())
    assert left == [[]], "the limit of the BLAS library was lifted while runs were under way"


def test_a_second_interrupt_does_not_leave_runs_behind(fake, small, tmp_path):
    class Counting(Silent):
        heard = 0

        def interrupted(self):
            self.heard += 1

    progress, states = Counting(), []

    def press_twice():
        signal.raise_signal(signal.SIGINT)
        deadline = time.monotonic() + 5
        while not progress.heard and time.monotonic() < deadline:
            time.sleep(0.001)
        signal.raise_signal(signal.SIGINT)
        states.append(threading.current_thread())

    fake.stop_after, fake.on_stop = 2, press_twice
    with pytest.raises(KeyboardInterrupt):
        compare(small, out=tmp_path, jobs=1, progress=progress)
    assert progress.heard == 2
    assert not states[0].is_alive()


def test_an_error_in_a_run_keeps_what_is_finished(fake, small, tmp_path):
    def fail():
        raise InputError("too wide")

    fake.stop_after, fake.on_stop = 4, fail
    with pytest.raises(InputError, match="too wide"):
        compare(small, out=tmp_path, jobs=2)
    fake.stop_after, fake.calls = None, []
    compare(small, out=tmp_path, jobs=2)
    assert len(fake.calls) == 10 - 4


def test_progress_hears_of_every_run(fake, small, tmp_path):
    class Heard:
        def __init__(self):
            self.total = self.stored = self.new = self.epochs = self.rows = 0

        def started(self, experiment, total, finished):
            self.total, self.finished = total, finished

        def measured(self, run_id, row):
            self.rows += {"epoch", "val_loss", "val_accuracy"} <= set(row)

        def epoch(self, run_id, epoch):
            self.epochs += 1

        def ran(self, parts, record, stored):
            self.stored += stored * len(parts)
            self.new += (not stored) * len(parts)

    first, second = Heard(), Heard()
    compare(small, out=tmp_path, jobs=1, progress=first)
    compare(small, out=tmp_path, jobs=1, progress=second)
    assert (first.total, first.finished, first.new, first.stored) == (10, 0, 10, 0)
    assert first.rows == first.epochs > 10 * 3
    assert (second.total, second.finished, second.new, second.stored) == (10, 6, 0, 10)


def test_the_interrupt_handler_is_put_back(fake, small):
    before = signal.getsignal(signal.SIGINT)
    compare(small, jobs=1)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_comparison_in_a_thread(fake, small):
    results = []
    thread = threading.Thread(target=lambda: results.append(compare(small, jobs=1)))
    thread.start()
    thread.join()
    assert len(results[0].leaderboard) == 2


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"jobs": 0}, "jobs must be a whole number from 1, not 0"),
        ({"engine": "dask"}, r"the engine 'dask' needs the address of a scheduler: --scheduler tcp://HOST:8786"),
        ({"engine": "dask", "scheduler": "tcp://h:1", "jobs": 3}, r"jobs 3: a cluster runs as many trials as its"),
        ({"engine": "joblib:nope"}, r"joblib has no backend 'nope': it has loky, multiprocessing"),
        ({"engine": "joblib:"}, r"unknown engine 'joblib:'"),
        ({"engine": "dusk"}, r"unknown engine 'dusk': did you mean 'dask'"),
        ({"scheduler": "tcp://10.0.0.1:8786"}, r"scheduler 'tcp://10.0.0.1:8786': the engine 'local' takes none"),
        ({"device": "cuda", "dtype": "float64"}, r"device 'cuda'"),
        ({"device": "gpu"}, r"unknown device 'gpu'"),
        ({"epoch": 3}, "unknown keyword 'epoch': did you mean 'epochs'"),
    ],
)
def test_bad_keywords(fake, small, keywords, message):
    with pytest.raises(InputError, match=message):
        compare(small, **keywords)


def test_the_name_of_a_trial_is_its_content(small, split):
    experiment = Experiment.from_dict(small)
    run = experiment.run_spec(experiment.entries[0], {"lr": 0.1}, 1)
    one, same = Trial("final", run, "x"), Trial("final", type(run).from_dict(run.to_dict()), "x")
    assert one.id == same.id
    assert one.content()["results_version"] == RESULTS_VERSION
    others = [Trial("tune", run, "x"), Trial("final", run, "y"),
              Trial("final", experiment.run_spec(experiment.entries[0], {"lr": 0.1}, 2), "x"),
              Trial("final", experiment.run_spec(experiment.entries[0], {"lr": 0.2}, 1), "x")]  # fmt: skip
    assert len({one.id, *(trial.id for trial in others)}) == 5
    digest = fingerprint(split)
    split.scale = 0.5
    assert fingerprint(split) != digest
