"""The page's charts as Plotly figures, with everything that its buttons switch computed here.

A chart is ``{"data", "layout", "views", "label"}``. Each trace says in ``meta`` which method it belongs to,
in which role and in which views it is shown; each view holds the axes, the reading and the description that
go with it. The page only picks a view and paints it in the colours of the reader's theme.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from minnet.report import verdict
from minnet.report.curves import Band, bands, pieces
from minnet.report.facts import Comparison, Facts, has_validation, rings
from minnet.report.text import clean, is_number, plotly_text, share, unbroken

AXES = ("epochs", "seconds")
SPLITS = ("validation", "training")
SCALES = {"loss": ("linear", "log"), "accuracy": ("linear", "zoom", "log")}
# Height of a method's row in the strip below the sensitivity chart, and of the chart above it; as in report.css.
ROW, ABOVE = 1.1, 22.0


def all_charts(comparison: Comparison, facts: list[Facts]) -> dict[str, dict[str, Any]]:
    """Return every chart of the page by its id, as plain lists and dicts without NaN."""
    return {
        "scores": scores_chart(facts),
        "loss": curves_chart(comparison, facts, "loss"),
        "accuracy": curves_chart(comparison, facts, "accuracy"),
        "sensitivity": sensitivity_chart(comparison, facts),
    }


def curves_chart(comparison: Comparison, facts: list[Facts], measure: str) -> dict[str, Any]:
    """Return loss or accuracy over epochs or time; on a log axis accuracy is drawn as 1 − accuracy."""
    names = [f.name for f in facts]
    traces: list[dict[str, Any]] = []
    views: dict[str, dict[str, Any]] = {}
    for split in SPLITS:
        drawn = bands(comparison.curves, names, verdict.column(measure, split))
        clock = _clock(drawn.values())
        for scale in SCALES[measure]:
            shown, floor, lifted = _errors(drawn) if _as_error(measure, scale) else (drawn, 0.0, False)
            limits = _limits(list(shown.values()), measure, scale)
            for axis in AXES:
                view = f"{axis} {split} {scale}"
                views[view] = _curves_view(comparison, names, measure, split, axis, scale, limits)
                if axis == "seconds" and clock > 1:
                    views[view]["x"]["title"]["text"] = "milliseconds of training"
                if floor:
                    views[view]["floor"] = floor  # the page draws max(1 − accuracy, floor)
                if floor and lifted:
                    low = _note("0 errors", x=0.99, xanchor="right", y=math.log10(floor), yanchor="bottom")
                    views[view]["annotations"].append(low)
        for axis in AXES:
            for number_, (name, each) in enumerate(drawn.items()):
                x = each.epochs if axis == "epochs" else each.seconds * clock
                unit = "epoch %{x}" if axis == "epochs" else "%{x:.3g} " + ("ms" if clock > 1 else "s")
                traces += _curve(
                    number_, name, each, x, unit, measure, [f"{axis} {split} {s}" for s in SCALES[measure]]
                )
    traces.sort(key=lambda trace: trace["meta"]["role"])  # every band lies under every line
    return _chart(traces, views, f"{measure.title()} during training: median and 10–90 % band over the seeds")


def _clock(drawn: Iterable[Band]) -> float:
    """Return what seconds are multiplied by on the axis of time: 1000 where the whole race is short."""
    longest = max((float(np.nanmax(b.seconds)) for b in drawn if np.isfinite(b.seconds).any()), default=1.0)
    return 1000.0 if longest < 0.2 else 1.0


def _as_error(measure: str, scale: str) -> bool:
    return measure == "accuracy" and scale == "log"


def _errors(drawn: dict[str, Band]) -> tuple[dict[str, Band], float, bool]:
    """Return the bands of 1 − accuracy, where "no error" is drawn, for a log axis has no zero, and whether it is."""
    errors = {
        name: Band(b.epochs, b.seconds, 1 - b.median, 1 - b.high, 1 - b.low, b.seeds) for name, b in drawn.items()
    }
    known = np.concatenate([np.empty(0), *(v for b in errors.values() for v in (b.median, b.low, b.high))])
    floor = lowest_error(known)
    lifted = {
        name: replace(
            b, median=np.maximum(b.median, floor), low=np.maximum(b.low, floor), high=np.maximum(b.high, floor)
        )
        for name, b in errors.items()
    }
    return lifted, floor, bool((known < floor).any())


def lowest_error(errors: np.ndarray) -> float:
    """Return where a log axis draws an error of 0: at half of the smallest error there is.

    Examples
    --------
    >>> lowest_error(np.array([0.0, 0.02, 0.5]))
    0.01
    """
    some = errors[np.isfinite(errors) & (errors > 1e-9)]
    return float(some.min()) / 2 if some.size else 0.001


def _curve(
    method: int, name: str, each: Band, x: np.ndarray, unit: str, measure: str, shown_in: list[str]
) -> list[dict[str, Any]]:
    value = "%{y:.4g}" if measure == "loss" else "%{y:.2%}"
    line: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": plotly_text(name),
        "x": plain(x),
        "y": plain(each.median),
        "hovertemplate": f"{plotly_text(name)}: {value}, {unit}<extra></extra>",
        "marker": {"size": 10, "maxdisplayed": 12},
        "line": {"width": 3},
        "meta": {"method": method, "role": "line", "views": shown_in},
    }
    if each.seeds < 2:
        return [line]
    xs, ys = _outline(x, each.low, each.high)
    area = {
        "type": "scatter",
        "mode": "lines",
        "x": xs,
        "y": ys,
        "fill": "toself",
        "hoverinfo": "skip",
        "line": {"width": 0},
        "meta": {"method": method, "role": "band", "views": shown_in},
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

    A loss far above its start is cut, and the start lies outside a zoomed accuracy. A double click on the chart
    shows everything.
    """
    medians = [each.median[np.isfinite(each.median)] for each in drawn]
    values = np.concatenate([np.empty(0), *medians])
    later = np.concatenate([np.empty(0), *(m[1:] if m.size > 1 else m for m in medians)])
    extremes = np.concatenate([np.empty(0), *(b[np.isfinite(b)] for each in drawn for b in (each.low, each.high))])
    if not values.size:
        return None
    if scale == "zoom":
        later = later[later > 0] if (later > 0).any() else later
        low, high = np.quantile(later, 0.1), max(later.max(), *(extremes[extremes <= 1].tolist() or [0.0]))
        pad = max(0.05 * (high - low), 0.002)
        return [float(max(low - pad, 0.0)), float(min(high + pad, 1.002))]
    if measure == "accuracy" and scale == "linear":
        return [float(max(values.min() - 0.03, 0.0)), 1.01]
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
    y: dict[str, Any] = {"title": {"text": what}, "type": "log" if scale == "log" else "linear"}
    y |= {"range": limits, "autorange": False} if limits else {"autorange": True}
    if not limits:
        y |= {"range": [-2, 0] if scale == "log" else [0, 1], "autorange": False, "showticklabels": False}
    elif measure == "accuracy" and scale != "log":
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
    """Return accuracy, error and loss of the trials against the step size, over a strip with a row per method.

    Methods may share their best point; in the strip everyone's default, selected and diverged step sizes show.
    """
    split = "validation" if has_validation(comparison) else "training"
    floor = lowest_error(np.concatenate([np.empty(0), *(1 - f.tuning["accuracy"].to_numpy() for f in facts)]))
    traces: list[dict[str, Any]] = []
    for method, fact in enumerate(facts):
        for measure in ("accuracy", "error", "loss"):
            traces += _tuned(method, fact, measure, floor, rings(facts[:method], fact))
        traces += _strip(method, fact, len(facts) - method)
    reading = verdict.sensitivity_reading(comparison, facts)
    views: dict[str, dict[str, Any]] = {}
    for measure in ("accuracy", "error", "loss"):
        views[measure] = {
            "x": {
                "title": {"text": "step size (learning rate)"},
                "type": "log",
                "dtick": 1,
                "exponentformat": "power",
            },
            "y": _tuned_axis(facts, measure, split, floor),
            "y2": _strip_axis(facts),
            "shapes": [],
            "annotations": [],
            "reading": reading,
            "about": f"Sensitivity chart: {split} {measure} of every trial against the step size. {reading}",
        }
        if measure == "error" and any((f.tuning["accuracy"] >= 1).any() for f in facts):
            note = _note("0 errors", x=0.99, xanchor="right", y=math.log10(floor), yanchor="bottom")
            views[measure]["annotations"] = [note]
    return _chart(traces, views, "Sensitivity to the step size")


