"""The result of a comparison: who won, by how much, and every curve behind it."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minnet.files import write_text
from minnet.lab import inference, scores, stats
from minnet.lab.trials import COLUMNS

if TYPE_CHECKING:
    import pandas as pd

LEADERBOARD = {
    "rank": "int64", "optimizer": "str", "hyperparameters": "str", "trials": "int64", "seeds": "int64",
    "val_accuracy_median": "float64", "test_accuracy_median": "float64", "test_accuracy_low": "float64",
    "test_accuracy_high": "float64", "epochs_to_target": "float64", "seconds_to_target": "float64",
    "diverged_trials": "int64", "difference": "float64", "difference_low": "float64", "difference_high": "float64",
    "p_corrected": "float64", "difference_shown": "bool", "rank_low": "int64", "rank_high": "int64",
}  # fmt: skip
TRIALS = {
    "id": "str", "kind": "str", "optimizer": "str", "trial": "int64", "seed": "int64",
    "hyperparameters": "str", "lr": "float64", "val_accuracy": "float64", "val_loss": "float64",
    "test_accuracy": "float64", "test_loss": "float64", "diverged": "bool", "diverged_step": "float64",
    "steps": "int64", "train_s": "float64", "eval_s": "float64", "compile_s": "float64", "selected": "bool",
}  # fmt: skip
CURVES = {
    "optimizer": "str", "kind": "str", "trial": "int64", "seed": "int64",
    **{name: "int64" if name in ("epoch", "steps") else "float64" for name in COLUMNS},
}  # fmt: skip
DIFFERENCES = {
    "first": "str", "second": "str", "seeds": "int64", "difference": "float64", "low": "float64", "high": "float64",
    "p_corrected": "float64", "shown": "bool",
}  # fmt: skip
SCORES = {
    "optimizer": "str", "test_accuracy_median": "float64", "median_low": "float64", "median_high": "float64",
    "area_under_log_loss": "float64", "tunability": "float64", "diverged_share": "float64",
}  # fmt: skip
TARGETS = {
    "optimizer": "str", "target": "float64", "seeds": "int64", "reached": "int64", "epochs": "float64",
    "steps": "float64", "seconds": "float64",
}  # fmt: skip
BUDGET = {
    "optimizer": "str", "trials": "int64", "val_accuracy_mean": "float64", "val_accuracy_low": "float64",
    "val_accuracy_high": "float64",
}  # fmt: skip
LAYERS = {
    "optimizer": "str", "seed": "int64", "epoch": "int64", "steps": "int64", "train_s": "float64", "layer": "int64",
    "grad_norm": "float64", "update_norm": "float64", "weight_norm": "float64",
}  # fmt: skip
TABLES = {
    "leaderboard": LEADERBOARD, "differences": DIFFERENCES, "scores": SCORES, "targets": TARGETS, "budget": BUDGET,
    "trials": TRIALS, "curves": CURVES, "layers": LAYERS,
}  # fmt: skip


@dataclass
class Comparison:
    """What came out of an experiment.

    Attributes
    ----------
    experiment : dict
        Resolved, as in experiment.toml.
    provenance : dict
        Versions, hardware, jobs, times, command, data; runs_planned and runs_finished (equal in the end).
    leaderboard : DataFrame
        One row per optimizer that has final runs, the best median test accuracy first; equal ones stay in
        the order of the experiment. low and high are the 10 % and 90 % quantiles over seeds; epochs and
        seconds to (the first) target are medians over the final runs, infinite for a miss. A final run that
        diverged counts as 0. diverged_trials counts tuning runs. difference is how far the winner is ahead of
        the method, the mean over the seeds that both ran, with its interval and p-value, both corrected for
        the comparison of all pairs; difference_shown says whether the interval leaves out zero, and rank_low
        to rank_high are the ranks that remain possible. See `minnet.lab.inference`.
    differences : DataFrame
        The same for all pairs, the one that ranks first as first: first − second.
    scores : DataFrame
        One row per optimizer: median test accuracy with its bootstrap interval; median area under the log10 of
        the validation loss per epoch; tunability, the decades of the step size within one point of the best
        validation accuracy (NaN where trials were ended early, or differ in more than it); share of tuning trials
        that diverged. See `minnet.lab.scores`.
    targets : DataFrame
        One row per optimizer and target: how many of the final runs reached it, and the median epochs, steps
        and seconds of training to it, infinite for a miss.
    budget : DataFrame
        One row per optimizer and number of trials: the validation accuracy that the best of so many of its
        trials, drawn at random, would have had: mean and 10 % to 90 % quantiles. No rows where trials were
        ended early.
    trials : DataFrame
        One row per run.
    curves : DataFrame
        One row per run and epoch; no accuracies where a run has diverged.
    layers : DataFrame
        One row per final run, epoch and layer (from 1): the norms of gradient, update and weights at the epoch's last
        step.
    rules : dict
        What ran under each label: title, formula, source of the rule, paper, hyperparameters, search space.
    tuning : dict
        Budgets: `points` and, with the further ones, `trials` of every method that is tuned; `further`, which
        method's range was extended at which end, round by round; `defaults`, what each method reached untuned and
        whether that was selected; `halving`, what successive halving trained, or `replay`, what it would have.
    portraits : dict
        By label, what one final run of a method looks like inside: see `minnet.lab.portrait`. Stores of before there
        were any have none.
    """

    experiment: dict[str, Any]
    provenance: dict[str, Any]
    leaderboard: pd.DataFrame
    differences: pd.DataFrame
    scores: pd.DataFrame
    targets: pd.DataFrame
    budget: pd.DataFrame
    trials: pd.DataFrame
    curves: pd.DataFrame
    layers: pd.DataFrame
    rules: dict[str, dict[str, Any]]
    tuning: dict[str, Any] = dataclasses.field(default_factory=dict)
    portraits: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)

    def report(self, path: str | os.PathLike = "report.html") -> Path:
        """Write the page and return its path."""
        from minnet.report.page import write_page

        path = Path(path)
        write_page(self, path)
        return path

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables by the names of their files."""
        return {name: getattr(self, name) for name in TABLES}

    def save(self, folder: str | os.PathLike) -> Path:
        """Write the tables, the page and the figures into a folder, and return the page's path."""
        from minnet.report.figures import write_figures

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_experiment(self.experiment, folder)
        for name, table in self.tables().items():
            write_text(folder / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
        write_figures(self, folder / "figures")
        return self.report(folder / "report.html")


def write_experiment(experiment: Mapping[str, Any], folder: Path) -> None:
    """Write the resolved experiment as experiment.toml."""
    import tomli_w

    write_text(folder / "experiment.toml", tomli_w.dumps(experiment))


def build(
    experiment: dict[str, Any],
    provenance: dict[str, Any],
    rules: dict[str, dict[str, Any]],
    plan: Sequence[Mapping[str, Any]],
    records: Mapping[str, Mapping[str, Any]],
    tuning: dict[str, Any] | None = None,
    portraits: Mapping[str, dict[str, Any]] | None = None,
) -> Comparison:
    """Return the comparison that a plan and the finished runs make.

    Parameters
    ----------
    experiment, provenance, rules, tuning : dict
    plan : list of dict
        Rows of the store's plan, in its order.
    records : dict
        Finished runs by id; parts of the plan that have not run yet are left out.
    portraits : dict, optional
        Of final runs, by id.
    """
    done = [(part, records[part["run_id"]]) for part in plan if part["run_id"] in records]
    standings = _standings(experiment, done)
    tests = {standing.label: standing.tests for standing in standings}
    found = inference.differences(tests, _resolution(provenance))
    rows = {
        "leaderboard": _leaderboard(standings, inference.against_first(tests, found)),
        "differences": [_difference_row(each) for each in found],
        "scores": [_score_row(standing) for standing in standings],
        "targets": [row for standing in standings for row in _target_rows(standing)],
        "budget": [row for standing in standings for row in _budget_rows(standing)],
        "trials": [_trial_row(part, record) for part, record in done],
        "curves": [row for part, record in done for row in _curve_rows(part, record)],
        "layers": [row for part, record in done if part["kind"] == "final" for row in _layer_rows(part, record)],
    }
    return Comparison(
        experiment=experiment,
        provenance=provenance,
        rules=rules,
        tuning=tuning or {},
        portraits=_portraits(plan, portraits or {}),
        **{name: _frame(rows[name], columns) for name, columns in TABLES.items()},
    )


Done = Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]


