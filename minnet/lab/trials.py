"""A trial: one run of an experiment. Its content decides its name, and running it changes nothing else."""

from __future__ import annotations

import copy
import functools
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet import training
from minnet.lab.portrait import SEED, Sitter
from minnet.training import RunSpec

if TYPE_CHECKING:
    from minnet.data import Split
    from minnet.training import RunResult

RESULTS_VERSION = 1  # raise it when a change of the code changes what a run returns: stored runs then count no more
COLUMNS = (
    "epoch",
    "steps",
    "lr",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "train_s",
    "eval_s",
)
NORMS = ("grad_norms", "update_norms", "weight_norms")


@dataclass(frozen=True)
class Trial:
    """One run, and whether it may read the test set.

    Parameters
    ----------
    kind : {"tune", "final"}
        Only a final run reads the test set.
    run : RunSpec
    data_sha256 : str
        Digest of the images and labels, see `fingerprint`.
    stop_after : int
        Epochs after which to end; 0 for the whole training. The schedule is that of the whole training anyway.
    """

    kind: str
    run: RunSpec
    data_sha256: str = ""
    stop_after: int = 0

    @property
    def epochs(self) -> int:
        """Epochs that the trial is trained for."""
        return self.stop_after or self.run.training.epochs

    def content(self) -> dict[str, Any]:
        """Return everything that decides the result, in plain types."""
        return {
            "results_version": RESULTS_VERSION,
            "kind": self.kind,
            "run": self.run.to_dict(),
            "data_sha256": self.data_sha256,
            **({"stop_after": self.stop_after} if self.stop_after else {}),
        }

    @functools.cached_property
    def id(self) -> str:
        """Hash of the content: equal trials have equal names on every machine."""
        text = json.dumps(self.content(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]


def run_trial(
    trial: Trial,
    split: Split | None = None,
    on_epoch: Callable[[dict], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> dict[str, Any] | None:
    """Train one trial and return its record.

    Only a final run is given the test set.

    Parameters
    ----------
    trial : Trial
    split : Split, optional
        The data, shared by the trials of a process; loaded if not given.
    on_epoch : callable, optional
        Called with every row of the history.
    should_stop : callable, optional
        Asked after every epoch.

    Returns
    -------
    dict or None
        None if it was stopped: half a run is no result.
    """
    if should_stop is not None and should_stop():
        return None
    if split is None:
        split = load_split(trial.run)
    final = trial.kind == "final"
    reached = 0

    def report(row: dict[str, Any]) -> None:
        nonlocal reached
        reached = row["epoch"]
        if on_epoch is not None:
            on_epoch(row)

    def is_over() -> bool:
        return reached >= trial.epochs or (should_stop is not None and should_stop())

    part = split if final else without_test(split)
    sitter = Sitter() if final and trial.run.seed == SEED else None
    observe = sitter.observe if sitter else None
    result = training.train(trial.run, part, on_epoch=report, test=final, should_stop=is_over, observe=observe)
    if result.history[-1]["epoch"] < trial.epochs and not result.diverged:
        return None
    return record_of(trial, result, part, sitter)


def record_of(trial: Trial, result: RunResult, split: Split, sitter: Sitter | None = None) -> dict[str, Any]:
    """Return the record of a trial that came to its end; with a portrait if it has one.

    Parameters
    ----------
    trial : Trial
    result : RunResult
    split : Split
        What it was trained on.
    sitter : Sitter, optional
        Who watched it.
    """
    last, final, hyper = result.history[-1], trial.kind == "final", dict(trial.run.optimizer.hyper)
    if final and trial.run.seed == SEED:
        sitter = sitter or Sitter()
    portrait = None
    if sitter and not result.diverged and trial.run.network.task == "classification":
        portrait = plain(sitter.portrait(result, split))
    return {
        "id": trial.id,
        "kind": trial.kind,
        "method": trial.run.optimizer.name,
        "style": trial.run.optimizer.style,
        "seed": trial.run.seed,
        "lr": hyper.get("lr"),
        "hyperparameters": hyper,
        "spec": trial.content(),
        "val_accuracy": plain(last["val_accuracy"]),
        "val_loss": plain(last["val_loss"]),
        "test_accuracy": plain(result.test_accuracy) if final else None,
        "test_loss": plain(result.test_loss) if final else None,
        "diverged": bool(result.diverged),
        "diverged_step": plain(result.diverged_step),
        "steps": plain(last["steps"]),
        "train_s": plain(result.train_s),
        "eval_s": plain(result.eval_s),
        "compile_s": plain(result.compile_s),
        "train_size": plain(result.train_size),
        "history": [_row(row) for row in result.history],
        "portrait": portrait,
    }


def load_split(run: RunSpec, data_dir: Any = None) -> Split:
    """Return the data of a run, split as it says."""
    from minnet.data import load_dataset

    return load_dataset(run.data, data_dir).split(run.training.validation, run.training.split_seed)


def without_test(split: Split) -> Split:
    """Return the data with an empty test set."""
    part = copy.copy(split)
    for name in ("X_test", "y_test"):
        object.__setattr__(part, name, getattr(split, name)[:0])
    return part


def fingerprint(split: Split) -> str:
    """Return a digest of all images and labels, so that results of other data are not taken for these."""
    digest = hashlib.sha256(repr(float(split.scale)).encode())
    for name in ("X_train", "y_train", "X_val", "y_val", "X_test", "y_test"):
        array = np.ascontiguousarray(getattr(split, name))
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()[:24]


def plain(value: Any) -> Any:
    """Return a number as JSON knows it: None for NaN and infinities.

    Examples
    --------
    >>> plain(np.float32(0.5)), plain(math.inf), plain(None), plain([1.0, math.nan])
    (0.5, None, None, [1.0, None])
    """
    if isinstance(value, np.ndarray | list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(row.get(name)) for name in (*COLUMNS, "running_loss", *NORMS)}
