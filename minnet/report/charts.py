"""The page's charts as Plotly figures, with everything that its buttons switch computed here.

A chart is ``{"data", "layout", "views", "label"}``. Each trace says in ``meta`` which method it belongs to,
in which role and in which views it is shown; each view holds the axes, the reading and the description that
go with it. The page only picks a view and paints it in the colours of the reader's theme.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minnet.report import verdict
from minnet.report.curves import Band, bands, pieces
from minnet.report.facts import Comparison, Facts, has_validation
from minnet.report.text import is_number, plotly_text, share, unbroken

AXES = ("epochs", "seconds")
SPLITS = ("validation", "training")
SCALES = ("linear", "log")


def all_charts(comparison: Comparison, facts: list[Facts]) -> dict[str, dict[str, Any]]:
    """Return every chart of the page by its id, as plain lists and dicts without NaN."""
    return {
        "scores": scores_chart(facts),
        "loss": curves_chart(comparison, facts, "loss"),
        "accuracy": curves_chart(comparison, facts, "accuracy"),
        "sensitivity": sensitivity_chart(comparison, facts),
    }


def curves_chart(comparison: Comparison, facts: list[Facts], measure: str) -> dict[str, Any]:
    """Return loss or accuracy over epochs or seconds; on a log axis accuracy is drawn as 1 − accuracy."""
    names = [f.name for f in facts]
    traces: list[dict[str, Any]] = []
    views: dict[str, dict[str, Any]] = {}
    for split in SPLITS:
        drawn = bands(comparison.curves, names, verdict.column(measure, split))
        for scale in SCALES:
            shown = {name: _error(each) if _as_error(measure, scale) else each for name, each in drawn.items()}
            limits = _limits(list(shown.values()), measure, scale)
            for axis in AXES:
                view = f"{axis} {split} {scale}"
                for number_, (name, each) in enumerate(shown.items()):
                    traces += _curve(number_, name, each, axis, measure, scale, view)
                traces.sort(key=lambda trace: trace["meta"]["role"])  # every band lies under every line
                views[view] = _curves_view(comparison, names, measure, split, axis, scale, limits)
    label = f"{measure.title()} during training: median and 10–90 % band over the seeds"
    return _chart(traces, views, label)


def _as_error(measure: str, scale: str) -> bool:
    return measure == "accuracy" and scale == "log"


def _error(each: Band) -> Band:
    return Band(each.epochs, each.seconds, 1 - each.median, 1 - each.high, 1 - each.low, each.seeds)


def _curve(method: int, name: str, each: Band, axis: str, measure: str, scale: str, view: str) -> list[dict[str, Any]]:
    x = each.x(axis)
    positive = (lambda y: np.where(y > 0, y, np.nan)) if scale == "log" else (lambda y: y)
    median = positive(each.median)
    unit = "epoch %{x}" if axis == "epochs" else "%{x:.3g} s"
    value = "%{y:.2%}" if measure == "accuracy" else "%{y:.4g}"
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": plotly_text(name),
        "x": plain(x),
        "y": plain(median),
        "hovertemplate": f"{plotly_text(name)}: {value}, {unit}<extra></extra>",
        "marker": {"size": 10, "maxdisplayed": 12},
        "line": {"width": 3},
        "meta": {"method": method, "role": "line", "views": [view]},
    }
    if each.seeds < 2:
        return [line]
    xs, ys = _outline(x, positive(each.low), positive(each.high))
    area = {
        "type": "scatter",
        "mode": "lines",
        "x": xs,
        "y": ys,
        "fill": "toself",
        "hoverinfo": "skip",
        "line": {"width": 0},
        "meta": {"method": method, "role": "band", "views": [view]},
    }
    return [area, line]


def _outline(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[list[float | None], list[float | None]]:
    """Return the outline of a band, one closed piece between gaps."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    for piece in pieces(np.isfinite(x) & np.isfinite(low) & np.isfinite(high)):
        xs += [*plain(x[piece]), *plain(x[piece][::-1]), None]
        ys += [*plain(low[piece]), *plain(high[piece][::-1]), None]
    return xs[:-1], ys[:-1]


def _limits(drawn: Sequence[Band], measure: str, scale: str) -> list[float] | None:
    """Return the ends of the vertical axis that show the race and not the worst outlier.

    The start, one random guess for all, lies outside an accuracy axis; a loss far above its start is cut.
    A double click on the chart shows everything.
    """
    medians = [each.median[np.isfinite(each.median)] for each in drawn]
    values = np.concatenate([np.empty(0), *medians])
    later = np.concatenate([np.empty(0), *(m[1:] if m.size > 1 else m for m in medians)])
    extremes = np.concatenate([np.empty(0), *(b[np.isfinite(b)] for each in drawn for b in (each.low, each.high))])
    if not values.size:
        return None
    if measure == "accuracy" and scale == "linear":
        low, high = np.quantile(later, 0.1), max(later.max(), *(extremes[extremes <= 1].tolist() or [0.0]))
        pad = max(0.05 * (high - low), 0.002)
        return [float(max(low - pad, 0.0)), float(min(high + pad, 1.002))]
    if scale == "log":
        values, extremes = values[values > 0], extremes[extremes > 0]
        if not values.size:
            return None
        low = min(values.min(), *(extremes.tolist() or [math.inf]))
        top = min(values.max(), 3 * max(float(m[0]) for m in medians if m.size))
        return [math.log10(low) - 0.05, math.log10(max(top, low)) + 0.05]
    top = min(values.max(), 1.5 * max(float(m[0]) for m in medians if m.size))
    return [0.0, float(top) * 1.05] if top > 0 else None


