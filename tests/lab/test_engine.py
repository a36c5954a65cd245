"""Threads end before the iteration over their results does, and Ctrl-C asks them to."""

from __future__ import annotations

import contextlib
import signal
import threading
import time

import pytest

from minnet.lab.engine import stop_on_interrupt
from minnet.lab.engine.local import map_unordered


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
