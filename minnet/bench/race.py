"""The race: every contestant in a worker of its own, one epoch at a time, never two of them at once."""

from __future__ import annotations

import contextlib
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from minnet import machine
from minnet.bench import stats
from minnet.bench.peers import Label, refusal
from minnet.bench.task import Task
from minnet.bench.worker import environment
from minnet.errors import InputError

WARM_UP = 2  # first epochs, which may still compile
SETTLE_S = 0.05  # idle threads of the last contestant spin for some milliseconds; then they sleep
SAME = 0.1  # losses of an epoch may differ by this share,
SAME_ABOVE = 0.01  # or by this much: when little is left to learn, rounding decides


class Dropout(Exception):
    """A contestant that could not start or did not finish, and why."""


@dataclass
class Lane:
    """What came out for one contestant; one entry per epoch in each list, warm-up first."""

    label: str
    threads: int
    prepare_s: float
    facts: dict[str, float]
    seconds: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    idle_cpu_s: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)

    @property
    def timed(self) -> list[float]:
        """Seconds of the epochs that count."""
        return self.seconds[WARM_UP:]

    @property
    def busy_cores(self) -> float:
        """Median processor seconds per second: how many cores it used."""
        return stats.median([cpu / wall for cpu, wall in zip(self.cpu_s[WARM_UP:], self.timed)])


@dataclass
class Outcome:
    """A race: its task, the lanes, and who was left out, with the reason."""

    task: Task
    lanes: dict[str, Lane]
    skipped: dict[str, str]

    def ratio(self, label: str, to: str) -> stats.Ratio:
        """Return the time of one contestant over that of another, paired by round."""
        return stats.ratio(self.lanes[label].timed, self.lanes[to].timed)

    def strangers(self) -> dict[str, str]:
        """Return contestants whose training loss is not that of the first one: they trained something else."""
        reference = next(iter(self.lanes.values()))
        found = {}
        for label, lane in self.lanes.items():
            for epoch, (own, common) in enumerate(zip(lane.loss, reference.loss), start=1):
                if math.isnan(own) and "gflops" in lane.facts:
                    continue  # the roof trains nothing
                if not abs(own - common) <= max(SAME * max(own, common), SAME_ABOVE):
                    found[label] = f"loss {own:.4g} after epoch {epoch}, but {common:.4g} for {reference.label}"
                    break
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return everything measured, as plain types."""
        first = next(iter(self.lanes), None)
        return {
            "task": self.task.to_dict(),
            "samples": len(self.task.split.y_train),
            "steps": self.task.steps,
            "warm_up": WARM_UP,
            "peers": {
                label: {**vars(lane), "median_s": stats.median(lane.timed), "band_s": stats.band(lane.timed)}
                for label, lane in self.lanes.items()
            },
            "ratios": {
                f"{first} / {label}": self.ratio(first, label)._asdict() for label in self.lanes if first != label
            }
            if first
            else {},
            "skipped": self.skipped,
        }


class Worker:
    """A contestant's process, seen from here."""

    def __init__(self, label: str, task: Task) -> None:
        self.label, self.task = label, task
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  (as long as the process)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "minnet.bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=environment(task.threads),
            text=True,
            encoding="utf-8",
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises
        ------
        Dropout
            If the process ends instead.
        """
        self.send(**request)
        return self.answer()

    def send(self, **request: Any) -> None:
        """Send a request."""
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):  # `answer` finds the reason
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Wait for an answer."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            raise Dropout(self._last_words() or f"ended with code {code}")
        return json.loads(line)

    def _last_words(self) -> str:
        self.errors.seek(0)
        lines = self.errors.read().decode("utf-8", errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else ""

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()
        self.errors.close()


def race(
    task: Task,
    labels: Sequence[str],
    rounds: int = 9,
    tell: Callable[[str], object] = lambda text: None,
    tick: Callable[[], object] = lambda: None,
) -> Outcome:
    """Let contestants train the same task in alternation.

    Parameters
    ----------
    task : Task
    labels : sequence of str
        See `Label`; the first one is what the others are compared with.
    rounds : int
        Epochs that are timed, after `WARM_UP` that are not. Who begins a round rotates.
    tell, tick : callable
        Told what is going on; called after every round, warm-up included.

    Raises
    ------
    InputError
        For an unknown contestant, or more threads than cores.
    """
    entries = {label: Label.parse(label) for label in labels}
    threads = {label: entry.threads or task.threads for label, entry in entries.items()}
    cores = machine.usable_cores()
    if max(threads.values()) > cores:
        raise InputError(f"threads = {max(threads.values())}: this process may use {cores} cores")
    reasons = {label: refusal(entry.kind, task) for label, entry in entries.items()}
    skipped = {label: reason for label, reason in reasons.items() if reason is not None}
    outcome = Outcome(task, {}, skipped)
    _ = task.split  # a wrong data set is told here, not by every worker
    with contextlib.ExitStack() as stack:
        workers = {}
        for label, entry in entries.items():
            if label not in skipped:
                workers[label] = Worker(label, replace(task, threads=threads[label]))
                stack.callback(workers[label].close)
                # One after another: the roof measures its rates while it prepares.
                tell(f"preparing {label}")
                with drops(outcome, label):
                    reply = workers[label].ask(peer=entry.kind, task=workers[label].task.to_dict())
                    outcome.lanes[label] = Lane(label, threads[label], reply["prepare_s"], reply["facts"])
        for epoch in range(1, WARM_UP + rounds + 1):
            tell("warming up" if epoch <= WARM_UP else f"round {epoch - WARM_UP} of {rounds}")
            for label in rotated(list(outcome.lanes), epoch):
                with drops(outcome, label):
                    time.sleep(SETTLE_S)
                    reply = workers[label].ask(epoch=epoch)
                    for column, value in reply.items():
                        getattr(outcome.lanes[label], column).append(value)
            tick()
    return outcome


@contextlib.contextmanager
def drops(outcome: Outcome, label: str) -> Iterator[None]:
    """Take a contestant out of the race if it fails."""
    try:
        yield
    except Dropout as reason:
        outcome.lanes.pop(label, None)
        outcome.skipped[label] = str(reason)


def rotated(labels: list[str], by: int) -> list[str]:
    """Return the labels from another beginning on.

    Examples
    --------
    >>> rotated(["a", "b", "c"], 1)
    ['b', 'c', 'a']
    """
    by %= max(len(labels), 1)
    return labels[by:] + labels[:by]
