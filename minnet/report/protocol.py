"""What was asked and how it was measured, in words, from the experiment itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minnet.report import budget
from minnet.report.facts import LEVEL, Comparison, has_validation, unfinished
from minnet.report.text import clean, count, is_number, listing, number, said, share

# Settings that say nothing when off.
_OFF: tuple[object, ...] = (0, 0.0, None, "", "constant", "auto", "zeros", False)
_OWN = ("training", "network", "schedule")  # what a competitor may have to itself
_PARTS = {"train": "train on", "validation": "choose with", "test": "test on"}


def title(experiment: Mapping[str, Any]) -> str:
    """Return the headline."""
    text = clean(experiment.get("title") or experiment.get("name") or "comparison")
    return text[:1].upper() + text[1:]


def asked(comparison: Comparison) -> str:
    """Return the question of the comparison and the task behind it."""
    experiment = comparison.experiment
    ran = list(comparison.trials["optimizer"].unique())
    known = [*comparison.rules, *(name for name in ran if name not in comparison.rules)]
    names = [said(name) for name in known if name in ran or not unfinished(comparison)]
    methods = listing(names) if len(names) <= 12 else count(len(names), "method")
    epochs = experiment.get("training", {}).get("epochs")
    span = f" in {count(int(epochs), 'epoch')}" if is_number(epochs) else ""
    net = network(experiment)
    task = f"{'an' if net[0] in 'aeio' else 'a'} {net} on {clean(experiment.get('data', '?'))}"
    own = clean(experiment.get("question") or "")
    if own:
        return f"{own} The task: {task}{span}."
    best = " at its best step size" if set(_budgets(comparison)) - {1} else ""
    if not names:
        return f"The task: {task}{span}."
    if len(names) == 1:
        return f"How well does {methods} train {task}{span}{best}?"
    return f"Which of {methods} trains {task} best{span}{', each' + best if best else ''}?"


def _budgets(comparison: Comparison) -> list[int]:
    """Return the number of tuning trials of every method."""
    return [int(trials) for trials in comparison.leaderboard["trials"]]


def network(experiment: Mapping[str, Any]) -> str:
    """Return the network in words."""
    spec = experiment.get("network", {})
    hidden = spec.get("hidden", ())
    layers = [hidden] if is_number(hidden) else list(hidden)
    activation = clean(spec.get("activation", ""))
    if not layers:
        return "linear classifier"
    units = "–".join(number(width, 6) for width in layers)
    kind = f"{activation} network".strip()
    return f"{kind} with {count(len(layers), 'hidden layer')} of {units} units"


def measured(comparison: Comparison) -> list[str]:
    """Return the protocol, one statement per line."""
    experiment = comparison.experiment
    training = experiment.get("training", {})
    part, final = unfinished(comparison), (comparison.trials["kind"] == "final").any()
    lines = [
        f"The comparison is unfinished: {part}; all that is said here holds for those." if part else "",
        _work(experiment, training),
        _tuning(comparison),
        *budget.sentences(comparison),
        _seeds(comparison),
        _validation(comparison, training),
        "The test set was read once, by the final runs." if final else "",
        _target(comparison, experiment),
        "Low to high is the 10 % to the 90 % quantile over the seeds, and so is the band of a curve. A run "
        "that diverged counts as the worst: an accuracy of 0 in table, verdict and curves, an infinite loss.",
        _differences(comparison),
        _time(comparison),
    ]
    return [line for line in lines if line]


def _work(experiment: Mapping[str, Any], training: Mapping[str, Any]) -> str:
    spec = experiment.get("network", {})
    text = f"Every method trained the same {network(experiment)} on {clean(experiment.get('data', '?'))}"
    if is_number(training.get("epochs")):
        text += f" for {count(int(training['epochs']), 'epoch')}"
    if is_number(training.get("batch_size")):
        text += f" in batches of {number(training['batch_size'], 6)}"
    known = {"hidden", "activation", "epochs", "batch_size", "validation", "split_seed"}
    more = [
        f"{clean(key).replace('_', ' ')} {_plain(value)}"
        for part in (spec, training)
        for key, value in part.items()
        if key not in known and value not in _OFF
    ]
    text = f"{text} ({', '.join(more)})" if more else text
    entries = [each for each in experiment.get("optimizer", []) if isinstance(each, Mapping)]
    differs = any(each.get(key) for each in entries for key in _OWN)
    return f"{text}, but for what is said with its rule above." if differs else f"{text}."


def _tuning(comparison: Comparison) -> str:
    budgets = set(_budgets(comparison))
    if not budgets:
        return ""
    if budgets <= {0, 1}:
        return "Nothing was tuned: every method ran with the hyperparameters given for it."
    amount = f"the same {max(budgets)} trials" if len(budgets) == 1 else f"at most {max(budgets)} trials"
    part = "validation" if has_validation(comparison) else "training"
    return (
        f"Every method had {amount} to find its hyperparameters in its own search space; the one with the "
        f"highest {part} accuracy at the end was selected."
    )


def _seeds(comparison: Comparison) -> str:
    """Return what is known of the seeds, from the runs that there are."""
    trials = comparison.trials
    tuned, final = (set(trials.loc[trials["kind"] == kind, "seed"]) for kind in ("tune", "final"))
    if not final:
        return "No final run has finished yet." if len(trials) else ""
    each = trials[trials["kind"] == "final"].groupby("optimizer")["seed"].nunique()
    fewest, amount = int(each.min()), int(each.max())
    other = "other than that of the tuning, " if amount > 1 and tuned and not tuned & final else ""
    seeds = count(amount, "seed") if fewest == amount else f"{fewest} to {count(amount, 'seed')}"
    text = f"The selected hyperparameters were then run with {seeds}"
    if amount < 2:
        return f"{text}, so nothing is known about the spread."
    same = "a seed gives every method the same initial weights and the same order of batches"
    return f"{text}, {other}paired: {same}."


def _validation(comparison: Comparison, training: Mapping[str, Any]) -> str:
    if not has_validation(comparison):
        return "No validation part was kept back, so the choice was made on the training data."
    kept = training.get("validation")
    amount = f"{share(kept)} of the training set" if is_number(kept) else "A part of the training set"
    sizes = comparison.provenance.get("data")
    sizes = sizes if isinstance(sizes, Mapping) else {}
    parts = [f"{sizes[p]:,} to {to}" for p, to in _PARTS.items() if is_number(sizes.get(p))]
    left = f", which leaves {listing(parts)}" if parts else ""
    return f"{amount}, stratified by class and the same for all, was kept back for validation{left}."


def _target(comparison: Comparison, experiment: Mapping[str, Any]) -> str:
    if not is_number(experiment.get("target")) or not has_validation(comparison):
        return ""
    others = [share(each) for each in experiment.get("targets", [])[1:]]
    more = f" (further ones, among the scores: {listing(others)})" if others else ""
    return (
        f"The target is {share(experiment['target'])} validation accuracy{more}; epochs and training time to it are "
        "medians over the seeds, a miss being infinite, read at the ends of epochs."
    )


def _differences(comparison: Comparison) -> str:
    """Return how differences are judged."""
    methods = len(comparison.leaderboard)
    if methods < 2 or int(comparison.leaderboard["seeds"].max()) < 2:
        return ""
    text = f"Differences are judged on the paired seeds, by Student's t for their mean, at the level of {share(LEVEL)}"
    if methods == 2:
        return f"{text}."
    return (
        f"{text}; intervals and marks are corrected for all {methods * (methods - 1) // 2} pairs of methods "
        "(Bonferroni), any of which might have come first, and the ranks are those that the differences shown "
        "leave possible."
    )


def _time(comparison: Comparison) -> str:
    jobs = comparison.provenance.get("jobs")
    side = (f", with {int(jobs)} runs side by side" if jobs > 1 else ", one run at a time") if is_number(jobs) else ""
    return (
        f"Times are training alone, without compilation and evaluation{side}; below some 50 ms they are noise, and "
        "above it a difference counts only where it is larger than that between runs of one method."
    )


def facts_of(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested settings as flat pairs of label and text.

    Examples
    --------
    >>> facts_of({"hardware": {"cores": 2}, "jobs": 1})
    [('hardware: cores', '2'), ('jobs', '1')]
    """
    pairs: list[tuple[str, str]] = []
    for key, value in values.items():
        label = f"{prefix}{clean(key).replace('_', ' ')}"
        if isinstance(value, Mapping):
            pairs += facts_of(value, f"{label}: ")
        else:
            pairs.append((label, _plain(value)))
    return pairs


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{clean(k)} {_plain(v)}" for k, v in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_plain(each) for each in value)
    if is_number(value) and not isinstance(value, bool):
        return number(value, 6)
    return clean(value)


