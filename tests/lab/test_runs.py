"""`train_all`: runs of a script, kept one by one."""

from __future__ import annotations

import pytest

from minnet.lab import runs
from minnet.lab.runs import FILE, train_all
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec


@pytest.fixture
def specs():
    network, training = NetworkSpec(hidden=(4,)), TrainingSpec(epochs=1, validation=0.5)
    return {
        name: RunSpec("digits", network, training, OptimizerSpec(name, hyper={"lr": 0.01})) for name in ("sgd", "adam")
    }


def without_times(records):
    times = ("cpu_s", "train_s", "eval_s", "compile_s")
    return {
        label: {
            key: [{k: v for k, v in row.items() if k not in times} for row in value] if key == "history" else value
            for key, value in record.items()
            if key not in times
        }
        for label, record in records.items()
    }


def test_what_is_finished_is_not_trained_again(specs, tmp_path, monkeypatch):
    told = []
    first = train_all({"sgd": specs["sgd"]}, tmp_path, jobs=1, tell=told.append)
    text = (tmp_path / FILE).read_text()
    (tmp_path / FILE).write_text(text + text[: len(text) // 2])  # a run that was being written when the power failed
    trained = []
    true = runs.run_trial
    monkeypatch.setattr(runs, "run_trial", lambda trial, split: trained.append(trial) or true(trial, split))
    both = train_all(specs, tmp_path, jobs=2, tell=told.append)
    assert [trial.run.optimizer.name for trial in trained] == ["adam"]
    assert both["sgd"] == first["sgd"]
    assert [line.partition(",")[0] for line in told] == ["1: sgd", "2: adam"]
    assert train_all(specs, tmp_path, jobs=1) == both
    assert len(trained) == 1
    assert without_times(train_all(specs, jobs=1)) == without_times(both)


def test_order_and_labels_are_those_that_were_given(specs):
    records = train_all({"b": specs["adam"], "a": specs["sgd"], "c": specs["adam"]}, jobs=1)
    assert [(label, record["method"]) for label, record in records.items()] == [
        ("b", "adam"),
        ("a", "sgd"),
        ("c", "adam"),
    ]
    assert records["b"] == records["c"]
    assert all(record["cpu_s"] >= 0 for record in records.values())


def test_held_out_samples_can_be_left_out_altogether(specs):
    plain, fewer = (train_all({"one": specs["sgd"]}, jobs=1, validate=validate)["one"] for validate in (True, False))
    assert fewer["train_size"] == plain["train_size"] == 718
    assert fewer["val_accuracy"] is None
    assert plain["val_accuracy"] is not None
    assert fewer["test_accuracy"] == plain["test_accuracy"]
    assert fewer["id"] != plain["id"]
