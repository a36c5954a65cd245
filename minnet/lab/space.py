"""Where a method's hyperparameters are looked for: the points that its trials try."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minnet.errors import InputError, check_name
from minnet.optimizers.base import Range

DIGITS = 4  # points are rounded: readable, and free of the last bits of this machine's `pow`


@dataclass(frozen=True)
class Values:
    """A list of values to try."""

    values: tuple[float, ...]


Axis = Range | Values


def parse_axis(where: str, value: Any) -> float | Axis:
    """Read one hyperparameter of an experiment file: a number, a range or a list of values.

    Parameters
    ----------
    where : str
        What to call it in an error.
    value : float, Range, Values or dict
        ``{"low": .., "high": .., "scale": "log" or "linear"}`` or ``{"values": [..]}``.

    Raises
    ------
    InputError

    Examples
    --------
    >>> parse_axis("lr", 0.1)
    0.1
    >>> parse_axis("lr", {"low": 0.001, "high": 1})
    Range(low=0.001, high=1.0, scale='log')
    >>> parse_axis("lr", {"values": [0.1, 1]})
    Values(values=(0.1, 1.0))
    """
    if isinstance(value, Range | Values):
        return value
    if not isinstance(value, Mapping):
        return _number(where, value)
    if "values" in value:
        for key in value:
            check_name(f"key of {where}", key, ["values"])
        return _values(where, value["values"])
    for key in value:
        check_name(f"key of {where}", key, ["low", "high", "scale", "values"])
    if "low" not in value or "high" not in value:
        raise InputError(f"{where} needs low and high, or values, as in {{ low = 1e-4, high = 1e-1 }}")
    return _range(where, value)


def to_plain(axis: float | Axis) -> Any:
    """Return what `parse_axis` reads, in plain types."""
    if isinstance(axis, Range):
        return {"low": axis.low, "high": axis.high, "scale": axis.scale}
    if isinstance(axis, Values):
        return {"values": list(axis.values)}
    return axis


def points(axes: Mapping[str, Axis], trials: int, seed: int = 0) -> list[dict[str, float]]:
    """Return the points that the trials try, in the order of the trials.

    One searched hyperparameter gets a grid with both ends, several get a scrambled Halton sequence, so that
    more trials only add points. Nothing to search is one point; a single list of values is tried as it is.

    Parameters
    ----------
    axes : mapping of str to Range or Values
    trials : int
        Number of points.
    seed : int
        Of the scrambling.

    Returns
    -------
    list of dict

    Examples
    --------
    >>> [point["lr"] for point in points({"lr": Range(1e-3, 1e1)}, 5)]
    [0.001, 0.01, 0.1, 1.0, 10.0]
    >>> points({}, 5)
    [{}]
    """
    if not axes:
        return [{}]
    if len(axes) == 1:
        [(name, axis)] = axes.items()
        if isinstance(axis, Values):
            return [{name: value} for value in axis.values]
        ticks = np.linspace(0, 1, trials) if trials > 1 else np.array([0.5])
        return [{name: _place(axis, tick)} for tick in ticks]
    from scipy.stats import qmc

    cube = qmc.Halton(len(axes), scramble=True, seed=np.random.default_rng(seed)).random(trials)
    return [{name: _place(axis, u) for (name, axis), u in zip(axes.items(), row)} for row in cube]


def _place(axis: Axis, u: float) -> float:
    """Return the value at the fraction `u` of an axis."""
    if isinstance(axis, Values):
        return axis.values[min(int(u * len(axis.values)), len(axis.values) - 1)]
    if axis.scale == "log":
        value = math.exp(math.log(axis.low) + u * (math.log(axis.high) - math.log(axis.low)))
    else:
        value = axis.low + u * (axis.high - axis.low)
    return float(f"{value:.{DIGITS}g}")


def _range(where: str, value: Mapping[str, Any]) -> Range:
    low, high = _number(f"{where}: low", value["low"]), _number(f"{where}: high", value["high"])
    scale = value.get("scale", "log")
    check_name(f"scale of {where}", scale, ["log", "linear"])
    if not low < high:
        raise InputError(f"{where}: low = {low:g} must be below high = {high:g}")
    if scale == "log" and low <= 0:
        raise InputError(f'{where}: low = {low:g} must be above 0 on a log scale; or set scale = "linear"')
    return Range(low, high, scale)


def _values(where: str, values: Any) -> Values:
    if not isinstance(values, list | tuple) or not values:
        raise InputError(f"{where}: values must be a list of numbers, not {values!r}")
    numbers = tuple(_number(f"{where}: values", value) for value in values)
    if len(set(numbers)) < len(numbers):
        raise InputError(f"{where}: values holds a number twice: {list(values)}")
    return Values(numbers)


def _number(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{where} must be a finite number, a range {{ low, high, scale }} or values, not {value!r}")
    return float(value)
