"""Sentences computed from a comparison: who won, by how much, and what may not be claimed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from minnet.report.curves import Band, bands, last, tolerance, value_at
from minnet.report.facts import Comparison, Facts, gather, has_validation
from minnet.report.text import count, is_number, listing, number, percent, points, said, seconds, share


class Interval(NamedTuple):
    """Mean of paired differences and its interval; `low` and `high` are NaN when there is only one pair."""

    mean: float
    low: float
    high: float
    pairs: int

    @property
    def excludes_zero(self) -> bool:
        """Whether a difference has been shown."""
        return self.low > 0 or self.high < 0


def paired_interval(first: Mapping[int, float], second: Mapping[int, float], level: float = 0.95) -> Interval:
    """Return the mean difference between two methods over the seeds that both ran.

    Seeds are paired: seed i gives every method the same initial weights and the same batches, so the
    differences are compared and not the two spreads. The interval is Student's for the mean difference: with
    three to five seeds a percentile bootstrap is far too narrow, and a sign test can never reject.

    Parameters
    ----------
    first, second : mapping of seed to accuracy
        A run that diverged has got nothing right: 0. A NaN leaves its pair out.
    level : float

    Returns
    -------
    Interval

    Examples
    --------
    >>> interval = paired_interval({0: 0.95, 1: 0.96, 2: 0.955}, {0: 0.93, 1: 0.942, 2: 0.934})
    >>> f"{interval.mean:.4f} [{interval.low:.4f}, {interval.high:.4f}]"
    '0.0197 [0.0159, 0.0235]'
    """
    from scipy import stats

    common = [seed for seed in first if seed in second]
    differences = np.array([first[seed] - second[seed] for seed in common], dtype=np.float64)
    differences = differences[np.isfinite(differences)]
    pairs = differences.size
    if pairs == 0:
        return Interval(math.nan, math.nan, math.nan, 0)
    mean = float(differences.mean())
    if pairs == 1:
        return Interval(mean, math.nan, math.nan, 1)
    half = float(stats.t.ppf((1 + level) / 2, pairs - 1) * differences.std(ddof=1) / math.sqrt(pairs))
    return Interval(mean, mean - half, mean + half, pairs)


def sentences(comparison: Comparison, facts: list[Facts] | None = None) -> list[str]:
    """Return the verdict in at most three sentences of plain text.

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
    told = [_winner(facts), _target(comparison, facts), _troubles(facts)]
    return [sentence for sentence in told if sentence]


def _winner(facts: list[Facts]) -> str:
    running = [f for f in facts if f.finished]
    if not facts:
        return "Nothing has been run yet."
    if not running:
        if all(f.trials > 0 and f.diverged == f.trials for f in facts):
            runs = count(sum(f.trials for f in facts), "tuning trial")
            return f"Every run diverged, {runs} in all, so there is no winner: try smaller step sizes."
        return "No method finished a final run, so there is no winner."
    best = running[0]
    if len(running) == 1:
        others = "nothing else ran" if len(facts) == 1 else "no other method finished a final run"
        return (
            f"{_scored(best)} has a median test accuracy of {percent(best.test)} "
            f"over {count(best.finished, 'seed')}; {others}, so there is nothing to compare it with."
        )
    return _compare(best, running[1], running[2:])


def _compare(best: Facts, second: Facts, others: list[Facts]) -> str:
    gap = paired_interval(best.counted, second.counted)
    pair = f"{_scored(best, best.test)} and {_scored(second, second.test)}"
    if gap.pairs == 0:
        return f"No difference shown between {pair} in test accuracy: they share no seed."
    lead = f"{points(abs(gap.mean))} points {'ahead' if gap.mean >= 0 else 'behind'}"
    if gap.pairs == 1:
        return f"No difference shown between {pair} in test accuracy: on their one seed the first is {lead}."
    if gap.high < 0:
        return (
            f"{_scored(best)} comes first by its median, but {_scored(second)} tests better "
            f"by {points(-gap.mean)} points on average over {gap.pairs} paired seeds "
            f"(95 % interval {points(-gap.high)} to {points(-gap.low)})."
        )
    interval = f"(95 % interval {points(gap.low)} to {points(gap.high)})"
    if gap.low > 0:
        return (
            f"{_scored(best)} wins with a median test accuracy of {percent(best.test)}, {points(gap.mean)} "
            f"points ahead of {_scored(second)} on average over {gap.pairs} paired seeds {interval}."
        )
    text = (
        f"No difference shown between {pair}: in test accuracy over {gap.pairs} paired seeds the first is "
        f"{lead} on average {interval}"
    )
    alike = [said(f.name) for f in others if not paired_interval(best.counted, f.counted).excludes_zero]
    return f"{text}; nor do the seeds tell {said(best.name)} from {listing(alike, 'or')}." if alike else f"{text}."


def _scored(fact: Facts, score: float | None = None) -> str:
    if score is not None:
        return f"{said(fact.name)} ({percent(score)} at step size {number(fact.lr)})"
    return f"{said(fact.name)} at step size {number(fact.lr)}" if is_number(fact.lr) else said(fact.name)


