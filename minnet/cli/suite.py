"""``minnet compare`` on several problems: one after the other, then what they say together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minnet.cli.compare_views import INTERRUPTED, PlainView, TerminalView, View, interrupts_of, printable
from minnet.cli.forecast import expected
from minnet.cli.progress import columns, duration, on_terminal, percent

if TYPE_CHECKING:
    from minnet.lab.suite import Problem, Suite, SuiteComparison


def race(suite: Suite, folder: Path, run: dict[str, Any]) -> int | None:
    """Compare on every problem of a suite; `run` is what `minnet.lab.compare_suite` takes besides."""
    from minnet.lab.suite import compare_suite

    view: View = PlainView(folder)

    @contextlib.contextmanager
    def watch(position: int, problem: Problem, into: Path | None) -> Iterator[View]:
        nonlocal view
        into = into or folder
        click.echo(f"\nproblem {position + 1} of {len(suite.problems)}: {printable(problem.name)}")
        view = TerminalView(into) if on_terminal() else PlainView(into)
        with interrupts_of(view), view:
            yield view

    try:
        with interrupts_of(view):
            for line in plan(suite, folder, run):
                click.echo(line)
        result = compare_suite(suite, out=folder, watch=watch, **run)
    except KeyboardInterrupt:
        click.echo(view.farewell)
        return INTERRUPTED
    click.echo("\n".join(summary(result, folder)))
    return None


def plan(suite: Suite, folder: Path, run: dict[str, Any]) -> list[str]:
    """Return what is going to happen and how long it will take, as lines."""
    counts = {problem.name: expected(problem.experiment) for problem in suite.problems}
    rows = [("problem", "data", "hidden layers", "epochs", "batch", "runs")]
    for problem in suite.problems:
        spec = problem.experiment
        layers = "-".join(map(str, spec.network.hidden)) or "none"
        rows.append((printable(problem.name), spec.data, layers, str(spec.training.epochs),
                     str(spec.training.batch_size), str(counts[problem.name].total())))  # fmt: skip
    runs = sum(count.total() for count in counts.values())
    lines = [suite.title or suite.name, "", *columns(rows), ""]
    if run["engine"] == "local" and not (folder / "suite.toml").exists():
        click.echo("one epoch of every method on every problem, to know how long all will take")
        return [*lines, f"{runs} runs, about {duration(_time(suite, run))} of training; kept in {folder}"]
    return [*lines, f"{runs} runs, kept in {folder}"]


def _time(suite: Suite, run: dict[str, Any]) -> float:
    """Return how many seconds a suite will take, from one epoch of every method on every problem."""
    from minnet.lab.engine import usable_jobs
    from minnet.lab.suite import seconds_per_epoch

    total = 0.0
    for problem in suite.problems:
        seconds = seconds_per_epoch(problem.experiment, run["data_dir"])
        total += sum(seconds[kind.label] * kind.epochs * n for kind, n in expected(problem.experiment).items())
    return total / usable_jobs(run["jobs"])


def summary(result: SuiteComparison, folder: Path) -> list[str]:
    """Return what all problems say together, as lines."""
    problems = list(result.comparisons)
    rows = [("", "optimizer", "mean rank", "best – worst", "profile", *map(printable, problems))]
    for row in result.leaderboard.to_dict("records"):
        single = (f"{row[f'{name}: rank']:g}: {percent(row[f'{name}: test_accuracy_median'])}" for name in problems)
        span = f"{row['best_rank']:g} – {row['worst_rank']:g}"
        rows.append((str(row["rank"]), printable(row["optimizer"]), f"{row['mean_rank']:.3g}", span,
                     f"{row['profile_score_epochs']:.2f}", *single))  # fmt: skip
    planned = len(result.folders)
    return [
        "",
        *([f"unfinished: {len(problems)} of {planned} problems", ""] if len(problems) < planned else []),
        *columns(rows),
        "",
        f"mean ranks less than {result.critical_difference:.2g} apart show no difference (Nemenyi, 5 %); "
        "profile: of the epochs to target",
        "",
        f"page:    {folder / 'suite.html'}",
        f"table:   {folder / 'suite.csv'}; every problem has its own folder beside it",
    ]
