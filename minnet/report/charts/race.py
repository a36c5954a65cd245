"""Who is first: time to the targets, performance profiles, and what a smaller budget of trials would have given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.report import readings
from minnet.report.charts.chart import Chart, chart, plain
from minnet.report.charts.curves import AXES
from minnet.report.facts import Comparison, Facts, has_validation
from minnet.report.profile import LONGEST, performance_profile, performance_ratios
from minnet.report.text import is_number, share

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {"epochs": "epoch", "steps": "steps", "seconds": "train_s"}
TAUS = np.round(np.geomspace(1, LONGEST, 61), 4)


def targets_of(comparison: Comparison) -> list[float]:
    """Return the targets of a comparison, that of the leaderboard first."""
    given = comparison.experiment.get("targets") or [comparison.experiment.get("target")]
    given = given if isinstance(given, list | tuple) else [given]
    return [float(each) for each in given if is_number(each)] if has_validation(comparison) else []


def times_to(curves: pd.DataFrame, target: float, axis: str) -> pd.Series:
    """Return when every final run first reached a target, by (optimizer, seed); infinite for a miss."""
    final = curves[curves["kind"] == "final"].sort_values("epoch", kind="stable")
    runs = final.groupby(["optimizer", "seed"], sort=False)
    hits = final[final["val_accuracy"] >= target].groupby(["optimizer", "seed"], sort=False)[COLUMNS[axis]].first()
    return hits.reindex(runs.size().index).fillna(math.inf).astype(float)


def target_chart(comparison: Comparison, facts: list[Facts]) -> Chart:
    """Return the time of every final run to a target, with the medians; runs that missed it stand at the right."""
    targets = targets_of(comparison)
    data: list[dict[str, Any]] = []
    views: dict[str, dict[str, Any]] = {}
    for place, target in enumerate(targets or [math.nan]):
        for axis in AXES:
            key = f"{axis} {place}"
            times = times_to(comparison.curves, target, axis) if targets else None
            rows: list[dict[str, Any]] = []
            medians: dict[str, float] = {}
            for m, fact in enumerate(facts):
                if times is None or fact.name not in times.index:
                    continue
                mine = times[fact.name]
                medians[fact.name] = float(mine.median())
                hits = mine[np.isfinite(mine)]
                if len(hits):
                    data.append({
                        "m": m, "role": "seed", "row": True, "view": key, "x": plain(hits), "custom": list(hits.index),
                    })  # fmt: skip
                if math.isfinite(medians[fact.name]):
                    data.append({"m": m, "role": "bar", "row": True, "view": key, "x": plain([medians[fact.name]])})
                if len(hits) < len(mine):
                    rows.append({"m": m, "text": f"{len(mine) - len(hits)} of {len(mine)} missed it ▶", "right": True})
            unit = {"epochs": "epochs", "steps": "steps", "seconds": "seconds of training"}[axis]
            known = [] if times is None else times[np.isfinite(times)].tolist()
            top = (max(known) or 1.0) * (1.25 if rows else 1.05) if known else 1.0
            views[key] = {
                "x": {"title": {"text": f"{unit} to {share(target)} validation accuracy" if targets else unit},
                      "range": [0, top], **({} if known else {"showticklabels": False})},
                "rows": rows,
                "reading": readings.target(medians, target, axis),
                "hover": {"seed": f"%{{fullData.name}}, seed %{{customdata}}: %{{x:.4g}} {axis}",
                          "bar": f"%{{fullData.name}}, median: %{{x:.4g}} {axis}"},
            }  # fmt: skip
    label = "Time to the target: a point per seed, lines join equal seeds, the bar is the median"
    return chart(label, ("axis", "target"), views, data)


def profile_chart(comparisons: Sequence[Comparison], facts: list[Facts]) -> Chart:
    """Return the performance profiles over races: one race per comparison, target and seed."""
    data: list[dict[str, Any]] = []
    views: dict[str, dict[str, Any]] = {}
    for axis in AXES:
        times: dict[str, dict[str, float]] = {}
        for n, comparison in enumerate(comparisons):
            for target in targets_of(comparison):
                for (name, seed), value in times_to(comparison.curves, target, axis).items():
                    times.setdefault(f"{n} {target} {seed}", {})[str(name)] = float(value)
        known = {race: row for race, row in times.items() if any(map(math.isfinite, row.values()))}
        ratios = performance_ratios(known)
        profiles = {name: performance_profile([*row.values()], TAUS.tolist()) for name, row in ratios.items()}
        for m, fact in enumerate(facts):
            if fact.name in profiles:
                heights = plain(profiles[fact.name])
                data.append({"m": m, "role": "steps", "view": axis, "x": TAUS.tolist(), "y": heights})
        views[axis] = {
            "x": {"title": {"text": f"times the fewest {axis} to the target"}, "type": "log",
                  "range": [-0.01, math.log10(LONGEST)], "tickvals": [1, 1.5, 2, 3, 4]},
            "y": {"title": {"text": "share of races solved"}, "range": [-0.02, 1.03], "tickformat": ".0%"},
            "hover": {"steps": "%{fullData.name}: %{y:.0%} of the races within %{x:.3g} times the best"},
            "reading": readings.profile(ratios, len(times), len(known), axis),
        }  # fmt: skip
    label = "Performance profile: the share of races that a method ends within so many times the best time"
    return chart(label, ("axis",), views, data)


def budget_chart(comparison: Comparison, facts: list[Facts]) -> Chart:
    """Return the validation accuracy that the best of k random trials would have had: mean and 10 to 90 % quantiles."""
    data: list[dict[str, Any]] = []
    for m, fact in enumerate(facts):
        mine = comparison.budget[comparison.budget["optimizer"] == fact.name]
        if len(mine):
            values = {end: plain(mine[f"val_accuracy_{end}"]) for end in ("mean", "low", "high")}
            data.append({
                "m": m, "role": "line", "x": plain(mine["trials"]), "y": values["mean"], "low": values["low"],
                "high": values["high"],
            })  # fmt: skip
    most = max((int(trace["x"][-1]) for trace in data), default=1)
    means = [value for trace in data for value in trace["y"] if value is not None]
    high = max(means, default=1.0)
    low = max(float(np.quantile(means, 0.1)) if means else 0.0, high - 0.5)
    view = {
        "x": {"title": {"text": "tuning trials"}, "dtick": max(1, most // 8)},
        "y": {"title": {"text": "validation accuracy"}, "tickformat": ".0%" if high - low > 0.04 else ".1%",
              "range": [low - 0.04 * (high - low) - 0.002, min(high + 0.04 * (high - low) + 0.002, 1.01)]},
        "hover": {"line": "%{fullData.name}: %{y:.2%} with %{x} trials",
                  "band": "<br>10–90 %: %{customdata[0]:.2%} – %{customdata[1]:.2%}"},
        "reading": readings.budget(comparison.budget, [f.name for f in facts]),
    }  # fmt: skip
    return chart("Best after k trials: what the best of so many, drawn at random, would have had", (), {"": view}, data)
