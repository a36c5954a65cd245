"""What a comparison holds about each method, gathered once for tables, sentences, figures and the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from minnet.report.text import hyperparameters, is_number

if TYPE_CHECKING:
    import pandas as pd


class Comparison(Protocol):
    """What the report reads of a comparison."""

    experiment: dict[str, Any]
    provenance: dict[str, Any]
    leaderboard: pd.DataFrame
    scores: pd.DataFrame
    targets: pd.DataFrame
    budget: pd.DataFrame
    trials: pd.DataFrame
    curves: pd.DataFrame
    layers: pd.DataFrame
    rules: dict[str, dict[str, Any]]
    portraits: dict[str, dict[str, Any]]


# At which differences are judged: of 100 comparisons of equal methods two on average show one, and hardly ever more
# than five.
LEVEL = 0.98
# With more methods than CROWD the charts of curves open with the first LEADERS.
CROWD, LEADERS = 12, 8


@dataclass(frozen=True)
class Facts:
    """One row of the leaderboard and what stands behind it; NaN where there is no finite number.

    Parameters
    ----------
    name : str
        Label of the method.
    hyper : dict
        Tuned hyperparameters, ``lr`` among them.
    edge : str
        ``"lowest"`` or ``"highest"`` when the selected step size is an end of those tried, else empty.
    default_lr : float
        Step size that the method has when none is given.
    difference, difference_low, difference_high, p_corrected : float
        How far the first method is ahead on average over the paired seeds, its interval and p-value, corrected for
        the comparison of all pairs; NaN for the first itself.
    shown : bool
        Whether a difference from the first method is shown.
    rank_low, rank_high : int
        Ranks that the differences shown leave possible.
    reached : int
        How many of the final runs reached the (first) target; the times to it are medians, NaN for a miss.
    time_spread : float
        How far the training times of its final runs lie apart, as a share of their median; NaN for one seed.
    scores : dict of int to float
        Test accuracy by seed; NaN for a final run that diverged, which counts as 0.
    tuning : DataFrame
        Tuning trials sorted by step size: ``lr, accuracy, loss, diverged, selected``.
    """

    name: str
    rank: int
    hyper: dict[str, object]
    lr: float
    default_lr: float
    edge: str
    trials: int
    diverged: int
    final_diverged: int
    validation: float
    test: float
    test_low: float
    test_high: float
    difference: float
    difference_low: float
    difference_high: float
    p_corrected: float
    shown: bool
    rank_low: int
    rank_high: int
    epochs_to_target: float
    seconds_to_target: float
    reached: int
    time_spread: float
    scores: dict[int, float]
    tuning: pd.DataFrame

    @property
    def finished(self) -> int:
        """How many final runs did not diverge."""
        return sum(is_number(score) for score in self.scores.values())

    @property
    def only_lr(self) -> bool:
        """Whether nothing but the step size changed between the trials, so that they lie on one curve."""
        return bool(self.tuning["others"].nunique() <= 1)


def gather(comparison: Comparison) -> list[Facts]:
    """Return the facts of every method in the order of the leaderboard."""
    rows = comparison.leaderboard.sort_values("rank", kind="stable").to_dict("records")
    return [_facts(comparison, row, place) for place, row in enumerate(rows, start=1)]


def labels(comparison: Comparison) -> list[str]:
    """Return the labels of all methods in the order of the experiment, whether they have run or not."""
    asked = [str(each.get("label", each["name"])) for each in comparison.experiment["optimizer"]]
    return list(dict.fromkeys([*asked, *map(str, comparison.leaderboard["optimizer"])]))


def with_pending(comparison: Comparison, facts: list[Facts]) -> list[Facts]:
    """Return the facts with those of the methods that have no final run yet at the end."""
    known = {fact.name for fact in facts}
    waiting = [label for label in labels(comparison) if label not in known]
    return [*facts, *(_pending(comparison, label, len(facts) + 1) for label in waiting)]


def _pending(comparison: Comparison, label: str, rank: int) -> Facts:
    tuning = tuning_table(comparison, label)
    numbers = (
        "lr", "validation", "test", "test_low", "test_high", "difference", "difference_low", "difference_high",
        "p_corrected", "epochs_to_target", "seconds_to_target", "time_spread",
    )  # fmt: skip
    return Facts(
        name=label, rank=rank, hyper={}, default_lr=default_lr(_asked(comparison, label)), edge="", trials=len(tuning),
        diverged=int(tuning["diverged"].sum()), final_diverged=0, shown=False, rank_low=rank, rank_high=rank, reached=0,
        scores={}, tuning=tuning, **dict.fromkeys(numbers, float("nan")),
    )  # fmt: skip


def _asked(comparison: Comparison, label: str) -> Mapping[str, Any]:
    tables = [each for each in comparison.experiment["optimizer"] if each.get("label", each["name"]) == label]
    return comparison.rules.get(label) or (tables[0] if tables else {})


def _facts(comparison: Comparison, row: Mapping[Any, Any], place: int) -> Facts:
    mine = comparison.trials[comparison.trials["optimizer"] == row["optimizer"]]
    final = mine[mine["kind"] == "final"]
    tuning = tuning_table(comparison, str(row["optimizer"]))
    hyper = hyperparameters(row["hyperparameters"])
    chosen = tuning.loc[tuning["selected"], "lr"]
    lr = _number(hyper.get("lr", chosen.iloc[0] if len(chosen) else np.nan))
    scores = {int(s): _number(a) for s, a in zip(final["seed"], final["test_accuracy"], strict=True)}
    ran = bool(scores)
    return Facts(
        name=str(row["optimizer"]),
        rank=int(row["rank"]) if is_number(row["rank"]) else place,
        hyper=hyper,
        lr=lr,
        default_lr=default_lr(comparison.rules.get(str(row["optimizer"]), {})),
        edge=edge_of_range(lr, tuning["lr"].to_numpy(dtype=np.float64)),
        trials=int(row["trials"]) if is_number(row["trials"]) else len(tuning),
        diverged=int(row["diverged_trials"]) if is_number(row["diverged_trials"]) else int(tuning["diverged"].sum()),
        final_diverged=int(final["diverged"].astype(bool).sum()),
        validation=_number(row["val_accuracy_median"]) if ran else np.nan,
        test=_number(row["test_accuracy_median"]) if ran else np.nan,
        test_low=_number(row["test_accuracy_low"]) if ran else np.nan,
        test_high=_number(row["test_accuracy_high"]) if ran else np.nan,
        difference=_number(row["difference"]),
        difference_low=_number(row["difference_low"]),
        difference_high=_number(row["difference_high"]),
        p_corrected=_number(row["p_corrected"]),
        shown=bool(row["difference_shown"]),
        rank_low=int(row["rank_low"]),
        rank_high=int(row["rank_high"]),
        epochs_to_target=_number(row["epochs_to_target"]),
        seconds_to_target=_number(row["seconds_to_target"]),
        reached=int(comparison.targets.loc[comparison.targets["optimizer"] == row["optimizer"], "reached"].iloc[0]),
        time_spread=time_spread(comparison.curves, str(row["optimizer"])),
        scores=scores,
        tuning=tuning,
    )


def default_lr(rule: Mapping[str, Any]) -> float:
    """Return the step size a method has by itself; NaN where the registry does not know the method.

    Examples
    --------
    >>> default_lr({"name": "adam", "style": "paper"}), default_lr({"name": "mine.py:my_method"})
    (0.001, nan)
    """
    from minnet import optimizers
    from minnet.errors import InputError

    name = str(rule.get("name", ""))
    if ".py:" in name:  # a file of one's own: a report runs no code
        return float("nan")
    try:
        return _number(optimizers.get(name, str(rule.get("style") or "paper")).defaults.get("lr"))
    except InputError:
        return float("nan")


def pairs(facts: Sequence[Facts]) -> int:
    """Return how many pairs of methods there are, all of which the differences are corrected for."""
    return len(facts) * (len(facts) - 1) // 2


def time_spread(curves: pd.DataFrame, name: str) -> float:
    """Return (longest − shortest) / median training time of one method's final runs of full length."""
    mine = curves[(curves["optimizer"] == name) & (curves["kind"] == "final")]
    ends = mine.loc[mine["epoch"] == mine["epoch"].max(), "train_s"].dropna()
    if len(ends) < 2 or not ends.median() > 0:
        return float("nan")
    return float((ends.max() - ends.min()) / ends.median())


