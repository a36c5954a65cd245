"""scikit-learn's own checks of what an estimator must keep to."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import minnet

ESTIMATORS = [
    estimator((20,), learning_rate_init=0.01, max_iter=50) for estimator in (minnet.MLPClassifier, minnet.MLPRegressor)
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(ESTIMATORS)  # none is expected to fail
def test_keeps_to_the_conventions(estimator, check):
    check(estimator)