def _strip_share(rows: int) -> float:
    return ROW * rows / (ABOVE + ROW * rows)


def _strip_axis(facts: list[Facts]) -> dict[str, Any]:
    return {
        "visible": bool(facts),
        "domain": [0, max(_strip_share(len(facts)) - 0.03, 0.02)],
        "range": [0.4, len(facts) + 0.6],
        "tickmode": "array",
        "tickvals": list(range(len(facts), 0, -1)),
        "ticktext": [_label(f.name) for f in facts],
        "showgrid": True,
        "zeroline": False,
        "fixedrange": True,
        "ticks": "",
    }


def _tuned_axis(facts: list[Facts], measure: str, split: str, floor: float) -> dict[str, Any]:
    known: np.ndarray = np.concatenate([np.empty(0), *(_measured(f, measure, floor) for f in facts)])
    known = known[np.isfinite(known)]
    what = "error (1 − accuracy)" if measure == "error" else measure
    y: dict[str, Any] = {"title": {"text": f"{split} {what}"}, "domain": [_strip_share(len(facts)) + 0.03, 1]}
    if not known.size:
        return y | {"range": [0, 1], "type": "linear", "showticklabels": False}
    if measure == "accuracy":
        return y | {"tickformat": ".0%", "type": "linear", "autorange": True}
    low, high = float(known.min()), float(known.max())
    y |= {"type": "log", "dtick": "D2" if high < 200 * low else 1, "minor": {"showgrid": False}}
    y["tickformat"] = "~%" if measure == "error" else "~g"
    if low <= 0:
        return y | {"autorange": True}
    return y | {"range": [math.log10(low) - 0.1, math.log10(min(high, 1e3 * low)) + 0.1]}


