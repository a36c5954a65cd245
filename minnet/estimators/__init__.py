"""The scikit-learn face: `MLPClassifier` and `MLPRegressor` have its names and its manners, and minnet's methods."""

from minnet.estimators.classifier import MLPClassifier
from minnet.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
