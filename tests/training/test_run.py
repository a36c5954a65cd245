"""Training as a whole: against a slow loop in NumPy, and what a run promises."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from method_checks import STEPPED
from numpy.testing import assert_allclose, assert_array_equal
from slow_training import clipped, first_params, make_split, slow_training, spec

import minnet
from minnet import optimizers
from minnet.errors import InputError
from minnet.training import RunSpec

# Methods that see whole layers, wrap others or are evaluated elsewhere have such a test of their own.
PLAIN = [name for name in STEPPED if optimizers.get(name).rule and not optimizers.get(name).evaluation]


@pytest.mark.parametrize("name", PLAIN)
def test_trains_as_the_slow_loop_does(name):
    # The slow loop knows no biases: a decay of the method's own would spare them.
    hyper = {"lr": 0.05} | ({"weight_decay": 0.0} if "weight_decay" in optimizers.get(name).defaults else {})
    split, run = make_split(), spec(name, hyper, schedule={"name": "step", "drop": 0.5, "every": 3})
    lrs = 0.05 * 0.5 ** (np.arange(10) // 3)
    result = minnet.train(run, split)
    assert_allclose(result.params, slow_training(run, split, lrs), rtol=1e-9, atol=1e-12)
    assert result.steps == 10
    assert result.history[-1]["lr"] == lrs[-1]


@pytest.mark.parametrize(
    ("training", "slow"),
    [
        ({"l2": 0.1}, {"l2": 0.1}),
        ({"weight_decay": 0.7}, {"decay": 0.7}),
        ({"clip_value": 0.01}, {"clip": clipped(0.01, 0)}),
        ({"clip_norm": 0.1}, {"clip": clipped(0, 0.1)}),
        ({"clip_value": 0.05, "clip_norm": 0.1}, {"clip": clipped(0.05, 0.1)}),
        ({"max_norm": 0.8}, {"max_norm": 0.8}),
    ],
    ids=lambda value: "-".join(value),
)
def test_regularisers_agree_with_the_slow_loop(training, slow):
    split, run = make_split(), spec("momentum", {"lr": 0.1}, **training)
    expected = slow_training(run, split, np.full(10, 0.1), **slow)
    assert_allclose(minnet.train(run, split).params, expected, rtol=1e-9, atol=1e-12)
    plain = minnet.train(spec("momentum", {"lr": 0.1}), split).params
    assert np.abs(plain - expected).max() > 1e-4


def test_decay_includes_biases_only_when_asked():
    split = make_split()
    runs = [
        minnet.train(spec("sgd", {"lr": 0.0}, **keys), split)
        for keys in ({"weight_decay": 1.0}, {"weight_decay": 1.0, "decay_biases": True})
    ]
    for result in runs:
        assert_array_equal(result.params, first_params(result.spec, split))
    network = {"bias_init": "normal:1"}
    for biases in (False, True):
        run = spec("sgd", {"lr": 0.1}, network, epochs=1, batch_size=100, weight_decay=1.0, decay_biases=biases)
        free = spec("sgd", {"lr": 0.1}, network, epochs=1, batch_size=100)
        start = minnet.train(replace(run, training=replace(run.training, epochs=0)), split)
        difference = minnet.train(free, split).params - minnet.train(run, split).params
        for (W, b), (W0, b0) in zip(start.network.layout.layers(difference), start.network.layout.layers(start.params)):
            assert_allclose(W, 0.1 * W0, atol=1e-14)
            assert_allclose(b, 0.1 * b0 if biases else 0, atol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("x_dtype", [np.uint8, np.float32, np.float64])
def test_same_seed_same_bits(dtype, x_dtype):
    network = {"dropout": 0.3, "input_dropout": 0.1}
    split, run = make_split(dtype=x_dtype), spec("adam", None, network, dtype=dtype)
    one, two = minnet.train(run, split), minnet.train(run, split)
    assert one.params.dtype == dtype
    assert_array_equal(one.params, two.params)
    for a, b in zip(one.history, two.history):
        assert {k: v for k, v in a.items() if not k.endswith("_s")} == {
            k: v for k, v in b.items() if not k.endswith("_s")
        }
    assert (minnet.train(replace(run, seed=5), split).params != one.params).any()


def test_seeds_pair_the_methods():
    """Equal seeds: equal first weights and equal batches, whatever the method and its step size."""
    split = make_split()
    starts = [minnet.train(spec(name, epochs=0), split).params for name in optimizers.names()]
    for start in starts:
        assert_array_equal(start, starts[0])
    rows = [minnet.train(spec(name, {"lr": 0.0}), split).history[-1] for name in ("sgd", "adam")]
    assert rows[0]["running_loss"] == rows[1]["running_loss"]


def test_history_tells_the_whole_run():
    split, seen = make_split(), []
    result = minnet.train(spec(epochs=3), split, on_epoch=seen.append, test=True)
    assert seen == result.history
    assert [row["epoch"] for row in seen] == [0, 1, 2, 3]
    assert [row["steps"] for row in seen] == [0, 5, 10, 15]
    keys = [
        "epoch",
        "steps",
        "lr",
        "train_loss",
        "train_accuracy",
        "val_loss",
        "val_accuracy",
        "train_s",
        "eval_s",
    ]
    assert list(seen[0])[: len(keys)] == keys
    assert seen[0]["train_s"] == 0
    times = [row["train_s"] for row in seen]
    assert times == sorted(times)
    assert all(len(seen[-1][k]) == 3 for k in ("grad_norms", "update_norms", "weight_norms"))
    layers = result.network.layout.layers(result.params)
    norms = [math.sqrt((W**2).sum() + (b**2).sum()) for W, b in layers]
    assert_allclose(seen[-1]["weight_norms"], norms)
    assert (
        result.test_accuracy
        == result.network.evaluate(result.params, split.X_test, result.network.targets(split.y_test))[1]
    )
    assert result.train_size == 23


def test_trials_hold_no_test_figure():
    result = minnet.train(spec(), make_split())
    assert result.test_accuracy is None
    assert result.test_loss is None


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_divergence_is_recorded_with_its_step(dtype):
    run = spec("sgd", {"lr": 1e200 if dtype == "float64" else 1e30}, {"activation": "relu", "loss": "mse",
               "output": "identity"}, dtype=dtype)  # fmt: skip
    result = minnet.train(run, make_split(), test=True)
    assert result.diverged
    assert 1 < result.diverged_step <= 6
    assert result.history[-1]["epoch"] < 3
    assert not math.isfinite(result.history[-1]["train_loss"])
    json.dumps(result.summary(), allow_nan=False)


def test_without_validation_and_without_hidden_layers():
    split = make_split(n_val=0)
    result = minnet.train(spec(network={"hidden": ()}), split)
    assert math.isnan(result.history[-1]["val_loss"])
    assert result.network.layout.size == 21


def test_stops_when_told_to():
    result = minnet.train(spec(epochs=50), make_split(), should_stop=lambda: True)
    assert result.history[-1]["epoch"] == 1


def test_plateau_lowers_the_rate():
    schedule = {"name": "plateau", "factor": 0.5, "patience": 0}
    result = minnet.train(spec("sgd", {"lr": 0.0}, epochs=4, schedule=schedule), make_split())
    assert result.history[-1]["lr"] == 0.0
    moving = minnet.train(spec("sgd", {"lr": 30.0}, epochs=8, schedule=schedule), make_split())
    assert moving.history[-1]["lr"] < 30.0


def test_train_loss_is_measured_on_a_fixed_part(monkeypatch):
    from minnet.training import run as run_module

    monkeypatch.setattr(run_module, "EVALUATED", 10)
    split = make_split()
    one = minnet.train(spec("sgd", {"lr": 0.0}), split)
    assert one.history[0]["train_loss"] == one.history[2]["train_loss"]
    network, losses = one.network, []
    for i in range(23):
        losses.append(
            network.evaluate(one.params, split.X_train[i : i + 1], network.targets(split.y_train[i : i + 1]))[0]
        )
    chosen = np.sort(np.random.default_rng(0).choice(23, 10, replace=False))
    assert_allclose(one.history[0]["train_loss"], np.mean(np.array(losses)[chosen]))


def test_label_smoothing_is_for_training_only():
    split = make_split()
    plain = minnet.train(spec(epochs=1), split)
    smooth = minnet.train(spec(epochs=1, network={"label_smoothing": 0.2}), split)
    assert plain.history[0]["train_loss"] == smooth.history[0]["train_loss"]
    assert (plain.params != smooth.params).any()


def test_files(tmp_path):
    from safetensors import safe_open

    result = minnet.train(spec(), make_split(), test=True)
    folder = result.save(tmp_path / "run")
    rows = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    assert rows == result.history
    summary = json.loads((folder / "result.json").read_text())
    assert RunSpec.from_dict(summary["spec"]) == result.spec
    for key in ("versions", "hardware", "train_size", "compile_s", "train_s", "test_accuracy", "diverged"):
        assert key in summary
    with safe_open(folder / "model.safetensors", "numpy") as file:
        for i, (W, b) in enumerate(result.network.layout.layers(result.params)):
            assert_array_equal(file.get_tensor(f"layers.{i}.weight"), W)
            assert_array_equal(file.get_tensor(f"layers.{i}.bias"), b)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"trainin": {}}, "did you mean 'training'"),
        ({"training": {"batchsize": 3}}, "did you mean 'batch_size'"),
        ({"training": {"epochs": -1}}, "whole number"),
        ({"training": {"batch_size": 0}}, "whole number"),
        ({"training": {"dtype": "float16"}}, "float32"),
        ({"training": {"l2": -1}}, "l2"),
        ({"training": {"schedule": "cosin"}}, "did you mean 'cosine'"),
        ({"optimizer": {"name": "adm"}}, "did you mean 'adam'"),
        ({"optimizer": {"name": "adam", "hyper": {"beta": 1}}}, "did you mean"),
        ({"optimizer": {"name": "adam", "hyper": {"beta1": 1.0}}}, "outside"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_specs_name_the_nearest(keys, message):
    with pytest.raises(InputError, match=message):
        RunSpec.from_dict(keys)


def test_a_batch_larger_than_the_data_is_all_of_it():
    split = make_split()
    whole = minnet.train(spec(epochs=2, batch_size=23), split)
    larger = minnet.train(spec(epochs=2, batch_size=10**12), split)
    assert_array_equal(whole.params, larger.params)
    assert larger.steps == 2


def test_outputs_that_are_no_numbers_are_not_right():
    result = minnet.train(spec(epochs=0), make_split())
    split, network = make_split(), result.network
    loss, accuracy = network.evaluate(np.full_like(result.params, np.nan), split.X_val, network.targets(split.y_val))
    assert math.isnan(loss)
    assert math.isnan(accuracy)


@pytest.mark.parametrize("size", [1e-30, 1e-3, 1.0, 1e20, 1e30])
def test_norms_do_not_overflow_in_float32(size):
    from minnet.training.epoch import clip, length_of

    g = np.full(4, size, np.float32)
    assert_allclose(length_of(g), 2 * size, rtol=1e-6)
    clip(g, 0.0, size)
    assert_allclose(g, size / 2, rtol=1e-5)


def test_model_files_are_the_same_bytes(tmp_path):
    files = [minnet.train(spec(), make_split()).save(tmp_path / name) / "model.safetensors" for name in ("a", "b")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].stat().st_mode == (tmp_path / "a" / "result.json").stat().st_mode


@pytest.mark.parametrize(
    ("given", "sizes"), [("128,64", (128, 64)), (16, (16,)), ("none", ()), ([3, np.int64(2)], (3, 2))]
)
def test_hidden_layers_are_given_as_on_the_command_line(given, sizes):
    from minnet.training import NetworkSpec

    assert NetworkSpec(hidden=given).hidden == sizes
    for bad in ("12,x", "1.5", 0, -3, 2.5, None, {"a": 1}):
        with pytest.raises(InputError, match="no layer size"):
            NetworkSpec(hidden=bad)
