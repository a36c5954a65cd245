"""A classifier with scikit-learn's interface."""

from __future__ import annotations

import numpy as np
from scipy.special import log_expit, log_softmax
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    check_classification_targets,
    type_of_target,
    unique_labels,
)
from sklearn.utils.validation import check_is_fitted

from minnet.errors import InputError
from minnet.estimators.base import MLP


class MLPClassifier(ClassifierMixin, MLP):
    """Classify by a multilayer perceptron, trained by any of minnet's methods.

    Names and manners are scikit-learn's, and so is what follows unless it is said here. The loss is the mean over the
    samples, plus alpha/2 times the sum of the squared weights (biases are free).

    Parameters
    ----------
    hidden_layer_sizes : tuple of int
        Units of every hidden layer.
    activation : str
        scikit-learn's "identity", "logistic", "tanh", "relu", or any of ``minnet list activations``.
    solver : str, minnet.optimizers object, or rule
        Any of ``minnet.optimizers.names()``, a wrapper such as "lookahead(adam)", or a method of your own. "sgd" is
        what it is in scikit-learn: momentum, and Nesterov's with `nesterovs_momentum`; momentum=0 is plain. An object
        from ``minnet.optimizers.create`` brings its own step size or schedule.
    alpha : float
        λ of the penalty λ/2 Σ w². scikit-learn divides it by the number of samples of each batch, so that its strength
        depends on the batch size: its `alpha` is ours times the batch size.
    batch_size : int or "auto"
        "auto" is 200, or all samples if they are fewer.
    learning_rate : str, mapping or schedule
        scikit-learn's "constant", "invscaling", "adaptive", or a schedule of minnet's such as "cosine" or
        ``"step:drop=0.5,every=5,per=epoch"``; for every method. A schedule has the length of `max_iter` epochs, and
        starts anew at every `fit`.
    learning_rate_init : float, optional
        The method's own default if not given; for "sgd" and "adam" it is scikit-learn's 0.001.
    power_t : float
        Of "invscaling": the step size is divided by (samples seen + 1)^power_t after every epoch.
    max_iter : int
        Epochs at most; of "lbfgs", iterations.
    shuffle : bool
        Whether every epoch has an order of its own.
    random_state : int, RandomState or None
        An int is the seed of ``minnet train --seed``.
    tol : float
        What counts as progress of the training loss, or of the validation score. Of "lbfgs": the largest component of
        the gradient at which it stops.
    verbose, warm_start : bool
        A warm start keeps what the method remembers, and its count of steps; scikit-learn forgets both.
    momentum, nesterovs_momentum : float, bool
        Of "sgd".
    early_stopping : bool
        Whether a part is held out, training stops when its score does not rise, and the best weights are kept.
    validation_fraction : float
    beta_1, beta_2, epsilon : float
        Of "adam".
    n_iter_no_change : int
        Epochs without progress that are forgiven.
    max_fun : int
        Of "lbfgs": evaluations of the loss at most.
    style : str
        Whose form of the method: "auto" is scikit-learn's where it has the method, and the paper's elsewhere.
    solver_params : dict, optional
        Hyperparameters of the method, by minnet's names: see ``minnet show NAME``.
    init : str
        First weights: "auto" is what suits the activation; see ``minnet list``.
    dropout : float
        Probability that a hidden unit is left out of a training step.
    dtype : {"auto", "float32", "float64"}
        In what to compute: "auto" is float64 for a float64 X (so for all that is not float32 or uint8) on the CPU.
    threads : int
        Cores for one fit.
    device : {"cpu", "cuda"}
        A GPU computes in float32, and takes methods that move every weight by itself.

    Attributes
    ----------
    classes_ : array
    coefs_, intercepts_ : lists of arrays
        Weights (fan_in, fan_out) and biases (fan_out,) of every layer, where the method wants to be evaluated.
    loss_, loss_curve_, best_loss_ : float, list, float or None
        Mean over the steps of the loss, penalty included, of the last epoch, all epochs, the best.
    validation_scores_, best_validation_score_ : list, float, or None
    n_iter_, t_ : int
        Epochs of the last call, samples seen in all.
    n_layers_, n_outputs_, n_features_in_ : int
    feature_names_in_ : array
    out_activation_ : str
        "logistic" for two classes or several labels, else "softmax".

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((20,), solver="lbfgs", alpha=0.01, max_iter=1000, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    >>> model.predict_proba(X[:2]).shape
    (2, 3)
    """

    @property
    def _head(self) -> tuple[str, str]:
        """Loss and output activation."""
        return (
            ("cross_entropy", "softmax") if self.out_activation_ == "softmax" else ("binary_cross_entropy", "sigmoid")
        )

    def _checked(self, X, y, first: bool, exact: bool):
        """Return X and the targets; `exact` : y must have all the classes of the first fit."""
        X, y = self._checked_X(X, y=y, multi_output=True, reset=first)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        if first and exact:
            self._learn_classes(y)
        else:
            self._check_classes(unique_labels(y), exact)
        return X, self._binarizer.transform(y)

    def _learn_classes(self, y) -> None:
        self._binarizer = LabelBinarizer().fit(y)
        self.classes_ = self._binarizer.classes_
        if len(self.classes_) < 2:
            raise InputError(f"y has one class, '{self.classes_[0]}': a classifier needs at least 2")
        several = self._binarizer.y_type_.startswith("multilabel")
        self.out_activation_ = "softmax" if not several and len(self.classes_) > 2 else "logistic"

    def _check_classes(self, found, exact: bool) -> None:
        new = np.setdiff1d(found, self.classes_)
        if len(new):
            raise InputError(f"y has classes {new.tolist()}: the first fit knew {self.classes_.tolist()}")
        if exact and len(found) < len(self.classes_):
            raise InputError(
                f"warm_start needs the classes of the first fit, {self.classes_.tolist()}: y has {found.tolist()}"
            )

    def _strata(self, Y):
        return Y if Y.shape[1] == 1 else Y.argmax(axis=1) if self.out_activation_ == "softmax" else None

    @available_if(lambda model: model._can_go_on())
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Train for one epoch on these samples, going on from what the method remembers.

        Parameters
        ----------
        X, y, sample_weight : as for `fit`
        classes : array, for the first call
            All classes that will come.

        Returns
        -------
        self
        """
        if _check_partial_fit_first_call(self, classes):
            self._learn_classes(y if type_of_target(y).startswith("multilabel") else classes)
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X):
        """Return the most probable class of every sample; of several labels, 0 or 1 for each."""
        check_is_fitted(self, "coefs_")
        return self._labels(self._outputs(X, *self._head))

    def predict_proba(self, X):
        """Return probabilities of shape (n, n_classes): rows sum to 1, unless there are several labels."""
        check_is_fitted(self, "coefs_")
        p = self._outputs(X, *self._head)
        return p if p.shape[1] > 1 else np.hstack([1 - p, p])

    def predict_log_proba(self, X):
        """Return the logarithm of `predict_proba`, also of what is too small to be a number."""
        z = self._outputs(X, "mse", "identity")
        if self.out_activation_ == "softmax":
            return log_softmax(z, axis=1)
        return log_expit(z if z.shape[1] > 1 else np.hstack([-z, z]))

    def _labels(self, outputs):
        return self._binarizer.inverse_transform(outputs if outputs.shape[1] > 1 else outputs.ravel())

    def _score_outputs(self, outputs, Y, weights) -> float:
        return float(accuracy_score(self._labels(Y), self._labels(outputs), sample_weight=weights))

    def __sklearn_tags__(self):
        """Return what the estimator can take."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
