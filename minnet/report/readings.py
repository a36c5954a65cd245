"""One sentence per chart, computed from what the chart shows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from minnet.report.text import count, is_number, number, percent, said, seconds, share, some
from minnet.report.verdict import MEASURABLE

if TYPE_CHECKING:
    import pandas as pd


def target(medians: Mapping[str, float], goal: float, axis: str) -> str:
    """Return who reaches the target first, and how much sooner than the next.

    Examples
    --------
    >>> target({"adam": 2.0, "sgd": 6.0, "lion": math.inf}, 0.97, "epochs")
    'adam reaches 97 % validation accuracy in 2 epochs, 3 times sooner than sgd; lion did not reach it in the median.'
    """
    if not math.isfinite(goal):
        return "There is no target: without a validation part nothing can reach one."
    if not medians:
        return f"No final run yet that could have reached {share(goal)} validation accuracy."
    known = sorted((value, name) for name, value in medians.items() if math.isfinite(value))
    if not known:
        return f"No method reached {share(goal)} validation accuracy in the median of its runs."
    best, later = known[0][0], [each for each in known if each[0] > known[0][0]]
    first = [said(name) for value, name in known if value == best]
    second = [said(name) for value, name in later if value == later[0][0]]
    text = f"{some(first, 'method')} {'reaches' if len(first) == 1 else 'reach'} {share(goal)} validation accuracy "
    text += f"in {seconds(best) + ' of training' if axis == 'seconds' else f'{number(best)} {axis}'}"
    if later and axis == "seconds" and best < MEASURABLE:
        text += ", too short a time to rank"
    elif later and best > 0:
        text += f", {number(later[0][0] / best, 2)} times sooner than {some(second, 'method')}"
    missed = [said(name) for name, value in medians.items() if not math.isfinite(value)]
    return f"{text}; {some(missed, 'method')} did not reach it in the median." if missed else f"{text}."


def profile(ratios: Mapping[str, Mapping[str, float]], races: int, solved: int, axis: str) -> str:
    """Return who is most often first, and who comes within twice the best time most often.

    Examples
    --------
    >>> profile({"adam": {"1": 1.0, "2": 1.0}, "sgd": {"1": 1.5, "2": math.inf}}, 2, 2, "epochs")
    'In 2 races to the target (a race is a target and a seed), adam needs the fewest epochs in 100 %; within twice the
     fewest, adam ends 100 %.'
    """
    if not races:
        return "There is no race to a target."
    if not solved:
        return f"No method ended one of the {count(races, 'race')} to the target."
    firsts = {name: float(np.mean([r <= 1 for r in row.values()])) for name, row in ratios.items()}
    twice = {name: float(np.mean([r <= 2 for r in row.values()])) for name, row in ratios.items()}
    first, near = _highest(firsts), _highest(twice)
    unsolved = f", and {races - solved} more that nobody ended" if races > solved else ""
    needs = "needs" if len(first) == 1 else "each need"
    return (
        f"In {count(solved, 'race')} to the target{unsolved} (a race is a target and a seed), "
        f"{some([said(n) for n in first], 'method')} {needs} the fewest {axis} in {share(round(firsts[first[0]], 2))}; "
        f"within twice the fewest, {some([said(n) for n in near], 'method')} {'ends' if len(near) == 1 else 'end'} "
        f"{share(round(twice[near[0]], 2))}."
    )


def _highest(values: Mapping[str, float]) -> list[str]:
    return [name for name, value in values.items() if value == max(values.values())]


def budget(table: pd.DataFrame, names: Sequence[str]) -> str:
    """Return who would have led with one trial, and who with all of them."""
    shown = table[table["optimizer"].isin(names)]
    if shown.empty:
        return "There is nothing to choose from: no trials, or trials that were ended early."
    most = int(shown["trials"].max())
    ends = {}
    for trials in (1, most):
        mine = shown[shown["trials"] == trials]
        ends[trials] = mine.loc[mine["val_accuracy_mean"].idxmax()]
    one, all_ = ends[1], ends[most]
    text = (
        f"With one trial drawn at random {said(one['optimizer'])} is best on average "
        f"({percent(one['val_accuracy_mean'])} validation accuracy)"
    )
    if most == 1:
        return f"{text}."
    return f"{text}, with all {most} {said(all_['optimizer'])} ({percent(all_['val_accuracy_mean'])})."


def layers(curves: Mapping[str, np.ndarray], what: str, layer: int, of: int) -> str:
    """Return whose gradient or update is the largest in the end, and whose the smallest."""
    ends = {name: _last(values) for name, values in curves.items()}
    ends = {name: value for name, value in ends.items() if math.isfinite(value)}
    if not ends:
        return "The store holds no norms of gradients."
    high, low = max(ends, key=lambda n: ends[n]), min(ends, key=lambda n: ends[n])
    place = "the only layer" if of == 1 else f"layer {layer} of {of}"
    thing, value = {
        "gradients": ("the gradient", number),
        "ratios": ("the update, measured in the length of the weights,", _share),
    }[what]
    text = f"At the end {thing} of {place} is longest with {said(high)} ({value(ends[high])})"
    return f"{text} and shortest with {said(low)} ({value(ends[low])})." if high != low else f"{text}."


def _share(value: float) -> str:
    return f"{number(100 * value, 2)} %"


def _last(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known[-1]) if known.size else math.nan


def steps(ends: Mapping[str, np.ndarray]) -> str:
    """Return whose parameters differ most in their effective steps, and whose least.

    Examples
    --------
    >>> steps({"adam": np.array([0.1, 1.0, 20.0]), "sgd": np.array([0.1, 0.1, 0.1])})
    'At the end the effective steps of the parameters lie a factor of 200 apart with adam and 1 with sgd (10 % to 90 %
     quantile).'
    """
    spread = {
        name: float(high / low)
        for name, (low, _, high) in ends.items()
        if is_number(low) and is_number(high) and low > 0
    }
    if not spread:
        return "The store holds no effective steps: it has no portraits, or no method with single steps."
    wide, narrow = max(spread, key=lambda n: spread[n]), min(spread, key=lambda n: spread[n])
    text = "At the end the effective steps of the parameters lie "
    text += f"a factor of {number(spread[wide], 2)} apart with {said(wide)}"
    if wide != narrow:
        text += f" and {number(spread[narrow], 2)} with {said(narrow)}"
    return f"{text} (10 % to 90 % quantile)."


def schedule(curves: Mapping[str, np.ndarray]) -> str:
    """Return whether step sizes changed, and by how much."""
    changes = {}
    for name, values in curves.items():
        known = values[np.isfinite(values)]
        if known.size and known.max() > 0:
            changes[name] = (float(known[0]), float(known[-1]), not np.allclose(known, known[0], rtol=1e-9))
    if not changes:
        return "No final run yet that used a step size."
    moved = [name for name, (*_, changed) in changes.items() if changed]
    if not moved:
        return f"{'The method keeps' if len(changes) == 1 else 'Every method keeps'} its step size throughout."
    first, last, _ = changes[moved[0]]
    rest = "" if len(moved) == len(changes) else f"; {count(len(changes) - len(moved), 'method')} kept theirs"
    return (
        f"{some([said(n) for n in moved], 'method')} changed the step size: {said(moved[0])} from {number(first)} "
        f"to {number(last)}{rest}."
    )


def times(means: Mapping[str, Mapping[str, float]]) -> str:
    """Return what share of the time was training, and who took longest.

    Examples
    --------
    >>> times({"adam": {"train": 3.0, "evaluate": 1.0, "compile": 0.0}})
    'Of the time of the final runs 75 % was training, 25 % evaluation and 0 % compiling or loading kernels; adam trained
     longest, 3 s per run.'
    """
    total = sum(sum(parts.values()) for parts in means.values())
    if not total:
        return "No final run yet that took any time."
    train, evaluate, compile_ = (
        share(round(sum(parts[name] for parts in means.values()) / total, 2))
        for name in ("train", "evaluate", "compile")
    )
    longest = max(means, key=lambda name: means[name]["train"])
    return (
        f"Of the time of the final runs {train} was training, {evaluate} evaluation and {compile_} compiling or "
        f"loading kernels; {said(longest)} trained longest, {seconds(means[longest]['train'])} per run."
    )


def confusion(name: str, counts: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """Return how many a method got right, and what it confuses most.

    Examples
    --------
    >>> confusion("adam", [[8, 2], [0, 10]], ["cat", "dog"])
    'adam gets 18 of 20 right (90.00 %); most often it takes cat for dog, 2 of 10 times.'
    """
    table = np.array(counts, dtype=np.int64)
    right, total = int(np.trace(table)), int(table.sum())
    text = f"{said(name)} gets {right:,} of {total:,} right ({percent(right / total if total else math.nan)})"
    wrong = table - np.diag(np.diag(table))
    if not wrong.any():
        return f"{text} and confuses nothing."
    true, predicted = divmod(int(wrong.argmax()), len(counts))
    return (
        f"{text}; most often it takes {said(classes[true])} for {said(classes[predicted])}, "
        f"{wrong[true, predicted]} of {table[true].sum()} times."
    )