def unfinished(comparison: Comparison) -> str:
    """Return how much of an unfinished comparison has run, as ``9 of 12 runs``; empty for a finished one."""
    planned, finished = (comparison.provenance.get(f"runs_{part}") for part in ("planned", "finished"))
    if not is_number(planned) or not is_number(finished) or finished >= planned:
        return ""
    return f"{int(finished)} of {int(planned)} runs"


def crowded(facts: list[Facts]) -> list[Facts]:
    """Return the methods whose curves are drawn: all, or the leaders where all would be a thicket."""
    return facts[:LEADERS] if len(facts) > CROWD else facts


def _number(value: object) -> float:
    return float(value) if is_number(value) else float("nan")


def tuning_table(comparison: Comparison, name: str) -> pd.DataFrame:
    """Return one method's tuning trials sorted by step size, that of its own defaults among them.

    Without a validation part the last training accuracy and loss stand in, as they did in the choice itself.

    Returns
    -------
    DataFrame
        Columns ``lr, accuracy, loss, diverged, selected, others``; NaN measures where the trial diverged;
        ``others`` is the text of all hyperparameters but the step size.
    """
    import pandas as pd

    trials = comparison.trials
    mine = trials[(trials["optimizer"] == name) & (trials["kind"] != "final")]
    accuracy, loss = mine["val_accuracy"], mine["val_loss"]
    if not has_validation(comparison):
        curves = comparison.curves
        curves = curves[(curves["optimizer"] == name) & (curves["kind"] != "final")]
        ends = curves.sort_values("epoch").groupby("trial")[["train_accuracy", "train_loss"]].last()
        accuracy, loss = mine["trial"].map(ends["train_accuracy"]), mine["trial"].map(ends["train_loss"])
    diverged = mine["diverged"].astype(bool).to_numpy()
    table = pd.DataFrame(
        {
            "lr": pd.to_numeric(mine["lr"]).to_numpy(dtype=np.float64),
            "accuracy": np.where(diverged, np.nan, accuracy.to_numpy(dtype=np.float64)),
            "loss": np.where(diverged, np.nan, loss.to_numpy(dtype=np.float64)),
            "diverged": diverged,
            "selected": mine["selected"].astype(bool).to_numpy(),
            "others": [
                str({k: v for k, v in hyperparameters(text).items() if k != "lr"}) for text in mine["hyperparameters"]
            ],
        }
    )
    return table.sort_values("lr", kind="stable", ignore_index=True)


