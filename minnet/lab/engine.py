"""Engines map trials. They know neither the store nor what a trial is about."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from minnet import machine
from minnet.errors import InputError, check_name

ENGINES = ("local", "dask")
DEVICES = ("cpu", "cuda")
PATIENCE_S = 0.1  # a wait without end would not hear Ctrl-C on Windows
T = TypeVar("T")
R = TypeVar("R")


def check_engine(name: str, scheduler: str | None = None) -> None:
    """Raise an `InputError` unless this version has such an engine, and it takes the scheduler that is given."""
    check_name("engine", name, ENGINES)
    if name != "local":
        raise InputError(f"engine {name!r}: this version trains in threads of this process only; use --engine local")
    if scheduler is not None:
        raise InputError(f"scheduler {scheduler!r}: the engine 'local' takes none; drop --scheduler")


def check_device(name: str) -> None:
    """Raise an `InputError` unless this version can compute on the device."""
    check_name("device", name, DEVICES)
    if name != "cpu":
        raise InputError(f"device {name!r}: this version computes on the CPU only; use --device cpu")


def usable_jobs(jobs: int | None) -> int:
    """Return the number of runs to have side by side: one per usable core unless given."""
    if jobs is None:
        return machine.usable_cores()
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise InputError(f"jobs must be a whole number from 1, not {jobs!r}")
    return jobs


def map_unordered(run: Callable[[T], R], items: Iterable[T], jobs: int) -> Generator[R]:
    """Yield ``run(item)`` as the items finish, `jobs` of them side by side in threads.

    The compiled loops release the GIL, so threads use all cores and share the data. An exception in `run` is
    raised after the runs under way have ended and their results have been yielded; no other run is started.
    However the iteration ends, none of the threads outlives it: what the process shares (the limits of the BLAS
    library, the interpreter itself) may be changed only when nobody computes.

    Examples
    --------
    >>> sorted(map_unordered(abs, [-2, 1], jobs=2))
    [1, 2]
    """
    failure: BaseException | None = None
    with ThreadPoolExecutor(jobs, thread_name_prefix="minnet") as pool:
        waiting: set[Future[R]] = {pool.submit(run, item) for item in items}
        try:
            while waiting:
                done, waiting = wait(waiting, PATIENCE_S, FIRST_COMPLETED)
                for future in done:
                    error = future.exception()
                    if error is None:
                        yield future.result()
                    elif failure is None:
                        failure = error
                        waiting = {other for other in waiting if not other.cancel()}
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    if failure is not None:
        raise failure


@contextlib.contextmanager
def stop_on_interrupt(told: Callable[[], None]) -> Iterator[threading.Event]:
    """Turn Ctrl-C into a request to stop, so that what runs can end and what is finished is kept.

    `told` is called, in the signal handler, at every Ctrl-C. Another one changes nothing here: to leave while
    threads compute is for a process to decide, not for a library. Outside the main thread signals cannot be
    caught: the event is then only set on leaving, as it always is, so that no thread goes on training for nobody.
    """
    stop = threading.Event()

    def request(number: int, frame: Any) -> None:
        stop.set()
        told()

    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, request) if main else None
    try:
        yield stop
    finally:
        stop.set()
        if before is not None:
            signal.signal(signal.SIGINT, before)
