"""How long a comparison will still take, from what its runs have taken so far.

Methods differ in the cost of an epoch by orders of magnitude, runs differ in length (successive halving, divergence),
and every method is compiled once. So the forecast plays the rest of the plan through: every run that is left takes the
epochs that are planned for it times the seconds that an epoch of its method took, on as many workers as there are,
one stage after another.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from minnet.lab import Experiment


class Kind(NamedTuple):
    """A kind of run: such runs cost the same. Sorted, they come in the order of their stages."""

    final: bool
    epochs: int
    label: str


@dataclass
class Running:
    """A run under way."""

    kind: Kind
    begun: float
    first: float | None = None  # when it was compiled and began to train
    last: float = 0.0
    epoch: int = 0

    @property
    def pace(self) -> float:
        """Seconds per epoch, once there has been one."""
        return (self.last - (self.begun if self.first is None else self.first)) / self.epoch


@dataclass
class Spent:
    """What the finished runs of a method have taken."""

    seconds: float = 0.0
    planned: int = 0  # epochs that they might have had
    whole_seconds: float = 0.0
    whole: int = 0  # epochs of those that did not diverge


class Forecast:
    """Follows the runs of a comparison.

    Parameters
    ----------
    clock : callable
        Seconds.

    Examples
    --------
    >>> now = [0.0]
    >>> forecast = Forecast(lambda: now[0])
    >>> kind = Kind(final=False, epochs=10, label="adam")
    >>> forecast.expect({kind: 5})
    >>> forecast.begun("first", kind)
    >>> now[0] = 20.0
    >>> forecast.ran("first", kind, diverged=False, compile_s=0.0)
    >>> forecast.left()  # four more, one at a time
    80.0
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.running: dict[str, Running] = {}
        self._expected: Counter[Kind] = Counter()
        self._spent: defaultdict[str, Spent] = defaultdict(Spent)
        self._compiled: dict[str, float] = {}  # seconds, by method
        self._workers = 1
        self._lock = threading.Lock()

    def expect(self, runs: Mapping[Kind, int]) -> None:
        """Add runs to the plan (or take some out of it, by negative numbers)."""
        with self._lock:
            self._expected.update(runs)

    def stored(self, kind: Kind) -> None:
        """A run was there already."""
        with self._lock:
            self._expected[kind] -= 1

    def begun(self, id: str, kind: Kind) -> None:
        """A run has begun, or begins again."""
        with self._lock:
            self.running[id] = Running(kind, self.clock())
            self._workers = len(self.running)

    def epoch(self, id: str, epoch: int) -> None:
        """A run has finished an epoch; 0 is the state before training."""
        with self._lock:
            run = self.running.get(id)
            if run is not None:
                run.last, run.epoch = self.clock(), epoch
                if run.first is None:
                    run.first = run.last

    def ran(self, id: str, kind: Kind, diverged: bool, compile_s: float) -> None:
        """A run is finished."""
        with self._lock:
            self._expected[kind] -= 1
            run = self.running.pop(id, None)
            if run is None:
                return
            seconds = max(self.clock() - run.begun - compile_s, 0.0)
            self._compiled[kind.label] = max(compile_s, self._compiled.get(kind.label, 0.0))
            spent = self._spent[kind.label]
            spent.seconds += seconds
            spent.planned += kind.epochs
            if not diverged:
                spent.whole_seconds += seconds
                spent.whole += kind.epochs

    def share(self, left: float | None) -> float | None:
        """Return the share of the work that is done if `left` seconds are left; None if nobody knows."""
        with self._lock:
            spent = sum(each.seconds for each in self._spent.values())
            return None if left is None else spent / max(spent + left * self._workers, 1e-9)

    def left(self) -> float | None:
        """Return the seconds that the plan still takes; None while nobody knows what an epoch costs."""
        with self._lock:
            costs = self._costs()
            if costs is None:
                return None
            now = self.clock()
            under_way = Counter(run.kind for run in self.running.values())
            ends = [self._rest(run, costs, now) for run in self.running.values()]
            ends += [0.0] * (self._workers - len(ends))
            heapq.heapify(ends)
            unseen = {kind.label for kind in self._expected} - self._compiled.keys()
            unseen -= {run.kind.label for run in self.running.values()}
            compile_s = self._compile_s
            for stage in sorted({kind[:2] for kind, count in self._expected.items() if count > 0}):
                for kind, count in self._expected.items():
                    for _ in range(count - under_way[kind] if kind[:2] == stage else 0):
                        extra = compile_s if kind.label in unseen else 0.0
                        unseen.discard(kind.label)
                        heapq.heapreplace(ends, ends[0] + extra + costs(kind))
                ends = [max(ends)] * len(ends)  # the next stage needs all of this one
            return max(ends)

    @property
    def _compile_s(self) -> float:
        return sum(self._compiled.values()) / len(self._compiled) if self._compiled else 0.0

    def _rest(self, run: Running, costs: Callable[[Kind], float], now: float) -> float:
        cost = costs(run.kind)
        if run.first is None:
            extra = 0.0 if run.kind.label in self._compiled else self._compile_s
            return max(cost + extra - (now - run.begun), 0.0)
        left = run.pace * (run.kind.epochs - run.epoch) if run.epoch > 0 else cost
        return max(left - (now - run.last), 0.0)

    def _costs(self) -> Callable[[Kind], float] | None:
        """Return what a run of some kind takes; runs of unknown methods take as long as the mean of the others.

        Runs under way count as if they went on to their end: where all that are finished have diverged at once, only
        these know what an epoch costs.
        """
        seconds, planned = defaultdict[str, float](float), defaultdict[str, int](int)
        whole = {}
        for run in self.running.values():
            if run.epoch > 0:
                whole[run.kind.label] = run.pace
                seconds[run.kind.label] += run.pace * run.kind.epochs
                planned[run.kind.label] += run.kind.epochs
        for label, spent in self._spent.items():
            seconds[label] += spent.seconds
            planned[label] += spent.planned
            if spent.whole:
                whole[label] = spent.whole_seconds / spent.whole
        tuned = {label: seconds[label] / planned[label] for label in planned if planned[label]}
        if not tuned:
            return None
        mean = sum(tuned.values()) / len(tuned)
        mean_whole = sum(whole.values()) / len(whole) if whole else mean

        def cost(kind: Kind) -> float:
            if kind.final:
                return kind.epochs * whole.get(kind.label, max(mean_whole, tuned.get(kind.label, 0.0)))
            return kind.epochs * tuned.get(kind.label, mean)

        return cost


def expected(experiment: Experiment) -> Counter[Kind]:
    """Return the runs that an experiment begins with: tuning, untuned defaults and final runs."""
    epochs = experiment.training.epochs
    runs: Counter[Kind] = Counter()
    for entry in experiment.entries:
        for count, until in experiment.rungs(entry):
            runs[Kind(False, until, entry.label)] += count
        if experiment.default_point(entry) is not None:
            runs[Kind(False, epochs, entry.label)] += 1
        runs[Kind(True, epochs, entry.label)] += experiment.seeds
    return runs


def further(experiment: Experiment, more: int) -> Counter[Kind]:
    """Return the runs that a tuning was extended by."""
    tuned = [entry.label for entry in experiment.entries if entry.searched]
    return Counter({Kind(False, experiment.training.epochs, label): more // max(len(tuned), 1) for label in tuned})
