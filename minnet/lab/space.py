"""Where a method's hyperparameters are looked for: the points that its trials try.

Everything here is about the unit interval: an axis is stretched so that its range becomes 0 to 1, evenly in what its
scale says, and a value beyond the range lies below 0 or above 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minnet.errors import InputError, check_name
from minnet.optimizers.base import SCALES, WHOLE, Range, check_value

DESIGNS = ("auto", "grid", "halton", "sobol")
FURTHER = 2  # trials that a round of further trials gives every method
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
        ``{"low": .., "high": .., "scale": "log", "linear" or "log(1-x)"}`` or ``{"values": [..]}``.

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


def points(axes: Mapping[str, Axis], trials: int, seed: int = 0, design: str = "auto") -> list[dict[str, float]]:
    """Return the points that the trials try, in the order of the trials.

    Nothing to search is one point; a single list of values is tried as it is.

    Parameters
    ----------
    axes : mapping of str to Range or Values
    trials : int
        Number of points.
    seed : int
        Of the scrambling.
    design : {"auto", "grid", "halton", "sobol"}
        "grid" is for one hyperparameter, with both ends; the others are scrambled quasi-random sequences, so that
        more trials only add points. "auto" is a grid for one hyperparameter, Halton's sequence for several.

    Returns
    -------
    list of dict

    Raises
    ------
    InputError
        For a grid over several hyperparameters.

    Examples
    --------
    >>> [point["lr"] for point in points({"lr": Range(1e-3, 1e1)}, 5)]
    [0.001, 0.01, 0.1, 1.0, 10.0]
    >>> [point["beta1"] for point in points({"beta1": Range(0.9, 0.999, "log(1-x)")}, 3)]
    [0.9, 0.99, 0.999]
    >>> points({}, 5)
    [{}]
    """
    if not axes:
        return [{}]
    if len(axes) == 1:
        [(name, axis)] = axes.items()
        if isinstance(axis, Values):
            return [{name: value} for value in axis.values]
    if design == "grid" and len(axes) > 1:
        raise InputError(f"points = 'grid' is for one hyperparameter, not for {', '.join(axes)}: use halton or sobol")
    if len(axes) == 1 and design in ("auto", "grid"):
        cube = np.linspace(0, 1, trials)[:, None] if trials > 1 else np.array([[0.5]])
    else:
        cube = _sequence(design, len(axes), trials, seed)
    return [{name: _value(name, axis, u) for (name, axis), u in zip(axes.items(), row)} for row in cube]


def beyond(axes: Mapping[str, Axis], tried: Sequence[Mapping[str, float]], best: int, spacing: float) -> str:
    """Say at which end of those tried the best point lies: "lowest", "highest", or "" for neither.

    What counts is the step size, or the only hyperparameter that is searched: those are what decides, and where a
    range can be too narrow. Nothing lies at an end where the values of `further` are not allowed, or where too few
    were tried.

    Examples
    --------
    >>> tried = [{"lr": 0.1}, {"lr": 1.0}, {"lr": 10.0}]
    >>> [beyond({"lr": Range(0.1, 10)}, tried, best, 0.5) for best in range(3)]
    ['lowest', '', 'highest']
    """
    name, axis, places = _moving(axes, tried)
    if axis is None or len(places) < 3:
        return ""
    here = _place(axis, tried[best][name])
    for end, way, side in ((places[0], -1, "lowest"), (places[-1], 1, "highest")):
        if here == end and _allowed(name, axis, here + way * FURTHER * spacing):
            return side
    return ""


def further(
    axes: Mapping[str, Axis], tried: Sequence[Mapping[str, float]], best: int, spacing: float
) -> list[dict[str, float]]:
    """Return `FURTHER` more points: the best one, moved.

    Beyond the end where it lies (see `beyond`), else between it and its neighbours.

    Parameters
    ----------
    axes : mapping of str to Range or Values
    tried : list of dict
    best : int
        Index into `tried`.
    spacing : float
        How far to go at a time beyond an end, as a part of the range.

    Returns
    -------
    list of dict
        Empty where there is nothing to move along.

    Examples
    --------
    >>> tried = [{"lr": 0.01}, {"lr": 0.1}, {"lr": 1.0}]
    >>> further({"lr": Range(0.01, 1)}, tried, 2, 0.5)
    [{'lr': 10.0}, {'lr': 100.0}]
    >>> further({"lr": Range(0.01, 1)}, tried, 1, 0.5)
    [{'lr': 0.03162}, {'lr': 0.3162}]
    """
    name, axis, places = _moving(axes, tried)
    if axis is None or len(places) < 2:
        return []
    here = _place(axis, tried[best][name])
    side = beyond(axes, tried, best, spacing)
    if side:
        way = 1 if side == "highest" else -1
        fresh = [here + way * spacing * k for k in range(1, FURTHER + 1)]
    else:
        ends = [max((u for u in places if u < here), default=None), min((u for u in places if u > here), default=None)]
        gaps = [(min(here, end), max(here, end)) for end in ends if end is not None]
        fresh = [u for low, high in gaps for u in np.linspace(low, high, FURTHER // len(gaps) + 2)[1:-1]]
    return [{**tried[best], name: _value(name, axis, float(u))} for u in fresh]


def _moving(axes: Mapping[str, Axis], tried: Sequence[Mapping[str, float]]) -> tuple[str, Range | None, list[float]]:
    """Return the hyperparameter along which further points lie, its range if it has one, and where those tried are."""
    name = "lr" if "lr" in axes else next(iter(axes), "") if len(axes) == 1 else ""
    axis = axes.get(name)
    if not isinstance(axis, Range):
        return name, None, []
    return name, axis, sorted({_place(axis, point[name]) for point in tried})


def _sequence(design: str, dimensions: int, count: int, seed: int) -> np.ndarray:
    """Return the first `count` points of a scrambled sequence in the unit cube."""
    from scipy.stats import qmc

    rng = np.random.default_rng(seed)
    if design == "sobol":  # balanced only in powers of two; the first points of more are those of fewer
        return qmc.Sobol(dimensions, scramble=True, seed=rng).random_base2((count - 1).bit_length())[:count]
    return qmc.Halton(dimensions, scramble=True, seed=rng).random(count)


def _value(name: str, axis: Axis, u: float) -> float:
    """Return the value at a place of an axis, rounded."""
    if isinstance(axis, Values):
        return axis.values[min(int(u * len(axis.values)), len(axis.values) - 1)]
    low, high = _stretched(axis.scale, axis.low), _stretched(axis.scale, axis.high)
    at = low + u * (high - low)
    if axis.scale == "log(1-x)":
        return round(1 - _rounded(math.exp(-at)), 15)
    value = _rounded(math.exp(at) if axis.scale == "log" else at)
    return float(round(value)) if name in WHOLE else value


def _place(axis: Range, value: float) -> float:
    """Return where a value lies on an axis; one that no logarithm reaches lies at its low end."""
    if axis.scale == "log" and value <= 0:
        return 0.0
    low, high, at = (_stretched(axis.scale, x) for x in (axis.low, axis.high, value))
    return round((at - low) / (high - low), 9)


def _stretched(scale: str, value: float) -> float:
    if scale == "linear":
        return value
    return math.log(value) if scale == "log" else -math.log1p(-value)


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _allowed(name: str, axis: Range, u: float) -> bool:
    try:
        check_value(name, name, _value(name, axis, u))
    except (InputError, OverflowError):
        return False
    return True


def _range(where: str, value: Mapping[str, Any]) -> Range:
    low, high = _number(f"{where}: low", value["low"]), _number(f"{where}: high", value["high"])
    scale = value.get("scale", "log")
    check_name(f"scale of {where}", scale, SCALES)
    if not low < high:
        raise InputError(f"{where}: low = {low:g} must be below high = {high:g}")
    if scale == "log" and low <= 0:
        raise InputError(f'{where}: low = {low:g} must be above 0 on a log scale; or set scale = "linear"')
    if scale == "log(1-x)" and high >= 1:
        raise InputError(f'{where}: high = {high:g} must be below 1 on the scale "log(1-x)"')
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