def _curves_view(
    comparison: Comparison,
    names: list[str],
    measure: str,
    split: str,
    axis: str,
    scale: str,
    limits: list[float] | None,
) -> dict[str, Any]:
    reading = verdict.reading(comparison, names, measure, split, axis)
    what = f"{split} {'error (1 − accuracy)' if _as_error(measure, scale) else measure}"
    y: dict[str, Any] = {"title": {"text": what}, "type": scale}
    y |= {"range": limits, "autorange": False} if limits else {"autorange": True}
    if not limits:
        y |= {"range": [-2, 0] if scale == "log" else [0, 1], "autorange": False, "showticklabels": False}
    elif measure == "accuracy" and scale == "linear":
        y["tickformat"] = ".0%" if limits[1] - limits[0] > 0.04 else ".1%"
    if scale == "log":
        y |= {"dtick": "D2" if limits and limits[1] - limits[0] < 2.2 else 1, "minor": {"showgrid": False}}
        y["tickformat"] = "~%" if measure == "accuracy" else "~g"  # without a format Plotly writes 5 for 0.05
    target = comparison.experiment.get("target")
    shapes: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    if measure == "accuracy" and split == "validation" and is_number(target):
        height = (math.log10(1 - float(target)) if float(target) < 1 else None) if scale == "log" else float(target)
        if height is not None and limits and limits[0] <= height <= limits[1]:
            shape_y = 10**height if scale == "log" else height
            shapes = [
                {
                    "type": "line",
                    "xref": "paper",
                    "x0": 0,
                    "x1": 1,
                    "y0": shape_y,
                    "y1": shape_y,
                    "name": "target",
                }
            ]
            notes = [_note(f"target {share(float(target))}", x=0.01, xanchor="left", y=height, yanchor="bottom")]
    return {
        "x": {
            "title": {"text": "epochs" if axis == "epochs" else "seconds of training"},
            "rangemode": "tozero",
        },
        "y": y,
        "shapes": shapes,
        "annotations": notes,
        "reading": reading,
        "about": f"{measure.title()} chart, {split}, against {axis}. {reading}",
    }


def _note(text: str, **where: Any) -> dict[str, Any]:
    return {"text": text, "showarrow": False, "xref": "paper", "yref": "y"} | where


def sensitivity_chart(comparison: Comparison, facts: list[Facts]) -> dict[str, Any]:
    """Return accuracy and loss of the trials against the step size, diverged trials in a strip below."""
    split = "validation" if has_validation(comparison) else "training"
    traces: list[dict[str, Any]] = []
    for method, fact in enumerate(facts):
        name = plotly_text(fact.name)
        for measure in ("accuracy", "loss"):
            traces += _tuned(method, fact, measure)
        lost = fact.tuning[fact.tuning["diverged"]]
        if len(lost):
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": name,
                    "x": plain(lost["lr"]),
                    "y": [len(facts) - method] * len(lost),
                    "yaxis": "y2",
                    "marker": {"size": 11},
                    "hovertemplate": f"{name} diverged at step size %{{x:.3g}}<extra></extra>",
                    "meta": {"method": method, "role": "point", "views": ["accuracy", "loss"]},
                }
            )
    reading = verdict.sensitivity_reading(comparison, facts)
    lost_any = any(f.tuning["diverged"].any() for f in facts)
    note = _note("diverged", x=0.005, xanchor="left", y=0.14, yanchor="top", yref="paper")
    views: dict[str, dict[str, Any]] = {}
    for measure in ("accuracy", "loss"):
        known: np.ndarray = np.concatenate([np.empty(0), *(f.tuning[measure].dropna().to_numpy() for f in facts)])
        y: dict[str, Any] = {"title": {"text": f"{split} {measure}"}, "domain": [0.2 if lost_any else 0, 1]}
        y |= (
            {"tickformat": ".0%", "type": "linear"}
            if measure == "accuracy"
            else {"type": "log", "dtick": "D2", "tickformat": "~g"}
        )
        if not known.size:
            y |= {"range": [0, 1], "type": "linear", "showticklabels": False}
        elif measure == "loss" and known.size and known.min() > 0:
            y |= {
                "range": [
                    math.log10(known.min()) - 0.1,
                    math.log10(min(known.max(), 1e3 * known.min())) + 0.1,
                ]
            }
        else:
            y["autorange"] = True
        views[measure] = {
            "x": {
                "title": {"text": "step size (learning rate)"},
                "type": "log",
                "dtick": 1,
                "exponentformat": "power",
            },
            "y": y,
            "y2": {
                "visible": bool(lost_any),
                "domain": [0, 0.14],
                "range": [0, len(facts) + 1],
                "showticklabels": False,
                "showgrid": False,
                "zeroline": False,
                "fixedrange": True,
                "ticks": "",
            },
            "shapes": [],
            "annotations": [note] if lost_any else [],
            "reading": reading,
            "about": f"Sensitivity chart: {split} {measure} of every trial against the step size. {reading}",
        }
    return _chart(traces, views, "Sensitivity to the step size")