def edge_of_range(lr: float, tried: np.ndarray) -> str:
    """Say whether the selected step size is the lowest or the highest of at least two tried.

    Examples
    --------
    >>> edge_of_range(0.1, np.array([0.001, 0.01, 0.1]))
    'highest'
    """
    tried = tried[np.isfinite(tried)]
    if not np.isfinite(lr) or tried.size < 2 or tried.min() == tried.max():
        return ""
    if np.isclose(lr, tried.min(), rtol=1e-9, atol=0.0):
        return "lowest"
    return "highest" if np.isclose(lr, tried.max(), rtol=1e-9, atol=0.0) else ""


def has_validation(comparison: Comparison) -> bool:
    """Say whether the comparison kept a validation part back."""
    fraction = comparison.experiment.get("training", {}).get("validation")
    if is_number(fraction):
        return float(fraction) > 0
    return bool(comparison.curves["val_loss"].notna().any() or comparison.trials["val_loss"].notna().any())


def rings(before: Sequence[Facts], fact: Facts) -> int:
    """Return how many methods before this one selected nearly the same point, for rings around one another."""

    def point(one: Facts) -> tuple[float, float]:
        chosen = one.tuning[one.tuning["selected"]].head(1)
        return (float(chosen["lr"].iloc[0]), float(chosen["accuracy"].iloc[0])) if len(chosen) else (np.nan, np.nan)

    lr, accuracy = point(fact)
    near = [
        x > 0 and lr > 0 and abs(np.log10(x / lr)) < 0.12 and abs(y - accuracy) < 0.015 for x, y in map(point, before)
    ]
    return min(sum(map(bool, near)), 4)
