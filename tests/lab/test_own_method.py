"""A user's own method in trials and experiments: its source decides which trial it is."""

import dataclasses

import numpy as np
import pytest

import minnet
from minnet.errors import InputError
from minnet.lab.experiment import Experiment
from minnet.lab.trials import Trial
from minnet.training import OptimizerSpec, RunSpec

SOURCE = "def f(w, g, v, lr=0.1, momentum=0.9):\n    v = momentum * v + g\n    return w - lr * v, v\n"


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.py"
    path.write_text(SOURCE)
    return path


def run():
    return RunSpec(optimizer=OptimizerSpec("mine.py:f", hyper={"lr": 0.01}))


def test_an_edited_rule_is_another_trial(mine):
    before = Trial("tune", run())
    mine.write_text("# a remark\n" + SOURCE)
    assert Trial("tune", run()).id == before.id
    mine.write_text(SOURCE.replace("+ g", "+ 2 * g"))
    assert Trial("tune", run()).id != before.id


def test_other_methods_keep_their_names(mine):
    spec = RunSpec()
    assert "source" not in spec.to_dict()["optimizer"]
    assert run().to_dict()["optimizer"]["source"] == run().optimizer.method.digest


def test_a_run_stays_what_it_was_while_the_file_changes(mine):
    spec = run()
    mine.write_text(SOURCE.replace("+ g", "+ 2 * g"))
    assert spec.optimizer.method.rule(0.0, 1.0, 0.0, 1.0, 0.9) == (-1.0, 1.0)
    assert RunSpec.from_dict(spec.to_dict()) == spec
    assert dataclasses.replace(spec, seed=3).optimizer.source == spec.optimizer.source
    content = spec.to_dict()
    content["optimizer"]["source"] = "of another day"
    with pytest.raises(InputError, match="changed"):
        RunSpec.from_dict(content)


def test_an_experiment_keeps_to_the_version_that_it_read(mine):
    race = Experiment.from_dict({"data": "digits", "optimizer": [{"name": "mine.py:f", "label": "mine"}]})
    assert race.entries[0].searched["lr"] == minnet.optimizers.Range(0.001, 10.0)
    first = race.run_spec(race.entries[0], {"lr": 0.1}, 0)
    mine.write_text(SOURCE.replace("+ g", "+ 2 * g"))
    assert race.run_spec(race.entries[0], {"lr": 0.1}, 1).optimizer.source == first.optimizer.source
    again = Experiment.from_dict(race.to_dict())
    assert again.run_spec(again.entries[0], {"lr": 0.1}, 0).optimizer.source != first.optimizer.source


def test_a_decorated_method_takes_part_in_a_comparison():
    @minnet.rule
    def heavy(w, g, v, lr=0.1):
        v = 0.9 * v + g
        return w - lr * v, v

    result = minnet.compare(optimizers=[heavy, "momentum"], trials=1, seeds=1, epochs=1, hidden=(4,), jobs=1)
    assert set(result.leaderboard["optimizer"]) == {"heavy", "momentum"}
    assert "v = 0.9 * v + g" in result.rules["heavy"]["rule_source"]


def test_resumption_trains_only_what_was_edited(mine, tmp_path):
    keywords = {"optimizers": "sgd,mine.py:f", "trials": 1, "seeds": 1, "epochs": 1, "hidden": (4,), "jobs": 1}
    first = minnet.compare(out=tmp_path / "out", **keywords)
    mine.write_text(SOURCE.replace("lr * v, v", "0.5 * lr * v, v"))
    second = minnet.compare(out=tmp_path / "out", **keywords)
    ids = [set(result.trials.query("optimizer == @name")["id"]) for name in ("sgd", "mine.py:f")
           for result in (first, second)]  # fmt: skip
    assert ids[0] == ids[1]
    assert not ids[2] & ids[3]
    assert np.isfinite(second.leaderboard["test_accuracy_median"]).all()
