"""What a process elsewhere does with a trial: it loads the data by their name, checks them, and trains."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import signal
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from minnet import jit, machine, optimizers
from minnet.data import Split, load_dataset
from minnet.errors import InputError
from minnet.lab.trials import Trial, fingerprint, run_trial
from minnet.optimizers import own
from minnet.training import OptimizerSpec

DATA_KEPT = 4  # splits that a worker process keeps in memory

_lock = threading.Lock()


@dataclass(frozen=True)
class Task:
    """A trial with all that a process elsewhere needs to know.

    Parameters
    ----------
    trial : Trial
    driver : int and str
        Process and machine of the driver.
    source : str
        Digest of minnet's source where the comparison was started.
    data : str
        Name of the data, a path made absolute.
    data_dir : str, optional
        Where to look for them first.
    method : str, optional
        Source of the user's own method, a file.
    """

    trial: Trial
    driver: tuple[int, str]
    source: str
    data: str
    data_dir: str | None = None
    method: str | None = None


def tasks_of(trials: Sequence[Trial], data_dir: object) -> list[Task]:
    """Return the trials as tasks for other processes.

    Raises
    ------
    InputError
        For a method that was declared in this process: only files travel.
    """
    driver, source = _here(), jit.source_digest()
    folder = None if data_dir is None else str(Path(str(data_dir)).resolve())
    chosen = {trial.run.optimizer.name: trial.run.optimizer for trial in trials}
    texts = {name: _source_of(optimizer) for name, optimizer in chosen.items()}
    return [
        Task(trial, driver, source, _absolute(trial.run.data), folder, texts[trial.run.optimizer.name])
        for trial in trials
    ]


def perform(
    task: Task,
    on_epoch: Callable[[Mapping[str, Any]], None] | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Train one trial in a process elsewhere; return its record, and what it was trained on.

    Raises
    ------
    InputError
        If this process has another minnet, other data, or none.
    """
    try:
        _prepare(task.driver)
        if task.source != jit.source_digest():
            raise InputError("its minnet or Numba is not the one of the comparison: install the same versions")
        with _lock:
            if task.method is not None:
                _install(task.trial.run.optimizer.name, task.trial.run.optimizer.source, task.method)
            split = _split(task)
    except InputError as error:
        raise InputError(f"on {platform.node()}: {error}") from None
    record = run_trial(task.trial, split, on_epoch)
    assert record is not None  # nobody stops it here
    return record, _facts()


@functools.cache
def _prepare(driver: tuple[int, str]) -> None:
    """Give every trial of this process one thread; let Ctrl-C, which reaches all of a terminal, be the driver's."""
    import scipy.linalg.cython_blas  # noqa: F401  (as in `machine.blas_threads`)
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")
    if driver != _here() and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _here() -> tuple[int, str]:
    return os.getpid(), platform.node()


@functools.cache
def _facts() -> dict[str, Any]:
    return {"host": platform.node(), "versions": machine.versions(), "hardware": machine.hardware()}


def _split(task: Task) -> Split:
    training = task.trial.run.training
    return _checked_split(task.data, task.data_dir, training.validation, training.split_seed, task.trial.data_sha256)


@functools.lru_cache(maxsize=DATA_KEPT)
def _checked_split(data: str, data_dir: str | None, validation: float, seed: int, sha256: str) -> Split:
    """Return the data, if they are those of the comparison."""
    split = load_dataset(data, data_dir).split(validation, seed)
    if fingerprint(split) != sha256:
        raise InputError(f"the data {data} differ from those of the comparison: copy its files there")
    return split


def _absolute(data: str) -> str:
    return str(Path(data).resolve()) if Path(data).exists() else data


def _own_file(name: str) -> tuple[Path, str] | None:
    """Return file and function of a user's own method, wrapped or not; None for the methods of minnet."""
    while name.endswith(")"):
        name = name.partition("(")[2][:-1].strip()
    file, _, function = name.rpartition(":")
    return (Path(file).expanduser(), function) if own.is_file(name) else None


def _source_of(optimizer: OptimizerSpec) -> str | None:
    """Return the source of a user's own method, which has to travel; None for the methods of minnet."""
    found = _own_file(optimizer.name)
    if found is not None:
        return found[0].read_text(encoding="utf-8-sig")
    if optimizer.source:
        raise InputError(
            f"{optimizer.name} was declared in this process, and only files travel to others: "
            f"name it by its file, FILE.py:{optimizer.name}"
        )
    return None


@functools.cache
def _install(name: str, digest: str, text: str) -> None:
    """Make a user's own method known here under the name and the digest that it has in the comparison."""
    found = _own_file(name)
    assert found is not None
    file, function = found
    path = _folder() / hashlib.sha256(text.encode()).hexdigest()[:16] / file.name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, text)
    method = own.load(f"{path}:{function}")
    if method.digest != digest:
        raise InputError(f"{file} has changed since the comparison began, or uses what differs there: start it again")
    optimizers.name_of(replace(method, name=f"{file}:{function}"))


def _write(path: Path, text: str) -> None:
    """Write a file at once: other processes may look for it meanwhile."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        file.write(text)
    Path(file.name).replace(path)


@functools.cache
def _folder() -> Path:
    """Return where the source of methods is kept: with the kernels, whose cache wants a file for each."""
    return (jit.cache_folder() or Path(tempfile.mkdtemp(prefix="minnet-"))) / "methods"
