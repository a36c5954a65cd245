"""Runs that nobody selects among: each is trained to its end and kept at once, so that a script resumes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from minnet import machine
from minnet.lab.engine.local import map_unordered
from minnet.lab.trials import Trial, fingerprint, load_split, run_trial
from minnet.training import RunSpec

FILE = "runs.jsonl"


def train_all(
    specs: Mapping[str, RunSpec],
    folder: Path | None = None,
    jobs: int | None = None,
    tell: Callable[[str], object] = lambda line: None,
    validate: bool = True,
) -> dict[str, dict[str, Any]]:
    """Train runs and return their records by label, as `minnet.lab.trials.run_trial` returns them.

    Each reads the test set, at its end. A record has ``cpu_s`` besides, the processor time of its training.

    Parameters
    ----------
    specs : mapping of str to RunSpec
    folder : Path, optional
        Where finished runs are kept, in ``runs.jsonl``: what is there is not trained again.
    jobs : int, optional
        Runs side by side; one per usable core if not given. The results do not depend on it.
    tell : callable, optional
        Given a line about every run that ends.
    validate : bool
        Whether to measure on the validation part. Without, what is held out is merely left out: a way to train on
        fewer samples.

    Examples
    --------
    >>> from minnet.training import NetworkSpec, TrainingSpec
    >>> small = RunSpec(network=NetworkSpec(hidden=(4,)), training=TrainingSpec(epochs=1))
    >>> records = train_all({"one": small}, jobs=1)
    >>> 0 < records["one"]["test_accuracy"] <= 1
    True
    """
    keys = {label: (s.data, s.training.validation, s.training.split_seed) for label, s in specs.items()}
    loaded = {keys[label]: load_split(spec) for label, spec in specs.items()}
    if not validate:
        loaded = {key: replace(split, X_val=split.X_val[:0], y_val=split.y_val[:0]) for key, split in loaded.items()}
    digests = {key: fingerprint(split) for key, split in loaded.items()}
    trials = {label: Trial("final", spec, digests[keys[label]]) for label, spec in specs.items()}
    kept = _kept(folder)

    def run(label: str) -> tuple[str, dict[str, Any]]:
        started = time.thread_time()
        record = run_trial(trials[label], loaded[keys[label]])
        assert record is not None  # nobody stops it
        return label, {**record, "cpu_s": round(time.thread_time() - started, 2)}

    missing = {trials[label].id: label for label in specs if trials[label].id not in kept}
    with machine.blas_threads(1):
        for label, record in map_unordered(run, list(missing.values()), jobs or machine.usable_cores()):
            kept[record["id"]] = record
            _keep(folder, record)
            tell(f"{len(kept)}: {label}, {record['cpu_s']:.0f} s")
    return {label: kept[trial.id] for label, trial in trials.items()}


def _kept(folder: Path | None) -> dict[str, dict[str, Any]]:
    if folder is None or not (folder / FILE).is_file():
        return {}
    whole, _, cut_off = (folder / FILE).read_text(encoding="utf-8").rpartition("\n")
    if cut_off:  # the process ended while it wrote
        (folder / FILE).write_text(f"{whole}\n" if whole else "", encoding="utf-8")
    return {record["id"]: record for record in map(json.loads, whole.splitlines())}


def _keep(folder: Path | None, record: Mapping[str, Any]) -> None:
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(record, allow_nan=False) + "\n")
