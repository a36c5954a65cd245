"""``minnet compare``: methods race on equal terms."""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minnet.cli.compare_views import INTERRUPTED, PlainView, TerminalView, View, interrupts_of, printable
from minnet.cli.params import (
    DATA_DIR_HELP,
    DATA_HELP,
    DEVICE_HELP,
    LIMITS,
    NETWORK,
    STYLE_HELP,
    TRAINING,
    SectionedCommand,
    Targets,
    Vary,
    option,
    spec_options,
    varied,
)
from minnet.cli.progress import columns, on_terminal, percent

if TYPE_CHECKING:
    from minnet.cli.live_view import LiveView
    from minnet.lab import Comparison

RACE, TUNING, RUN = "The race", "Tuning, the same for every method", "Run"
WIDTH = 110


@click.command(cls=SectionedCommand)
@click.argument("experiment", required=False)
@option(RACE, "--data", help=DATA_HELP)
@option(RACE, "--data-dir", type=click.Path(path_type=Path), help=DATA_DIR_HELP)
@option(RACE, "--optimizers", help="Names with commas between (your own: FILE.py:FUNCTION), "
        "lecture (its seven) or all.")  # fmt: skip
@option(RACE, "--style", help=STYLE_HELP)
@option(RACE, "--seeds", type=click.IntRange(1), help="Final runs of every winner.")
@option(RACE, "--target", type=Targets(), help="Validation accuracy for epochs and seconds to target; with commas "
        "between, several: the first is the leaderboard's.")  # fmt: skip
@option(RACE, "--vary", type=Vary(), multiple=True, metavar="FIELD=A,B", help="Every method once for every value of a "
        "field of network or training, as batch_size=32,128 or schedule=constant,cosine; may be repeated.")  # fmt: skip
@option(TUNING, "--trials", type=click.IntRange(1), help="Points that every method tries, in its declared ranges.")
@option(TUNING, "--tune", metavar="lr|all", help="What is tuned: the step size, or all hyperparameters that the method "
        "declares a range for.")  # fmt: skip
@option(TUNING, "--points", metavar="auto|grid|halton|sobol", help="How the points lie; auto: a grid for one "
        "hyperparameter, Halton's sequence for several.")  # fmt: skip
@option(TUNING, "--defaults/--no-defaults", default=None, help="Whether every method also tries its own defaults, "
        "counted apart.")  # fmt: skip
@option(TUNING, "--extend", type=click.IntRange(0), metavar="TIMES", help="How often at most a best point at the end "
        "of its range gives every method two further trials; 0: never.")  # fmt: skip
@option(TUNING, "--halving", type=click.IntRange(0), metavar="FACTOR", help="End hopeless trials early: one in so many "
        "goes on (successive halving; 3 is usual); 0: train all to the end.")  # fmt: skip
@spec_options(NETWORK, TRAINING, LIMITS, defaults=False)
@option(RUN, "--jobs", type=click.IntRange(1), help="Runs side by side.  [default: one per usable core]")
@option(RUN, "--engine", default="local", help="Where runs are trained: local (threads of this process), dask "
        "(the workers of a cluster) or joblib:BACKEND (loky, ray ...).")  # fmt: skip
@option(RUN, "--scheduler", metavar="ADDRESS", help="Of Dask's scheduler, as in tcp://10.0.0.1:8786.")
@option(RUN, "--device", default="cpu", help=DEVICE_HELP)
@option(RUN, "--out", type=click.Path(path_type=Path), help="Folder for results.  [default: runs/NAME]")
@option(RUN, "--live", is_flag=True, help="Serve the page while it runs: it follows every epoch in a browser.")
@option(RUN, "--port", type=click.IntRange(0, 65535), default=8642, show_default=True, help="Of the live page; 0: any "
        "that is free.")  # fmt: skip
@option(RUN, "--host", default="127.0.0.1", show_default=True, help="Address of the live page. Any other lets other "
        "machines read it.")  # fmt: skip
