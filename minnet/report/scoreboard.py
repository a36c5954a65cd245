"""Scores beyond the final accuracy, as a table of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from minnet.report.facts import Comparison, Facts
from minnet.report.text import NONE, NOT_REACHED, clean, count, is_number, number, percent, seconds, share


class ScoreTable(NamedTuple):
    """Heads of the columns after the method, and by method one cell per head: a text and a smaller one below."""

    heads: list[str]
    rows: dict[str, list[tuple[str, str]]]


def score_table(comparison: Comparison, facts: list[Facts]) -> ScoreTable:
    """Return the scores of every method in the order of the leaderboard."""
    budgets = _budgets(facts)
    targets = list(dict.fromkeys(comparison.targets["target"]))
    heads = [f"to {share(target)}" for target in targets]
    heads += ["loss on the way", "step sizes that work"]
    heads += [f"validation with {count(k, 'trial')}" for k in budgets]
    return ScoreTable(heads, {clean(f.name): _row(comparison, f.name, targets, budgets) for f in facts})


def _budgets(facts: list[Facts]) -> list[int]:
    """Return a few numbers of trials, doubling up to the largest budget."""
    most = max((f.trials for f in facts), default=0)
    return sorted({1 << i for i in range(most.bit_length()) if 1 << i < most} | {most}) if most > 1 else []


def _row(comparison: Comparison, name: str, targets: list[float], budgets: list[int]) -> list[tuple[str, str]]:
    times, scores, budget = (
        frame[frame["optimizer"] == name] for frame in (comparison.targets, comparison.scores, comparison.budget)
    )
    after = {int(row["trials"]): row for row in budget.to_dict("records")}
    reached = {float(row["target"]): row for row in times.to_dict("records")}
    score = scores.to_dict("records")[0] if len(scores) else {}
    return [
        *(_time(reached.get(target, {})) for target in targets),
        (number(score.get("area_under_log_loss")).replace("-", "−"), ""),
        (_decades(score.get("tunability")), ""),
        *(_after(after.get(k, {})) for k in budgets),
    ]


def _time(row: Mapping[Any, Any]) -> tuple[str, str]:
    seeds = f"{row['reached']} of {count(int(row['seeds']), 'seed')}" if row else ""
    if not is_number(row.get("epochs")):
        return NOT_REACHED, seeds
    parts = [count(int(row["steps"]), "step"), seconds(row["seconds"]), seeds]
    return f"{number(row['epochs'])} epochs", ", ".join(parts)


def _decades(value: object) -> str:
    return f"{number(value, 2)} decades" if is_number(value) else NONE


def _after(row: Mapping[Any, Any]) -> tuple[str, str]:
    if not row:
        return NONE, ""
    low, high = (percent(row[f"val_accuracy_{end}"])[:-2] for end in ("low", "high"))
    return percent(row["val_accuracy_mean"]), f"{low} – {high}" if low != high else ""
