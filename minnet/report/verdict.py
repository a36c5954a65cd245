"""Sentences computed from a comparison: who won, by how much, and what may not be claimed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from minnet.report.curves import Band, last, tolerance, value_at
from minnet.report.facts import LEVEL, Comparison, Facts, gather, has_validation, pairs, unfinished
from minnet.report.text import count, is_number, number, percent, points, said, seconds, share, some

# Training shorter than this is mostly the clock and the other processes; in seconds.
MEASURABLE = 0.05


def sentences(comparison: Comparison, facts: list[Facts] | None = None) -> list[str]:
    """Return the verdict in at most three sentences of plain text, after one that says if it is not final.

    Parameters
    ----------
    comparison : Comparison
    facts : list of Facts, optional
        From `gather`, when the caller has them already.

    Returns
    -------
    list of str
        The winner or why there is none; who reached the target; what diverged, where the search was narrow.
    """
    facts = gather(comparison) if facts is None else facts
    part = unfinished(comparison)
    told = [_winner(comparison, facts), _target(comparison, facts), _troubles(facts)]
    start = f"Unfinished: {part}. What follows is how things stand, not a result." if part else ""
    return [sentence for sentence in (start, *told) if sentence]


def _winner(comparison: Comparison, facts: list[Facts]) -> str:
    running = [f for f in facts if f.finished]
    if not facts:
        tuned = int((comparison.trials["kind"] == "tune").sum())
        return f"{count(tuned, 'tuning run')} and no final run so far." if tuned else "Nothing has been run yet."
    if not running:
        if all(f.trials > 0 and f.diverged == f.trials for f in facts):
            runs = count(sum(f.trials for f in facts), "tuning trial")
            return f"Every run diverged, {runs} in all, so there is no winner: try smaller step sizes."
        return "No method finished a final run, so there is no winner."
    best, others = facts[0], running[1:]
    if not best.test > 0:
        return "Most final runs of every method diverged, so there is no winner."
    if not others:
        rest = "nothing else ran" if len(facts) == 1 else "no other method finished a final run"
        return (
            f"{_scored(best)} has a median test accuracy of {percent(best.test)} "
            f"over {count(len(best.scores), 'seed')}; {rest}, so there is nothing to compare it with."
        )
    better = [f for f in others if f.shown and f.difference < 0]
    if better:
        return _beaten(best, better[0], pairs(facts))
    alike = [f for f in others if not f.shown]
    if alike:
        return _tie(best, alike, pairs(facts))
    second, wins = others[0], "leads so far" if unfinished(comparison) else "wins"
    return (
        f"{_scored(best)} {wins} with a median test accuracy of {percent(best.test)}, {points(second.difference)} "
        f"points ahead of {_scored(second)} on average over {_seeds(best, second)} paired seeds "
        f"({_interval(second.difference_low, second.difference_high, pairs(facts))})."
    )


def _beaten(best: Facts, better: Facts, compared: int) -> str:
    return (
        f"{_scored(best)} comes first by its median, but {_scored(better)} tests better "
        f"by {points(-better.difference)} points on average over {_seeds(best, better)} paired seeds "
        f"({_interval(-better.difference_high, -better.difference_low, compared)})."
    )


def _tie(best: Facts, alike: Sequence[Facts], compared: int) -> str:
    """Say which methods the seeds do not tell from the first."""
    near, seeds = alike[0], _seeds(best, alike[0])
    text = f"No difference shown between {_scored(best, best.test)} and {_scored(near, near.test)} in test accuracy: "
    if seeds == 0:
        return f"{text}they share no seed."
    lead = f"the first is {points(abs(near.difference))} points {'ahead' if near.difference >= 0 else 'behind'}"
    if seeds == 1:
        return f"{text}on their one seed {lead}."
    text += f"over {seeds} paired seeds {lead} on average"
    text += f" ({_interval(near.difference_low, near.difference_high, compared)})"
    more = some([said(f.name) for f in alike[1:]], "method", last="or")
    return f"{text}; nor do the seeds tell {said(best.name)} from {more}." if more else f"{text}."


def _seeds(first: Facts, second: Facts) -> int:
    return len(first.scores.keys() & second.scores.keys())


def _interval(low: float, high: float, compared: int) -> str:
    """Return an interval in points, and for how many comparisons it is corrected."""
    corrected = f", corrected for {compared} comparisons" if compared > 1 else ""
    return f"{share(LEVEL)} interval {points(low)} to {points(high)}{corrected}"


def _scored(fact: Facts, score: float | None = None) -> str:
    if score is not None:
        return f"{said(fact.name)} ({percent(score)} at step size {number(fact.lr)})"
    return f"{said(fact.name)} at step size {number(fact.lr)}" if is_number(fact.lr) else said(fact.name)


def _target(comparison: Comparison, facts: list[Facts]) -> str:
    target = comparison.experiment.get("target")
    if not is_number(target) or not has_validation(comparison) or not facts:
        return ""
    goal = f"{share(float(target))} validation accuracy"
    reached = [f for f in facts if is_number(f.epochs_to_target)]
    if not reached:
        return f"No method reached the target of {goal}{_now_and_then(facts)}."
    fewest = min(f.epochs_to_target for f in reached)
    first = [said(f.name) for f in reached if f.epochs_to_target == fewest]
    text = f"The target of {goal} took the fewest epochs ({number(fewest)}) with {some(first, 'method')}"
    text += _quickest(reached)
    if len(facts) == 1:
        return f"{text}."
    missed = [f for f in facts if not is_number(f.epochs_to_target)]
    if not missed:
        return f"{text}; every method reached it."
    return f"{text}; {some([said(f.name) for f in missed], 'method')} did not reach it{_now_and_then(missed)}."


def _now_and_then(missed: list[Facts]) -> str:
    """Say which methods reached the target with some seeds, but not in the median, which is what counts."""
    some_runs = [f"{said(f.name)} {f.reached} of {len(f.scores)}" for f in missed if f.reached]
    return f" in the median of the runs ({some(some_runs, 'method')} did)" if some_runs else ""


def _quickest(reached: list[Facts]) -> str:
    """Return who took the least training time, as far as clocks can tell."""
    timed = sorted((f for f in reached if is_number(f.seconds_to_target)), key=lambda f: f.seconds_to_target)
    if not timed:
        return ""
    quick, longest = timed[0], timed[-1].seconds_to_target
    least = seconds(quick.seconds_to_target)
    if len(timed) == 1:
        return f", in {least} of training"
    if quick.seconds_to_target < MEASURABLE:
        return f"; the training times to it, {least} to {seconds(longest)}, are too short to rank"
    close = [said(f.name) for f in timed if not told_apart(quick, f)]
    if len(close) == 1:
        return f", the least training time ({least}) with {said(quick.name)}"
    others = some(close[1:], "method")
    return f"; the least training time ({least} with {said(quick.name)}) is within the noise of {others}"


def told_apart(quick: Facts, slow: Facts) -> bool:
    """Say whether the training times to the target differ by more than runs of one method do among themselves.

    With one seed nothing is known about that and a quarter is taken.
    """
    noise = max((f.time_spread if is_number(f.time_spread) else 0.25) for f in (quick, slow))
    gap = slow.seconds_to_target - quick.seconds_to_target
    return bool(slow.seconds_to_target >= MEASURABLE and gap > max(noise, 0.05) * slow.seconds_to_target)


def noisy_times(facts: list[Facts]) -> bool:
    """Say whether any time to the target is too short to mean anything."""
    return any(is_number(f.seconds_to_target) and f.seconds_to_target < MEASURABLE for f in facts)


def _troubles(facts: list[Facts]) -> str:
    trials, diverged = sum(f.trials for f in facts), sum(f.diverged for f in facts)
    parts = []
    if trials and diverged == trials:
        return _tried(facts)
    if diverged:
        who = some([f"{said(f.name)} {f.diverged}" for f in facts if f.diverged], "method")
        parts.append(f"{diverged} of {trials} tuning trials diverged ({who})")
    elif trials:
        parts.append("no tuning trial diverged")
    final = [f"{said(f.name)} {f.final_diverged} of {len(f.scores)}" for f in facts if f.final_diverged]
    if final:
        parts.append(f"final runs diverged{' too' if diverged else ''} and count as 0 ({some(final, 'method')})")
    edges = [f"{said(f.name)} ({f.edge})" for f in facts if f.edge]
    if edges:
        parts.append(
            f"the best step size of {some(edges, 'method')} lies at the end of those tried, so more may be possible"
        )
    text = "; ".join(parts)
    return text[:1].upper() + text[1:] + "." if text else ""


def _tried(facts: list[Facts]) -> str:
    """Say between which step sizes all trials diverged: where to look next."""
    tried = np.concatenate([f.tuning["lr"].dropna().to_numpy(dtype=np.float64) for f in facts])
    if not tried.size:
        return ""
    ends = [number(value) for value in (tried.min(), tried.max())]
    if ends[0] == ends[1]:
        return f"The only step size tried was {ends[0]}."
    return f"The step sizes tried lie between {ends[0]} and {ends[1]}."


def reading(drawn: Mapping[str, Band], measure: str, split: str, axis: str) -> str:
    """Return one sentence on what a chart of curves shows.

    Parameters
    ----------
    drawn : mapping of str to Band
    measure : {"loss", "accuracy"}
    split : {"validation", "training"}
    axis : {"epochs", "steps", "seconds"}
    """
    drawn = {name: each for name, each in drawn.items() if each.finite}
    if not drawn:
        return f"No final run has a finite {split} {measure}."
    if axis == "seconds":
        return _reading_in_time(drawn, measure, split)
    ends = {name: last(each.median) for name, each in drawn.items()}
    best, worst = _extremes(ends, measure)
    epochs = int(max(each.epochs[-1] for each in drawn.values()))
    if not best:
        return f"After {count(epochs, 'epoch')} the median of no method is finite."
    word, opposite = ("lowest", "highest") if measure == "loss" else ("highest", "lowest")
    text = f"After {count(epochs, 'epoch')} {_have(best)} the {word} median {split} {measure}"
    text += f" ({_value(ends[best[0]], measure)})"
    if worst != best:
        text += f" and {some([said(n) for n in worst], 'method')} the {opposite} ({_value(ends[worst[0]], measure)})"
    early, _ = _extremes({name: value_at(each.epochs, each.median, 1) for name, each in drawn.items()}, measure)
    told = early and epochs > 1 and len(drawn) > 1
    return f"{text}; after the first, {some([said(n) for n in early], 'method')} led." if told else f"{text}."


def _reading_in_time(drawn: Mapping[str, Band], measure: str, split: str) -> str:
    shared = float(min(np.nanmax(each.seconds) for each in drawn.values()))
    there = {name: value_at(each.seconds, each.median, shared) for name, each in drawn.items()}
    best, _ = _extremes(there, measure)
    if not best:
        return f"In the first {seconds(shared)} of training the median of no method is finite."
    word = "lowest" if measure == "loss" else "highest"
    noise = "; times this short are mostly noise" if shared < MEASURABLE else ""
    return (
        f"With the {seconds(shared)} of training that every method had, {_have(best)} the {word} "
        f"median {split} {measure} ({_value(there[best[0]], measure)}){noise}."
    )


def _have(names: list[str]) -> str:
    return f"{some([said(name) for name in names], 'method')} {'has' if len(names) == 1 else 'have'}"


def _extremes(values: Mapping[str, float], measure: str) -> tuple[list[str], list[str]]:
    """Return the best and the worst, several where they are equal."""
    known = {name: value for name, value in values.items() if math.isfinite(value)}
    if not known:
        return [], []
    ends = sorted([min(known.values()), max(known.values())], reverse=measure == "accuracy")
    best, worst = ([name for name, value in known.items() if math.isclose(value, end, rel_tol=1e-9)] for end in ends)
    return best, worst


def _value(value: float, measure: str) -> str:
    return number(value) if measure == "loss" else percent(value)


def column(measure: str, split: str) -> str:
    """Return the name of the column: ``column("loss", "validation")`` is ``"val_loss"``."""
    return f"{'val' if split == 'validation' else 'train'}_{measure}"


def sensitivity_reading(comparison: Comparison, facts: list[Facts]) -> str:
    """Return one sentence on how much each method minds its step size."""
    split = "validation" if has_validation(comparison) else "training"
    widths = {
        f.name: tolerance(f.tuning["lr"].to_numpy(), f.tuning["accuracy"].to_numpy())
        for f in facts
        if len(f.tuning) > 1
    }
    known = {name: width for name, width in widths.items() if math.isfinite(width)}
    if not known:
        return "No trial gave a finite result." if widths else "No step size was tuned: each method ran with one."
    widest, narrowest = max(known, key=lambda n: known[n]), min(known, key=lambda n: known[n])
    seeds = comparison.trials.loc[comparison.trials["kind"] == "tune", "seed"].unique()
    seed = f" and tuning seed {seeds[0]} alone" if len(seeds) == 1 else ""
    text = f"As far as the step sizes tried{seed} show, the trials within one point of the best {split} accuracy "
    text += f"span {_factor(known[widest])} with {said(widest)}"
    if known[narrowest] < known[widest]:
        text += f" and {_factor(known[narrowest])} with {said(narrowest)}"
    apart = spacing(facts)
    return (
        f"{text}; neighbours lie a factor of {number(apart, 2)} apart, so it is a rough guide."
        if apart > 1
        else text + "."
    )


def _factor(width: float) -> str:
    return f"a factor of {number(width, 2)}" if width > 1 else "a single step size"


def spacing(facts: list[Facts]) -> float:
    """Return the typical factor between neighbouring step sizes of a method; 1 where there are none."""
    tried = [np.unique(f.tuning["lr"].dropna().to_numpy(dtype=np.float64)) for f in facts]
    ratios = np.concatenate([np.empty(0), *(each[1:] / each[:-1] for each in tried if each.size > 1)])
    return float(np.median(ratios)) if ratios.size else 1.0


def scores_reading(facts: list[Facts]) -> str:
    """Return one sentence on the spread of the final test accuracies."""
    running = [f for f in facts if f.finished]
    if not running:
        return "No final run gave a test accuracy."
    high, low = max(running, key=lambda f: f.test), min(facts, key=lambda f: f.test if is_number(f.test) else 1.0)
    widest = max(running, key=lambda f: f.test_high - f.test_low)
    top = f"{percent(high.test)} ({said(high.name)})"
    if len(facts) == 1:
        text = f"The median test accuracy over {count(len(high.scores), 'seed')} is {top}"
    else:
        text = f"The median test accuracies lie between {percent(low.test)} ({said(low.name)}) and {top}"
    if len(widest.scores) < 2:
        return f"{text}; with one seed there is no spread."
    spread = points(widest.test_high - widest.test_low)
    return f"{text}; the seeds differ most with {said(widest.name)}, by {spread} points."
