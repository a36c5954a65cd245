"""What a comparison shows while it trains, with a clock of its own and no training."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from minnet.cli.compare_views import SHOWN, SUMMARY_S, PlainView, TerminalView, plan
from minnet.lab import resolve
from minnet.lab.trials import Trial
from minnet.lab.tuning import Part

EPOCHS = 10


class Time:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def experiment():
    return resolve(optimizers="sgd,adam", trials=4, seeds=2, epochs=EPOCHS, hidden=(4,), defaults=False, extend=0)


def part_of(experiment, position=0, trial=0):
    entry = experiment.entries[position]
    run = experiment.run_spec(entry, experiment.points(entry)[trial], 0)
    return Part(entry.label, position, "tune", trial, Trial("tune", run))


def record_of(part, accuracy=0.5):
    return {
        "id": part.run.id, "kind": "tune", "lr": part.hyper["lr"], "hyperparameters": part.hyper, "diverged": False,
        "diverged_step": None, "val_accuracy": accuracy, "val_loss": 1.0, "test_accuracy": None, "compile_s": 0.0,
    }  # fmt: skip


def train(view, time, part, seconds, accuracy=0.5, where=""):
    view.begun([part], where)
    for epoch in range(EPOCHS + 1):
        view.epoch(part.run.id, epoch)
        time.now += seconds / EPOCHS if epoch < EPOCHS else 0.0
    view.ran([part], record_of(part, accuracy), stored=False)


def test_a_log_gets_a_line_per_run_and_one_that_sums_up_now_and_then(experiment, time, capsys):
    view = PlainView(Path("out"), time)
    view.started(experiment, 12, 0)
    capsys.readouterr()
    train(view, time, part_of(experiment), SUMMARY_S / 2, 0.9)
    assert capsys.readouterr().out.splitlines() == ["[ 1/12] tune sgd, step size 0.001: validation 90.00 %"]
    train(view, time, part_of(experiment, 1), SUMMARY_S / 2, 0.8)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:7] for line in lines] == ["1 of 12", "[ 2/12]"]
    # One worker, 15 s a run; at the last epoch of the second run ten are left.
    assert lines[0] == ("1 of 12 runs; about 2 min 30 s left; best so far: sgd 90.00 %; training: adam 10/10")
    for _ in range(50):
        view.epoch(part_of(experiment).run.id, 1)
    assert capsys.readouterr().out == ""


def test_a_line_says_all_that_is_tuned_and_every_part_that_a_run_plays():
    experiment = resolve(optimizers="momentum", tune="all", points="halton", trials=4, hidden=(4,))
    view = PlainView(Path("out"))
    view.started(experiment, 9, 0)
    part = part_of(experiment)
    view.kept = 2
    line = view.line([part, replace(part, kind="default", trial=-1)], record_of(part))
    momentum = part.hyper["momentum"]
    assert line == f"[2/9] default and tune momentum, step size {part.hyper['lr']:.4g}, momentum {momentum:.5g}: " + (
        "validation 50.00 %"
    )


def test_the_plan_says_what_differs_between_the_methods():
    experiment = resolve(optimizers="sgd,adam", vary={"batch_size": [16, 64]}, hidden=(4,), epochs=3)
    assert "digits; hidden layers: 4 relu; 3 epochs in batches of 16 or 64" in plan(experiment, 9, Path("out"))


def test_stored_runs_and_further_ones_change_what_is_left(experiment, time):
    view = PlainView(Path("out"), time)
    view.started(experiment, 12, 2)
    for trial in (0, 1):
        part = part_of(experiment, 0, trial)
        view.ran([part], record_of(part), stored=True)
    train(view, time, part_of(experiment, 0, 2), 8.0)
    time.now += 1
    assert view.left() == pytest.approx(9 * 8.0)
    view.planned(16, "more")
    time.now += 1
    assert view.left() == pytest.approx(13 * 8.0)


def test_the_first_interrupt_is_answered(experiment, time, capsys):
    view = PlainView(Path("out"), time)
    view.started(experiment, 12, 0)
    view.interrupted()
    for epoch in (1, 2):
        view.epoch("a", epoch)
    assert capsys.readouterr().out.count("stopping: no run begins any more") == 1


def drawn(view):
    console = Console(file=io.StringIO(), width=120)
    console.print(view._draw())
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_a_terminal_shows_the_best_what_runs_and_the_time_left(experiment, time):
    with TerminalView(Path("out"), time) as view:
        view.started(experiment, 12, 0)
        train(view, time, part_of(experiment), 20.0, 0.75)
        view.begun([part_of(experiment, 1)], "worker-7")
        view.epoch(part_of(experiment, 1).run.id, 0)
        time.now += 6.0
        view.epoch(part_of(experiment, 1).run.id, 3)
        time.now += 1.0
        lines = drawn(view)
        assert any(line.split() == ["sgd", "1", "0.001", "75.00", "%"] for line in lines)
        assert any(line.split() == ["adam", "1e-05", "3/10", "worker-7"] for line in lines)
        # The run of adam needs 13 s more, then three of its and three of sgd's tuning, and two final runs of each.
        assert "1/12 runs" in lines[-1]
        assert "about 3 min 33 s left" in lines[-1]
        view.interrupted()
        assert drawn(view)[-1].startswith("finishing what runs")


def test_many_workers_do_not_fill_the_screen(experiment, time):
    many = resolve(optimizers="sgd", trials=50, seeds=1, epochs=EPOCHS, hidden=(4,), defaults=False, extend=0)
    with TerminalView(Path("out"), time) as view:
        view.started(many, 51, 0)
        for trial in range(50):
            view.begun([part_of(many, 0, trial)], "")
        assert any(f"and {50 - SHOWN} more" in line for line in drawn(view))
