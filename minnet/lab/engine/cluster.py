"""Trials on a Dask cluster, each as a task of its own.

Through Dask's own futures, not through joblib's Dask backend: that one does not notice a task whose worker has died
once too often, and waits for ever; it fixes at the start how many tasks are on their way, so that workers who join
later stay idle; and it can't cancel what is queued.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
import uuid
from collections.abc import Generator, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from minnet.errors import InputError
from minnet.lab.engine.base import Watcher
from minnet.lab.engine.remote import Task, perform, tasks_of
from minnet.lab.engine.stopping import Pace, Stop
from minnet.lab.trials import COLUMNS, Trial, plain

log = logging.getLogger("minnet")

if TYPE_CHECKING:
    from distributed import Client, Future

PATIENCE_S = 0.1
CONNECT_S = 10.0
LONELY_S = 5.0  # without a worker for so long, the user is told
TELL_S = 0.5  # after the first, a worker reports the epochs of a trial no more often than this


class Cluster:
    """Dask workers, however many there are at a time.

    Parameters
    ----------
    address : str
        Of the scheduler.
    data_dir : path, optional
        Where workers look for the data first.
    """

    def __init__(self, address: str, data_dir: object = None) -> None:
        self.address, self.data_dir = address, data_dir
        self._client: Client | None = None
        self._machines: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Cluster:
        from distributed import Client

        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is said in one line
        try:
            self._client = Client(self.address, timeout=CONNECT_S, set_as_default=False, name="minnet")
        except Exception as error:  # whatever answers there, it is no scheduler
            said = " ".join(str(error).split())
            raise InputError(
                f"no Dask scheduler answers at {self.address} ({said}): start one with dask scheduler"
            ) from None
        return self

    def __exit__(self, *exception: object) -> None:
        self.client.close(timeout=CONNECT_S)
        self._client = None

    @property
    def client(self) -> Client:
        """The open connection."""
        if self._client is None:
            raise ValueError("the cluster is not connected: use it in a with block")
        return self._client

    @property
    def jobs(self) -> int:
        """Threads of the workers that are there now."""
        return sum(self.client.nthreads().values())

    @property
    def machines(self) -> list[dict[str, Any]]:
        """What has trained so far, each machine once."""
        return list(self._machines.values())

    def map(self, trials: Sequence[Trial], watcher: Watcher, stop: Stop) -> Generator[dict[str, Any]]:
        """Yield the records of the trials as they finish.

        A trial whose worker dies begins again elsewhere. Workers may join at any time.
        """
        batch = _Batch(self.client, self.address, tasks_of(trials, self.data_dir), watcher, stop)
        with contextlib.closing(batch.results()) as results:
            for record, facts in results:
                self._machines.setdefault(facts["host"], facts)
                yield record


class _Batch:
    """Tasks on their way: one future for each, by its key."""

    def __init__(self, client: Client, address: str, tasks: Sequence[Task], watcher: Watcher, stop: Stop) -> None:
        self.client, self.address, self.watcher, self.stop = client, address, watcher, stop
        session = uuid.uuid4().hex[:12]
        self.topic = f"minnet-{session}"
        self.tasks = {f"minnet-{task.trial.id}-{session}": task for task in tasks}
        self.futures: dict[str, Future] = {}
        self.paces: dict[str, Pace] = {}  # of the tasks that have begun
        self.given_up: set[str] = set()
        self.ended: SimpleQueue[Future] = SimpleQueue()

    def results(self) -> Generator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield what the tasks return, as they finish; cancel what is left if nobody asks further."""
        failure: BaseException | None = None
        self.client.subscribe_topic(self.topic, self._heard)
        try:
            self._submit()
            lonely = time.monotonic() + LONELY_S
            while self.futures:
                if self.stop.is_set():
                    self._cancel(key for key in self.futures if key not in self.paces or self.paces[key].is_over())
                elif failure is not None:
                    self._cancel(key for key in self.futures if key not in self.paces)
                try:
                    future = self.ended.get(timeout=PATIENCE_S)
                except Empty:
                    if time.monotonic() > lonely and not self.paces and not self.client.nthreads():
                        log.warning("no worker yet: start some with dask worker %s", self.address)
                        lonely = math.inf
                    continue
                key = str(future.key)
                if future.status == "finished":
                    result = self._result(future)
                    self._forget(key)
                    yield result
                elif future.status == "error":
                    failure = failure or self._error(future)
                    self._forget(key)
                elif key in self.given_up:
                    self._forget(key)
                else:
                    raise self._lost()
        finally:
            self._cancel(self.futures)
            with contextlib.suppress(Exception):
                self.client.unsubscribe_topic(self.topic)
        if failure is not None:
            raise failure

    def _submit(self) -> None:
        if not self.tasks:
            return
        keys = list(self.tasks)
        told = [(self.topic, key) for key in keys]
        futures = self.client.map(_on_worker, list(self.tasks.values()), told, key=keys, pure=False)
        self.futures = dict(zip(keys, futures))
        for future in futures:
            future.add_done_callback(self.ended.put)

    def _forget(self, key: str) -> None:
        self.futures.pop(key).release()  # the cluster need not keep the result any longer
        self.paces.pop(key, None)

    def _cancel(self, keys: Iterable[str]) -> None:
        """Give up some tasks; each comes back as cancelled."""
        keys = [key for key in keys if key not in self.given_up]
        self.given_up.update(keys)
        if keys:
            with contextlib.suppress(Exception):  # a scheduler that is gone has nothing to cancel
                self.client.cancel([self.futures[key] for key in keys])

    def _heard(self, event: tuple[float, dict[str, Any]]) -> None:
        """Pass on what a worker says about a task; called in a thread of the client."""
        said = event[1]
        task = self.tasks[said["key"]]
        if said["epoch"] is None:
            self.paces[said["key"]] = Pace(task.trial.epochs, self.stop)
            self.watcher.begun(task.trial, said["where"])
        elif said["key"] in self.paces:
            self.paces[said["key"]].reached(said["epoch"])
            self.watcher.epoch(task.trial, said["epoch"], said["row"])

    def _result(self, future: Future) -> tuple[dict[str, Any], dict[str, Any]]:
        try:
            return future.result()
        except (OSError, CancelledError):  # it is finished, but nobody can hand it over
            raise self._lost() from None

    def _error(self, future: Future) -> BaseException:
        """Return why a task has no result, in one line where that is possible."""
        from distributed import KilledWorker

        error = future.exception()
        if not isinstance(error, KilledWorker):
            return error
        optimizer = self.tasks[str(future.key)].trial.run.optimizer
        return InputError(
            f"{optimizer.name} {dict(optimizer.hyper)}: every worker that trained it died; "
            "give the workers more memory or fewer threads, then start the same command again"
        )

    def _lost(self) -> InputError:
        return InputError(
            f"lost the Dask scheduler at {self.address}: finished runs are kept; "
            "once it is there again, the same command resumes"
        )


def _on_worker(task: Task, told: tuple[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Train a trial on a worker, and say how far it is."""
    from distributed import get_worker

    worker, (topic, key) = get_worker(), told
    last = 0.0

    def tell(row: Mapping[str, Any]) -> None:
        nonlocal last
        now = time.monotonic()
        if row["epoch"] in (None, 0, 1) or now - last > TELL_S:
            last = now
            numbers = {name: plain(row.get(name)) for name in COLUMNS}
            worker.log_event(topic, {"key": key, "epoch": row["epoch"], "row": numbers, "where": str(worker.name)})

    tell({"epoch": None})  # it has begun
    return perform(task, tell)
