"""The estimators among scikit-learn's tools; every method; and what they say when something is wrong."""

from __future__ import annotations

import pickle
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import minnet
from minnet.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    return X, X[:, :3].argmax(axis=1)


def small(**parameters):
    return minnet.MLPClassifier(**{"hidden_layer_sizes": (8,), "max_iter": 10, "random_state": 0, **parameters})


def test_digits_reach_97_percent():
    X, y = load_digits(return_X_y=True)
    parts = train_test_split((X / 16).astype(np.float32), y, test_size=0.25, random_state=0, stratify=y)
    X_train, X_test, y_train, y_test = parts
    model = minnet.MLPClassifier((64,), learning_rate_init=3e-3, batch_size=64, max_iter=40, random_state=0)
    assert model.fit(X_train, y_train).score(X_test, y_test) >= 0.97
    assert_allclose(model.predict_proba(X_test).sum(axis=1), 1, rtol=1e-6)
    assert_allclose(np.exp(model.predict_log_proba(X_test)), model.predict_proba(X_test), rtol=1e-4, atol=1e-7)


def test_several_outputs_of_a_regression():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (300, 2))
    Y = np.column_stack([X[:, 0] * X[:, 1], X.sum(axis=1), X[:, 0] ** 2])
    model = minnet.MLPRegressor((30,), learning_rate_init=0.01, max_iter=200, random_state=0, alpha=0).fit(X, Y)
    assert model.predict(X).shape == (300, 3)
    assert model.score(X, Y) > 0.97
    alone = model.fit(X, Y[:, 0])
    assert alone.predict(X).shape == (300,)
    assert alone.n_outputs_ == 1


@pytest.mark.parametrize("solver", minnet.optimizers.names())
def test_every_method_is_a_solver(solver, data):
    X, y = data
    first = small(solver=solver, max_iter=1, shuffle=False).fit(X, y)
    model = small(solver=solver, max_iter=3, shuffle=False).fit(X, y)
    assert model.loss_ != first.loss_
    assert model.predict(X).shape == y.shape


def test_a_solver_may_be_an_object(data):
    X, y = data
    create, schedule = minnet.optimizers.create, minnet.schedules.create("cosine", lr=0.02)
    named = small(solver="rmsprop", style="torch", learning_rate_init=0.02, solver_params={"rho": 0.8}).fit(X, y)
    given = small(solver=create("rmsprop", style="torch", lr=0.02, rho=0.8)).fit(X, y)
    assert_array_equal(given.coefs_[0], named.coefs_[0])
    for copy in (clone(given), pickle.loads(pickle.dumps(given))):
        assert_array_equal(copy.fit(X, y).coefs_[0], named.coefs_[0])
    scheduled = small(solver=create("adam", lr=schedule)).fit(X, y)
    named = small(solver="adam", style="paper", learning_rate="cosine", learning_rate_init=0.02).fit(X, y)
    assert_array_equal(scheduled.coefs_[0], named.coefs_[0])
    wrapped = small(solver=create("lookahead(momentum)")).fit(X, y)
    assert_array_equal(wrapped.coefs_[0], small(solver="lookahead(momentum)", style="paper").fit(X, y).coefs_[0])
    with pytest.raises(InputError, match="leave out learning_rate_init"):
        small(solver=create("adam"), learning_rate_init=0.1).fit(X, y)


@pytest.mark.parametrize("name", [*minnet.optimizers.names(), "lookahead(adam)", "sam(adam)"])
def test_an_optimizer_goes_to_a_file_and_back(name):
    for style in minnet.optimizers.get(name).style_names:
        optimizer = minnet.optimizers.create(name, style=style, lr=0.03)
        again = pickle.loads(pickle.dumps(optimizer))
        assert repr(again) == repr(optimizer)
        assert again.method.formula == optimizer.method.formula


def test_a_rule_of_ones_own_is_a_solver(data):
    X, y = data

    @minnet.rule(slots=("v",), defaults={"lr": 0.1, "momentum": 0.9})
    def my_heavy_ball(w, g, v, lr, momentum):
        v = momentum * v + g
        return w - lr * v, v

    mine = small(solver=my_heavy_ball, learning_rate_init=0.01).fit(X, y)
    known = small(solver="momentum", style="paper", learning_rate_init=0.01).fit(X, y)
    assert_allclose(mine.coefs_[0], known.coefs_[0], rtol=1e-10)
    made = small(solver=minnet.optimizers.create(my_heavy_ball, lr=0.01)).fit(X, y)
    assert_array_equal(made.coefs_[0], mine.coefs_[0])