@option(RUN, "--wait", is_flag=True, help="If another process is working in the folder, wait for its end.")
def command(
    experiment: str | None,
    data_dir: Path | None,
    jobs: int | None,
    engine: str,
    scheduler: str | None,
    device: str,
    out: Path | None,
    live: bool,
    port: int,
    host: str,
    wait: bool,
    vary: tuple[tuple[str, list[Any]], ...],
    **options: Any,
) -> int | None:
    """Let methods race: equal tuning, paired seeds, the test set read once, one page with the result.

    EXPERIMENT is a TOML file or the name of one that comes with minnet (see minnet list experiments); without
    it, the lecture's race. A file with [[problem]] tables is a suite: the race on every one of its problems, and what
    they say together. Options win over the file.

    Finished runs are safe at once. Ctrl-C begins no new run and finishes those under way, unless that would take
    more than a minute (again: at once); the same command resumes. So does a larger number of trials or seeds, which
    trains only what is missing.
    """
    from minnet.lab import compare, suite
    from minnet.lab.engine import check_device, check_engine
    from minnet.lab.experiment import default_folder, resolve

    check_engine(engine, scheduler, jobs)
    check_device(device)
    options["vary"] = varied(vary) or None
    run: dict[str, Any] = {
        "jobs": jobs,
        "engine": engine,
        "scheduler": scheduler,
        "device": device,
        "data_dir": data_dir,
        "wait": wait,
    }
    if suite.is_suite(experiment):
        from minnet.cli.suite import race

        problems = suite.resolve_suite(experiment, **options)
        with viewing(live, host, port) as view_of:
            return race(problems, out or suite.default_folder(experiment, problems), run, view_of)
    spec = resolve(experiment, **options)
    folder = out or default_folder(experiment, spec)
    with viewing(live, host, port) as view_of:
        view = view_of(folder)
        with interrupts_of(view):
            try:
                with view:
                    result = compare(spec, out=folder, progress=view, **run)
            except KeyboardInterrupt:
                click.echo(view.farewell)
                return INTERRUPTED
    click.echo("\n".join(summary(result, folder)))
    return None


@contextlib.contextmanager
def viewing(live: bool, host: str, port: int) -> Iterator[Callable[[Path], View | LiveView]]:
    """Lend a maker of views for folders; with `live`, browsers see what they see."""
    if not live:
        yield view_of
        return
    from minnet.cli.live_view import LiveView, server

    with server(host, port) as served:
        click.echo(f"live page: {served.address}")
        yield lambda folder: LiveView(view_of(folder), served.feed)


def view_of(folder: Path) -> View:
    """Return the view that fits standard output."""
    return TerminalView(folder) if on_terminal() else PlainView(folder)


def summary(result: Comparison, folder: Path) -> list[str]:
    """Return the leaderboard and where the page is, as lines."""
    from minnet.report import budget, verdict
    from minnet.report.tables import behind
    from minnet.report.text import ranks

    head = ("", "optimizer", "step size", "test accuracy", "10 % – 90 %", "behind", "ranks", "validation",
            "epochs to target", "seconds", "trials", "diverged")  # fmt: skip
    rows = [head]
    for row in result.leaderboard.itertuples():
        lr = result.rules[row.optimizer]["hyperparameters"]["lr"]
        rows.append((
            str(row.rank), printable(row.optimizer), f"{lr:.4g}", percent(row.test_accuracy_median),
            f"{100 * row.test_accuracy_low:.2f} – {100 * row.test_accuracy_high:.2f}",
            behind(row.rank, row.difference, row.difference_shown), ranks(row.rank_low, row.rank_high),
            percent(row.val_accuracy_median), _reached(row.epochs_to_target, ".3g"),
            _reached(row.seconds_to_target, ".2g"), str(row.trials), str(row.diverged_trials),
        ))  # fmt: skip
    spec, facts = result.experiment, result.provenance
    planned, finished = facts["runs_planned"], facts["runs_finished"]
    lines = [""]
    if finished < planned:
        lines += [f"unfinished: {finished} of {planned} runs; resume with {printable(facts['command'], 1000)}", ""]
    lines += [
        f"medians over {spec['seeds']} seeds; target: validation accuracy {percent(spec['target'])}",
        "",
    ]
    lines += columns(rows)
    if len(rows) > 2:
        note = "behind: points on the paired seeds, ≈ where they show no difference; ranks: those still possible"
        lines += ["", note]
    if besides := _besides(result):
        lines += ["", *textwrap.wrap(f"selected besides the step size: {besides}", WIDTH)]
    for sentence in (*verdict.sentences(result), *budget.sentences(result)):
        lines += ["", *textwrap.wrap(sentence, WIDTH)]
    return [
        *lines,
        "",
        f"page:    {folder / 'report.html'}",
        f"tables:  {folder / 'leaderboard.csv'} and others",
    ]


def _besides(result: Comparison) -> str:
    """Return what else was tuned, and what was selected of it; nothing where only step sizes were."""
    chosen = []
    for label in result.leaderboard["optimizer"]:
        rule = result.rules[label]
        values = [f"{name} {rule['hyperparameters'][name]:.5g}" for name in rule["space"] if name != "lr"]
        if values:
            chosen.append(f"{printable(label)}: {', '.join(values)}")
    return "; ".join(chosen)


def _reached(value: float, form: str) -> str:
    return "not" if value == float("inf") else format(value, form)
