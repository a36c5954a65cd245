"""What both estimators share: parameters, the way from arrays to a run and back, and what is kept of it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from minnet.data import Split
from minnet.errors import InputError
from minnet.estimators import settings
from minnet.estimators.fit import Fit, Progress
from minnet.estimators.loop import HeldOut, train
from minnet.network import NetworkSpec
from minnet.network.network import Network

KEPT_TYPES = (np.float64, np.float32, np.uint8)  # types of X that are not converted; all others become float64


class MLP(BaseEstimator):
    """Parameters and training of both estimators; see `MLPClassifier`."""

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=None,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        style="auto",
        solver_params=None,
        init="auto",
        dropout=0.0,
        dtype="auto",
        threads=1,
        device="cpu",
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.style = style
        self.solver_params = solver_params
        self.init = init
        self.dropout = dropout
        self.dtype = dtype
        self.threads = threads
        self.device = device

    def fit(self, X, y, sample_weight=None, coef_init=None, intercept_init=None):
        """Train until nothing gets better, or for `max_iter` epochs.

        Parameters
        ----------
        X : array or sparse matrix of shape (n, n_features)
            float32, float64 and uint8 are taken as they are; a sparse matrix is made dense, so it must fit in memory.
        y : array of shape (n,) or (n, n_outputs)
        sample_weight : array of shape (n,), optional
            A weight of 2 counts like the sample given twice. Weights are divided by their mean.
        coef_init, intercept_init : lists of arrays, optional
            Weights of shape (fan_in, fan_out) and biases of shape (fan_out,) to start from, per layer.

        Returns
        -------
        self

        Raises
        ------
        InputError
            (a `ValueError`) For a wrong parameter, arrays that do not fit, or a training that diverged.
        """
        given = coef_init is not None or intercept_init is not None
        first = given or not (self.warm_start and hasattr(self, "_progress"))
        X, Y = self._checked(X, y, first, exact=True)
        weights, held_out = self._checked_weights(sample_weight, X), None
        seed = self._seed(first)
        if self.early_stopping:
            X, Y, weights, held_out = self._hold_out(X, Y, weights, seed)
        fit = self._fit_of(X, Y, weights, first, seed)
        if first:
            self._start(fit, coef_init, intercept_init)
        else:
            self._resume(fit)
            self._progress.rate = self._rate(fit)
        train(self, fit, self.max_iter, held_out)
        return self

    def _partial_fit(self, X, y, sample_weight):
        if self.early_stopping:
            raise InputError("partial_fit sees a part of the data and cannot stop early: early_stopping must be False")
        first = not hasattr(self, "_progress")
        X, Y = self._checked(X, y, first, exact=False)
        fit = self._fit_of(X, Y, self._checked_weights(sample_weight, X), first, self._seed(first))
        if first:
            self._start(fit, None, None)
        else:
            self._resume(fit)
        train(self, fit, 1, None)
        return self

    def _can_go_on(self):
        """Whether `partial_fit` exists: a full-batch method needs all data in every epoch."""
        spec = settings.optimizer_spec(self)
        if spec.method.full_batch:
            raise AttributeError(f"partial_fit trains on a part of the data, and {spec.name} needs the whole: use fit")
        return True

    def _checked_X(self, X, **arguments):
        """Return X, and y if it is given, as arrays; X in its own type if training takes it."""
        checked = validate_data(self, X, accept_sparse=("csr", "csc"), dtype=KEPT_TYPES, **arguments)
        X, *y = checked if isinstance(checked, tuple) else (checked,)
        X = np.ascontiguousarray(X.toarray() if hasattr(X, "toarray") else X)
        return (X, *y) if y else X

    def _seed(self, first: bool) -> int:
        """Return the seed of all that is drawn: later calls go on with the first one's."""
        return settings.seed_of(self.random_state) if first else self._progress.seed

    def _hold_out(self, X, Y, weights, seed: int):
        """Set a part aside, stratified where every sample has one class."""
        ones = np.ones(len(X)) if weights is None else weights
        try:
            X, X_val, Y, Y_val, w, w_val = train_test_split(
                X, Y, ones, test_size=self.validation_fraction, random_state=seed % 2**32, stratify=self._strata(Y)
            )
        except ValueError as error:
            raise InputError(f"validation_fraction = {self.validation_fraction!r} does not work: {error}") from None
        if len(X_val) < 2:
            raise InputError(f"validation_fraction = {self.validation_fraction!r} of {len(ones)} samples is too little")
        return X, Y, None if weights is None else w / w.mean(), HeldOut(X_val, Y_val, w_val)

    def _fit_of(self, X, Y, weights, first: bool, seed: int) -> Fit:
        """Return the run on these data."""
        dtype = self._dtype(X) if first else str(self.coefs_[0].dtype)
        if self.batch_size != "auto" and self.batch_size > len(X):
            warnings.warn(
                f"batch_size = {self.batch_size} is more than there are samples: it is {len(X)}", stacklevel=4
            )
        spec = settings.run_spec(self, self._head, len(X), dtype, seed)
        X, nothing = self._as(X, dtype), (X[:0], Y[:0])
        outputs = tuple(str(k) for k in range(Y.shape[1]))
        split = Split(X, Y, *nothing, *nothing, outputs, None, 1.0, spec.data, weights)
        if self.device == "cuda":
            from minnet.estimators.device import DeviceFit  # loads what compiles for GPUs

            return DeviceFit(spec, split, self.threads, self.shuffle)
        return Fit(spec, split, self.threads, self.shuffle)

    def _dtype(self, X) -> str:
        if self.dtype != "auto":
            return str(self.dtype)
        return "float64" if X.dtype == np.float64 and self.device == "cpu" else "float32"

    def _checked_weights(self, weights, X):
        """Return weights whose mean is 1."""
        if weights is None:
            return None
        weights = _check_sample_weight(weights, X, dtype=np.float64)
        if (weights < 0).any() or not weights.any():
            raise InputError(f"sample_weight must be 0 or more, and not all 0: the lowest is {weights.min():g}")
        return weights / weights.mean()

    def _start(self, fit: Fit, coefs, intercepts) -> None:
        """Let a first fit start from drawn or given weights."""
        layout = fit.network.layout
        self.n_outputs_, self.n_layers_ = layout.widths[-1], len(layout.widths)
        self.t_ = 0
        self.loss_curve_: list[float] = []
        self.best_loss_ = None if self.early_stopping else np.inf
        self.validation_scores_: list[float] | None = [] if self.early_stopping else None
        self.best_validation_score_ = -np.inf if self.early_stopping else None
        fit.begin(self._initial(fit.network, fit.spec.seed, coefs, intercepts))
        self._progress = Progress(fit.spec.seed, fit.spec.optimizer, fit.state, fit.params, 0, self._rate(fit))

    def _rate(self, fit: Fit):
        return settings.rate(self, fit.spec.optimizer.settings["lr"], fit.state.t, fit.steps_per_epoch)

    def _initial(self, network: Network, seed: int, coefs, intercepts) -> np.ndarray:
        """Return the first weights, flat: drawn, and replaced by those given."""
        params = network.init(seed)
        for which, given in (("coef_init", coefs), ("intercept_init", intercepts)):
            if given is None:
                continue
            parts = [layer[which == "intercept_init"] for layer in network.layout.layers(params)]
            shapes, wanted = [np.shape(part) for part in given], [part.shape for part in parts]
            if shapes != wanted:
                raise InputError(f"{which} has arrays of shapes {shapes}: this network takes {wanted}")
            for part, values in zip(parts, given):
                part[:] = values
        return params

    def _resume(self, fit: Fit) -> None:
        """Let a fit go on where the last one ended, from `coefs_` and `intercepts_` as they are now."""
        widths = (self.coefs_[0].shape[0], *(W.shape[1] for W in self.coefs_))
        if fit.network.layout.widths != widths:
            raise InputError(
                f"the fitted network has layers {widths}, not {fit.network.layout.widths}: fit another one"
            )
        progress, asked = self._progress, fit.spec.optimizer
        if progress.optimizer.method.evaluation is None or progress.optimizer.name != asked.name:
            progress.params = _flat(self.coefs_, self.intercepts_)
        fit.begin(progress.params)
        fit.epoch = progress.epoch
        if (progress.optimizer.name, progress.optimizer.style) == (asked.name, asked.style):
            fit.state = progress.state
        if progress.optimizer != asked:
            progress.optimizer, progress.rate = asked, self._rate(fit)

    def _keep(self, fit: Fit) -> None:
        """Keep the weights at which to evaluate, and what training goes on from."""
        progress = self._progress
        progress.params, progress.state, progress.epoch = fit.params, fit.state, fit.epoch
        layers = fit.network.layout.layers(fit.evaluation_params)
        self.coefs_ = [W.copy() for W, b in layers]
        self.intercepts_ = [b.copy() for W, b in layers]

    def _outputs(self, X, loss: str, output: str) -> np.ndarray:
        """Return what the output units send, or would send with another head."""
        check_is_fitted(self, "coefs_")
        X = self._checked_X(X, reset=False)
        dtype = str(self.coefs_[0].dtype)
        spec = NetworkSpec(
            hidden=tuple(W.shape[1] for W in self.coefs_[:-1]),
            activation=settings.ACTIVATIONS.get(self.activation, self.activation),
            loss=loss,
            output=output,
        )
        network = Network(spec, self.coefs_[0].shape[0], self.coefs_[-1].shape[1], dtype)
        return network.predict(_flat(self.coefs_, self.intercepts_), self._as(X, dtype))

    @staticmethod
    def _as(X, dtype: str):
        """Return X in a type that the network takes."""
        return X if X.dtype == np.uint8 else X.astype(dtype, copy=False)

    def __sklearn_tags__(self):
        """Return what the estimator can take."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _flat(coefs: Sequence[np.ndarray], intercepts: Sequence[np.ndarray]) -> np.ndarray:
    """Return all parameters as one vector, layer after layer."""
    return np.concatenate([part.ravel() for layer in zip(coefs, intercepts) for part in layer])
