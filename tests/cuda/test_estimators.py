"""Estimators on a device: what the CPU makes of them as well."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_iris

import minnet
from minnet.errors import InputError

pytestmark = [pytest.mark.usefixtures("device"), pytest.mark.filterwarnings("ignore:max_iter")]


@pytest.fixture
def data():
    X, y = load_iris(return_X_y=True)
    chosen = np.random.default_rng(0).permutation(len(X))[:40]
    return ((X - X.mean(axis=0)) / X.std(axis=0))[chosen].astype(np.float32), y[chosen]


def model(device, **changed):
    given = {"batch_size": 16, "max_iter": 2, "learning_rate_init": 0.05, "alpha": 0.1, "random_state": 3}
    return minnet.MLPClassifier((3,), device=device, **{**given, **changed})


def agree(here, there):
    assert here.n_iter_ == there.n_iter_
    assert_allclose(here.loss_curve_, there.loss_curve_, rtol=1e-4)
    for ours, theirs in zip(here.coefs_ + here.intercepts_, there.coefs_ + there.intercepts_, strict=True):
        assert ours.dtype == np.float32
        assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"solver": "momentum", "learning_rate": "invscaling"},
        {"solver": "sgd", "learning_rate": "cosine", "dropout": 0.3},
        {"solver": "lookahead(adam)"},
        {"early_stopping": True, "validation_fraction": 0.2},
    ],
    ids=str,
)
def test_a_fit_is_that_of_the_cpu(data, changed):
    agree(model("cuda", **changed).fit(*data), model("cpu", **changed).fit(*data))


def test_two_classes_have_one_output(data):
    X, y = data[0], np.where(data[1] == 1, "one", "rest")
    here, there = model("cuda").fit(X, y), model("cpu").fit(X, y)
    assert here.out_activation_ == "logistic"
    agree(here, there)


def test_double_precision_becomes_single(data):
    agree(model("cuda").fit(data[0].astype(np.float64), data[1]), model("cpu").fit(*data))


def test_it_goes_on_where_it_was(data):
    """With what the method remembers, the same order and the same step: as many samples as before, or fewer."""
    X, y = data
    models = [model(device, warm_start=True).fit(X, y).fit(X, y) for device in ("cuda", "cpu")]
    agree(*models)
    models = [
        model(device).partial_fit(X, y, classes=[0, 1, 2]).partial_fit(X[:20], y[:20]).partial_fit(X, y)
        for device in ("cuda", "cpu")
    ]
    agree(*models)


@pytest.mark.parametrize("outputs", [1, 2])
def test_numbers(data, outputs):
    X = data[0]
    Y = np.column_stack([X[:, 0] * X[:, 1], np.sin(X[:, 2])])[:, :outputs].squeeze()
    changed = {"max_iter": 4, "learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 1}
    models = [
        minnet.MLPRegressor((3,), device=device, batch_size=16, learning_rate_init=0.1, random_state=0, **changed)
        for device in ("cuda", "cpu")
    ]
    here, there = (each.fit(X, Y) for each in models)
    agree(here, there)
    assert_allclose(here.predict(X), there.predict(X), rtol=1e-3, atol=1e-4)


def test_several_labels(data):
    X, y = data
    Y = np.column_stack([y == 1, y > 0, X[:, 0] > 0]).astype(int)
    agree(model("cuda").fit(X, Y), model("cpu").fit(X, Y))


@pytest.mark.parametrize("estimator", [minnet.MLPClassifier, minnet.MLPRegressor])
def test_samples_with_weights(data, estimator):
    weights = np.random.default_rng(0).exponential(size=len(data[0]))
    settings = {"max_iter": 2, "batch_size": 16, "learning_rate_init": 0.05, "random_state": 3}
    here, there = (
        estimator((3,), device=device, **settings).fit(*data, sample_weight=weights) for device in ("cuda", "cpu")
    )
    agree(here, there)
    plain = estimator((3,), device="cpu", **settings).fit(data[0].astype(np.float32), data[1])
    assert np.abs(plain.coefs_[0] - here.coefs_[0]).max() > 1e-3


def test_without_shuffling(data):
    here, there = (model(device, shuffle=False).fit(*data) for device in ("cuda", "cpu"))
    agree(here, there)
    assert np.abs(here.coefs_[0] - model("cpu").fit(*data).coefs_[0]).max() > 1e-3


def test_what_a_device_cannot_train_is_said(data):
    X, y = data
    for changed, line in (
        ({"solver": "lbfgs"}, "must see a layer or all weights"),
        ({"dtype": "float64"}, "computes in float32, not float64"),
    ):
        with pytest.raises(InputError, match=line):
            model("cuda", **changed).fit(X, y)
