"""Engines run trials somewhere: in threads here, on a Dask cluster, through any backend of joblib.

An engine knows neither the store nor what a trial is for. It yields the records as the trials finish, in whatever
order, each trial's once; where they ran does not change them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence

from minnet import machine
from minnet.data import Split
from minnet.errors import InputError, check_name
from minnet.lab.engine.base import Engine, Watcher
from minnet.lab.engine.stopping import Stop, stop_on_interrupt
from minnet.training import RunSpec

__all__ = ["Engine", "Stop", "Watcher", "check_device", "check_engine", "create", "stop_on_interrupt", "usable_jobs"]

ENGINES = ("local", "dask", "joblib:BACKEND")
DEVICES = ("cpu", "cuda")


def check_engine(name: str, scheduler: str | None = None, jobs: int | None = None) -> None:
    """Raise an `InputError` unless there is such an engine, with what it needs and without what it does not take."""
    kind, _, backend = name.partition(":")
    check_name("engine", name if kind != "joblib" or not backend else ENGINES[-1], ENGINES)
    if kind == "joblib":
        from minnet.lab.engine.backends import check_backend

        check_backend(backend)
    if kind != "dask":
        if scheduler is not None:
            raise InputError(f"scheduler {scheduler!r}: the engine {name!r} takes none; drop --scheduler")
        return
    if importlib.util.find_spec("distributed") is None:
        raise InputError("the engine 'dask' needs Dask's scheduler: pip install \"minnet[dask]\"")
    if scheduler is None:
        raise InputError("the engine 'dask' needs the address of a scheduler: --scheduler tcp://HOST:8786")
    if jobs is not None:
        raise InputError(f"jobs {jobs}: a cluster runs as many trials as its workers have threads; drop --jobs")


def check_device(name: str, engine: str = "local", runs: Sequence[RunSpec] = ()) -> None:
    """Raise an `InputError` unless there is such a device, and it can train these runs."""
    check_name("device", name, DEVICES)
    if name == "cpu":
        return
    if engine != "local":
        raise InputError(f"device {name!r}: its runs are trained by this process; drop --engine {engine}")
    from minnet.cuda import devices
    from minnet.cuda.member import check

    devices.require()
    check(runs)


def usable_jobs(jobs: int | None) -> int:
    """Return the number of runs to have side by side: one per usable core unless given."""
    if jobs is None:
        return machine.usable_cores()
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise InputError(f"jobs must be a whole number from 1, not {jobs!r}")
    return jobs


def create(
    name: str,
    split_of: Callable[[RunSpec], Split],
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    data_dir: object = None,
    device: str = "cpu",
) -> Engine:
    """Return an engine; it works inside a `with` block.

    Parameters
    ----------
    name : str
        "local", "dask" or "joblib:BACKEND".
    split_of : callable
        The data of a run, for trials in this process; other processes load them by their name.
    jobs : int, optional
        Trials side by side; by default as many as there are cores, or as the backend thinks best.
    scheduler : str, optional
        Address of Dask's scheduler.
    data_dir : path, optional
        Where other processes look for the data first, if they have such a folder.
    device : {"cpu", "cuda"}
        On "cuda", the trials of one shape are trained together, as many as its memory holds.
    """
    check_engine(name, scheduler, jobs)
    if device != "cpu":
        from minnet.lab.engine.populations import Populations

        return Populations(split_of)
    if name == "local":
        from minnet.lab.engine.local import Threads

        return Threads(usable_jobs(jobs), split_of)
    if name == "dask":
        from minnet.lab.engine.cluster import Cluster

        return Cluster(str(scheduler), data_dir)
    from minnet.lab.engine.backends import Backend

    return Backend(name.partition(":")[2], None if jobs is None else usable_jobs(jobs), data_dir)
