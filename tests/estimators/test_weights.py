"""Sample weights are repeated samples."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import minnet

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("kind", ["classes", "two", "labels", "numbers"])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_a_weight_is_a_repeated_sample(kind, solver):
    rng = np.random.default_rng(1)
    X, times = rng.normal(size=(30, 4)), rng.integers(0, 4, 30)
    y = {"classes": rng.integers(0, 3, 30), "two": rng.integers(0, 2, 30), "labels": rng.integers(0, 2, (30, 3)),
         "numbers": rng.normal(size=(30, 2))}[kind]  # fmt: skip
    again = np.repeat(np.arange(30), times)
    model = (minnet.MLPRegressor if kind == "numbers" else minnet.MLPClassifier)(
        (6,), activation="tanh", solver=solver, alpha=0.01, max_iter=12, random_state=0, batch_size=again.size
    )  # whole batches: no chance in how samples meet
    with pytest.warns(UserWarning, match="batch_size"):
        weighted = model.fit(X, y, sample_weight=times * 0.7).coefs_
    repeated = model.fit(X[again], y[again]).coefs_
    for mine, other in zip(weighted, repeated):
        assert_allclose(mine, other, rtol=1e-7, atol=1e-10)
    assert np.abs(model.set_params(batch_size="auto").fit(X, y).coefs_[0] - repeated[0]).max() > 1e-3


def test_equal_weights_change_nothing():
    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 3
    model = minnet.MLPClassifier((5,), batch_size=16, max_iter=5, random_state=0)
    plain = model.fit(X, y).coefs_[0]
    assert_allclose(model.fit(X, y, sample_weight=np.full(40, 3.0)).coefs_[0], plain, rtol=1e-12)


def test_workers_share_a_weighted_batch():
    X, y = np.random.default_rng(0).normal(size=(64, 5)), np.arange(64) % 4
    model, weights = minnet.MLPClassifier((6,), batch_size=32, max_iter=3, random_state=0), np.linspace(0, 2, 64)
    alone = model.fit(X, y, weights).coefs_[0]
    assert_allclose(model.set_params(threads=2).fit(X, y, weights).coefs_[0], alone, rtol=1e-9)


@pytest.mark.parametrize("weights", [np.array([1.0, -1.0, 1.0]), np.zeros(3)], ids=["negative", "all zero"])
def test_weights_must_be_weights(weights):
    # The second is scikit-learn's own line, where its version has one.
    with pytest.raises(ValueError, match=r"(?i)sample.weight"):
        minnet.MLPRegressor().fit(np.eye(3), np.arange(3.0), sample_weight=weights)