def _measured(fact: Facts, measure: str, floor: float) -> np.ndarray:
    if measure != "error":
        return fact.tuning[measure].to_numpy(dtype=np.float64)
    return np.maximum(1 - fact.tuning["accuracy"].to_numpy(dtype=np.float64), floor)


def _tuned(method: int, fact: Facts, measure: str, floor: float, ring: int) -> list[dict[str, Any]]:
    table, values = fact.tuning, _measured(fact, measure, floor)
    value = "%{y:.4g}" if measure == "loss" else "%{customdata:.2%}"
    name = plotly_text(fact.name)
    common = {"type": "scatter", "name": name}
    line = {
        **common,
        "mode": "lines+markers" if fact.only_lr else "markers",
        "x": plain(table["lr"]),
        "y": plain(values),
        "customdata": plain(table["accuracy"]),
        "marker": {"size": 11},
        "line": {"width": 3},
        "hovertemplate": f"{name}: {value} at step size %{{x:.4g}}<extra></extra>",
        "meta": {"method": method, "role": "line", "views": [measure]},
    }
    chosen = table["selected"].to_numpy(dtype=bool)
    around = {
        **common,
        "mode": "markers",
        "x": plain(table["lr"][chosen]),
        "y": plain(values[chosen]),
        "marker": {"size": 20 + 9 * ring},
        "hoverinfo": "skip",
        "meta": {"method": method, "role": "ring", "views": [measure]},
    }
    return [line, around] if chosen.any() else [line]


def _strip(method: int, fact: Facts, height: int) -> list[dict[str, Any]]:
    """Return the method's row in the strip: its default, selected and diverged step sizes."""
    tuning, name = fact.tuning, plotly_text(fact.name)
    marks = {
        "default": ([fact.default_lr] if is_number(fact.default_lr) and fact.default_lr > 0 else [], "default"),
        "selected": (tuning.loc[tuning["selected"], "lr"], "selected"),
        "lost": (tuning.loc[tuning["diverged"], "lr"], "diverged"),
    }
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "x": plain(steps),
            "y": [height] * len(steps),
            "yaxis": "y2",
            "marker": {"size": 11},
            "hovertemplate": f"{name}: {word} step size %{{x:.4g}}<extra></extra>",
            "meta": {"method": method, "role": role, "views": ["accuracy", "error", "loss"]},
        }
        for role, (steps, word) in marks.items()
        if len(steps)
    ]


def _label(name: str) -> str:
    """Return a name as short as the label of a row has to be."""
    text = clean(name)
    return plotly_text(text if len(text) <= 20 else text[:19] + "…")


def scores_chart(facts: list[Facts]) -> dict[str, Any]:
    """Return the test accuracy of every final run and the medians, best method on top."""
    traces: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
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
        if is_number(fact.test) and (fact.test > 0 or scores):
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
        if len(scores) < len(fact.scores):
            text = f"◀ {len(fact.scores) - len(scores)} of {len(fact.scores)} diverged: 0 %"
            notes.append(_note(text, x=0.005, xanchor="left", y=height))
    reading = verdict.scores_reading(facts)
    known = [score for f in facts for score in f.scores.values() if is_number(score)]
    if not known:
        traces = []
    pad = 0.06 * (max(known) - min(known)) + 0.001 if known else 0.0
    wide = 3 * pad if notes else pad  # room for what is said at the left
    ends: dict[str, Any] = {"range": [max(min(known) - wide, 0), max(known) + pad]} if known else {"range": [0, 1]}
    ends |= {} if known else {"showticklabels": False}
    heights = list(range(len(facts), 0, -1))
    view = {
        "x": {"title": {"text": "test accuracy"}, "tickformat": ".1%", "nticks": 6} | ends,
        "y": {
            "tickmode": "array",
            "tickvals": heights,
            "ticktext": [plotly_text(f.name) for f in facts],
            "range": [0.3, len(facts) + 0.7],
            "fixedrange": True,
            "showgrid": len(facts) > 12,
            "automargin": True,
        },
        "shapes": [],
        "annotations": notes,
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
