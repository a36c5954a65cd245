"""Functions of two variables on which methods can be watched: value, gradient, start, minima."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minnet.errors import InputError, check_name, suggest

Point = tuple[float, float]


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
    minima : tuple of (x, y)
        Every global minimum.
    lowest : float
        The value there.
    box : (x low, x high, y low, y high)
        What a picture shows.
    notes : str

    Examples
    --------
    A surface is a function that `minnet.minimize` takes:

    >>> import numpy as np
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
    minima: tuple[Point, ...]
    lowest: float
    box: tuple[float, float, float, float]
    notes: str = ""

    def __call__(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """Return value and gradient at a point of shape (2,)."""
        x, y = point.tolist()
        return self.value(x, y), np.array(self.gradient(x, y))


def ravine(condition: float = 100.0, angle: float = 0.0) -> Surface:
    """Return a quadratic that is `condition` times as steep across as along.

    It starts where neither direction can be neglected: the gentle one holds about 1/√κ of the value.

    Parameters
    ----------
    condition : float
        κ, from 1.
    angle : float
        Degrees by which the ravine is turned; at 0 its axes are those of the parameters.

    Raises
    ------
    InputError
        For a condition number below 1, or what is no finite number.
    """
    if not (math.isfinite(condition) and condition >= 1):
        raise InputError(f"condition = {condition!r} must be a finite number from 1 (1 is a round bowl)")
    if not math.isfinite(angle):
        raise InputError(f"angle = {angle!r} must be a finite number of degrees")
    quarters = angle / 90
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    if quarters == round(quarters):
        c, s = float(round(c)), float(round(s))

    def value(x, y):
        u, v = c * x + s * y, c * y - s * x
        return 0.5 * (u * u + condition * v * v)

    def gradient(x, y):
        u, v = c * x + s * y, condition * (c * y - s * x)
        return c * u - s * v, s * u + c * v

    length = condition**0.25
    start = (-c * length - s, -s * length + c)
    corners = [(c * u - s * v, s * u + c * v) for u in (-1.2 * length, 0.7 * length) for v in (-1.3, 1.3)]
    xs, ys = zip(*corners)
    turned = f", turned by {angle:g}°" if angle else ""
    return Surface(
        name="ravine",
        title=f"A ravine, κ = {condition:g}{turned}",
        formula="½ (x² + κ y²)" + (f", x and y turned by {angle:g}°" if angle else ""),
        value=value,
        gradient=gradient,
        start=start,
        minima=((0.0, 0.0),),
        lowest=0.0,
        box=(min(xs), max(xs), min(ys), max(ys)),
        notes="The slope differs between dimensions: curvature 1 along the ravine, κ across it.",
    )


def rosenbrock() -> Surface:
    """Return Rosenbrock's curved valley."""

    def value(x, y):
        a, b = 1 - x, y - x * x
        return a * a + 100 * b * b

    def gradient(x, y):
        b = y - x * x
        return -2 * (1 - x) - 400 * x * b, 200 * b

    return Surface(
        name="rosenbrock",
        title="Rosenbrock's valley",
        formula="(1 − x)² + 100 (y − x²)²",
        value=value,
        gradient=gradient,
        start=(-1.2, 1.0),
        minima=((1.0, 1.0),),
        lowest=0.0,
        box=(-1.9, 1.9, -0.9, 2.6),
        notes="The valley is found at once; its floor bends and is nearly flat. Rosenbrock (1960).",
    )


def beale() -> Surface:
    """Return Beale's function: a plateau with steep corners and one narrow minimum."""
    parts = ((1.5, 1), (2.25, 2), (2.625, 3))

    def value(x, y):
        return sum((c - x + x * y**k) ** 2 for c, k in parts)

    def gradient(x, y):
        errors = [(c - x + x * y**k, k) for c, k in parts]
        return (
            sum(2 * e * (y**k - 1) for e, k in errors),
            sum(2 * e * x * k * y ** (k - 1) for e, k in errors),
        )

    return Surface(
        name="beale",
        title="Beale's function",
        formula="(1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²",
        value=value,
        gradient=gradient,
        start=(1.0, 1.0),
        minima=((3.0, 0.5),),
        lowest=0.0,
        box=(-0.5, 4.2, -0.9, 1.6),
        notes="A plateau between steep corners: gradients of very different size on one path. Beale (1958).",
    )


def saddle() -> Surface:
    """Return a saddle between two minima, entered almost on its ridge."""

    def value(x, y):
        return 0.5 * x * x - 0.5 * y * y + 0.25 * y * y * y * y

    def gradient(x, y):
        return x, y * y * y - y

    return Surface(
        name="saddle",
        title="A saddle",
        formula="½ x² − ½ y² + ¼ y⁴",
        value=value,
        gradient=gradient,
        start=(-1.5, 1e-3),
        minima=((0.0, 1.0), (0.0, -1.0)),
        lowest=-0.25,
        box=(-2.1, 2.1, -1.6, 1.6),
        notes="The saddle ½ (x² − y²) has no minimum; ¼ y⁴ gives it two, at (0, ±1), and bounds it below. At the "
        "start the gradient leads to the saddle at (0, 0); only 0.001 of it leads away.",
    )


SURFACES: dict[str, Callable[..., Surface]] = {
    "ravine": ravine,
    "rosenbrock": rosenbrock,
    "beale": beale,
    "saddle": saddle,
}


def names() -> list[str]:
    """Return the names of the test functions.

    Examples
    --------
    >>> names()
    ['ravine', 'rosenbrock', 'beale', 'saddle']
    """
    return list(SURFACES)


def create(name: str, **options: float) -> Surface:
    """Return a test function.

    Parameters
    ----------
    name : str
        One of `names()`.
    **options : float
        `condition` and `angle` of the ravine.

    Raises
    ------
    InputError
        For an unknown name or option.

    Examples
    --------
    >>> create("ravine", condition=10).formula
    '½ (x² + κ y²)'
    >>> create("beale", condition=10)
    Traceback (most recent call last):
        ...
    minnet.errors.InputError: beale has no option 'condition': allowed: none
    """
    check_name("surface", name, SURFACES)
    allowed = ["condition", "angle"] if name == "ravine" else []
    for option in options:
        if option not in allowed:
            raise InputError(f"{name} has no option {option!r}: {suggest(option, allowed)}")
    return SURFACES[name](**options)
