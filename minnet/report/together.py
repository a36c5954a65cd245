"""Several comparisons on one page: a table over all of them, and their common performance profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minnet.report.charts.race import profile_chart
from minnet.report.facts import Comparison, Facts, gather, with_pending
from minnet.report.text import NONE, clean, count, number, percent, said, short, some


def overview(comparisons: Mapping[str, Comparison]) -> dict[str, Any]:
    """Return the sentence, the rows of the table, and for each comparison the chart with its methods' places."""
    facts = {name: gather(comparison) for name, comparison in comparisons.items()}
    by_name = {name: {f.name: f for f in each} for name, each in facts.items()}
    methods = list(dict.fromkeys(f.name for each in facts.values() for f in each))
    shared = [name for name in methods if all(name in each for each in by_name.values())]
    places = [[f.name for f in each if f.name in shared] for each in facts.values()]  # which are in the order of ranks
    mean = {name: sum(order.index(name) + 1 for order in places) / len(places) for name in shared}
    rows = [
        {
            "name": short(name, 60),
            "full": clean(name),
            "rank": number(mean.get(name)),
            "cells": [_cell(each.get(name)) for each in by_name.values()],
        }
        for name in sorted(methods, key=lambda name: mean.get(name, float("inf")))
    ]
    runs = [*comparisons.values()]
    charts = {
        name: profile_chart(runs, with_pending(comparison, facts[name])) for name, comparison in comparisons.items()
    }
    return {"sentence": _sentence(mean, places), "rows": rows, "charts": charts}


def _cell(fact: Facts | None) -> tuple[str, str]:
    if fact is None:
        return NONE, ""
    alike = "≈ " if fact.rank > 1 and not fact.shown else ""
    return percent(fact.test), f"{alike}rank {fact.rank}"


def _sentence(mean: Mapping[str, float], places: Sequence[Sequence[str]]) -> str:
    """Say who ranks best over all of them, among the methods that ran in all.

    Ranks of different problems say nothing about how far methods are apart, so the sentence claims no more than that.
    """
    if not mean:
        return "No method ran in all of these comparisons."
    best = [name for name in mean if mean[name] == min(mean.values())]
    wins = ", ".join(f"{said(name)} {sum(order[0] == name for order in places)}" for name in best)
    return (
        f"Of the {count(len(mean), 'method')} that ran in all {len(places)} comparisons "
        f"{some([said(name) for name in best], 'method')} {'has' if len(best) == 1 else 'have'} the best mean rank "
        f"among them ({number(mean[best[0]])}); first of them in so many comparisons: {wins}."
    )
