"""The time left, against runs that a simulated clock plays through."""

from __future__ import annotations

import heapq
import itertools

import numpy as np
import pytest

from minnet.cli.forecast import Forecast, Kind, expected
from minnet.lab import resolve

SECONDS = {"sgd": 0.5, "adam": 0.7, "muon": 4.0, "shampoo": 25.0, "lbfgs": 2.0}  # of an epoch


class Simulation:
    """Runs on some workers: stage by stage, in the order of the driver, with compilation and divergence."""

    def __init__(self, stages, jobs, compile_s=0.0, diverging=0.0, silent=False, seed=0):
        self.now = 0.0
        self.rng = np.random.default_rng(seed)
        self.forecast = Forecast(lambda: self.now)
        self.stages, self.jobs, self.compile_s, self.diverging = stages, jobs, compile_s, diverging
        self.silent = silent
        self.estimates = []
        self.ended = {}  # when the first whole run of a method was over

    def play(self):
        """Return (time, estimate) for every moment at which something happened, and the time at the end."""
        for stage in self.stages:
            for kind, count in stage.items():
                self.forecast.expect({kind: count})
        ids, compiled = itertools.count(), set()
        for stage in self.stages:
            most = max(stage.values())
            queue = [kind for i in range(most) for kind, count in stage.items() if i < count]
            events = []  # (time, tie, what, run)
            free = self.jobs
            while queue or events:
                while queue and free:
                    kind, id = queue.pop(0), str(next(ids))
                    free -= 1
                    self.forecast.begun(id, kind)
                    compile_s = 0.0 if kind.label in compiled else self.compile_s
                    compiled.add(kind.label)
                    epoch_s = SECONDS[kind.label] * self.rng.uniform(0.8, 1.25)
                    diverged = not kind.final and self.rng.random() < self.diverging
                    last = max(1, kind.epochs // 5) if diverged else kind.epochs
                    for epoch in range(last + 1):
                        at = self.now + compile_s + epoch * epoch_s
                        heapq.heappush(events, (at, next(ids), "epoch", id, epoch))
                    heapq.heappush(events, (at, next(ids), "ran", id, (kind, diverged, compile_s)))
                self.now, _, what, id, detail = heapq.heappop(events)
                if what == "epoch":
                    if not self.silent:
                        self.forecast.epoch(id, detail)
                else:
                    self.forecast.ran(id, *detail)
                    if not detail[1]:
                        self.ended.setdefault(detail[0].label, self.now)
                    free += 1
                self.estimates.append((self.now, self.forecast.left()))
        return self.estimates, self.now


def race(trials=12, seeds=5, epochs=20):
    return [
        {Kind(False, epochs, label): trials for label in SECONDS},
        {Kind(True, epochs, label): seeds for label in SECONDS},
    ]


def halved():
    rungs = [{Kind(False, epochs, label): count for label in SECONDS} for count, epochs in [(12, 2), (4, 6), (1, 20)]]
    return [*rungs, {Kind(True, 20, label): 5 for label in SECONDS}]


def first_known(simulation, silent):
    """Return when it could be known what a run of each method takes: for engines that tell of epochs, soon."""
    return max(simulation.ended.values()) if silent else 0.0


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize("jobs", [1, 2, 7])
@pytest.mark.parametrize(
    ("stages", "compile_s", "diverging"),
    [(race(), 0.0, 0.0), (race(), 10.0, 0.3), (halved(), 10.0, 0.2), (race(2, 1, 100), 30.0, 0.0)],
    ids=["plain", "compiling", "halving", "few long runs"],
)
def test_the_time_left_is_right_within_a_factor_of_two(stages, jobs, compile_s, diverging, silent):
    for seed in range(3):
        simulation = Simulation(stages, jobs, compile_s, diverging, silent, seed)
        estimates, end = simulation.play()
        known = first_known(simulation, silent)
        late = [(t, left) for t, left in estimates if t > max(known, 0.15 * end)]
        assert len(late) > 100
        # Of nothing left, nobody minds more than twice; and how long the last run takes, only its epochs can tell.
        slack = (0.12 if silent else 0.02) * end
        wrong = [
            (t / end, left / end) for t, left in late if not (end - t) / 2 - slack <= left <= 2 * (end - t) + slack
        ]
        assert not wrong, wrong[:5]
        assert estimates[-1][1] == 0.0


def test_nobody_knows_before_an_epoch_is_over():
    forecast = Forecast(lambda: 1.0)
    forecast.expect({Kind(False, 3, "sgd"): 2})
    assert forecast.left() is None
    forecast.begun("a", Kind(False, 3, "sgd"))
    forecast.epoch("a", 0)
    assert forecast.left() is None


def test_a_method_whose_first_run_diverged_at_once_costs_what_the_next_one_shows():
    now = [0.0]
    forecast, kind = Forecast(lambda: now[0]), Kind(False, 10, "shampoo")
    forecast.expect({kind: 3})
    forecast.begun("lost", kind)
    now[0] = 1.0
    forecast.ran("lost", kind, diverged=True, compile_s=0.0)
    forecast.begun("whole", kind)
    forecast.epoch("whole", 0)
    now[0] = 3.0
    forecast.epoch("whole", 1)
    # Nine epochs of 2 s, and a run of which one in two diverges after 1 s.
    assert forecast.left() == pytest.approx(9 * 2 + (1 + 20) / 2)


def test_a_run_that_lost_its_worker_begins_again():
    now = [0.0]
    forecast, kind = Forecast(lambda: now[0]), Kind(False, 10, "sgd")
    forecast.expect({kind: 1})
    forecast.begun("a", kind)
    forecast.epoch("a", 0)
    now[0] = 8.0
    forecast.epoch("a", 8)
    assert forecast.left() == pytest.approx(2.0)
    forecast.begun("a", kind)
    forecast.epoch("a", 0)
    now[0] = 9.0
    forecast.epoch("a", 1)
    assert forecast.left() == pytest.approx(9.0)


def test_what_an_experiment_begins_with():
    runs = expected(resolve(optimizers="sgd,adam", trials=3, seeds=2, epochs=5, data="digits", hidden=(4,)))
    assert runs[Kind(True, 5, "adam")] == 2
    assert sum(count for kind, count in runs.items() if not kind.final) >= 6
