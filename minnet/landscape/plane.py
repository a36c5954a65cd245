"""The plane that holds most of the paths, and the loss on it.

Li et al. (2018), Visualizing the loss landscape of neural nets, arXiv:1712.09913, section 7: the two principal
directions of the points of a path. Their warnings hold here as well. Two random directions would hold next to nothing
of a path. A point off the plane is drawn at its shadow, where the loss is another one. And a random walk in many
dimensions also has most of its variance in its first two principal directions, where it draws an arc (Antognini and
Sohl-Dickstein 2018, PCA of high dimensional random walks): the share alone proves no structure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from minnet.errors import InputError

MARGIN = 0.2  # of the extent of the shadows, around them
NARROWEST = 0.8  # the shorter side of a map, as a share of the longer one


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane in the space of parameters.

    Attributes
    ----------
    origin : array of shape (n_parameters,)
    directions : array of shape (2, n_parameters)
        Orthogonal, of length 1: distances on the plane are distances of parameters.
    """

    origin: np.ndarray
    directions: np.ndarray

    def shadow(self, points: np.ndarray) -> np.ndarray:
        """Return where points fall on the plane, in its coordinates: (m, n_parameters) to (m, 2)."""
        return (points - self.origin) @ self.directions.T

    def point(self, x: float, y: float) -> np.ndarray:
        """Return the parameters at a place of the plane."""
        return self.origin + x * self.directions[0] + y * self.directions[1]

    def share(self, points: np.ndarray) -> float:
        """Return how much of the variance of points the plane holds, from 0 to 1; nan if they do not vary.

        Examples
        --------
        >>> plane = Plane(np.zeros(3), np.eye(3)[:2])
        >>> round(plane.share(np.array([[0.0, 0, 0], [1, 1, 1]])), 4)
        0.6667
        """
        with np.errstate(invalid="ignore"):
            return float(np.divide(self.shadow(points).var(axis=0).sum(), points.var(axis=0).sum()))


def principal_plane(paths: Sequence[np.ndarray]) -> Plane:
    """Return the plane through the mean of some paths that holds most of their variance.

    All paths count alike, however many points they have. Both directions point to where the paths end, on average.

    Parameters
    ----------
    paths : sequence of arrays of shape (m, n_parameters)

    Raises
    ------
    InputError
        If there are not three different points.

    Examples
    --------
    >>> plane = principal_plane([np.array([[0.0, 0, 0], [0, 2, 0], [0, 2, 1]])])
    >>> plane.shadow(np.array([[0.0, 2, 1]])) - plane.shadow(np.array([[0.0, 2, 0]]))
    array([[0.28..., 0.95...]])
    """
    origin = np.mean([path.mean(axis=0) for path in paths], axis=0)
    offsets = np.concatenate([(path - origin) / np.sqrt(len(path)) for path in paths])
    if len(offsets) < 3 or not offsets.any():
        raise InputError("a plane needs paths of three different points: train for more epochs, or with larger steps")
    directions = np.linalg.svd(offsets, full_matrices=False)[2][:2]
    moved = np.mean([path[-1] - path[0] for path in paths], axis=0)
    return Plane(origin, directions * np.where(directions @ moved < 0, -1, 1)[:, None])


@dataclass(frozen=True, eq=False)
class LossMap:
    """The loss on a part of a plane.

    Attributes
    ----------
    x, y : arrays of shape (cells,)
        Coordinates on the plane.
    loss : array of shape (cells, cells)
        ``loss[i, j]`` at ``(x[j], y[i])``; nan where it is not finite.
    """

    x: np.ndarray
    y: np.ndarray
    loss: np.ndarray


def loss_map(
    plane: Plane,
    shadows: np.ndarray,
    loss: Callable[[np.ndarray], float],
    cells: int,
    progress: Callable[[str], object] = lambda what: None,
) -> LossMap:
    """Evaluate the loss on a grid of the plane, around some of its places.

    Parameters
    ----------
    plane : Plane
    shadows : array of shape (m, 2)
    loss : callable
        From parameters to a number.
    cells : int
        Along each side.
    progress : callable, optional
        Called after every row.

    Examples
    --------
    >>> plane = Plane(np.zeros(3), np.eye(3)[:2])
    >>> bowl = loss_map(plane, np.array([[-1.0, -1], [1, 1]]), lambda w: w @ w, cells=3)
    >>> bowl.x, bowl.loss.round(2)[0]
    (array([-1.4,  0. ,  1.4]), array([3.92, 1.96, 3.92]))
    """
    low, high = shadows.min(axis=0), shadows.max(axis=0)
    half = (high - low) * (0.5 + MARGIN)
    half = np.maximum(half, NARROWEST * half.max())
    x, y = (np.linspace(m - h, m + h, cells) for m, h in zip((low + high) / 2, half))
    values = np.empty((cells, cells))
    for i in range(cells):
        values[i] = [loss(plane.point(across, y[i])) for across in x]
        progress("the loss on the plane")
    return LossMap(x, y, np.where(np.isfinite(values), values, np.nan))