def _tuned(method: int, fact: Facts, measure: str) -> list[dict[str, Any]]:
    table = fact.tuning
    value = "%{y:.2%}" if measure == "accuracy" else "%{y:.4g}"
    name = plotly_text(fact.name)
    common = {"type": "scatter", "name": name}
    line = {
        **common,
        "mode": "lines+markers" if fact.only_lr else "markers",
        "x": plain(table["lr"]),
        "y": plain(table[measure]),
        "marker": {"size": 11},
        "line": {"width": 3},
        "hovertemplate": f"{name}: {value} at step size %{{x:.3g}}<extra></extra>",
        "meta": {"method": method, "role": "line", "views": [measure]},
    }
    chosen = table[table["selected"]]
    ring = {
        **common,
        "mode": "markers",
        "x": plain(chosen["lr"]),
        "y": plain(chosen[measure]),
        "marker": {"size": 22},
        "hoverinfo": "skip",
        "meta": {"method": method, "role": "ring", "views": [measure]},
    }
    return [line, ring] if len(chosen) else [line]


def scores_chart(facts: list[Facts]) -> dict[str, Any]:
    """Return the test accuracy of every final run and the medians, best method on top."""
    traces: list[dict[str, Any]] = []
    for method, fact in enumerate(facts):
        name, height = plotly_text(fact.name), len(facts) - method
        scores = {seed: score for seed, score in fact.scores.items() if is_number(score)}
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": plain(scores.values()),
                "y": [height] * len(scores),
                "customdata": list(scores),
                "marker": {"size": 11},
                "hovertemplate": f"{name}, seed %{{customdata}}: %{{x:.2%}}<extra></extra>",
                "meta": {"method": method, "role": "faint", "views": ["all"]},
            }
        )
        if is_number(fact.test):
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": name,
                    "x": [fact.test],
                    "y": [height],
                    "marker": {"size": 20, "symbol": "line-ns", "line": {"width": 4}},
                    "hovertemplate": f"{name}, median: %{{x:.2%}}<extra></extra>",
                    "meta": {"method": method, "role": "bar", "views": ["all"]},
                }
            )
    reading = verdict.scores_reading(facts)
    if not any(f.finished for f in facts):
        traces = []
    ends: dict[str, Any] = {"autorange": True} if traces else {"range": [0, 1], "showticklabels": False}
    heights = list(range(len(facts), 0, -1))
    view = {
        "x": {"title": {"text": "test accuracy"}, "tickformat": ".1%", "nticks": 6} | ends,
        "y": {
            "tickmode": "array",
            "tickvals": heights,
            "ticktext": [plotly_text(f.name) for f in facts],
            "range": [0.3, len(facts) + 0.7],
            "fixedrange": True,
            "showgrid": False,
            "automargin": True,
        },
        "shapes": [],
        "annotations": [],
        "reading": reading,
        "about": f"Test accuracy of every final run. {reading}",
    }
    return _chart(traces, {"all": view}, "Test accuracy of the final runs: one point per seed, the bar is the median")


def _chart(traces: list[dict[str, Any]], views: dict[str, Any], label: str) -> dict[str, Any]:
    """Return the chart after Plotly has checked every trace and every axis."""
    import plotly.graph_objects as go

    layout = {
        "margin": {"l": 20, "r": 20, "t": 12, "b": 20},
        "showlegend": False,
        "hovermode": "closest",
        "xaxis": {"automargin": True, "zeroline": False},
        "yaxis": {"automargin": True, "zeroline": False},
    }
    figure = go.Figure(data=traces, layout=layout)
    for view in views.values():
        view["reading"] = unbroken(view["reading"])
        axes = {"xaxis": view["x"], "yaxis": view["y"], **({"yaxis2": view["y2"]} if "y2" in view else {})}
        go.Layout(**axes, shapes=view["shapes"], annotations=view["annotations"])
    return {
        "data": [t.to_plotly_json() for t in figure.data],
        "layout": layout,
        "views": views,
        "label": label,
    }


def plain(values: Iterable[float]) -> list[float | None]:
    """Return numbers as JSON has them: six significant digits, None for what is not finite.

    Examples
    --------
    >>> plain(np.array([0.12345678, np.nan]))
    [0.123457, None]
    """
    return [float(f"{value:.6g}") if math.isfinite(value) else None for value in map(float, values)]