def test_search_pipeline_and_jobs(data):
    X, y = data
    pipeline = make_pipeline(StandardScaler(), small())
    grid = {"mlpclassifier__solver": ["sgd", "adam"], "mlpclassifier__alpha": np.logspace(-4, -2, 2)}
    with joblib.parallel_config("threading"):
        search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(X, y)
    alone = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert_array_equal(search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_saved_model_is_the_same_one_elsewhere(tmp_path, data):
    X, y = data
    model = small().fit(X, y)
    joblib.dump((model, X, model.predict_proba(X)), tmp_path / "model.joblib")
    code = (
        "import sys, joblib, numpy; model, X, p = joblib.load(sys.argv[1]);"
        "numpy.testing.assert_array_equal(model.predict_proba(X), p); print(len(model.fit(X, model.predict(X)).coefs_))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "model.joblib")], capture_output=True, text=True
    )
    assert (done.stdout.strip(), done.stderr) == ("2", "")


def test_types_of_samples(data):
    X, y = data
    X = np.abs(X * 20).round()
    dense = small().fit(X, y)
    assert dense.coefs_[0].dtype == np.float64
    for given in (scipy.sparse.csr_matrix(X), scipy.sparse.coo_array(X), X.astype(int), X.tolist()):
        model = clone(dense).fit(given, y)
        assert_allclose(model.coefs_[0], dense.coefs_[0], rtol=1e-12)
        assert_array_equal(model.predict(given), dense.predict(X))
    single, pixels = small().fit(X.astype(np.float32), y), small().fit(X.astype(np.uint8), y)
    assert single.predict_proba(X).dtype == pixels.coefs_[0].dtype == np.float32
    assert_allclose(pixels.coefs_[0], single.coefs_[0], rtol=1e-4, atol=1e-6)
    frame = pd.DataFrame(X, columns=list("abcd"))
    assert small().fit(frame, y).feature_names_in_.tolist() == list("abcd")


def test_attributes(data, capsys):
    X, y = data
    model = small(verbose=True).fit(X, y)
    assert (model.n_layers_, model.n_outputs_, model.n_features_in_, model.n_iter_, model.t_) == (3, 3, 4, 10, 600)
    assert [W.shape for W in model.coefs_] == [(4, 8), (8, 3)]
    assert model.best_loss_ == min(model.loss_curve_)
    assert model.validation_scores_ is model.best_validation_score_ is None
    assert capsys.readouterr().out.splitlines()[-1] == f"Iteration 10, loss = {model.loss_:.8f}"


def test_fit_says_when_it_was_too_short(data):
    with pytest.warns(ConvergenceWarning, match=r"max_iter = 2 epochs are over"):
        small(max_iter=2).fit(*data)


def test_a_diverged_fit_says_so_in_one_line(data):
    X, y = data
    model = minnet.MLPRegressor((8,), solver="sgd", learning_rate_init=1e6, random_state=0)
    with pytest.raises(InputError, match=r"^training diverged at step \d+: scale X .* learning_rate_init = 1e\+06$"):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        ({"solver": "adm"}, "unknown optimizer 'adm': did you mean 'adam'"),
        ({"solver": 3}, "solver must be a name, a minnet.optimizers object or a rule, not int"),
        ({"activation": "rellu"}, "unknown activation 'rellu': did you mean 'relu'"),
        ({"learning_rate": "consine"}, "unknown learning_rate 'consine': did you mean 'cosine'"),
        ({"learning_rate_init": -1.0}, r"adam: lr = -1.0 is outside \[0, inf\)"),
        ({"solver_params": {"beta": 1}}, "adam has no parameter 'beta': did you mean 'beta"),
        ({"solver_params": {"lr": 1}, "learning_rate_init": 1}, "give the step size once"),
        ({"style": "pytorch"}, "unknown style of adam 'pytorch'"),
        ({"alpha": -1.0}, "alpha = -1.0 must be a number from 0"),
        ({"batch_size": 0}, "batch_size = 0 must be 'auto' or a whole number from 1"),
        ({"max_iter": 0}, "max_iter = 0 must be a whole number from 1"),
        ({"tol": -1}, "tol = -1 must be a number from 0"),
        ({"validation_fraction": 1.0}, "validation_fraction = 1.0 is outside"),
        ({"hidden_layer_sizes": (0,)}, "hidden: 0 is no layer size"),
        ({"dropout": 1.0}, r"dropout = 1.0 is outside \[0, 1\)"),
        ({"solver": "lbfgs", "dropout": 0.5}, "dropout must be 0"),
        ({"init": "he"}, "unknown init 'he'"),
        ({"dtype": "float16"}, "unknown dtype 'float16'"),
        ({"device": "tpu"}, "unknown device 'tpu'"),
        ({"threads": 0}, "threads = 0 must be a whole number from 1"),
    ],
    ids=str,
)
def test_a_wrong_parameter_ends_in_one_line(parameters, line, data):
    with pytest.raises(InputError, match=line) as caught:
        small(**parameters).fit(*data)
    assert "\n" not in str(caught.value)


def test_classes_must_fit(data):
    X, y = data
    with pytest.raises(InputError, match=r"y has one class, '1': a classifier needs at least 2"):
        small().fit(X, np.ones(60, int))
    model = small(warm_start=True).fit(X, y)
    with pytest.raises(InputError, match=r"y has classes \[7\]: the first fit knew \[0, 1, 2\]"):
        model.partial_fit(X, np.full(60, 7))
    with pytest.raises(InputError, match=r"warm_start needs the classes of the first fit"):
        model.fit(X, y.clip(0, 1))
