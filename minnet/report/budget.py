"""What the methods were given to find their hyperparameters, and what came of it, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minnet.report.facts import Comparison
from minnet.report.text import count, listing, points, said, share, some


def sentences(comparison: Comparison) -> list[str]:
    """Return what is to be said about further trials, defaults and successive halving, one statement per line."""
    tuning: Mapping[str, Any] = getattr(comparison, "tuning", {})
    winner = str(comparison.leaderboard["optimizer"].iloc[0]) if len(comparison.leaderboard) else ""
    told = [further(tuning), defaults(tuning), halving(tuning), replay(tuning, winner)]
    return [line for line in told if line]


def further(tuning: Mapping[str, Any]) -> str:
    """Say whose range was extended, and what the others got instead.

    Examples
    --------
    >>> further({"points": 12, "trials": 14, "further": [{"sgd": "highest"}]})
    'The best of the 12 points lay at the end of those tried for sgd (highest), so every method had 2 further trials:
     beyond that end where this was so, around its best point where not.'
    """
    rounds = tuning.get("further") or []
    if not rounds:
        return ""
    sides = {label: side for each in rounds for label, side in each.items()}
    who = some([f"{said(label)} ({side})" for label, side in sides.items()], "method")
    amount = count(tuning["trials"] - tuning["points"], "further trial")
    return (
        f"The best of the {tuning['points']} points lay at the end of those tried for {who}, so every method had "
        f"{amount}: beyond that end where this was so, around its best point where not."
    )


def defaults(tuning: Mapping[str, Any]) -> str:
    """Say what the methods reached untuned, against tuned.

    Examples
    --------
    >>> defaults({"defaults": {"sgd": {"val_accuracy": 0.5, "best": 0.75, "selected": False}}})
    'Every method also ran with its own defaults, a trial counted apart that could be selected like the others: none
     was. Tuning gained 25.00 points of validation accuracy over them (sgd).'
    """
    runs: Mapping[str, Mapping[str, Any]] = tuning.get("defaults") or {}
    if not runs:
        return ""
    chosen = [said(label) for label, run in runs.items() if run["selected"]]
    selected = f"it was for {some(chosen, 'method')}" if chosen else "none was"
    gains = sorted((run["best"] - run["val_accuracy"], label) for label, run in runs.items())
    (least, first), (most, last) = gains[0], gains[-1]
    gained = (
        f"{points(most)} points of validation accuracy over them ({said(last)})" if most > 0 else "nothing over them"
    )
    if len(gains) > 1 and most > 0:
        gained = (
            f"between {points(least)} ({said(first)}) and {points(most)} points ({said(last)}) of validation accuracy"
        )
    return (
        "Every method also ran with its own defaults, a trial counted apart that could be selected like the others: "
        f"{selected}. Tuning gained {gained}."
    )


def halving(tuning: Mapping[str, Any]) -> str:
    """Say what successive halving trained.

    Examples
    --------
    >>> halving({"halving": {"factor": 3, "rungs": [[12, 2], [4, 6], [1, 18]], "epochs": 66, "full": 216}})
    'Hopeless trials were ended early by successive halving with factor 3: 12 trials for 2 epochs, then the best 4 for
     6 and the best 1 for 18, each from the start. That took 66 epochs of training instead of 216 (31 %). What is shown
     of the tuning shows each trial where it ended.'
    """
    facts = tuning.get("halving")
    if not facts:
        return ""
    (trials, epochs), *later = facts["rungs"]
    then = listing([f"the best {many} for {end}" for many, end in later])
    return (
        f"Hopeless trials were ended early by successive halving with factor {facts['factor']}: {trials} trials for "
        f"{count(epochs, 'epoch')}, then {then}, each from the start. That took {facts['epochs']:,} epochs of training "
        f"instead of {facts['full']:,} ({share(round(facts['epochs'] / facts['full'], 2))}). What is shown of the "
        "tuning shows each trial where it ended."
    )


def replay(tuning: Mapping[str, Any], winner: str = "") -> str:
    """Say what successive halving would have trained and selected; `winner` is the first of the leaderboard.

    Examples
    --------
    >>> print(replay({"replay": {"factor": 3, "optimizers": 2, "epochs": 30, "full": 100, "others": [
    ...     {"optimizer": "sgd", "lr": 0.1, "lr_in_full": 0.3, "lost": 0.002}]}}, "adam"))
    Had hopeless trials been ended early (successive halving with factor 3), 30 % of the tuning's epochs would have
    been trained, and the same point selected for 1 of 2 methods, adam as the winner among them; the validation
    accuracy lost is 0.20 points (sgd).
    """
    facts = tuning.get("replay") or {}
    if not facts.get("optimizers") or not facts["full"]:
        return ""
    lost = {each["optimizer"]: each["lost"] for each in facts["others"]}
    kept = "every method"
    if lost:
        kept = f"{facts['optimizers'] - len(lost)} of {count(facts['optimizers'], 'method')}"
        if winner:
            kept += f", {said(winner)} as the winner {'not ' if winner in lost else ''}among them"
        each = [f"{points(value)} points ({said(label)})" for label, value in lost.items()]
        kept += f"; the validation accuracy lost is {some(each, 'method')}"
    return (
        f"Had hopeless trials been ended early (successive halving with factor {facts['factor']}), "
        f"{share(round(facts['epochs'] / facts['full'], 2))} of the tuning's epochs would have been trained, and the "
        f"same point selected for {kept}."
    )
