"""The live page of a comparison: what is drawn when, and that it costs those who train nothing."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from minnet.cli import live_view
from minnet.cli.compare_views import PlainView
from minnet.cli.live_view import FADED, POINTS, Curve, LiveView
from minnet.errors import InputError
from minnet.lab import resolve
from minnet.lab.trials import Trial
from minnet.lab.tuning import Part
from minnet.live.feed import Feed

EPOCHS = 3
HOSTILE = "<script>alert(1)</script>\"'" + "x" * 270


@pytest.fixture
def experiment():
    return resolve(optimizers="sgd,adam", trials=4, seeds=2, epochs=EPOCHS, hidden=(4,), defaults=False, extend=0)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(live_view, "PERIOD_S", 0.01)
    monkeypatch.setattr(live_view, "SHARE", 1.0)


def part_of(experiment, position=0, trial=0):
    entry = experiment.entries[position]
    run = experiment.run_spec(entry, experiment.points(entry)[trial], 0)
    return Part(entry.label, position, "tune", trial, Trial("tune", run))


def record_of(part):
    return {
        "id": part.run.id, "kind": "tune", "lr": part.hyper["lr"], "hyperparameters": dict(part.hyper),
        "diverged": False, "diverged_step": None, "val_accuracy": 0.5, "val_loss": 1.0, "test_accuracy": None,
        "compile_s": 0.0,
    }  # fmt: skip


def row_of(epoch, loss=1.0):
    return {"epoch": epoch, "val_loss": loss, "val_accuracy": 0.5, "train_loss": 2.0, "train_accuracy": 0.25}


def follow(view, part, epochs=EPOCHS):
    view.begun([part], "")
    for epoch in range(epochs + 1):
        view.measured(part.run.id, row_of(epoch, 1.0 / (1 + epoch)))
        view.epoch(part.run.id, epoch)


def live(page=lambda folder: "page", folder="out"):
    feed = Feed()
    return LiveView(PlainView(Path(folder)), feed, page), feed


def news(feed, kind="progress"):
    """Return the latest message when there is one."""
    end = time.monotonic() + 10
    while not feed.latest(kind):
        assert time.monotonic() < end
        time.sleep(0.01)
    return json.loads(feed.latest(kind)) if kind == "progress" else feed.latest(kind)


def test_browsers_see_what_runs_and_what_has_come_out(experiment, quick):
    view, feed = live()
    reader = feed.follow(10)
    with view:
        view.started(experiment, 12, 0)
        first, second = part_of(experiment), part_of(experiment, 1)
        follow(view, first)
        view.ran([first], record_of(first), stored=False)
        follow(view, second, epochs=1)
        next(reader)  # now somebody looks
        said = news(feed)
        assert news(feed, "page") == "page"
    assert said["state"] == "running"
    assert said["text"].startswith("tuning; 1 of 12 runs")
    assert [row["cells"] for row in said["running"]] == [["adam", "1e-05", "1/3", ""]]
    assert said["best"][0]["cells"] == ["sgd", "1", "0.001", "50.00 %", ""]
    ended, running = said["curves"]
    assert (ended["label"], ended["running"], running["label"], running["running"]) == ("sgd", False, "adam", True)
    assert ended["rows"] == [[0, 1.0, 0.5], [1, 0.5, 0.5], [2, 1 / 3, 0.5], [3, 0.25, 0.5]]
    assert set(said["looks"]) == {"sgd", "adam"}
    assert said["validated"]


def test_nobody_looks_nothing_is_drawn(experiment, quick):
    drawn = []
    view, feed = live(lambda folder: drawn.append(folder) or "page")
    with view:
        view.started(experiment, 12, 0)
        time.sleep(0.1)
    assert not drawn
    assert not feed.latest("page")


def test_the_page_is_drawn_once_for_many_runs_and_again_at_the_end(experiment, monkeypatch):
    monkeypatch.setattr(live_view, "PERIOD_S", 0.2)
    drawn = []
    view, feed = live(lambda folder: drawn.append(folder) or f"page {len(drawn)}")
    reader = feed.follow(10)
    with view:
        view.started(experiment, 12, 0)
        parts = [part_of(experiment, position, trial) for position in (0, 1) for trial in range(4)]
        for part in parts:
            follow(view, part)
            view.ran([part], record_of(part), stored=False)
        next(reader)
        news(feed, "page")
        time.sleep(0.5)
        assert len(drawn) == 1
    assert len(drawn) == 2
    assert feed.latest("page") == "page 2"


def test_a_page_that_is_much_work_is_drawn_rarely(experiment, monkeypatch):
    monkeypatch.setattr(live_view, "PERIOD_S", 0.01)
    drawn = []

    def page(folder):
        end = time.thread_time() + 0.1
        while time.thread_time() < end:
            pass
        drawn.append(folder)
        return str(len(drawn))

    view, feed = live(page)
    reader = feed.follow(10)
    with view:
        view.started(experiment, 12, 0)
        next(reader)
        begun = time.monotonic()
        while time.monotonic() - begun < 1.2:
            view.ran([part_of(experiment)], record_of(part_of(experiment)), stored=True)
            time.sleep(0.005)
        assert 1 <= len(drawn) <= 3  # each 0.1 s of work, then 0.5 s of rest


def test_who_trains_does_not_wait_for_a_page(experiment, quick):
    drawing, end = threading.Event(), threading.Event()

    def page(folder):
        drawing.set()
        assert end.wait(30)
        return "page"

    view, feed = live(page)
    reader = feed.follow(10)
    with view:
        view.started(experiment, 12, 0)
        next(reader)
        assert drawing.wait(10)
        for _ in range(100):
            follow(view, part_of(experiment))
            view.ran([part_of(experiment)], record_of(part_of(experiment)), stored=False)
        assert not feed.latest("page")
        end.set()
    assert feed.latest("page") == "page"


@pytest.mark.parametrize(
    ("error", "state", "text"),
    [
        (None, "finished", f"finished: 1 of 12 runs; this page stays in {Path('out') / 'report.html'}"),
        (KeyboardInterrupt, "interrupted", "interrupted: 1 finished runs are kept in out; the same command resumes"),
        (ValueError, "failed", "ended by an error: 1 finished runs are kept in out"),
    ],
)
def test_the_last_news_say_how_it_ended(experiment, error, state, text):
    view, feed = live()
    view.__enter__()
    view.started(experiment, 12, 0)
    view.ran([part_of(experiment)], record_of(part_of(experiment)), stored=False)
    view.__exit__(error, None, None)
    said = news(feed)
    assert (said["state"], said["text"]) == (state, text)


def test_the_first_interrupt_shows(experiment, quick):
    view, feed = live()
    reader = feed.follow(10)
    with view:
        view.started(experiment, 12, 0)
        view.interrupted()
        next(reader)
        said = news(feed)
    assert said["state"] == "stopping"
    assert said["text"].startswith("stopping: no run begins any more")


@pytest.mark.parametrize("error", [InputError("no page today"), ZeroDivisionError("x")])
def test_a_page_that_fails_ends_nothing_and_is_told(experiment, quick, error):
    def page(folder):
        raise error

    view, feed = live(page)
    reader = feed.follow(10)
    with view:
        view.started(experiment, 12, 0)
        next(reader)
        time.sleep(0.1)
    said = news(feed)
    assert said["trouble"].startswith("the page cannot be drawn: ")
    assert str(error) in said["trouble"]


def test_before_the_plan_is_known(quick):
    view, feed = live()
    reader = feed.follow(10)
    with view:
        next(reader)
        said = news(feed)
    assert (said["text"], said["best"], said["curves"]) == ("loading", [], [])
    assert not feed.latest("page")  # there was nothing to draw


def test_memory_is_bounded(experiment):
    curve = Curve("sgd", 0.1)
    for epoch in range(10_000):
        curve.add(row_of(epoch))
    assert len(curve.rows) <= POINTS
    assert (curve.rows[0][0], curve.rows[-1][0]) == (0, 9999)
    curve.add(row_of(0))
    assert len(curve.rows) == 1
    view, _ = live()
    view.started(experiment, 1000, 0)
    for _ in range(200):
        follow(view, part_of(experiment))
        view.ran([part_of(experiment)], record_of(part_of(experiment)), stored=False)
    assert len(view._ended) == FADED
    assert not view._curves


def test_numbers_that_are_none_and_names_that_are_code(experiment, quick):
    view, feed = live()
    reader = feed.follow(10)
    hostile = resolve(
        {"data": "digits", "optimizer": [{"name": "sgd", "label": HOSTILE}], "trials": 2, "seeds": 1},
        hidden=(4,), epochs=EPOCHS, defaults=False,
    )  # fmt: skip
    with view:
        view.started(hostile, 3, 0)
        part = part_of(hostile)
        view.begun([part], "")
        view.measured(part.run.id, row_of(0, float("nan")))
        view.measured(part.run.id, row_of(1, float("inf")))
        next(reader)
        said = news(feed)
    assert [row[1] for row in said["curves"][0]["rows"]] == [None, None]
    assert "<" not in said["curves"][0]["name"]
    assert len(said["best"][0]["cells"][0]) < 40
