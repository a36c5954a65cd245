"""A training that takes no time: its accuracy follows from method, step size and seed alone."""

from __future__ import annotations

import hashlib
import json
import math
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

BEST = {"sgd": 0.1, "momentum": 0.01, "adam": 0.001}


def noise(spec) -> float:
    """Return a number in [0, 1) that depends on everything that decides a run."""
    return hashlib.sha256(json.dumps(spec.to_dict(), sort_keys=True).encode()).digest()[0] / 256


class FakeTraining:
    """Stands in for `minnet.training.train`; `calls` are the runs it was asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple] = []
        self.lock = threading.Lock()
        self.stop_after: int | None = None
        self.on_stop = lambda: None

    def __call__(self, spec, split, on_epoch=None, test=False, should_stop=None, observe=None):
        with self.lock:
            self.calls.append((spec, test))
            if self.stop_after is not None and len(self.calls) > self.stop_after:
                self.on_stop()
                deadline = time.monotonic() + 5  # the main thread hears of a signal a little later
                while should_stop and not should_stop() and time.monotonic() < deadline:
                    time.sleep(0.001)
        name, lr = spec.optimizer.name, spec.optimizer.hyper["lr"]
        far = math.log10(lr / BEST.get(name, 0.01))
        diverged = far > 1.9
        top = max(0.1, 0.95 - 0.05 * far**2 + 0.01 * noise(spec))
        history = []
        for epoch in range(spec.training.epochs + 1):
            accuracy = top * epoch / spec.training.epochs
            row = {
                "epoch": epoch,
                "steps": 10 * epoch,
                "lr": lr,
                "train_loss": 1 - accuracy,
                "train_accuracy": accuracy,
                "val_loss": math.nan if diverged and epoch else 1 - accuracy,
                "val_accuracy": accuracy,
                "train_s": 0.5 * epoch,
                "eval_s": 0.1 * epoch,
                "running_loss": 0.5 if epoch else None,
                "grad_norms": [1.0, 2.0] if epoch else None,
                "update_norms": None,
                "weight_norms": None,
            }
            history.append(row)
            if on_epoch:
                on_epoch(row)
            if (diverged and epoch) or (epoch and should_stop is not None and should_stop()):
                break
        return SimpleNamespace(
            spec=spec, history=history, diverged=diverged, diverged_step=7 if diverged else None,
            compile_s=0.0, train_s=0.5, eval_s=0.1, train_size=8, test_loss=0.1 if test else None,
            test_accuracy=top - 0.01 if test else None,
        )  # fmt: skip


@pytest.fixture
def split():
    X = np.arange(24, dtype=np.uint8).reshape(12, 2)
    y = np.tile(np.array([0, 1]), 6)
    return SimpleNamespace(
        X_train=X[:8], y_train=y[:8], X_val=X[8:10], y_val=y[8:10], X_test=X[10:], y_test=y[10:],
        classes=("0", "1"), n_features=2, n_classes=2, scale=1.0, name="tiny", image_shape=None,
    )  # fmt: skip


@pytest.fixture
def fake(monkeypatch, split):
    """The fake training, in place of the real one, on four samples, without figures and networks to portray."""
    training = FakeTraining()
    monkeypatch.setattr("minnet.training.train", training)
    monkeypatch.setattr("minnet.lab.portrait.Sitter.portrait", lambda self, result, split: {"steps": self.steps})
    monkeypatch.setattr("minnet.lab.driver.load_split", lambda run, data_dir=None: split)
    monkeypatch.setattr("minnet.report.figures.write_figures", lambda comparison, folder: folder.mkdir(exist_ok=True))
    monkeypatch.setattr("minnet.report.page.write_page", lambda comparison, path: path.write_text("page"))
    return training


@pytest.fixture
def small():
    """A small experiment: two methods, three tuning runs, two seeds."""
    return {
        "name": "small",
        "data": "digits",
        "seeds": 2,
        "trials": 3,
        "target": 0.9,
        "defaults": False,
        "network": {"hidden": [4]},
        "training": {"epochs": 4, "batch_size": 8},
        "optimizer": [{"name": "sgd"}, {"name": "adam", "beta1": 0.8}],
    }