def differences(experiment: Mapping[str, Any], label: str) -> str:
    """Return where one competitor departs from the network and the schedule of the others."""
    entries = [each for each in experiment.get("optimizer", []) if isinstance(each, Mapping)]
    mine = next((each for each in entries if each.get("label", each.get("name")) == label), {})
    return ", ".join(f"{key} {_plain(mine[key])}" for key in _OWN if mine.get(key))


def toml(experiment: Mapping[str, Any]) -> str:
    """Return the experiment as the TOML that runs it again.

    Examples
    --------
    >>> toml({"data": "digits", "target": None, "training": {"epochs": 3}})
    'data = "digits"\\n\\n[training]\\nepochs = 3\\n'
    """
    import tomli_w

    return tomli_w.dumps(_storable(experiment))


def _storable(value: Any) -> Any:
    """Return the value in the types of TOML, which knows no null."""
    if isinstance(value, Mapping):
        return {str(key): _storable(each) for key, each in value.items() if each is not None}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_storable(each) for each in value if each is not None]
    if isinstance(value, bool | int | float | str):
        return value
    return value.item() if hasattr(value, "item") else str(value)


def space_text(space: Mapping[str, Any], symbols: Mapping[str, str] | None = None) -> str:
    """Return a search space in words, with the symbols of the formula where there are any.

    Examples
    --------
    >>> space_text({"lr": {"low": 1e-4, "high": 0.1, "scale": "log"}})
    'lr from 0.0001 to 0.1 (log)'
    """
    parts = []
    for key, given in space.items():
        name = (symbols or {}).get(key, key)
        ends = given if isinstance(given, Mapping) else getattr(given, "__dict__", {})
        if {"low", "high"} <= set(ends):
            scale = f" ({clean(ends['scale'])})" if ends.get("scale") else ""
            parts.append(f"{clean(name)} from {number(ends['low'])} to {number(ends['high'])}{scale}")
        else:
            parts.append(f"{clean(name)} {_plain(given)}")
    return ", ".join(parts)
