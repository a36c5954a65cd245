"""Threads end before the iteration over their results does, and Ctrl-C asks them to."""

from __future__ import annotations

import contextlib
import signal
import threading
import time

import pytest

from minnet.errors import InputError
from minnet.lab.engine import check_engine, create, stop_on_interrupt
from minnet.lab.engine.local import map_unordered
from minnet.lab.engine.stopping import FINISH_S, Pace, Stop
from minnet.lab.experiment import Experiment
from minnet.lab.trials import Trial


def test_every_item_is_run_once_and_no_more_side_by_side_than_asked():
    lock, running, most = threading.Lock(), set(), []

    def run(item):
        with lock:
            running.add(item)
            most.append(len(running))
        time.sleep(0.002)
        with lock:
            running.remove(item)
        return item * item

    assert sorted(map_unordered(run, range(20), jobs=3)) == [i * i for i in range(20)]
    assert max(most) <= 3
    assert list(map_unordered(run, [], jobs=3)) == []


def test_an_error_comes_after_what_was_under_way_and_stops_the_rest():
    started, failed = [], threading.Event()

    def run(item):
        started.append(item)
        if item == 0:
            failed.set()
            raise KeyError(item)
        failed.wait(5)
        time.sleep(0.2)
        return item

    results = []
    with pytest.raises(KeyError):
        results.extend(map_unordered(run, range(100), jobs=2))
    assert results
    assert sorted(results) == sorted(set(started) - {0})
    assert len(started) < 10


@pytest.mark.parametrize("jobs", [1, 3])
def test_no_thread_outlives_the_iteration(jobs):
    alive, lock = [0], threading.Lock()

    def run(item):
        with lock:
            alive[0] += 1
        time.sleep(0.05 * item)
        with lock:
            alive[0] -= 1
        return item

    with contextlib.closing(map_unordered(run, [0, 6, 7, 8, 9], jobs=jobs)) as results:
        next(results)
    assert alive == [0]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("minnet")]


def test_every_interrupt_is_told_and_none_breaks_off():
    before, told = signal.getsignal(signal.SIGINT), []
    with stop_on_interrupt(lambda: told.append(1)) as stop:
        assert not stop.is_set()
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)
            assert stop.is_set()
    assert len(told) == 3
    assert signal.getsignal(signal.SIGINT) is before


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(("epochs", "over"), [(12, False), (16, True)])
def test_after_ctrl_c_a_run_goes_on_if_it_ends_within_the_minute(epochs, over):
    clock = Clock()
    stop = Stop(clock)
    pace = Pace(epochs, stop)
    pace.reached(0)
    for epoch in (1, 2):
        clock.now += 5.0
        pace.reached(epoch)
        assert not pace.is_over()
    stop.set(FINISH_S)
    clock.now += 5.0
    pace.reached(3)  # 9 or 13 more of 5 seconds, 55 of the minute are left
    assert pace.is_over() is over


def test_a_run_without_an_epoch_ends_at_once_and_what_is_over_stays_over():
    clock = Clock()
    stop = Stop(clock)
    pace = Pace(3, stop)
    assert not pace.is_over()
    stop.set(FINISH_S)
    assert pace.is_over()
    pace.reached(0)
    pace.reached(3)
    assert pace.is_over()


def test_a_failure_leaves_no_minute():
    clock = Clock()
    stop = Stop(clock)
    pace = Pace(3, stop)
    pace.reached(0)
    clock.now = 1.0
    pace.reached(1)
    stop.set(FINISH_S)
    assert not pace.is_over()
    stop.set()
    assert pace.is_over()
    assert stop.deadline == 1.0


def test_ctrl_c_in_threads_begins_nothing_and_finishes_what_runs(fake, small, split):
    experiment = Experiment.from_dict(small)
    trials = [Trial("tune", experiment.run_spec(experiment.entries[0], {"lr": lr}, 0)) for lr in (0.1, 0.2, 0.3, 0.4)]
    stop, begun = Stop(), []

    class Watcher:
        def begun(self, trial, where):
            begun.append(trial.id)

        def epoch(self, trial, epoch, row):
            time.sleep(0.002)
            if len(begun) == 2 and epoch == 1:
                stop.set(FINISH_S)

    with create("local", lambda run: split, jobs=1) as engine:
        records = list(engine.map(trials, Watcher(), stop))
    assert [record["id"] for record in records] == begun == [trial.id for trial in trials[:2]]
    assert len(records[1]["history"]) == 5


def test_what_an_engine_needs(monkeypatch):
    check_engine("dask", "tcp://127.0.0.1:1")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'needs Dask\'s scheduler: pip install "minnet\[dask\]"'):
        check_engine("dask", "tcp://127.0.0.1:1")
    with pytest.raises(InputError, match=r"the engine 'joblib:ray' needs a package: pip install ray"):
        check_engine("joblib:ray")
