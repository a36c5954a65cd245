"""Walks: the parameters along a training run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minnet.data import Split
from minnet.training import RunResult, RunSpec, train
from minnet.training.run import Run


@dataclass(frozen=True, eq=False)
class Walk:
    """One method's way through the space of parameters.

    Attributes
    ----------
    label : str
    result : RunResult
    epochs : int64 array of shape (m,)
        After which the parameters were noted; the first is 0, the start.
    points : float64 array of shape (m, n_parameters)
        The parameters at which the method wants to be evaluated. Where it diverged, those until then.
    """

    label: str
    result: RunResult
    epochs: np.ndarray
    points: np.ndarray

    @property
    def rows(self) -> list[dict]:
        """The rows of the history at these epochs."""
        return [self.result.history[epoch] for epoch in self.epochs]


def walk(label: str, run: RunSpec, split: Split, points: int) -> Walk:
    """Train one network, and note its parameters at the start and after some of the epochs.

    Parameters
    ----------
    label : str
    run : RunSpec
    split : Split
    points : int
        As for `kept_epochs`.
    """
    wanted = {int(epoch) for epoch in kept_epochs(run.training.epochs, points)}
    noted: dict[int, np.ndarray] = {}

    def note(state: Run) -> None:
        if state.epoch in wanted and not state.diverged:
            noted[state.epoch] = state.evaluation_params.astype(np.float64)

    result = train(run, split, observe=note)
    start = result.network.init(run.seed).astype(np.float64)
    return Walk(label, result, np.array([0, *noted]), np.stack([start, *noted.values()]))


def kept_epochs(epochs: int, points: int) -> np.ndarray:
    """Return after which epochs parameters are noted: at most so many, evenly spread, the first and last included.

    Examples
    --------
    >>> kept_epochs(3, 21).tolist(), kept_epochs(100, 5).tolist()
    ([0, 1, 2, 3], [0, 25, 50, 75, 100])
    """
    return np.unique(np.linspace(0, epochs, min(points, epochs + 1)).round().astype(np.int64))
