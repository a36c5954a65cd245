"""A regressor with scikit-learn's interface."""

from __future__ import annotations

from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if

from minnet.estimators.base import MLP


class MLPRegressor(RegressorMixin, MLP):
    """Fit numbers by a multilayer perceptron, trained by any of minnet's methods.

    The loss is half the squared error, summed over the outputs and averaged over the samples (scikit-learn takes the
    gradient of that as well, but reports the mean over the outputs), plus alpha/2 times the sum of the squared weights.
    Parameters and attributes are those of `MLPClassifier`, but for the classes; `out_activation_` is "identity", and
    early stopping looks at R².

    Examples
    --------
    >>> import numpy as np
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> model = MLPRegressor((10,), activation="tanh", solver="lbfgs", alpha=0, random_state=0).fit(X, X[:, 0] ** 2)
    >>> model.score(X, X[:, 0] ** 2) > 0.99
    True
    """

    _head = ("mse", "identity")

    def _checked(self, X, y, first: bool, exact: bool):
        """Return X and the targets."""
        X, y = self._checked_X(X, y=y, multi_output=True, y_numeric=True, reset=first)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self.out_activation_ = "identity"
        return X, y.reshape(len(y), -1)

    def _strata(self, Y):
        return None

    @available_if(lambda model: model._can_go_on())
    def partial_fit(self, X, y, sample_weight=None):
        """Train for one epoch on these samples, going on from what the method remembers.

        Parameters
        ----------
        X, y, sample_weight : as for `fit`

        Returns
        -------
        self
        """
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X):
        """Return the predicted numbers, of shape (n,) or (n, n_outputs)."""
        y = self._outputs(X, *self._head)
        return y if y.shape[1] > 1 else y.ravel()

    def _score_outputs(self, outputs, Y, weights) -> float:
        return float(r2_score(Y, outputs, sample_weight=weights))
