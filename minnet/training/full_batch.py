"""Training by a full-batch method: one iteration on the whole training set per epoch."""

from __future__ import annotations

import math

import numpy as np

from minnet.data import augment
from minnet.errors import InputError
from minnet.network.network import Network, gradient_kernel
from minnet.network.propagation import Penalty
from minnet.optimizers import Optimizer
from minnet.optimizers.lbfgs import Lbfgs, compiled_direction
from minnet.training.spec import RunSpec

ROWS = 2048  # samples whose activations are in memory at a time


def compile_kernels(x_dtype: str, dtype: str) -> None:
    """Compile, or load from the cache, what an iteration calls."""
    gradient_kernel(x_dtype, dtype)
    compiled_direction()


class FullBatch:
    """A full-batch method at work on the training set of one run.

    It counts in float64, the network in its own type: the loss is the same function of the weights at every call.

    Parameters
    ----------
    spec : RunSpec
    optimizer : Optimizer
    network : Network
    X, Y : samples and targets of the training set

    Raises
    ------
    InputError
        For what makes the loss another one at every call, or moves the weights beside the method.
    """

    def __init__(self, spec: RunSpec, optimizer: Optimizer, network: Network, X: np.ndarray, Y: np.ndarray) -> None:
        _check(spec)
        self.network, self.X, self.Y = network, X, Y
        self.penalty = Penalty(float(spec.training.l2), spec.training.decay_biases, 0.0, 0.0, spec.seed)
        self.method = Lbfgs(network.layout.size, **optimizer.hyper)
        self.x: np.ndarray | None = None
        self.value, self.gradient = math.nan, np.zeros(0)
        self.evaluations = 0

    def iterate(self, params: np.ndarray, lr: float) -> float:
        """Move `params` by one iteration, in place; return the loss from which it went."""
        if self.x is None:
            self.x = params.astype(np.float64)
            self.value, self.gradient = self.loss_and_gradient(self.x)
        loss = self.value
        if math.isfinite(loss):
            self.x, self.value, self.gradient = self.method.iterate(
                self.loss_and_gradient, self.x, self.value, self.gradient, lr
            )
            params[:] = self.x
        return loss

    def loss_and_gradient(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Return mean loss with its penalty, and gradient, of all samples, part after part."""
        self.evaluations += 1
        params, n = x.astype(self.network.dtype), len(self.X)
        total, grads = 0.0, np.zeros(x.size)
        for start in range(0, n, ROWS):
            part = slice(start, start + ROWS)
            X, Y = self.X[part], self.Y[part]
            loss, gradient = self.network.loss_and_gradient(params, X, Y, self.penalty)
            total += loss * (len(X) / n)
            grads += gradient * (len(X) / n)
        return total, grads


def _check(spec: RunSpec) -> None:
    name = spec.optimizer.name
    for part in (spec.network, spec.training):
        for key in ("dropout", "input_dropout", "weight_decay", "max_norm", "clip_norm", "clip_value"):
            if getattr(part, key, 0):
                remedy = "l2" if key == "weight_decay" else "another optimizer"
                raise InputError(f"{name} searches along the whole loss: {key} must be 0 (use {remedy})")
    if augment.parse(spec.training.augment) is not None:
        raise InputError(f"{name} searches along the whole loss, on images that stay the same: set augment = 'none'")
