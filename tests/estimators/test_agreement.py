"""The estimators against scikit-learn's own, in float64, from the same weights and in the same order of samples."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.neural_network
from numpy.testing import assert_allclose

import minnet

N, BATCH, EPOCHS = 60, 20, 6
SOLVERS = {
    "gradient descent": {"solver": "sgd", "momentum": 0.0},
    "momentum": {"solver": "sgd", "momentum": 0.8, "nesterovs_momentum": False},
    "nesterov": {"solver": "sgd", "momentum": 0.8},
    "adam": {"solver": "adam", "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-4},
}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def problem(kind, n=N):
    """Samples and targets: of three classes, two, several labels, or numbers."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    y = {
        "classes": lambda: rng.integers(0, 3, n),
        "two": lambda: np.array(["no", "yes"])[rng.integers(0, 2, n)],
        "labels": lambda: rng.integers(0, 2, (n, 3)),
        "numbers": lambda: rng.normal(size=(n, 2)),
    }[kind]()
    return X, y


def pair(kind, X, y, alpha, **parameters):
    """Our model and theirs, trained from the weights that theirs drew; `alpha` is ours."""
    name = "MLPRegressor" if kind == "numbers" else "MLPClassifier"
    common = {
        "hidden_layer_sizes": (7, 5), "activation": "tanh", "batch_size": BATCH, "shuffle": False, "max_iter": EPOCHS,
        "learning_rate_init": 0.05, "random_state": 0, **parameters,
    }  # fmt: skip
    # scikit-learn divides alpha by the number of samples of the batch: theirs is ours times that.
    theirs = getattr(sklearn.neural_network, name)(alpha=alpha * BATCH, warm_start=True, **common)
    classes = {"numbers": {}, "labels": {"classes": np.arange(3)}}.get(kind, {"classes": np.unique(y)})
    theirs.partial_fit(X, y, **classes)
    coefs = [np.random.default_rng(1).normal(0, 0.5, W.shape) for W in theirs.coefs_]
    intercepts = [np.random.default_rng(2).normal(0, 0.5, b.shape) for b in theirs.intercepts_]
    theirs.coefs_, theirs.intercepts_ = [W.copy() for W in coefs], [b.copy() for b in intercepts]
    theirs.t_, theirs.loss_curve_, theirs.best_loss_, theirs._no_improvement_count = 0, [], np.inf, 0
    ours = getattr(minnet, name)(alpha=alpha, **common)
    return ours.fit(X, y, coef_init=coefs, intercept_init=intercepts), theirs.fit(X, y)


def check(ours, theirs, X):
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.t_ == theirs.t_
    assert ours.out_activation_ == theirs.out_activation_
    for mine, other in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_):
        assert_allclose(mine, other, rtol=1e-9, atol=1e-11)
    # Theirs reports the mean over the outputs of a regression, whose sum both minimise.
    outputs = ours.n_outputs_ if ours.out_activation_ == "identity" else 1
    if ours.alpha == 0:
        assert_allclose(np.array(ours.loss_curve_) / outputs, theirs.loss_curve_, rtol=1e-9)
    elif outputs == 1:
        assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)
    if outputs > 1:
        assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-8)
    else:
        assert (ours.predict(X) == theirs.predict(X)).all()
        assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-8)
        assert_allclose(ours.predict_log_proba(X), np.log(theirs.predict_proba(X)), rtol=1e-8)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", ["classes", "two", "labels", "numbers"])
def test_walks_the_same_path(solver, kind):
    X, y = problem(kind)
    ours, theirs = pair(kind, X, y, alpha=0.0, **SOLVERS[solver])
    check(ours, theirs, X)
    start = np.random.default_rng(1).normal(0, 0.5, ours.coefs_[0].shape)
    assert np.abs(ours.coefs_[0] - start).max() > 0.01


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_their_alpha_is_ours_times_the_batch_size(kind):
    X, y = problem(kind)
    ours, theirs = pair(kind, X, y, alpha=0.3, **SOLVERS["nesterov"])
    check(ours, theirs, X)
    free, _ = pair(kind, X, y, alpha=0.0, **SOLVERS["nesterov"])
    assert np.abs(ours.coefs_[0] - free.coefs_[0]).max() > 0.01


@pytest.mark.parametrize(("rate", "tol"), [("invscaling", 1e-3), ("adaptive", 0.05)])
def test_learning_rates_change_and_stop_as_theirs_do(rate, tol):
    X, y = problem("classes")
    parameters = {"learning_rate": rate, "power_t": 0.3, "tol": tol, "n_iter_no_change": 1, "max_iter": 60}
    ours, theirs = pair("classes", X, y, alpha=0.0, **SOLVERS["nesterov"] | parameters)
    check(ours, theirs, X)
    assert ours.n_iter_ < 60
    constant, _ = pair("classes", X, y, alpha=0.0, **SOLVERS["nesterov"] | parameters | {"learning_rate": "constant"})
    assert np.abs(constant.coefs_[0] - ours.coefs_[0]).max() > 1e-3


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_activations_have_their_names(activation):
    X, y = problem("classes")
    check(*pair("classes", X, y, alpha=0.0, activation=activation, **SOLVERS["adam"]), X)


def test_a_last_batch_that_is_smaller():
    """The weights agree; the loss of an epoch is the mean over the steps here, and over the samples there."""
    X, y = problem("classes", n=50)
    ours, theirs = pair("classes", X, y, alpha=0.0, **SOLVERS["adam"])
    assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-9)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=0.05)


def test_lbfgs_finds_as_low_a_loss():
    X, y = problem("two")
    parameters = {"solver": "lbfgs", "hidden_layer_sizes": (), "max_iter": 200, "tol": 1e-8, "random_state": 0}
    ours = minnet.MLPClassifier(alpha=0.1, **parameters).fit(X, y)
    theirs = sklearn.neural_network.MLPClassifier(alpha=0.1 * N, **parameters).fit(X, y)
    assert_allclose(ours.loss_, theirs.loss_, rtol=1e-7)
    assert_allclose(ours.coefs_[0], theirs.coefs_[0], atol=1e-4)
    assert ours.n_iter_ < 50
    assert ours.loss_curve_ == sorted(ours.loss_curve_, reverse=True)
