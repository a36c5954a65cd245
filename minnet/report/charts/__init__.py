"""The charts of a comparison as plain data; the page draws them with Plotly, the figures with Matplotlib."""

from __future__ import annotations

from minnet.report.charts.chart import Chart
from minnet.report.charts.curves import curves_chart
from minnet.report.charts.inside import confusion_chart, layers_chart, layers_of, schedule_chart, steps_chart
from minnet.report.charts.race import budget_chart, profile_chart, target_chart, targets_of
from minnet.report.charts.rows import scores_chart, times_chart
from minnet.report.charts.sensitivity import sensitivity_chart
from minnet.report.facts import Comparison, Facts

__all__ = ["Chart", "all_charts", "layers_of", "profile_chart", "targets_of"]


def all_charts(comparison: Comparison, facts: list[Facts]) -> dict[str, Chart]:
    """Return every chart by its name, as plain lists and dicts without NaN."""
    return {
        "loss": curves_chart(comparison, facts, "loss"),
        "accuracy": curves_chart(comparison, facts, "accuracy"),
        "target": target_chart(comparison, facts),
        "profile": profile_chart([comparison], facts),
        "sensitivity": sensitivity_chart(comparison, facts),
        "budget": budget_chart(comparison, facts),
        "scores": scores_chart(facts),
        "gradients": layers_chart(comparison, facts, "gradients"),
        "ratios": layers_chart(comparison, facts, "ratios"),
        "steps": steps_chart(comparison, facts),
        "schedule": schedule_chart(comparison, facts),
        "times": times_chart(comparison, facts),
        "confusion": confusion_chart(comparison, facts),
    }
