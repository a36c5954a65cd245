"""scikit-learn's own checks of what an estimator must keep to."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import minnet

ESTIMATORS = [minnet.MLPClassifier(max_iter=100), minnet.MLPRegressor(max_iter=100)]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(ESTIMATORS)  # none is expected to fail
def test_keeps_to_the_conventions(estimator, check):
    check(estimator)
