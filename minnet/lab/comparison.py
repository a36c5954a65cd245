"""The result of a comparison: who won, by how much, and every curve behind it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minnet.lab import stats
from minnet.lab.trials import COLUMNS

if TYPE_CHECKING:
    import pandas as pd

LEADERBOARD = {
    "rank": "int64", "optimizer": "str", "hyperparameters": "str", "trials": "int64", "seeds": "int64",
    "val_accuracy_median": "float64", "test_accuracy_median": "float64", "test_accuracy_low": "float64",
    "test_accuracy_high": "float64", "epochs_to_target": "float64", "seconds_to_target": "float64",
    "diverged_trials": "int64",
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
        seconds to target are medians over the final runs, infinite for a miss. A final run that diverged
        counts as 0. diverged_trials counts tuning runs.
    trials : DataFrame
        One row per run.
    curves : DataFrame
        One row per run and epoch; no accuracies where a run has diverged.
    rules : dict
        What ran under each label: title, formula, source of the rule, paper, hyperparameters, search space.
    """

    experiment: dict[str, Any]
    provenance: dict[str, Any]
    leaderboard: pd.DataFrame
    trials: pd.DataFrame
    curves: pd.DataFrame
    rules: dict[str, dict[str, Any]]

    def report(self, path: str | os.PathLike = "report.html") -> Path:
        """Write the page and return its path."""
        from minnet.report.page import write_page

        path = Path(path)
        write_page(self, path)
        return path

    def save(self, folder: str | os.PathLike) -> Path:
        """Write the tables, the page and the figures into a folder, and return the page's path."""
        from minnet.report.figures import write_figures

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_experiment(self.experiment, folder)
        for name in ("leaderboard", "trials", "curves"):
            text = getattr(self, name).to_csv(index=False, lineterminator="\n")
            write_text(folder / f"{name}.csv", text)
        write_figures(self, folder / "figures")
        return self.report(folder / "report.html")


def write_experiment(experiment: Mapping[str, Any], folder: Path) -> None:
    """Write the resolved experiment as experiment.toml."""
    import tomli_w

    write_text(folder / "experiment.toml", tomli_w.dumps(experiment))


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(path)


def build(
    experiment: dict[str, Any],
    provenance: dict[str, Any],
    rules: dict[str, dict[str, Any]],
    plan: Sequence[Mapping[str, Any]],
    records: Mapping[str, Mapping[str, Any]],
) -> Comparison:
    """Return the comparison that a plan and the finished runs make.

    Parameters
    ----------
    experiment, provenance, rules : dict
    plan : list of dict
        Rows of the store's plan, in its order.
    records : dict
        Finished runs by id; parts of the plan that have not run yet are left out.
    """
    done = [(part, records[part["run_id"]]) for part in plan if part["run_id"] in records]
    return Comparison(
        experiment=experiment,
        provenance=provenance,
        leaderboard=_frame(_leaderboard(experiment, done), LEADERBOARD),
        trials=_frame([_trial_row(part, record) for part, record in done], TRIALS),
        curves=_frame([row for part, record in done for row in _curve_rows(part, record)], CURVES),
        rules=rules,
    )


Done = Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]


def _leaderboard(experiment: Mapping[str, Any], done: Done) -> list[dict[str, Any]]:
    labels = [table["label"] for table in experiment["optimizer"]]
    rows = []
    for label in labels:
        tuned = [record for part, record in done if part["optimizer"] == label and part["kind"] == "tune"]
        final = [record for part, record in done if part["optimizer"] == label and part["kind"] == "final"]
        if final:
            rows.append(_standing(label, tuned, final, experiment["target"]))
    rows.sort(key=lambda row: -row["test_accuracy_median"])  # stable: ties stay in the order of the experiment
    return [{"rank": rank, **row} for rank, row in enumerate(rows, 1)]


def _standing(label: str, tuned: Sequence[Any], final: Sequence[Any], target: float) -> dict[str, Any]:
    tests = [stats.counted(record, "test_accuracy") for record in final]
    histories = [stats.history(record) for record in final]
    return {
        "optimizer": label,
        "hyperparameters": _json(final[0]["hyperparameters"]),
        "trials": len(tuned),
        "seeds": len(final),
        "val_accuracy_median": stats.median([stats.counted(record, "val_accuracy") for record in final]),
        "test_accuracy_median": stats.median(tests),
        "test_accuracy_low": stats.quantile(tests, stats.LOW),
        "test_accuracy_high": stats.quantile(tests, stats.HIGH),
        "epochs_to_target": stats.median([stats.epochs_to_target(h, target) for h in histories]),
        "seconds_to_target": stats.median([stats.seconds_to_target(h, target) for h in histories]),
        "diverged_trials": sum(record["diverged"] for record in tuned),
    }


def _trial_row(part: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    return {**record, **part, "id": record["id"], "hyperparameters": _json(record["hyperparameters"])}


def _curve_rows(part: Mapping[str, Any], record: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{**row, **part} for row in stats.history(record)]


def _frame(rows: list[dict[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """Return rows as a frame of fixed columns and types, whatever is missing in them."""
    import pandas as pd

    return pd.DataFrame(rows, columns=list(columns)).astype(dict(columns))


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
