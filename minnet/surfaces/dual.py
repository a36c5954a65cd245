"""Forward-mode differentiation: numbers that carry their derivatives by x and y along."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

# function: (its derivative, from the argument and the result)
SLOPES: dict[np.ufunc, Callable[[Any, Any], Any]] = {
    np.sin: lambda u, f: np.cos(u),
    np.cos: lambda u, f: -np.sin(u),
    np.tan: lambda u, f: 1 + f * f,
    np.arcsin: lambda u, f: 1 / np.sqrt(1 - u * u),
    np.arccos: lambda u, f: -1 / np.sqrt(1 - u * u),
    np.arctan: lambda u, f: 1 / (1 + u * u),
    np.sinh: lambda u, f: np.cosh(u),
    np.cosh: lambda u, f: np.sinh(u),
    np.tanh: lambda u, f: 1 - f * f,
    np.exp: lambda u, f: f,
    np.expm1: lambda u, f: f + 1,
    np.log: lambda u, f: 1 / u,
    np.log1p: lambda u, f: 1 / (1 + u),
    np.log2: lambda u, f: 1 / (u * math.log(2)),
    np.log10: lambda u, f: 1 / (u * math.log(10)),
    np.sqrt: lambda u, f: 0.5 / f,
    np.cbrt: lambda u, f: 1 / (3 * f * f),
    np.square: lambda u, f: 2 * u,
    np.abs: lambda u, f: np.sign(u),
    np.sign: lambda u, f: 0 * u,
    np.negative: lambda u, f: -1.0,
    np.positive: lambda u, f: 1.0,
}


class Dual(np.lib.mixins.NDArrayOperatorsMixin):
    """A number, or an array of them, with its derivatives by two variables.

    Operators and NumPy's functions compute both; what has no derivative here raises a `TypeError`.

    Examples
    --------
    >>> x, y = variables(2.0, 3.0)
    >>> z = x**2 * y + np.sin(y - 3)
    >>> float(z.value), float(z.dx), float(z.dy)
    (12.0, 12.0, 5.0)
    """

    def __init__(self, value: Any, dx: Any, dy: Any) -> None:
        self.value, self.dx, self.dy = value, dx, dy

    def __repr__(self) -> str:
        return f"Dual({self.value!r}, {self.dx!r}, {self.dy!r})"

    def __array_ufunc__(self, function: np.ufunc, method: str, *inputs: Any, **settings: Any) -> Any:
        """Compute a function of NumPy, or an operator, with its derivatives."""
        if method != "__call__" or settings:
            return NotImplemented
        values = [each.value if isinstance(each, Dual) else each for each in inputs]
        if function in COMPARISONS:
            return function(*values)
        partials = PARTIALS.get(function)
        if function in SLOPES:
            result = function(*values)
            slopes = [SLOPES[function](values[0], result)]
        elif partials is not None:
            result = function(*values)
            known = [isinstance(each, Dual) for each in inputs]
            slopes = [p(*values, result) if dual else None for p, dual in zip(partials, known)]
        else:
            return NotImplemented
        parts = [(s, each) for s, each in zip(slopes, inputs) if isinstance(each, Dual)]
        return Dual(result, sum(s * each.dx for s, each in parts), sum(s * each.dy for s, each in parts))


# operator: its derivatives by the two operands; only that of an operand that varies is computed
PARTIALS: dict[np.ufunc, tuple[Callable[..., Any], Callable[..., Any]]] = {
    np.add: (lambda u, v, f: 1.0, lambda u, v, f: 1.0),
    np.subtract: (lambda u, v, f: 1.0, lambda u, v, f: -1.0),
    np.multiply: (lambda u, v, f: v, lambda u, v, f: u),
    np.divide: (lambda u, v, f: 1 / v, lambda u, v, f: -f / v),
    np.power: (lambda u, v, f: v * np.power(u, v - 1), lambda u, v, f: f * np.log(u)),
    np.hypot: (lambda u, v, f: u / f, lambda u, v, f: v / f),
    np.arctan2: (lambda u, v, f: v / (u * u + v * v), lambda u, v, f: -u / (u * u + v * v)),
    np.maximum: (lambda u, v, f: 1.0 * (u >= v), lambda u, v, f: 1.0 * (v > u)),
    np.minimum: (lambda u, v, f: 1.0 * (u <= v), lambda u, v, f: 1.0 * (v < u)),
}
COMPARISONS = (np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal)


def variables(x: Any, y: Any) -> tuple[Dual, Dual]:
    """Return x and y as what to differentiate by."""
    x, y = np.asarray(x, dtype=np.float64)[()], np.asarray(y, dtype=np.float64)[()]
    return Dual(x, 1.0, 0.0), Dual(y, 0.0, 1.0)


def differentiated(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], tuple[Any, Any]]:
    """Return ``gradient(x, y) -> (df/dx, df/dy)`` of a function of two variables.

    Examples
    --------
    >>> [float(slope) for slope in differentiated(lambda x, y: x * np.exp(y))(2.0, 0.0)]
    [1.0, 2.0]
    """

    def gradient(x: Any, y: Any) -> tuple[Any, Any]:
        with np.errstate(all="ignore"):
            result = function(*variables(x, y))
            return (result.dx, result.dy) if isinstance(result, Dual) else (0.0, 0.0)

    return gradient
