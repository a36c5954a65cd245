"""What a surface is: a function of two variables on which methods can be watched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Point = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Surface:
    """A function of two variables.

    Parameters
    ----------
    name, title : str
        For the command line, and for a figure.
    formula : str
        Plain Unicode text.
    value : callable
        ``value(x, y)`` over numbers or arrays of one shape.
    gradient : callable
        ``gradient(x, y) -> (df/dx, df/dy)``, likewise.
    start : (x, y)
        Where methods start.
    box : (x low, x high, y low, y high)
        What a picture shows.
    minima : tuple of (x, y)
        The global minima: all of them, or some where they fill a curve; none where they are not known.
    lowest : float, optional
        The value there.
    noise : callable, optional
        ``noise(steps, draw=0)``, an array of shape (steps, 2): what is added to the gradient of every step. It is the
        same for every method; another `draw` is other noise.
    fun : callable, optional
        What `minnet.minimize` walks down instead of the surface itself: the same function, compiled.
    notes : str
        What it shows, and who published it.

    Examples
    --------
    A surface is a function that `minnet.minimize` takes:

    >>> import numpy as np
    >>> from minnet.surfaces import ravine
    >>> bowl = ravine(condition=4)
    >>> value, gradient = bowl(np.array([1.0, 1.0]))
    >>> value, gradient.tolist()
    (2.5, [1.0, 4.0])
    """

    name: str
    title: str
    formula: str
    value: Callable[[Any, Any], Any]
    gradient: Callable[[Any, Any], tuple[Any, Any]]
    start: Point
    box: Box
    minima: tuple[Point, ...] = ()
    lowest: float | None = None
    noise: Callable[..., np.ndarray] | None = None
    fun: Callable[[np.ndarray], tuple[float, Any]] | None = None
    notes: str = ""

    def __call__(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """Return value and gradient, without noise, at a point of shape (2,)."""
        x, y = point.tolist()
        return self.value(x, y), np.array(self.gradient(x, y))
