"""Medians and bands over seeds: pure functions of arrays and frames."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Band:
    """A measure of one method over the seeds of its final runs.

    Parameters
    ----------
    epochs, steps, seconds : float64 arrays of shape (n,)
        Epoch, and the median steps and training time up to it.
    median, low, high : float64 arrays of shape (n,)
        50 %, 10 % and 90 % quantiles over the seeds. Where a diverged run decides them an accuracy is 0, as in
        the leaderboard, and a loss, which would be infinite, NaN.
    seeds : int
    """

    epochs: np.ndarray
    steps: np.ndarray
    seconds: np.ndarray
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray
    seeds: int

    def x(self, axis: str) -> np.ndarray:
        """Return the abscissa: ``"epochs"``, ``"steps"`` or ``"seconds"``."""
        return {"epochs": self.epochs, "steps": self.steps, "seconds": self.seconds}[axis]

    @property
    def finite(self) -> bool:
        """Whether there is anything to draw."""
        return bool(np.isfinite(self.median).any())


def quantile(values: np.ndarray, q: float, worst: float = np.inf) -> np.ndarray:
    """Return the quantile over seeds, counting what is not finite as the worst possible.

    Dropping a diverged seed would make a method look better for having diverged. Where the quantile itself
    falls on such a seed the result is NaN.

    Parameters
    ----------
    values : float array of shape (n_epochs, n_seeds)
    q : float
        Between 0 and 1, with linear interpolation.
    worst : float
        ``inf`` for a loss, 0 for an accuracy.

    Returns
    -------
    float64 array of shape (n_epochs,)

    Examples
    --------
    >>> quantile(np.array([[1.0, 2.0, np.nan], [np.nan, np.nan, 1.0]]), 0.5)
    array([ 2., nan])
    """
    values = np.asarray(values, dtype=np.float64)
    if values.shape[1] == 0:
        return np.full(values.shape[0], np.nan)
    ordered = np.sort(np.where(np.isfinite(values), values, worst), axis=1)
    position = q * (values.shape[1] - 1)
    below = int(np.floor(position))
    share = position - below
    result = ordered[:, below]
    if share > 0:
        result = (1 - share) * result + share * ordered[:, below + 1]
    return np.where(np.isfinite(result), result, np.nan)


def band(frame: pd.DataFrame, measure: str) -> Band:
    """Return median and 10-90 % band of one method's final runs.

    Parameters
    ----------
    frame : DataFrame
        Rows of one method with columns ``seed``, ``epoch``, ``steps``, ``train_s`` and `measure`. A seed without a row
        for an epoch that others have counts as diverged there.
    measure : str
        A column; of an accuracy the worst value is 0, of all others infinity.

    Returns
    -------
    Band
    """
    if frame.empty:
        nothing = np.empty(0)
        return Band(nothing, nothing, nothing, nothing, nothing, nothing, 0)
    values = _wide(frame, measure)
    worst = 0.0 if measure.endswith("accuracy") and np.isfinite(values).any() else np.inf
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        steps, seconds = (np.nanmedian(_wide(frame, clock), axis=1) for clock in ("steps", "train_s"))
    return Band(
        epochs=np.unique(frame["epoch"].to_numpy(dtype=np.float64)),
        steps=steps,
        seconds=seconds,
        median=quantile(values, 0.5, worst),
        low=quantile(values, 0.1, worst),
        high=quantile(values, 0.9, worst),
        seeds=values.shape[1],
    )


def _wide(frame: pd.DataFrame, column: str) -> np.ndarray:
    """Return a column with a row per epoch and a column per seed; NaN where a seed has no such epoch."""
    epochs, row = np.unique(frame["epoch"].to_numpy(), return_inverse=True)
    seeds, place = np.unique(frame["seed"].to_numpy(), return_inverse=True)
    table = np.full((epochs.size, seeds.size), np.nan)
    table[row, place] = frame[column].to_numpy(dtype=np.float64)
    return table


def bands(curves: pd.DataFrame, names: list[str], measure: str) -> dict[str, Band]:
    """Return the band of every method in `names`; `curves` is the frame of a comparison."""
    final = curves[curves["kind"] == "final"]
    groups = dict(iter(final.groupby("optimizer", sort=False)))
    return {name: band(groups.get(name, final.head(0)), measure) for name in names}


def pieces(finite: np.ndarray) -> list[slice]:
    """Return the runs of consecutive true values.

    Examples
    --------
    >>> pieces(np.array([True, True, False, True]))
    [slice(0, 2, None), slice(3, 4, None)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], np.asarray(finite, dtype=bool), [False]]).astype(int)))
    return [slice(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def last(values: np.ndarray) -> float:
    """Return the last value: NaN when it is not finite, for a method that ended diverged did not end well."""
    return float(values[-1]) if values.size and np.isfinite(values[-1]) else float("nan")


def value_at(x: np.ndarray, y: np.ndarray, where: float) -> float:
    """Return the last `y` measured at or before `where`; NaN when there is none.

    Examples
    --------
    >>> value_at(np.array([0.0, 1.0, 2.0]), np.array([5.0, 6.0, 7.0]), 1.5)
    6.0
    """
    reached = np.flatnonzero(x <= where)
    return float(y[reached[-1]]) if reached.size else float("nan")


def tolerance(lr: np.ndarray, accuracy: np.ndarray, within: float = 0.01) -> float:
    """Return over which factor of the step size a method stays close to its best.

    Parameters
    ----------
    lr, accuracy : float arrays of shape (n,)
        One entry per trial; diverged trials have accuracy NaN.
    within : float
        How far below the best still counts.

    Returns
    -------
    float
        Largest over smallest step size of the unbroken row of good trials around the best; 1 when only the
        best is good, NaN when no trial is.

    Examples
    --------
    >>> tolerance(np.array([0.01, 0.1, 1.0, 10.0]), np.array([0.90, 0.97, 0.975, np.nan]))
    10.0
    """
    if not np.isfinite(accuracy).any():
        return float("nan")
    order = np.argsort(lr, kind="stable")
    lr, accuracy = lr[order], accuracy[order]
    best = int(np.nanargmax(accuracy))
    good = np.where(np.isfinite(accuracy), accuracy, -np.inf) >= accuracy[best] - within
    row = next(piece for piece in pieces(good) if piece.start <= best < piece.stop)
    return float(lr[row.stop - 1] / lr[row.start])
