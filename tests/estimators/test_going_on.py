"""What a later call goes on from: weights, the method's memory, its count of steps, the order of samples."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

import minnet
from minnet.errors import InputError
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

SOLVERS = ["sgd", "adam", "adagrad", "nadam", "averaged_sgd", "schedulefree_adamw", "lookahead(adam)", "muon"]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(50, 4)), np.array(list("abc"))[rng.integers(0, 3, 50)]


def model_of(solver="adam", **parameters):
    settings = {"batch_size": 16, "max_iter": 4, "random_state": 3, "dropout": 0.2, **parameters}
    return minnet.MLPClassifier((6,), solver=solver, **settings)


def assert_same(one, two):
    for mine, other in zip(one.coefs_ + one.intercepts_, two.coefs_ + two.intercepts_):
        assert_array_equal(mine, other)
    assert (one.t_, one.loss_, one.loss_curve_) == (two.t_, two.loss_, two.loss_curve_)


@pytest.mark.parametrize("solver", SOLVERS)
def test_epochs_one_by_one_are_one_fit(solver, data):
    """With partial_fit, with a warm start, and through a file: moments, t, masks and orders go on. Bit by bit."""
    X, y = data
    whole = model_of(solver).fit(X, y)
    parts, warm = model_of(solver), model_of(solver, max_iter=2, warm_start=True)
    for _ in range(4):
        parts = pickle.loads(pickle.dumps(parts.partial_fit(X, y, classes=["a", "b", "c"])))
    warm.fit(X, y).fit(X, y)
    assert_same(parts, whole)
    assert_same(warm, whole)
    anew = model_of(solver, max_iter=2).fit(X, y).fit(X, y)
    assert (anew.coefs_[0] != whole.coefs_[0]).any()


def test_moments_are_what_goes_on(data):
    """A second epoch that began with an empty memory would be another one."""
    X, y = data
    going, forgetful = model_of(max_iter=1), model_of(max_iter=1)
    going.partial_fit(X, y, classes=list("abc")).partial_fit(X, y)
    forgetful.fit(X, y)
    forgetful._progress.state.slots[:] = 0
    forgetful.partial_fit(X, y)
    assert np.abs(going.coefs_[0] - forgetful.coefs_[0]).max() > 1e-5
    assert going._progress.state.t == 8


@pytest.mark.parametrize("rate", ["invscaling", "cosine", "step:drop=0.5,every=1,per=epoch"])
def test_rates_go_on_with_partial_fit(rate, data):
    X, y = data
    whole, parts = model_of(learning_rate=rate).fit(X, y), model_of(learning_rate=rate)
    for _ in range(4):
        parts.partial_fit(X, y, classes=["a", "b", "c"])
    assert_same(parts, whole)
    assert (whole.coefs_[0] != model_of().fit(X, y).coefs_[0]).any()


def test_a_fit_is_a_run_of_minnet_train():
    """The seed, the first weights, the order of samples and the arithmetic are those of the command line."""
    split = minnet.load_dataset("digits").split(validation=0)
    spec = RunSpec(
        network=NetworkSpec(hidden=(16,)),
        training=TrainingSpec(epochs=2, batch_size=64, validation=0.0, l2=1e-3),
        optimizer=OptimizerSpec("nesterov", style="sklearn"),
        seed=5,
    )
    result = minnet.train(spec, split)
    model = minnet.MLPClassifier((16,), solver="sgd", alpha=1e-3, batch_size=64, max_iter=2, random_state=5)
    model.fit(split.X_train * np.float32(split.scale), split.y_train)
    assert model.coefs_[0].dtype == np.float32
    for (W, b), mine, own in zip(result.network.layout.layers(result.params), model.coefs_, model.intercepts_):
        assert_allclose(mine, W, rtol=1e-4, atol=1e-6)
        assert_allclose(own, b, rtol=1e-4, atol=1e-6)
    assert model.loss_ == pytest.approx(result.history[-1]["running_loss"], rel=1e-5)


def test_weights_given_to_start_from(data):
    X, y = data
    rng = np.random.default_rng(7)
    coefs, intercepts = [rng.normal(size=shape) for shape in ((4, 6), (6, 3))], [np.ones(6), np.ones(3)]
    model = model_of(learning_rate_init=0.0)
    model.fit(X, y, coef_init=coefs, intercept_init=intercepts)
    for mine, given in zip(model.coefs_ + model.intercepts_, coefs + intercepts):
        assert_array_equal(mine, given)
    model.fit(X, y, coef_init=coefs)
    assert_array_equal(model.coefs_[1], coefs[1])
    assert not model.intercepts_[0].any()
    with pytest.raises(
        InputError, match=r"coef_init has arrays of shapes .*: this network takes \[\(4, 6\), \(6, 3\)\]"
    ):
        model.fit(X, y, coef_init=coefs[:1])


def test_weights_that_were_changed_are_gone_on_from(data):
    X, y = data
    model = model_of(warm_start=True).fit(X, y)
    model.coefs_[0][:], model.learning_rate_init = 0.25, 0.0
    model.fit(X, y)
    assert_array_equal(model.coefs_[0], np.full((4, 6), 0.25))


def test_another_solver_goes_on_with_the_weights_alone(data):
    X, y = data
    model = model_of(warm_start=True, max_iter=1).fit(X, y)
    model.set_params(solver="sgd", momentum=0.0, learning_rate_init=0.1).fit(X, y)
    assert len(model.loss_curve_) == 2
    with pytest.raises(InputError, match=r"the fitted network has layers \(4, 6, 3\), not \(4, 9, 3\)"):
        model.set_params(hidden_layer_sizes=9).fit(X, y)


def test_early_stopping_keeps_the_best_weights(data):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    y = X[:, 0] + X[:, 1] > 0
    model = minnet.MLPClassifier(
        (8,), learning_rate_init=0.05, early_stopping=True, n_iter_no_change=4, max_iter=200, random_state=0
    ).fit(X, y)
    assert model.n_iter_ < 200
    assert len(model.validation_scores_) == model.n_iter_ == len(model.loss_curve_)
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.best_loss_ is None
    best = 1 + int(np.argmax(model.validation_scores_))
    assert best < model.n_iter_
    again = clone(model).set_params(max_iter=best).fit(X, y)
    assert_array_equal(again.coefs_[0], model.coefs_[0])
    with pytest.raises(InputError, match="early_stopping must be False"):
        model.partial_fit(X, y)
    with pytest.raises(InputError, match=r"validation_fraction = 0\.001"):
        clone(model).set_params(validation_fraction=0.001).fit(X, y)


def test_a_full_batch_method_has_no_partial_fit(data):
    assert not hasattr(minnet.MLPClassifier(solver="lbfgs"), "partial_fit")
    with pytest.raises(AttributeError):
        minnet.MLPRegressor(solver="lbfgs").partial_fit(*data)