def _target(comparison: Comparison, facts: list[Facts]) -> str:
    target = comparison.experiment.get("target")
    if not is_number(target) or not has_validation(comparison) or not any(f.finished for f in facts):
        return ""
    goal = f"{share(float(target))} validation accuracy"
    reached = [f for f in facts if is_number(f.epochs_to_target)]
    if not reached:
        return f"No method reached the target of {goal}."
    fewest = min(f.epochs_to_target for f in reached)
    first = [said(f.name) for f in reached if f.epochs_to_target == fewest]
    timed = [f for f in reached if is_number(f.seconds_to_target)]
    quick = min(timed, key=lambda f: f.seconds_to_target) if timed else None
    text = f"The target of {goal} took the fewest epochs ({number(fewest)})"
    if quick and first == [said(quick.name)]:
        text += f" and the least training time ({seconds(quick.seconds_to_target)}) with {first[0]}"
    else:
        text += f" with {listing(first)}"
        if quick:
            text += f", the least training time ({seconds(quick.seconds_to_target)}) with {said(quick.name)}"
    if len(facts) == 1:
        return f"{text}."
    missed = [said(f.name) for f in facts if not is_number(f.epochs_to_target)]
    return f"{text}; {listing(missed)} never reached it." if missed else f"{text}; every method reached it."


def _troubles(facts: list[Facts]) -> str:
    trials, diverged = sum(f.trials for f in facts), sum(f.diverged for f in facts)
    parts = []
    if trials and diverged == trials:
        return ""  # the first sentence has said so
    if diverged:
        who = ", ".join(f"{said(f.name)} {f.diverged}" for f in facts if f.diverged)
        parts.append(f"{diverged} of {trials} tuning trials diverged ({who})")
    elif trials:
        parts.append("no tuning trial diverged")
    final = [f"{said(f.name)} {f.final_diverged} of {len(f.scores)}" for f in facts if f.final_diverged]
    if final:
        parts.append(f"final runs diverged too ({', '.join(final)})")
    edges = [f"{said(f.name)} ({f.edge})" for f in facts if f.edge]
    if edges:
        parts.append(f"the best step size of {listing(edges)} lies at the end of those tried, so more may be possible")
    text = "; ".join(parts)
    return text[:1].upper() + text[1:] + "." if text else ""


def reading(comparison: Comparison, names: list[str], measure: str, split: str, axis: str) -> str:
    """Return one sentence on what a chart of curves shows.

    Parameters
    ----------
    comparison : Comparison
    names : list of str
    measure : {"loss", "accuracy"}
    split : {"validation", "training"}
    axis : {"epochs", "seconds"}
    """
    drawn = {
        name: each for name, each in bands(comparison.curves, names, column(measure, split)).items() if each.finite
    }
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
    text = f"After {count(epochs, 'epoch')} {said(best)} has the {word} median {split} {measure}"
    text += f" ({_value(ends[best], measure)})"
    if worst != best:
        text += f" and {said(worst)} the {opposite} ({_value(ends[worst], measure)})"
    early, _ = _extremes({name: value_at(each.epochs, each.median, 1) for name, each in drawn.items()}, measure)
    told = early and epochs > 1 and len(drawn) > 1
    return f"{text}; after the first, {said(early)} led." if told else f"{text}."


def _reading_in_time(drawn: Mapping[str, Band], measure: str, split: str) -> str:
    shared = float(min(np.nanmax(each.seconds) for each in drawn.values()))
    there = {name: value_at(each.seconds, each.median, shared) for name, each in drawn.items()}
    best, _ = _extremes(there, measure)
    if not best:
        return f"In the first {seconds(shared)} of training the median of no method is finite."
    word = "lowest" if measure == "loss" else "highest"
    return (
        f"With the {seconds(shared)} of training that every method had, {said(best)} has the {word} "
        f"median {split} {measure} ({_value(there[best], measure)})."
    )


def _extremes(values: Mapping[str, float], measure: str) -> tuple[str, str]:
    known = {name: value for name, value in values.items() if math.isfinite(value)}
    if not known:
        return "", ""
    ordered = sorted(known, key=lambda name: known[name], reverse=measure == "accuracy")
    return ordered[0], ordered[-1]


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
    text = f"{said(widest)} stays within one point of its best {split} accuracy "
    text += f"{_factor(known[widest])} of the step size"
    if known[narrowest] < known[widest]:
        text += f", {said(narrowest)} only {_factor(known[narrowest])}"
    return text + "."


def _factor(width: float) -> str:
    return f"over a factor of {number(width, 2)}" if width > 1 else "at a single value"


def scores_reading(facts: list[Facts]) -> str:
    """Return one sentence on the spread of the final test accuracies."""
    running = [f for f in facts if f.finished]
    if not running:
        return "No final run gave a test accuracy."
    high, low = max(running, key=lambda f: f.test), min(running, key=lambda f: f.test)
    widest = max(running, key=lambda f: f.test_high - f.test_low)
    top = f"{percent(high.test)} ({said(high.name)})"
    if len(running) == 1:
        text = f"The median test accuracy over {count(high.finished, 'seed')} is {top}"
    else:
        text = f"The median test accuracies lie between {percent(low.test)} ({said(low.name)}) and {top}"
    if len(widest.scores) < 2:
        return f"{text}; with one seed there is no spread."
    spread = points(widest.test_high - widest.test_low)
    return f"{text}; the seeds differ most with {said(widest.name)}, by {spread} points."
