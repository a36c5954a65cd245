"""How much each method minds its step size: every tuning trial, with the tuned point and the default marked."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minnet.report import verdict
from minnet.report.charts.chart import Chart, by, chart, note, plain
from minnet.report.charts.curves import lowest_error
from minnet.report.facts import Comparison, Facts, has_validation, rings
from minnet.report.text import is_number

MEASURES = ("accuracy", "error", "loss")


def sensitivity_chart(comparison: Comparison, facts: list[Facts]) -> Chart:
    """Return accuracy, error and loss of the trials against the step size, over a strip with a row per method.

    Methods may share their best point; in the strip everyone's default, selected and diverged step sizes show.
    """
    split = "validation" if has_validation(comparison) else "training"
    floor = lowest_error(np.concatenate([np.empty(0), *(1 - f.tuning["accuracy"].to_numpy() for f in facts)]))
    traces: list[dict[str, Any]] = []
    for m, fact in enumerate(facts):
        traces += _trials(m, fact, floor, rings(facts[:m], fact)) + _strip(m, fact)
    reading = verdict.sensitivity_reading(comparison, facts)
    views: dict[str, dict[str, Any]] = {}
    for measure in MEASURES:
        value = "%{y:.4g}" if measure == "loss" else "%{customdata:.2%}"
        views[measure] = {
            "x": {
                "title": {"text": "step size (learning rate)"}, "type": "log", "dtick": 1, "exponentformat": "power"
            },
            "y": _axis(facts, measure, split, floor),
            "strip": True,
            "reading": reading,
            "hover": {
                "line": f"%{{fullData.name}}: {value} at step size %{{x:.4g}}",
                **{role: f"%{{fullData.name}}: {word} step size %{{x:.4g}}" for role, word in WORDS.items()},
            },
        }  # fmt: skip
        if measure == "error" and any((f.tuning["accuracy"] >= 1).any() for f in facts):
            low = note("0 errors", x=0.99, xanchor="right", y=math.log10(floor), yanchor="bottom")
            views[measure]["notes"] = [low]
    return chart("Sensitivity to the step size", ("tuned",), views, traces)


WORDS = {"default": "default", "selected": "selected", "lost": "diverged"}


def _axis(facts: list[Facts], measure: str, split: str, floor: float) -> dict[str, Any]:
    known: np.ndarray = np.concatenate([np.empty(0), *(_measured(f, measure, floor) for f in facts)])
    known = known[np.isfinite(known)]
    what = "error (1 − accuracy)" if measure == "error" else measure
    y: dict[str, Any] = {"title": {"text": f"{split} {what}"}}
    if not known.size:
        return y | {"range": [0, 1], "type": "linear", "showticklabels": False}
    if measure == "accuracy":
        return y | {"tickformat": ".0%", "type": "linear"}
    low, high = float(known.min()), float(known.max())
    y |= {"type": "log", "dtick": "D2" if high < 200 * low else 1, "minor": {"showgrid": False}}
    y["tickformat"] = "~%" if measure == "error" else "~g"
    if low <= 0:
        return y
    return y | {"range": [math.log10(low) - 0.1, math.log10(min(high, 1e3 * low)) + 0.1]}


def _measured(fact: Facts, measure: str, floor: float) -> np.ndarray:
    if measure != "error":
        return fact.tuning[measure].to_numpy(dtype=np.float64)
    return np.maximum(1 - fact.tuning["accuracy"].to_numpy(dtype=np.float64), floor)


def _trials(m: int, fact: Facts, floor: float, ring: int) -> list[dict[str, Any]]:
    table = fact.tuning
    values = {measure: plain(_measured(fact, measure, floor)) for measure in MEASURES}
    line: dict[str, Any] = {
        "m": m, "role": "line", "joined": fact.only_lr, "x": plain(table["lr"]), "y": by("tuned", **values),
        "custom": plain(table["accuracy"]),
    }  # fmt: skip
    chosen = np.flatnonzero(table["selected"].to_numpy(dtype=bool)).tolist()
    around = {
        "m": m, "role": "ring", "size": ring, "x": [line["x"][i] for i in chosen],
        "y": by("tuned", **{measure: [each[i] for i in chosen] for measure, each in values.items()}),
    }  # fmt: skip
    return [line, around] if chosen else [line] if len(table) else []


def _strip(m: int, fact: Facts) -> list[dict[str, Any]]:
    """Return the method's row in the strip: its default, selected and diverged step sizes."""
    tuning = fact.tuning
    marks = {
        "default": [fact.default_lr] if is_number(fact.default_lr) and fact.default_lr > 0 else [],
        "selected": tuning.loc[tuning["selected"], "lr"],
        "lost": tuning.loc[tuning["diverged"], "lr"],
    }
    return [{"m": m, "role": role, "row": True, "x": plain(lr)} for role, lr in marks.items() if len(lr)]
