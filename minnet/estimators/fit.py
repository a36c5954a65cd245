"""One fit: a run of `minnet.training` that starts where the last one ended, and goes on until nothing gets better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minnet.data import Split
from minnet.estimators.rates import Constant
from minnet.optimizers.optimizer import State
from minnet.training.run import Run
from minnet.training.spec import OptimizerSpec, RunSpec

FALLS = 1e7 * np.finfo(np.float64).eps  # relative fall of the loss that SciPy's L-BFGS-B, and so scikit-learn, stops at


@dataclass
class Progress:
    """What training goes on from, beside the weights: `partial_fit` and `warm_start` keep it.

    Attributes
    ----------
    seed : int
    optimizer : OptimizerSpec
        What `state` belongs to.
    state : State
        What the method remembers, and its count of steps.
    params : array
        Where it trains; for most methods that is where it is evaluated.
    epoch : int
        Epochs done since the weights were drawn: each has an order of its own.
    rate : Constant
    idle : int
        Epochs in a row without progress.
    """

    seed: int
    optimizer: OptimizerSpec
    state: State
    params: np.ndarray
    epoch: int
    rate: Constant
    idle: int = 0


class Fit(Run):
    """A run whose learning rate, weights and memory are given.

    Parameters
    ----------
    spec : RunSpec
    split : Split
    threads : int
    shuffle : bool
        Whether every epoch has an order of its own.
    """

    rate: Constant

    def __init__(self, spec: RunSpec, split: Split, threads: int, shuffle: bool) -> None:
        self.shuffle = shuffle
        super().__init__(spec, split, threads)

    def bind_schedule(self, lr: float) -> Any:
        """Return what asks for the rate when it is needed: it is given later, and changes."""
        return lambda steps: self.rate(steps)

    def order(self) -> np.ndarray:
        """Return the samples in their order of this epoch."""
        return super().order() if self.shuffle else np.arange(self.n)

    def begin(self, params: np.ndarray) -> None:
        """Start from given weights, with an empty memory."""
        self.params[:] = params
        self.state = self.optimizer.start(self.params, self.network.layout.blocks)

    @property
    def loss(self) -> float:
        """What was minimised in the last epoch: its mean over the steps, or where a full-batch method is now."""
        value = self.full_batch.value if self.full_batch is not None else self.running_loss
        assert value is not None
        return float(value)

    def settled(self, before: float, tol: float, most: float) -> bool:
        """Say whether a full-batch method has arrived, or may not evaluate the loss more often."""
        if self.full_batch is None:
            return False
        falls = (before - self.loss) / max(abs(before), abs(self.loss), 1.0)
        flat = float(np.abs(self.full_batch.gradient).max()) <= tol
        return flat or bool(falls <= FALLS) or self.full_batch.evaluations >= most
