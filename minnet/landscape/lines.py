"""Straight lines between solutions.

Goodfellow, Vinyals and Saxe (2015), Qualitatively characterizing neural network optimization problems,
arXiv:1412.6544: the loss along (1 − t) w₁ + t w₂. The *barrier* is how far it rises above the chord between its ends
(Frankle et al. 2020, Linear mode connectivity and the lottery ticket hypothesis, arXiv:1912.05671; with the chord, as
in Entezari et al. 2022, arXiv:2110.06296). Two solutions with a barrier between them lie in different basins along
this line; other ways between them may be flat, and the same network with its units in another order is another point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minnet.landscape.ground import Ground


@dataclass(frozen=True, eq=False)
class Line:
    """Loss and accuracy between two points.

    Attributes
    ----------
    first, second : str
        What lies at its ends.
    t : array of shape (m,)
        From 0 to 1.
    train_loss, train_accuracy, val_loss, val_accuracy : arrays of shape (m,)
    """

    first: str
    second: str
    t: np.ndarray
    train_loss: np.ndarray
    train_accuracy: np.ndarray
    val_loss: np.ndarray
    val_accuracy: np.ndarray

    @property
    def barrier(self) -> float:
        """How far the training loss rises above the chord; 0 if it does not. Infinite where it is no number."""
        return _above_chord(self.t, self.train_loss)

    @property
    def top(self) -> float:
        """Where it rises most: t."""
        return float(self.t[np.argmax(np.nan_to_num(self.train_loss - _chord(self.t, self.train_loss), nan=np.inf))])

    @property
    def accuracy_lost(self) -> float:
        """How far the training accuracy falls below its chord."""
        return _above_chord(self.t, -self.train_accuracy)


def line(ground: Ground, first: str, second: str, start: np.ndarray, end: np.ndarray, points: int = 25) -> Line:
    """Measure loss and accuracy along a straight line.

    Parameters
    ----------
    ground : Ground
    first, second : str
        Names of the ends.
    start, end : arrays of shape (n_parameters,)
    points : int
        Both ends included.
    """
    t = np.linspace(0, 1, points)
    places = [(1 - s) * start + s * end for s in t]
    train = np.array([ground.train(place) for place in places])
    validation = np.array([ground.validate(place) for place in places])
    return Line(first, second, t, *train.T, *validation.T)


def _chord(t: np.ndarray, values: np.ndarray) -> np.ndarray:
    return (1 - t) * values[0] + t * values[-1]


def _above_chord(t: np.ndarray, values: np.ndarray) -> float:
    """Return how far values rise above the straight line between the first and the last.

    Examples
    --------
    >>> _above_chord(np.array([0, 0.5, 1]), np.array([0.0, 5.0, 2.0]))
    4.0
    """
    above = values - _chord(t, values)
    return float(max(above.max(), 0.0)) if np.isfinite(above).all() else float("inf")
