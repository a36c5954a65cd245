"""Train on a GPU: one run, as `minnet.training.train` does, or a population until the last of its runs has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from minnet.cuda.population import Population
from minnet.data import Split
from minnet.training.result import RunResult
from minnet.training.spec import RunSpec


def train(
    spec: RunSpec,
    split: Split,
    on_epoch: Callable[[dict[str, Any]], object] | None = None,
    test: bool = False,
    should_stop: Callable[[], bool] | None = None,
) -> RunResult:
    """Train one network on the GPU; see `minnet.training.train`.

    One run keeps one multiprocessor busy: a GPU pays where there are many, as in ``minnet compare --device cuda``.

    Raises
    ------
    InputError
        If there is no GPU, or it cannot train with this method.
    """
    report, stop = on_epoch or (lambda row: None), should_stop or (lambda: False)
    population = Population([spec], split)
    for _ in follow(population, lambda run, row: report(row), lambda run: stop()):
        pass
    return population.results([0], test)[0]


def follow(
    population: Population, on_epoch: Callable[[int, dict[str, Any]], object], is_over: Callable[[int], bool]
) -> Iterator[list[int]]:
    """Train a population, and yield after every epoch the numbers of the runs that have ended.

    A run ends after its epochs, by divergence, or because `is_over`, asked after every epoch, says so of its number.
    `on_epoch` is told every row of the histories.
    """
    members = population.members

    def ended(run: int) -> bool:
        member = members[run]
        return member.diverged or member.epoch >= member.spec.training.epochs or (member.epoch > 0 and is_over(run))

    active = list(range(len(members)))
    while active:
        for run, row in zip(active, population.measure(active), strict=True):
            on_epoch(run, row)
        over = [run for run in active if ended(run)]
        yield over
        active = [run for run in active if run not in over]
        if active:
            population.train_epoch(active)
