"""Charts with a row per method: final accuracies over the paired seeds, and where the time went."""

from __future__ import annotations

from typing import Any

import numpy as np

from minnet.report import readings, verdict
from minnet.report.charts.chart import Chart, chart, plain
from minnet.report.facts import Comparison, Facts
from minnet.report.text import is_number

PARTS = {"train": "train_s", "evaluate": "eval_s", "compile": "compile_s"}


def scores_chart(facts: list[Facts]) -> Chart:
    """Return the test accuracy of every final run and the medians, best method on top; lines join equal seeds."""
    data: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    for m, fact in enumerate(facts):
        scores = {seed: score for seed, score in fact.scores.items() if is_number(score)}
        dots = {"m": m, "role": "seed", "row": True, "x": plain(scores.values()), "custom": list(scores)}
        data += [dots] if scores else []
        if is_number(fact.test) and (fact.test > 0 or scores):
            data.append({"m": m, "role": "bar", "row": True, "x": plain([fact.test])})
        if len(scores) < len(fact.scores):
            lost = f"◀ {len(fact.scores) - len(scores)} of {len(fact.scores)} diverged: 0 %"
            notes.append({"m": m, "text": lost})
    known = [score for f in facts for score in f.scores.values() if is_number(score)]
    pad = 0.06 * (max(known) - min(known)) + 0.001 if known else 0.0
    wide = 3 * pad if notes else pad  # room for what is said at the left
    ends: dict[str, Any] = {"range": [max(min(known) - wide, 0), max(known) + pad]} if known else {"range": [0, 1]}
    ends |= {} if known else {"showticklabels": False}
    view = {
        "x": {"title": {"text": "test accuracy"}, "tickformat": ".1%", "nticks": 6} | ends,
        "rows": notes,
        "reading": verdict.scores_reading(facts),
        "hover": {
            "seed": "%{fullData.name}, seed %{customdata}: %{x:.2%}", "bar": "%{fullData.name}, median: %{x:.2%}"
        },
    }  # fmt: skip
    label = "Test accuracy of the final runs: a point per seed, lines join equal seeds, the bar is the median"
    return chart(label, (), {"": view}, data if known else [])


def times_chart(comparison: Comparison, facts: list[Facts]) -> Chart:
    """Return the mean seconds that a final run trained, evaluated and compiled or loaded kernels."""
    final = comparison.trials[comparison.trials["kind"] == "final"]
    data: list[dict[str, Any]] = []
    means: dict[str, dict[str, float]] = {}
    for m, fact in enumerate(facts):
        mine = final[final["optimizer"] == fact.name]
        if mine.empty:
            continue
        means[fact.name] = {part: float(np.nan_to_num(mine[column].mean())) for part, column in PARTS.items()}
        data += [{"m": m, "role": part, "row": True, "x": plain([value])} for part, value in means[fact.name].items()]
    view = {
        "x": {"title": {"text": "seconds per final run"}, "rangemode": "tozero"},
        "rows": [],
        "reading": readings.times(means),
        "hover": {
            "train": "%{fullData.name}: %{x:.3g} s of training",
            "evaluate": "%{fullData.name}: %{x:.3g} s of evaluation",
            "compile": "%{fullData.name}: %{x:.3g} s of compiling or loading",
        },
    }  # fmt: skip
    return chart("Where the time went: training, evaluation, and compiling or loading kernels", (), {"": view}, data)
