"""Comparisons and single runs on a device: what the CPU makes of them as well."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.testing import assert_allclose
from populations import samples

import minnet
from minnet.cli import group
from minnet.cuda import population
from minnet.errors import InputError
from minnet.lab import Comparison

pytestmark = pytest.mark.usefixtures("device")


@pytest.fixture
def data(tmp_path):
    split = samples(49, 4)
    file = tmp_path / "small.npz"
    np.savez(file, X_train=split.X_train, y_train=split.y_train, X_test=split.X_val, y_test=split.y_val)
    return str(file)


def race(data, **settings):
    given = {"optimizers": "sgd,adam", "trials": 2, "seeds": 2, "epochs": 2, "hidden": (3,), "batch_size": 16,
             "validation": 0.2, "extend": 0, "defaults": False}  # fmt: skip
    return minnet.compare(data=data, **{**given, **settings})


def test_a_comparison_is_that_of_the_cpu(data):
    here, there = race(data, device="cuda"), race(data, jobs=1)
    columns = ["optimizer", "kind", "trial", "seed", "epoch", "train_loss", "val_accuracy"]
    ours, theirs = (each.curves[columns].sort_values(columns[:5]).reset_index(drop=True) for each in (here, there))
    assert ours[columns[:5]].equals(theirs[columns[:5]])
    assert_allclose(ours["train_loss"], theirs["train_loss"], rtol=1e-4)
    assert_allclose(ours["val_accuracy"], theirs["val_accuracy"])
    assert list(here.leaderboard["optimizer"]) == list(there.leaderboard["optimizer"])
    assert_allclose(here.leaderboard["test_accuracy_median"], there.leaderboard["test_accuracy_median"])
    assert here.provenance["device"] == "cuda"


def test_the_same_call_resumes(data, tmp_path, monkeypatch):
    monkeypatch.setattr(Comparison, "save", lambda *rest: None)  # the page takes longer than the runs
    race(data, device="cuda", out=tmp_path)
    trained = []
    build = population.Population.__init__

    def noted(self, specs, *rest):
        trained.extend(specs)
        build(self, specs, *rest)

    monkeypatch.setattr(population.Population, "__init__", noted)
    race(data, device="cuda", out=tmp_path)
    assert not trained
    race(data, device="cuda", out=tmp_path, seeds=3)
    assert [spec.seed for spec in trained] == [3, 3]


def test_populations_that_do_not_fit_are_trained_in_parts(data, monkeypatch):
    from minnet.lab.engine import populations

    whole = race(data, device="cuda")
    monkeypatch.setattr(populations, "capacity", lambda specs, split: 1)
    parts = race(data, device="cuda")
    assert parts.curves["train_loss"].equals(whole.curves["train_loss"])


def test_diverged_trials_and_halving(data):
    result = race(data, device="cuda", optimizers=[{"name": "sgd", "lr": {"low": 0.1, "high": 1e30}}, "adam"],
                  trials=3, halving=3, epochs=3, activation="identity", loss="mse", output="identity")  # fmt: skip
    assert result.leaderboard.set_index("optimizer")["diverged_trials"]["sgd"] >= 1


def test_layered_methods_are_refused_before_anything_is_trained(data, tmp_path):
    with pytest.raises(InputError, match="lars, muon must see a layer"):
        race(data, device="cuda", optimizers="muon,adam,lars", out=tmp_path / "out")
    assert not (tmp_path / "out" / "runs.sqlite").exists()


def test_engines_elsewhere_are_refused(data):
    with pytest.raises(InputError, match="drop --engine joblib:loky"):
        race(data, device="cuda", engine="joblib:loky")


def test_train(data, tmp_path):
    command = ["train", "--data", data, "--hidden", "3", "--batch-size", "16", "--epochs", "2", "--validation", "0.2"]
    results = {}
    for device in ("cpu", "cuda"):
        folder = tmp_path / device
        done = CliRunner().invoke(group, [*command, "--device", device, "--out", str(folder)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        results[device] = json.loads((folder / "result.json").read_text())
    for key in ("train_loss", "val_accuracy", "test_loss", "test_accuracy"):
        assert results["cuda"][key] == pytest.approx(results["cpu"][key], rel=1e-4), key
