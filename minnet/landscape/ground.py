"""The loss as a function of all parameters: what the paths walk on."""

from __future__ import annotations

import numpy as np

from minnet.data import Split
from minnet.network.hessian import hessian_vector
from minnet.network.network import Network
from minnet.training import RunSpec


class Ground:
    """Loss, accuracy and curvature at any parameters, always on the same samples.

    The loss is what a history calls ``train_loss``: without dropout, label smoothing and penalties; all samples count
    alike. It is counted in float64, whatever the runs are trained in.

    Parameters
    ----------
    run : RunSpec
        Whose network and loss are meant.
    split : Split
    samples : int
        Training samples at most; a random choice of that many where there are more.

    Attributes
    ----------
    X, Y : arrays of shape (n, n_features), (n, n_outputs)
        The training samples.
    """

    def __init__(self, run: RunSpec, split: Split, samples: int) -> None:
        self.network = Network(run.network, split.n_features, split.n_classes, "float64", split.scale)
        X, y = split.X_train, split.y_train
        if len(X) > samples:
            rng = np.random.default_rng(run.training.split_seed)
            chosen = np.sort(rng.choice(len(X), samples, replace=False))
            X, y = X[chosen], y[chosen]
        self.X, self.Y = X, self.network.targets_of(X, y)
        self._X_val, self._Y_val = split.X_val, self.network.targets_of(split.X_val, split.y_val)

    def train(self, params: np.ndarray) -> tuple[float, float]:
        """Return loss and accuracy on the training samples."""
        return self.network.evaluate(np.ascontiguousarray(params, np.float64), self.X, self.Y)

    def validate(self, params: np.ndarray) -> tuple[float, float]:
        """Return loss and accuracy on the validation set; nan where there is none."""
        return self.network.evaluate(np.ascontiguousarray(params, np.float64), self._X_val, self._Y_val)

    def hessian_vector(self, params: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """Return the Hessian of the training loss times a direction."""
        return hessian_vector(self.network, params, direction, self.X, self.Y)