@dataclass(frozen=True)
class Standing:
    """The runs of one optimizer."""

    label: str
    tuned: list[Mapping[str, Any]]
    final: list[Mapping[str, Any]]
    targets: tuple[float, ...]
    epochs: int

    @property
    def tests(self) -> dict[int, float]:
        """Test accuracy by seed, as it counts."""
        return {int(record["seed"]): stats.counted(record, "test_accuracy") for record in self.final}

    @property
    def tuning(self) -> list[float]:
        """Validation accuracies of the tuning runs, as they count; none if some were ended early."""
        whole = all(record["diverged"] or record["history"][-1]["epoch"] >= self.epochs for record in self.tuned)
        return [stats.counted(record, "val_accuracy") for record in self.tuned] if whole else []

    @property
    def tunability(self) -> float:
        """Decades of the step size that are about as good as the best; NaN where more than step sizes was tuned."""
        others = {_json({**record["hyperparameters"], "lr": None}) for record in self.tuned}
        if not self.tuning or len(others) > 1:
            return math.nan
        accuracies = [math.nan if r["diverged"] else each for r, each in zip(self.tuned, self.tuning)]
        return scores.tunability([record["lr"] for record in self.tuned], accuracies)

    def median_time(self, target: float, unit: str) -> float:
        """Return the median time of the final runs to a target."""
        return stats.median([scores.time_to_target(stats.history(r), target, unit) for r in self.final])


