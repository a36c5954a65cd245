"""Trials through any backend of joblib: its processes here ("loky"), Ray or Spark elsewhere."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import itertools
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from minnet.errors import InputError
from minnet.lab.engine.base import Watcher
from minnet.lab.engine.remote import perform, tasks_of
from minnet.lab.engine.stopping import Stop
from minnet.lab.trials import Trial

if TYPE_CHECKING:
    from joblib import Parallel

REGISTER = {"ray": ("ray.util.joblib", "register_ray"), "spark": ("joblibspark", "register_spark")}


def check_backend(name: str) -> None:
    """Raise an `InputError` unless joblib has such a backend; those of other packages register themselves first."""
    from joblib.parallel import BACKENDS

    if name in REGISTER and name not in BACKENDS:
        module, function = REGISTER[name]
        if importlib.util.find_spec(module.partition(".")[0]) is None:
            raise InputError(
                f"the engine 'joblib:{name}' needs a package: pip install {module.partition('.')[0]} joblib"
            )
        getattr(importlib.import_module(module), function)()
    known = [backend for backend in BACKENDS if isinstance(backend, str) and backend != "dask"]
    if name not in known:
        raise InputError(f"joblib has no backend {name!r}: it has {', '.join(sorted({*known, *REGISTER}))}")


class Backend:
    """One of joblib's backends. It says nothing about epochs, and Ctrl-C waits for the trials under way.

    Parameters
    ----------
    name : str
    jobs : int, optional
        Trials side by side; by default what the backend thinks best.
    data_dir : path, optional
        Where the processes look for the data first.
    """

    def __init__(self, name: str, jobs: int | None, data_dir: object = None) -> None:
        from joblib import effective_n_jobs, parallel_config

        self.name, self.data_dir = name, data_dir
        with parallel_config(backend=name):
            self.jobs = effective_n_jobs(-1 if jobs is None else jobs)
        self._machines: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Backend:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    @property
    def machines(self) -> list[dict[str, Any]]:
        """What has trained so far, each machine once."""
        return list(self._machines.values())

    def map(self, trials: Sequence[Trial], watcher: Watcher, stop: Stop) -> Generator[dict[str, Any]]:
        """Yield the records of the trials: as they finish if the backend can do that, otherwise a few at a time."""
        from joblib import Parallel, delayed, parallel_config

        def waiting() -> Iterator[Any]:
            for task in tasks_of(trials, self.data_dir):
                if stop.is_set():
                    return
                watcher.begun(task.trial, self.name)
                yield delayed(perform)(task)

        with parallel_config(backend=self.name, n_jobs=self.jobs):
            try:
                run = Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="n_jobs")
            except ValueError:  # joblib's word for a backend that returns only all results at once
                run = functools.partial(_in_rounds, Parallel(batch_size=1), self.jobs)
        for record, facts in run(waiting()):
            self._machines.setdefault(facts["host"], facts)
            yield record


def _in_rounds(run: Parallel, size: int, tasks: Iterator[Any]) -> Iterator[Any]:
    """Run a few tasks at a time, so that what is finished can be kept."""
    with run:  # its processes stay from one round to the next
        while some := list(itertools.islice(tasks, size)):
            yield from run(some)
