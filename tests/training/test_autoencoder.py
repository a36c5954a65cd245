"""Autoencoders: networks whose targets are their inputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.testing import assert_allclose
from sklearn.decomposition import PCA
from sklearn.metrics import r2_score

import minnet
from minnet import jit
from minnet.cli import group
from minnet.errors import InputError
from minnet.network.network import Network, explained, variance
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

compiled = pytest.mark.skipif(jit.INTERPRETED, reason="takes minutes without the compiler")


@pytest.fixture(scope="module")
def digits():
    return minnet.load_dataset("digits").split(validation=0.0)


def run_spec(loss: str = "mse", hidden=(6,), epochs: int = 2, **network) -> RunSpec:
    return RunSpec(
        "digits",
        NetworkSpec(hidden=hidden, loss=loss, task="autoencoder", **network),
        TrainingSpec(epochs=epochs, validation=0.0),
        OptimizerSpec("adam", hyper={"lr": 0.01}),
    )


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "mse"])
def test_gradient_is_that_of_the_distance_to_the_inputs(loss, digits):
    network = Network(run_spec(loss, hidden=(5, 3), activation="tanh").network, 64, 10, "float64", digits.scale)
    assert network.layout.widths == (64, 5, 3, 64)
    X = digits.X_train[:7]
    params, Y = network.init(0), network.targets_of(X, digits.y_train[:7])
    assert_allclose(Y, X / 16)

    def slow(params):
        a = X * digits.scale
        for W, b in network.layout.layers(params)[:-1]:
            a = np.tanh(a @ W + b)
        W, b = network.layout.layers(params)[-1]
        p = 1 / (1 + np.exp(-(a @ W + b)))
        if loss == "mse":
            return 0.5 * ((p - Y) ** 2).sum() / len(X)
        return -(Y * np.log(p) + (1 - Y) * np.log(1 - p)).sum() / len(X)

    loss_here, gradient = network.loss_and_gradient(params, X, Y)
    assert_allclose(loss_here, slow(params), rtol=1e-12)
    for place in range(0, params.size, 37):
        step = np.zeros_like(params)
        step[place] = 1e-5
        assert_allclose(gradient[place], (slow(params + step) - slow(params - step)) / 2e-5, rtol=1e-5, atol=1e-8)


def test_accuracy_is_the_explained_variance():
    rng = np.random.default_rng(0)
    targets = rng.random((50, 4))
    outputs = targets + 0.1 * rng.normal(size=(50, 4))
    missed = np.square(outputs - targets).sum()
    assert_allclose(
        explained(missed, variance(targets)), r2_score(targets, outputs, multioutput="variance_weighted"), rtol=1e-9
    )


@compiled
def test_a_linear_autoencoder_finds_what_principal_components_find(digits):
    linear = run_spec(hidden=(5,), activation="identity", output="identity", epochs=60)
    result = minnet.train(linear, digits, test=True)
    X, X_test = digits.X_train * digits.scale, digits.X_test * digits.scale
    components = PCA(5).fit(X)
    best = r2_score(X, components.inverse_transform(components.transform(X)), multioutput="variance_weighted")
    assert best - 0.025 < result.history[-1]["train_accuracy"] <= best + 1e-6
    there = r2_score(
        X_test, components.inverse_transform(components.transform(X_test)), multioutput="variance_weighted"
    )
    assert result.test_accuracy == pytest.approx(there, abs=0.03)


@compiled
def test_trains_on_several_cores_and_with_dropout(digits):
    result = minnet.train(run_spec("binary_cross_entropy", hidden=(20,), dropout=0.2), digits, threads=2)
    losses = [row["train_loss"] for row in result.history]
    assert losses[2] < losses[1] < losses[0]


def test_classification_leaves_no_trace_in_what_names_a_run():
    assert "task" not in RunSpec().to_dict()["network"]
    assert RunSpec.from_dict(run_spec().to_dict()) == run_spec()


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: NetworkSpec(task="autoencoder"), "an autoencoder has no classes for loss 'cross_entropy'"),
        (
            lambda: NetworkSpec(task="autoencoder", loss="binary_cross_entropy", label_smoothing=0.1),
            "no classes for label_smoothing",
        ),
        (lambda: NetworkSpec(task="autoencoding"), "did you mean 'autoencoder'"),
        (
            lambda: replace(run_spec(), training=TrainingSpec(augment="elastic")),
            "an autoencoder is to return the images that it is given",
        ),
    ],
)
def test_refusals(make, line):
    with pytest.raises(InputError, match=line):
        make()


def test_inputs_that_are_no_probabilities_are_refused(digits):
    with pytest.raises(InputError, match=r"these lie between 0 and 2: set loss = 'mse'"):
        minnet.train(run_spec("binary_cross_entropy"), replace(digits, scale=2 / 16))


@compiled
def test_a_comparison_of_autoencoders_has_a_page(tmp_path):
    words = "--data digits --task autoencoder --loss mse --hidden 8 --optimizers sgd,adam --trials 2 --extend 0"
    words += " --no-defaults --seeds 2 --epochs 1 --jobs 1 --target 0.2"
    outcome = CliRunner().invoke(group, ["compare", *words.split(), "--out", str(tmp_path / "race")])
    assert outcome.exit_code == 0, outcome.output
    assert (tmp_path / "race" / "report.html").is_file()
    result = minnet.lab.load(tmp_path / "race")
    assert result.leaderboard["test_accuracy_median"].between(0, 1).all()


@compiled
def test_one_run_says_what_it_is(tmp_path):
    words = "--data digits --task autoencoder --loss mse --hidden 8 --epochs 1"
    outcome = CliRunner().invoke(group, ["train", *words.split()])
    assert outcome.exit_code == 0, outcome.output
    assert "64-8-64" in outcome.output
    assert "share of their variance explained" in outcome.output
