"""What a chart is, before anything draws it: plain data that the page and the figures both read.

A chart is ``{"label", "keys", "views", "data"}``. `keys` names the switches that it obeys; their values, joined by
blanks, choose one of its `views`: axes in the words of Plotly, notes, the texts under the cursor, a `reading` (one
sentence about what is seen). `data` is a list of traces: ``m`` is the method's place,
`role` says how it is drawn, and an attribute may be a choice, ``{"by": switch, value: ..., value: ...}``. A trace with
``row`` lies in the method's own row. ``low`` and ``high`` are a band around ``y``, which is always drawn if ``banded``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from minnet.report.text import clean, plotly_text, unbroken

Chart = dict[str, Any]
POINTS = 2000  # of all curves of a chart together, but never more than
LONGEST = 200  # points of one curve: as many as a screen shows


def chart(label: str, keys: Iterable[str], views: dict[str, dict[str, Any]], data: list[dict[str, Any]]) -> Chart:
    """Return a chart; every view gets what it left out."""
    for view in views.values():
        view["reading"] = unbroken(view["reading"])
        for name, nothing in (("lines", []), ("notes", []), ("hover", {})):
            view.setdefault(name, nothing)
    return {"label": label, "keys": [*keys], "views": views, "data": data}


def by(switch: str, **choices: Any) -> dict[str, Any]:
    """Return an attribute that depends on a switch."""
    return {"by": switch, **choices}


def plain(values: Iterable[float]) -> list[float | None]:
    """Return numbers as JSON has them: six significant digits, None for what is not finite.

    Examples
    --------
    >>> plain(np.array([0.12345678, np.nan, 3.0]))
    [0.123457, None, 3]
    """
    return [_short(float(f"{value:.6g}")) if math.isfinite(value) else None for value in map(float, values)]


def _short(value: float) -> float:
    return int(value) if value.is_integer() else value


def thinned(length: int, curves: int) -> np.ndarray:
    """Return the places of a curve that are drawn: all, or evenly spread ones with both ends.

    Examples
    --------
    >>> thinned(5, 7)
    array([0, 1, 2, 3, 4])
    >>> len(thinned(1000, 7)), len(thinned(1000, 40))
    (200, 50)
    """
    most = min(LONGEST, max(POINTS // max(curves, 1), 50))
    return np.unique(np.linspace(0, length - 1, min(length, most)).round().astype(np.int64))


def note(text: str, **where: Any) -> dict[str, Any]:
    """Return a text in the chart."""
    return {"text": text, "showarrow": False, "xref": "paper", "yref": "y"} | where


def log_axis(values: Iterable[float], title: str) -> dict[str, Any]:
    """Return a logarithmic axis around some values."""
    known = np.array([value for value in values if value is not None and math.isfinite(value) and value > 0])
    axis: dict[str, Any] = {"title": {"text": title}, "type": "log", "minor": {"showgrid": False}, "tickformat": "~g"}
    if not known.size:
        return axis | {"range": [-1, 0], "showticklabels": False}
    low, high = math.log10(known.min()), math.log10(known.max())
    narrow = "D1" if high - low < 0.8 else "D2"
    axis["dtick"] = narrow if high - low < 1.6 else max(1, math.ceil((high - low) / 8))
    if high - low > 4:
        axis["exponentformat"] = "power"
        del axis["tickformat"]
    return axis | {"range": [low - 0.05 * (high - low) - 0.03, high + 0.05 * (high - low) + 0.03]}


def label(name: str) -> str:
    """Return a name as short as the label of a row has to be."""
    text = clean(name)
    return plotly_text(text if len(text) <= 20 else text[:19] + "…")


def shared(charts: dict[str, Chart]) -> list[list[Any]]:
    """Move every list of numbers that occurs again into one list of columns; ``"#3"`` then stands for the fourth.

    Examples
    --------
    >>> charts = {"a": {"data": [{"x": [0, 1], "y": [2, 3]}, {"x": [0, 1], "y": [4, 5]}]}}
    >>> shared(charts), charts["a"]["data"][1]
    ([[0, 1]], {'x': '#0', 'y': [4, 5]})
    """
    places: dict[tuple[Any, ...], list[tuple[dict[str, Any], str]]] = {}
    for each in charts.values():
        for trace in each["data"]:
            for holder in (trace, *(v for v in trace.values() if isinstance(v, dict))):
                for name, value in holder.items():
                    if isinstance(value, list) and len(value) > 1 and not isinstance(value[0], list):
                        places.setdefault((*value,), []).append((holder, name))
    columns: list[list[Any]] = []
    for values, users in places.items():
        if len(users) > 1:
            for holder, name in users:
                holder[name] = f"#{len(columns)}"
            columns.append([*values])
    return columns
