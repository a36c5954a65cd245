"""Trials on a GPU: those of one network and batch size are trained together, as many at a time as its memory holds."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

from minnet.cuda import devices
from minnet.cuda.member import check
from minnet.cuda.population import Population, capacity, shape_of
from minnet.cuda.training import follow
from minnet.data import Split
from minnet.lab.engine.base import Watcher
from minnet.lab.engine.stopping import Pace, Stop
from minnet.lab.trials import Trial, record_of, without_test
from minnet.training import RunSpec


class Populations:
    """The engine of a GPU."""

    machines: tuple[dict[str, Any], ...] = ()

    def __init__(self, split_of: Callable[[RunSpec], Split]) -> None:
        self.device, self.split_of = devices.require(), split_of
        self.jobs = self.device.multiprocessors

    def __enter__(self) -> Populations:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing is held."""

    def map(self, trials: Sequence[Trial], watcher: Watcher, stop: Stop) -> Generator[dict[str, Any]]:
        """Yield the records of the trials as they finish."""
        check([trial.run for trial in trials])
        for group, split in self._groups(trials):
            if stop.is_set():
                return
            yield from _train(group, split, watcher, stop)

    def _groups(self, trials: Sequence[Trial]) -> Iterator[tuple[list[Trial], Split]]:
        """Yield trials that can be trained together, with their data: only final runs are given the test set."""
        alike: dict[Any, list[Trial]] = {}
        splits: dict[Any, Split] = {}
        for trial in trials:
            whole = self.split_of(trial.run)
            split = whole if trial.kind == "final" else without_test(whole)
            shape = shape_of([trial.run], split)
            key = (trial.kind, id(whole), shape)
            alike.setdefault(key, []).append(trial)
            splits.setdefault(key, split)
        for key, group in alike.items():
            most = capacity([trial.run for trial in group], splits[key])
            for first in range(0, len(group), most):
                yield group[first : first + most], splits[key]


def _train(trials: list[Trial], split: Split, watcher: Watcher, stop: Stop) -> Generator[dict[str, Any]]:
    """Train some trials as one population, and yield the records of those that came to their end."""
    for trial in trials:
        watcher.begun(trial, "")
    population = Population([trial.run for trial in trials], split)
    pace = Pace(max(trial.epochs for trial in trials), stop)

    def on_epoch(run: int, row: dict[str, Any]) -> None:
        if row["epoch"] > pace.epoch or row["epoch"] == 0:
            pace.reached(row["epoch"])
        watcher.epoch(trials[run], row["epoch"], row)

    def is_over(run: int) -> bool:
        return population.members[run].epoch >= trials[run].epochs or pace.is_over()

    for ended in follow(population, on_epoch, is_over):
        whole = [
            run
            for run in ended
            if population.members[run].diverged or population.members[run].epoch >= trials[run].epochs
        ]
        final = trials[0].kind == "final"
        for run, result in zip(whole, population.results(whole, test=final) if whole else [], strict=True):
            yield record_of(trials[run], result, split)
