"""Engines map trials. They know neither the store nor what a trial is about."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from minnet import machine
from minnet.errors import InputError, check_name

ENGINES = ("local",)
T = TypeVar("T")
R = TypeVar("R")


def check_engine(name: str) -> None:
    """Raise an `InputError` unless there is such an engine."""
    check_name("engine", name, ENGINES)


def usable_jobs(jobs: int | None) -> int:
    """Return the number of runs to have side by side: one per usable core unless given."""
    if jobs is None:
        return machine.usable_cores()
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise InputError(f"jobs must be a whole number from 1, not {jobs!r}")
    return jobs


def map_unordered(run: Callable[[T], R], items: Iterable[T], jobs: int) -> Iterator[R]:
    """Yield ``run(item)`` as the items finish, `jobs` of them side by side in threads.

    The compiled loops release the GIL, so threads use all cores and share the data. An exception in `run` is
    raised after the runs under way have ended and their results have been yielded; no other run is started.

    Examples
    --------
    >>> sorted(map_unordered(abs, [-2, 1], jobs=2))
    [1, 2]
    """
    import joblib

    failures: list[Exception] = []

    def attempt(item: T) -> list[R]:
        if failures:
            return []
        try:
            return [run(item)]
        except Exception as error:
            failures.append(error)
            return []

    parallel = joblib.Parallel(n_jobs=jobs, backend="threading", return_as="generator_unordered", batch_size=1)
    for results in parallel(joblib.delayed(attempt)(item) for item in items):
        yield from results
    if failures:
        raise failures[0]


@contextlib.contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into a request to stop, so that what runs can end and what is finished is kept.

    The second one interrupts at once. Outside the main thread signals cannot be caught: the event is then
    only set on leaving, as it always is, so that no thread goes on training for nobody.
    """
    stop = threading.Event()

    def request(number: int, frame: Any) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    if threading.current_thread() is not threading.main_thread():
        try:
            yield stop
        finally:
            stop.set()
        return
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, request)
    try:
        yield stop
    finally:
        stop.set()
        signal.signal(signal.SIGINT, before)
