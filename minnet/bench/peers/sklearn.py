"""scikit-learn: MLPClassifier.partial_fit, which is one epoch in its own order, without early stopping."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier

from minnet.bench.task import Task

ACTIVATIONS = {"identity": "identity", "relu": "relu", "sigmoid": "logistic", "tanh": "tanh"}


class Contestant:
    """An MLPClassifier with the common initial weights."""

    def __init__(self, task: Task, variant: str) -> None:
        self.X, self.y = task.inputs(), task.split.y_train
        self.model = MLPClassifier(
            hidden_layer_sizes=task.spec.network.hidden,
            activation=ACTIVATIONS[task.spec.network.activation],
            batch_size=task.batch,
            alpha=0.0,
            random_state=np.random.RandomState(task.spec.seed),  # a number would shuffle every epoch alike
            **solver(task),
        )
        # The first call makes the arrays; then the weights become the common ones and the method starts anew.
        self.model.partial_fit(self.X[: task.batch], self.y[: task.batch], classes=np.arange(task.split.n_classes))
        for (W, b), own_W, own_b in zip(task.layers(), self.model.coefs_, self.model.intercepts_):
            own_W[...], own_b[...] = W, b
        del self.model._optimizer

    def epoch(self, order: np.ndarray) -> float:
        """Train for one epoch, in an order that scikit-learn draws."""
        self.model.partial_fit(self.X, self.y)
        return float(self.model.loss_)


def solver(task: Task) -> dict[str, Any]:
    """Return scikit-learn's form of the method."""
    hyper, name = dict(task.hyper), task.spec.optimizer.name
    lr = hyper.pop("lr")
    if name == "adam":
        names = {"beta1": "beta_1", "beta2": "beta_2", "eps": "epsilon"}
        return {"solver": "adam", "learning_rate_init": lr, **{names[key]: value for key, value in hyper.items()}}
    momentum = hyper.get("momentum", 0.0)
    return {
        "solver": "sgd",
        "learning_rate_init": lr,
        "momentum": momentum,
        "nesterovs_momentum": name == "nesterov",
    }
