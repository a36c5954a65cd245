"""What a process elsewhere checks before it trains."""

from __future__ import annotations

from dataclasses import replace

import pytest

import minnet
from minnet.errors import InputError
from minnet.lab.engine.remote import perform, tasks_of
from minnet.lab.trials import Trial, fingerprint, load_split, run_trial
from minnet.network.spec import NetworkSpec
from minnet.optimizers import own
from minnet.training import OptimizerSpec, RunSpec, TrainingSpec

SOURCE = "def f(w, g, v, lr=0.1):\n    v = 0.5 * v + g\n    return w - lr * v, v\n"


def trial_of(name="sgd"):
    run = RunSpec("digits", NetworkSpec((4,)), TrainingSpec(epochs=1), OptimizerSpec(name, hyper={"lr": 0.1}))
    return Trial("tune", run, fingerprint(load_split(run)))


def without_times(record):
    rows = [{key: row[key] for key in row if not key.endswith("_s")} for row in record["history"]]
    return {**{key: record[key] for key in record if not key.endswith("_s")}, "history": rows}


def test_the_record_is_that_of_this_process():
    trial, rows = trial_of(), []
    record, facts = perform(tasks_of([trial], None)[0], rows.append)
    assert without_times(record) == without_times(run_trial(trial))
    assert [row["epoch"] for row in rows] == [0, 1]
    assert facts["hardware"]["usable_cores"] >= 1


def test_other_data_and_another_minnet_are_refused():
    task = tasks_of([trial_of()], None)[0]
    with pytest.raises(InputError, match=r"on .*: the data digits differ from those of the comparison: copy"):
        perform(replace(task, trial=replace(task.trial, data_sha256="other")))
    with pytest.raises(InputError, match=r"on .*: its minnet or Numba is not the one of the comparison"):
        perform(replace(task, source="other"))


def test_a_file_travels_and_is_the_version_that_was_meant(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(SOURCE)
    trial = trial_of("lookahead(mine.py:f)")
    task = tasks_of([trial], None)[0]
    expected = run_trial(trial)
    (tmp_path / "mine.py").unlink()
    monkeypatch.setattr(own, "_loaded", {})  # as in another process
    with pytest.raises(InputError, match=r"no file mine\.py"):
        minnet.optimizers.get("mine.py:f")
    assert without_times(perform(task)[0]) == without_times(expected)
    edited = replace(task, method=SOURCE.replace("0.5", "0.7"))
    with pytest.raises(InputError, match=r"mine\.py has changed since the comparison began"):
        perform(edited)


def test_a_method_without_a_file_stays_here():
    @minnet.rule
    def declared_here(w, g, lr=0.1):
        return w - lr * g

    with pytest.raises(InputError, match=r"name it by its file, FILE\.py:declared_here"):
        tasks_of([trial_of(minnet.optimizers.name_of(declared_here))], None)