def _standings(experiment: Mapping[str, Any], done: Done) -> list[Standing]:
    """Return the optimizers that have final runs, the best median test accuracy first."""
    targets = scores.targets(experiment.get("targets", experiment["target"]))
    standings = []
    for table in experiment["optimizer"]:
        label = table["label"]
        tuned, final = (
            [record for part, record in done if part["optimizer"] == label and part["kind"] == kind]
            for kind in ("tune", "final")
        )
        if final:
            standings.append(Standing(label, tuned, final, targets, experiment["training"]["epochs"]))
    standings.sort(key=lambda each: -stats.median([*each.tests.values()]))  # stable: ties stay in order
    return standings


def _resolution(provenance: Mapping[str, Any]) -> float:
    """Return the step of a test accuracy: one sample."""
    samples = (provenance.get("data") or {}).get("test")
    return 1 / samples if samples else 0.0


def _leaderboard(standings: Sequence[Standing], beside: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"rank": rank, **_standing(standing), **beside[standing.label]} for rank, standing in enumerate(standings, 1)
    ]


def _standing(standing: Standing) -> dict[str, Any]:
    tests = [*standing.tests.values()]
    target = standing.targets[0]
    return {
        "optimizer": standing.label,
        "hyperparameters": _json(standing.final[0]["hyperparameters"]),
        "trials": len(standing.tuned),
        "seeds": len(standing.final),
        "val_accuracy_median": stats.median([stats.counted(record, "val_accuracy") for record in standing.final]),
        "test_accuracy_median": stats.median(tests),
        "test_accuracy_low": stats.quantile(tests, stats.LOW),
        "test_accuracy_high": stats.quantile(tests, stats.HIGH),
        "epochs_to_target": standing.median_time(target, "epochs"),
        "seconds_to_target": standing.median_time(target, "seconds"),
        "diverged_trials": sum(record["diverged"] for record in standing.tuned),
    }


def _difference_row(each: inference.Difference) -> dict[str, Any]:
    return {**dataclasses.asdict(each), "difference": each.mean, "p_corrected": each.p}


def _score_row(standing: Standing) -> dict[str, Any]:
    tests = [*standing.tests.values()]
    low, high = inference.median_interval(tests)
    areas = [
        scores.area_under_log_loss([row["epoch"] for row in history], [row["val_loss"] for row in history])
        for history in map(stats.history, standing.final)
    ]
    return {
        "optimizer": standing.label,
        "test_accuracy_median": stats.median(tests),
        "median_low": low,
        "median_high": high,
        "area_under_log_loss": stats.median(areas),
        "tunability": standing.tunability,
        "diverged_share": scores.diverged_share([record["diverged"] for record in standing.tuned]),
    }


def _target_rows(standing: Standing) -> list[dict[str, Any]]:
    rows = []
    for target in standing.targets:
        times = {unit: standing.median_time(target, unit) for unit in scores.UNITS}
        reached = sum(math.isfinite(scores.time_to_target(stats.history(record), target)) for record in standing.final)
        rows.append(
            {"optimizer": standing.label, "target": target, "seeds": len(standing.final), "reached": reached, **times}
        )
    return rows


def _budget_rows(standing: Standing) -> list[dict[str, Any]]:
    return [
        {
            "optimizer": standing.label,
            "trials": k,
            "val_accuracy_mean": scores.best_after(standing.tuning, k),
            "val_accuracy_low": scores.best_after_quantile(standing.tuning, k, stats.LOW),
            "val_accuracy_high": scores.best_after_quantile(standing.tuning, k, stats.HIGH),
        }
        for k in range(1, len(standing.tuning) + 1)
    ]


def _trial_row(part: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    return {**record, **part, "id": record["id"], "hyperparameters": _json(record["hyperparameters"])}


def _curve_rows(part: Mapping[str, Any], record: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{**row, **part} for row in stats.history(record)]


def _portraits(plan: Sequence[Mapping[str, Any]], portraits: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    final = [part for part in plan if part["kind"] == "final" and part["run_id"] in portraits]
    return {part["optimizer"]: portraits[part["run_id"]] for part in final}


def _layer_rows(part: Mapping[str, Any], record: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for row in record["history"]:
        norms = [row.get(f"{name}_norms") or [] for name in ("grad", "update", "weight")]
        for layer, (grad, update, weight) in enumerate(zip(*norms), 1):
            at = {"layer": layer, "grad_norm": grad, "update_norm": update, "weight_norm": weight}
            rows.append({**row, **part, **at})
    return rows


def _frame(rows: list[dict[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """Return rows as a frame of fixed columns and types, whatever is missing in them."""
    import pandas as pd

    return pd.DataFrame(rows, columns=list(columns)).astype(dict(columns))


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
