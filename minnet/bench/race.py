"""The race: every contestant in a worker of its own, one epoch at a time, never two of them at once."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from minnet import machine
from minnet.bench import stats
from minnet.bench.facts import machine_cpu_s
from minnet.bench.peers import Label, refusal
from minnet.bench.task import Task
from minnet.bench.worker import environment
from minnet.errors import InputError

WARM_UP = 2  # first epochs, which may still compile
SETTLE_S = 0.05  # idle threads of the last contestant spin for some milliseconds; then they sleep
QUIET = 0.1  # share of its time that other processes may compute,
CLOCK_S = 0.1  # or so many seconds in all: the system counts in hundredths
SAME = 0.1  # losses of an epoch may differ by this share,
SAME_ABOVE = 0.01  # or by this much: when little is left to learn, rounding decides


class Dropout(Exception):
    """A contestant that could not start or did not finish, and why."""


@dataclass
class Lane:
    """What came out for one contestant; one entry per epoch in each list, warm-up first."""

    label: str
    threads: int
    samples: int
    prepare_s: float
    facts: dict[str, float]
    seconds: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    idle_cpu_s: list[float] = field(default_factory=list)
    others_cpu_s: list[float] = field(default_factory=list)
    loss: list[Any] = field(default_factory=list)

    @property
    def timed(self) -> list[float]:
        """Seconds of the epochs that count."""
        return self.seconds[WARM_UP:]

    @property
    def timed_cpu(self) -> list[float]:
        """Processor seconds of the epochs that count."""
        return self.cpu_s[WARM_UP:]

    @property
    def busy_cores(self) -> float:
        """Median processor seconds per second: how many cores it used."""
        return stats.median([cpu / wall for cpu, wall in zip(self.timed_cpu, self.timed)])

    @property
    def disturbed(self) -> bool:
        """Whether other processes computed while it did (False where the system does not tell)."""
        others, own = sum(self.others_cpu_s[WARM_UP:]), sum(self.timed)
        return others > max(QUIET * own, CLOCK_S)


@dataclass
class Outcome:
    """A race: its task, the lanes, and who was left out, with the reason."""

    task: Task
    lanes: dict[str, Lane]
    skipped: dict[str, str]

    def ratio(self, label: str, to: str) -> stats.Ratio:
        """Return the time of one contestant over that of another, paired by round."""
        return stats.ratio(self.lanes[label].timed, self.lanes[to].timed)

    def cpu_ratio(self, label: str, to: str) -> stats.Ratio:
        """Return the same of the processor time, which other processes do not lengthen."""
        return stats.ratio(self.lanes[label].timed_cpu, self.lanes[to].timed_cpu)

    def strangers(self) -> dict[str, str]:
        """Return contestants whose training loss is not that of the first one: they trained something else."""
        trained = {label: lane.loss for label, lane in self.lanes.items() if None not in lane.loss}
        if not trained:
            return {}
        reference, common = next(iter(trained.items()))
        found = {}
        for label, losses in trained.items():
            for epoch, (own, other) in enumerate(zip(losses, common), start=1):
                if not abs(own - other) <= max(SAME * max(own, other), SAME_ABOVE):
                    found[label] = f"loss {own:.4g} in epoch {epoch}, but {other:.4g} for {reference}"
                    break
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return everything measured, as plain types."""
        first = next(iter(self.lanes), "")
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
            },
            "skipped": self.skipped,
        }


class Worker:
    """A contestant's process, seen from here."""

    def __init__(self, task: Task) -> None:
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  (as long as the process)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "minnet.bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=environment(task.threads, task.device),
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
        assert self.process.stdin
        assert self.process.stdout
        with contextlib.suppress(OSError):  # it has ended: there will be no answer
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
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
    rounds, tell, tick
        See `alternate`.

    Raises
    ------
    InputError
        For an unknown contestant, or more threads than cores.
    """
    parsed = {label: Label.parse(label) for label in labels}
    entries = {label: (entry.kind, entry.task(task)) for label, entry in parsed.items()}
    _ = task.split  # a wrong data set is told here, not by every worker
    lanes, skipped = alternate(entries, rounds, tell, tick)
    return Outcome(task, lanes, skipped)


def alternate(
    entries: Mapping[str, tuple[str, Task]],
    rounds: int = 9,
    tell: Callable[[str], object] = lambda text: None,
    tick: Callable[[], object] = lambda: None,
) -> tuple[dict[str, Lane], dict[str, str]]:
    """Let contestants train, one epoch each in turn, every one its own task.

    Parameters
    ----------
    entries : mapping of str to (str, Task)
        Label: kind of contestant, and what it trains.
    rounds : int
        Epochs that are timed, after `WARM_UP` that are not. Who begins a round rotates.
    tell, tick : callable
        Told what is going on; called after every round, warm-up included.

    Returns
    -------
    lanes : dict of str to Lane
    skipped : dict of str to str
        Who could not take part, or failed, and why.
    """
    most, cores = max(task.threads for _, task in entries.values()), machine.usable_cores()
    if most > cores:
        raise InputError(f"threads = {most}: this process may use {cores} cores")
    lanes: dict[str, Lane] = {}
    skipped: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        workers = {}
        for label, (kind, task) in entries.items():
            if reason := refusal(kind, task):
                skipped[label] = reason
                continue
            tell(f"preparing {label}")  # one after another: the roof measures its rates while it prepares
            workers[label] = Worker(task)
            stack.callback(workers[label].close)
            with drops(label, lanes, skipped):
                reply = workers[label].ask(peer=kind, task=task.to_dict())
                lanes[label] = Lane(label, task.threads, reply["samples"], reply["prepare_s"], reply["facts"])
        for epoch in range(1, WARM_UP + rounds + 1):
            tell("warming up" if epoch <= WARM_UP else f"round {epoch - WARM_UP} of {rounds}")
            for label in rotated(list(lanes), epoch):
                with drops(label, lanes, skipped):
                    time.sleep(SETTLE_S)
                    before = machine_cpu_s()
                    reply = workers[label].ask(epoch=epoch)
                    if before is not None:
                        reply["others_cpu_s"] = (machine_cpu_s() or before) - before - reply["cpu_s"]
                    for column, value in reply.items():
                        getattr(lanes[label], column).append(value)
            tick()
    return lanes, skipped


@contextlib.contextmanager
def drops(label: str, lanes: dict[str, Lane], skipped: dict[str, str]) -> Iterator[None]:
    """Take a contestant out of the race if it fails."""
    try:
        yield
    except Dropout as reason:
        lanes.pop(label, None)
        skipped[label] = str(reason)


def rotated(labels: list[str], by: int) -> list[str]:
    """Return the labels from another beginning on.

    Examples
    --------
    >>> rotated(["a", "b", "c"], 1)
    ['b', 'c', 'a']
    """
    by %= max(len(labels), 1)
    return labels[by:] + labels[:by]
