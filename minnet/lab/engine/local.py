"""Trials in threads of this process: the compiled loops hold no interpreter lock, and the data are there once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from minnet import machine
from minnet.data import Split
from minnet.lab.engine.base import Watcher
from minnet.lab.engine.stopping import Pace, Stop
from minnet.lab.trials import Trial, run_trial
from minnet.training import RunSpec

PATIENCE_S = 0.1  # a wait without end would not hear Ctrl-C on Windows
T = TypeVar("T")
R = TypeVar("R")


class Threads:
    """The local engine: `jobs` trials side by side, one thread each, matrix products included."""

    machines: tuple[dict[str, Any], ...] = ()

    def __init__(self, jobs: int, split_of: Callable[[RunSpec], Split]) -> None:
        self.jobs, self.split_of = jobs, split_of
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Threads:
        self._held.enter_context(machine.blas_threads(1))
        return self

    def __exit__(self, *exception: object) -> None:
        self._held.close()

    def map(self, trials: Sequence[Trial], watcher: Watcher, stop: Stop) -> Generator[dict[str, Any]]:
        """Yield the records of the trials as they finish."""

        def run(trial: Trial) -> dict[str, Any] | None:
            if stop.is_set():
                return None
            watcher.begun(trial, "")
            pace = Pace(trial.epochs, stop)

            def on_epoch(row: Mapping[str, Any]) -> None:
                pace.reached(row["epoch"])
                watcher.epoch(trial, row["epoch"], row)

            return run_trial(trial, self.split_of(trial.run), on_epoch, pace.is_over)

        with contextlib.closing(map_unordered(run, trials, self.jobs)) as records:
            for record in records:
                if record is not None:
                    yield record


def map_unordered(run: Callable[[T], R], items: Iterable[T], jobs: int) -> Generator[R]:
    """Yield ``run(item)`` as the items finish, `jobs` of them side by side in threads.

    An exception in `run` is raised after the runs under way have ended and their results have been yielded; no
    other run is started. However the iteration ends, none of the threads outlives it: what the process shares (the
    limits of the BLAS library, the interpreter itself) may be changed only when nobody computes.

    Examples
    --------
    >>> sorted(map_unordered(abs, [-2, 1], jobs=2))
    [1, 2]
    """
    ended: SimpleQueue[Future[R]] = SimpleQueue()
    failure: BaseException | None = None
    with ThreadPoolExecutor(jobs, thread_name_prefix="minnet") as pool:
        open_ = 0
        for item in items:
            pool.submit(run, item).add_done_callback(ended.put)
            open_ += 1
        try:
            while open_:
                try:
                    future = ended.get(timeout=PATIENCE_S)
                except Empty:
                    continue
                open_ -= 1
                if future.cancelled():
                    continue
                error = future.exception()
                if error is None:
                    yield future.result()
                elif failure is None:
                    failure = error
                    pool.shutdown(wait=False, cancel_futures=True)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    if failure is not None:
        raise failure
