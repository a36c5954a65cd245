"""Stored runs count for as long as the code returns the same: `RESULTS_VERSION` says so, and this test watches it.

Where a run comes out otherwise on purpose, raise the version and record anew what is printed: stores of before then
train again. Rounding is no such change.
"""

from __future__ import annotations

import pytest

from minnet.lab.trials import RESULTS_VERSION, Trial, run_trial
from minnet.training import RunSpec

RUNS = {
    "adam": {
        "optimizer": {"name": "adam", "hyper": {"lr": 0.01}},
        "network": {"hidden": (16,), "dropout": 0.1, "input_dropout": 0.1, "label_smoothing": 0.1},
        "training": {"epochs": 2, "schedule": "cosine", "l2": 1e-3, "clip_norm": 1.0},
    },
    "momentum": {
        "optimizer": {"name": "momentum", "hyper": {"lr": 0.03}},
        "network": {"hidden": (12, 8), "activation": "tanh", "init": "normal:0.3"},
        "training": {"epochs": 2, "batch_size": 50, "weight_decay": 1e-3, "max_norm": 2.0},
    },
}
RECORDED = {  # the training loss before training, then losses and accuracy of validation and test after it
    1: {
        "adam": [2.4002392429855566, 1.722328394651413, 1.7134016967482038, 0.6],
        "momentum": [2.308198324396734, 1.4205066054645512, 1.3858059857454565, 0.6138888888888889],
    },
}


@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_what_it_was_in_this_version(name):
    record = run_trial(Trial("final", RunSpec.from_dict({"data": "digits", "seed": 1, **RUNS[name]})))
    found = [record["history"][0]["train_loss"], record["val_loss"], record["test_loss"], record["test_accuracy"]]
    print(f'"{name}": {found},')
    assert found == pytest.approx(RECORDED[RESULTS_VERSION][name], rel=1e-3)
