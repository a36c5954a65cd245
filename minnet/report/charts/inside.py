"""Inside the networks: gradients and updates by layer, effective steps, the schedule, and what is confused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minnet.report import readings
from minnet.report.charts.chart import Chart, by, chart, log_axis, plain, thinned
from minnet.report.charts.curves import AXES, abscissa, clock_of, hover, x_axis
from minnet.report.curves import band, bands
from minnet.report.facts import Comparison, Facts
from minnet.report.text import plotly_text


def layers_of(comparison: Comparison) -> list[int]:
    """Return the layers with known norms, from 1."""
    return sorted(map(int, comparison.layers["layer"].unique()))


def layers_chart(comparison: Comparison, facts: list[Facts], what: str) -> Chart:
    """Return the gradient norm or the update-to-weight ratio of a layer: medians over the seeds."""
    table = comparison.layers.assign(
        gradients=comparison.layers["grad_norm"],
        ratios=comparison.layers["update_norm"] / comparison.layers["weight_norm"].where(lambda w: w > 0),
    )
    layers = layers_of(comparison)
    groups, nothing = dict(iter(table.groupby(["optimizer", "layer"], sort=False))), table.head(0)
    drawn = {
        (m, layer): band(groups.get((fact.name, layer), nothing), what)
        for m, fact in enumerate(facts)
        for layer in layers
    }
    clock = clock_of(drawn.values())
    data: list[dict[str, Any]] = []
    for m in range(len(facts)):
        mine = {layer: drawn[m, layer] for layer in layers if drawn[m, layer].finite}
        if not mine:
            continue
        first = next(iter(mine.values()))
        kept = thinned(len(first.epochs), len(facts))
        values = by("layer", **{str(layer): plain(_positive(each.median[kept])) for layer, each in mine.items()})
        data.append({"m": m, "role": "line", "x": abscissa(first, kept, clock), "y": values})
    title = {"gradients": "norm of the gradient", "ratios": "update norm / weight norm"}[what]
    views = {}
    for layer in layers or [1]:
        ends = {facts[m].name: each for (m, at), each in drawn.items() if at == layer and each.finite}
        known = [value for each in ends.values() for value in each.median.tolist()]
        for axis in AXES:
            views[f"{axis} {layer}"] = {
                "x": x_axis(axis, clock),
                "y": log_axis(known, title),
                "hover": hover(axis, clock, "%{y:.3g}"),
                "reading": readings.layers({n: each.median for n, each in ends.items()}, what, layer, len(layers)),
            }
    label = {"gradients": "Gradient norm", "ratios": "Update-to-weight ratio"}[what]
    return chart(
        f"{label} of a layer at the last step of every epoch: medians over the seeds", ("axis", "layer"), views, data
    )


def _positive(values: np.ndarray) -> np.ndarray:
    """Return values as a logarithmic axis can show them."""
    return np.where(values > 0, values, np.nan)


def steps_chart(comparison: Comparison, facts: list[Facts]) -> Chart:
    """Return the effective step |Δw| / |g| of the parameters over training: median, 10 and 90 % quantiles."""
    tables = {m: _steps(comparison, fact.name) for m, fact in enumerate(facts)}
    tables = {m: table for m, table in tables.items() if table.size}
    longest = max((float(table[:, 2].max()) for table in tables.values()), default=1.0)
    clock = 1000.0 if longest < 0.2 else 1.0
    data: list[dict[str, Any]] = []
    for m, table in tables.items():
        rows = table[thinned(len(table), len(facts))]
        epochs, steps, seconds, low, median, high = rows.T
        data.append({
            "m": m, "role": "line",
            "x": by("axis", epochs=plain(epochs), steps=plain(steps), seconds=plain(seconds * clock)),
            "y": plain(_positive(median)), "low": plain(_positive(low)), "high": plain(_positive(high)), "banded": True,
        })  # fmt: skip
    known = [value for table in tables.values() for value in table[:, 3:].ravel().tolist()]
    ends = {facts[m].name: table[-1, 3:] for m, table in tables.items()}
    views = {}
    for axis in AXES:
        shown = hover(axis, clock, "%{y:.3g}")
        shown["band"] = "<br>10–90 % of the parameters: %{customdata[0]:.3g} – %{customdata[1]:.3g}"
        views[axis] = {
            "x": x_axis(axis, clock),
            "y": log_axis(known, "effective step |Δw| / |g|"),
            "hover": shown,
            "reading": readings.steps(ends),
        }
    return chart("Effective step per parameter: median and 10–90 % quantiles, seed 1", ("axis",), views, data)


def _steps(comparison: Comparison, name: str) -> np.ndarray:
    rows = comparison.portraits.get(name, {}).get("steps") or []
    table = np.array([[math.nan if each is None else each for each in row] for row in rows], dtype=np.float64)
    return table.reshape(-1, 6)


def schedule_chart(comparison: Comparison, facts: list[Facts]) -> Chart:
    """Return the step size that was used, over training."""
    drawn = [*bands(comparison.curves, [f.name for f in facts], "lr").values()]
    clock = clock_of(drawn)
    data: list[dict[str, Any]] = []
    for m, each in enumerate(drawn):
        if each.finite:
            kept = thinned(len(each.epochs), len(facts))
            values = plain(_positive(each.median[kept]))
            data.append({"m": m, "role": "line", "x": abscissa(each, kept, clock), "y": values})
    known = [value for trace in data for value in trace["y"] if value is not None]
    ends = {f.name: each.median for f, each in zip(facts, drawn) if each.finite}
    views = {
        axis: {
            "x": x_axis(axis, clock),
            "y": log_axis(known, "step size"),
            "hover": hover(axis, clock, "%{y:.4g}"),
            "reading": readings.schedule(ends),
        }
        for axis in AXES
    }
    return chart("The step size that was used, at the end of every epoch", ("axis",), views, data)


def confusion_chart(comparison: Comparison, facts: list[Facts]) -> Chart:
    """Return the confusion matrix of each method's final run with seed 1."""
    data = []
    for m, fact in enumerate(facts):
        counts = comparison.portraits.get(fact.name, {}).get("confusion")
        if counts:
            reading = readings.confusion(fact.name, counts, comparison.portraits[fact.name]["classes"])
            data.append({"m": m, "role": "heat", "z": counts, "reading": reading})
    classes: list[str] = next((comparison.portraits[facts[trace["m"]].name]["classes"] for trace in data), [])
    ticks = {"tickmode": "array", "tickvals": [*range(len(classes))], "ticktext": [plotly_text(c) for c in classes]}
    view = {
        "x": {"title": {"text": "predicted"}, **ticks},
        "y": {"title": {"text": "true"}, "range": [len(classes) - 0.5, -0.5], **ticks},
        "hover": {"heat": "%{z} of true %{y} taken for %{x}"},
        "reading": data[0]["reading"] if data else "The store holds no portrait of a final run.",
    }
    return chart("Confusion matrix on the test set, seed 1", ("method",), {"": view}, data)
