"""Loss and accuracy during training: medians and bands over the seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from minnet.report import verdict
from minnet.report.charts.chart import Chart, by, chart, note, plain, thinned
from minnet.report.curves import Band, bands
from minnet.report.facts import Comparison, Facts
from minnet.report.text import is_number, share

AXES = ("epochs", "steps", "seconds")
SPLITS = ("validation", "training")
SCALES = {"loss": ("linear", "log"), "accuracy": ("linear", "zoom", "log")}
UNITS = {"epochs": "epoch %{x}", "steps": "step %{x}", "seconds": "%{x:.3g} s", "milliseconds": "%{x:.3g} ms"}


def curves_chart(comparison: Comparison, facts: list[Facts], measure: str) -> Chart:
    """Return loss or accuracy over epochs, steps or time; on a log axis accuracy is drawn as 1 − accuracy."""
    names = [f.name for f in facts]
    drawn = {split: bands(comparison.curves, names, verdict.column(measure, split)) for split in SPLITS}
    clock = clock_of(drawn["training"].values())
    views: dict[str, dict[str, Any]] = {}
    for split in SPLITS:
        for scale in SCALES[measure]:
            error = as_error(measure, scale)
            shown, floor, lifted = _errors(drawn[split]) if error else (drawn[split], 0.0, False)
            limits = _limits(list(shown.values()), measure, scale)
            for axis in AXES:
                view = _view(comparison, drawn[split], measure, split, axis, scale, limits)
                view["x"] = x_axis(axis, clock)
                view["hover"] = hover(axis, clock, "%{y:.4g}" if measure == "loss" else "%{y:.2%}")
                if error:
                    view["floor"] = floor  # max(1 − accuracy, floor) is drawn
                if error and lifted:
                    low = note("0 errors", x=0.99, xanchor="right", y=math.log10(floor), yanchor="bottom")
                    view["notes"].append(low)
                views[f"{axis} {split} {scale}"] = view
    traces = [
        _trace(m, drawn["validation"][name], drawn["training"][name], clock, len(names)) for m, name in enumerate(names)
    ]
    label = f"{measure.title()} during training: median and 10–90 % band over the seeds"
    return chart(label, ("axis", "split", measure), views, traces)


def _trace(m: int, validation: Band, training: Band, clock: float, methods: int) -> dict[str, Any]:
    kept = thinned(len(training.epochs), methods) if len(training.epochs) else np.empty(0, dtype=np.int64)
    values = {"m": m, "role": "line", "x": abscissa(training, kept, clock)}
    for name, part in (("y", "median"), ("low", "low"), ("high", "high")):
        if name == "y" or training.seeds > 1:
            both = {"validation": getattr(validation, part), "training": getattr(training, part)}
            values[name] = by("split", **{split: plain(each[kept]) for split, each in both.items()})
    return values


def abscissa(band: Band, kept: np.ndarray, clock: float) -> dict[str, Any]:
    """Return where the points of a band lie on each of the axes."""
    return by(
        "axis",
        epochs=plain(band.epochs[kept]), steps=plain(band.steps[kept]), seconds=plain(band.seconds[kept] * clock),
    )  # fmt: skip


def clock_of(drawn: Iterable[Band]) -> float:
    """Return what seconds are multiplied by on the axis of time: 1000 where the whole race is short."""
    longest = max((float(np.nanmax(b.seconds)) for b in drawn if np.isfinite(b.seconds).any()), default=1.0)
    return 1000.0 if longest < 0.2 else 1.0


def x_axis(axis: str, clock: float) -> dict[str, Any]:
    """Return the horizontal axis of curves over training."""
    title = {"epochs": "epochs", "steps": "steps", "seconds": f"{'milli' if clock > 1 else ''}seconds of training"}
    return {"title": {"text": title[axis]}, "rangemode": "tozero"}


def hover(axis: str, clock: float, value: str) -> dict[str, str]:
    """Return what stands under the cursor on a curve; the second part for those that have a band."""
    unit = UNITS["milliseconds" if axis == "seconds" and clock > 1 else axis]
    low, high = (value.replace("%{y", f"%{{customdata[{end}]") for end in (0, 1))
    return {"line": f"%{{fullData.name}}: {value}, {unit}", "band": f"<br>10–90 % of the seeds: {low} – {high}"}


def as_error(measure: str, scale: str) -> bool:
    """Say whether 1 − accuracy is drawn."""
    return measure == "accuracy" and scale == "log"


def _errors(drawn: dict[str, Band]) -> tuple[dict[str, Band], float, bool]:
    """Return the bands of 1 − accuracy, where "no error" is drawn, for a log axis has no zero, and whether it is."""
    errors = {name: replace(b, median=1 - b.median, low=1 - b.high, high=1 - b.low) for name, b in drawn.items()}
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


def _view(
    comparison: Comparison,
    drawn: dict[str, Band],
    measure: str,
    split: str,
    axis: str,
    scale: str,
    limits: list[float] | None,
) -> dict[str, Any]:
    what = f"{split} {'error (1 − accuracy)' if as_error(measure, scale) else measure}"
    y: dict[str, Any] = {"title": {"text": what}, "type": "log" if scale == "log" else "linear"}
    if limits:
        y["range"] = limits
        if measure == "accuracy" and scale != "log":
            y["tickformat"] = ".0%" if limits[1] - limits[0] > 0.04 else ".1%"
    else:
        y |= {"range": [-2, 0] if scale == "log" else [0, 1], "showticklabels": False}
    if scale == "log":
        y |= {"dtick": "D2" if limits and limits[1] - limits[0] < 2.2 else 1, "minor": {"showgrid": False}}
        y["tickformat"] = "~%" if measure == "accuracy" else "~g"  # without a format Plotly writes 5 for 0.05
    lines, notes = _target(comparison, measure, split, scale, limits)
    return {
        "y": y,
        "lines": lines,
        "notes": notes,
        "reading": verdict.reading(drawn, measure, split, axis),
    }


def _target(
    comparison: Comparison, measure: str, split: str, scale: str, limits: list[float] | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the line of the target and what stands at it, where it lies in the picture."""
    target = comparison.experiment.get("target")
    if measure != "accuracy" or split != "validation" or not is_number(target) or not limits:
        return [], []
    height = (math.log10(1 - target) if target < 1 else -math.inf) if scale == "log" else float(target)
    if not limits[0] <= height <= limits[1]:
        return [], []
    beyond = "bottom" if scale == "log" else "top"  # curves that have reached it lie on the other side
    text = note(f"target {share(float(target))}", x=0.99, xanchor="right", y=height, yanchor=beyond)
    return [{"y": 10**height if scale == "log" else height}], [text]
