"""``minnet compare`` on several problems: one after the other, then what they say together."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minnet.cli.compare_views import INTERRUPTED, PlainView, View, interrupts_of, printable
from minnet.cli.forecast import expected
from minnet.cli.progress import columns, duration, percent

if TYPE_CHECKING:
    from minnet.cli.live_view import LiveView
    from minnet.lab.suite import Problem, Suite, SuiteComparison

PAGE_S = 4.0  # of a problem for its tables, figures and page


def race(suite: Suite, folder: Path, run: dict[str, Any], view_of: Callable[[Path], View | LiveView]) -> int | None:
    """Compare on every problem of a suite; `run` is what `minnet.lab.compare_suite` takes besides."""
    from minnet.lab.suite import compare_suite

    view: View | LiveView = PlainView(folder)  # until the first problem
    outlook = Outlook({})

    @contextlib.contextmanager
    def watch(position: int, problem: Problem, into: Path | None) -> Iterator[View | LiveView]:
        nonlocal view
        into = into or folder
        left = f"; about {duration(outlook.left)} left for all" if outlook.left else ""
        click.echo(f"\nproblem {position + 1} of {len(suite.problems)}: {printable(problem.name)}{left}")
        view = view_of(into)
        with outlook.timed(problem.name), interrupts_of(view), view:
            yield view

    try:
        with interrupts_of(view):
            outlook = Outlook(_times(suite, folder, run))
            for line in plan(suite, folder, outlook):
                click.echo(line)
        result = compare_suite(suite, out=folder, watch=watch, waiting=view.waiting, **run)
    except KeyboardInterrupt:
        click.echo(view.farewell)
        return INTERRUPTED
    click.echo("\n".join(summary(result, folder)))
    return None


class Outlook:
    """How long a suite will still take: what was expected of the problems to come, corrected by what others took.

    Parameters
    ----------
    expected : mapping of str to float
        Seconds by problem; empty if nobody knows.

    Examples
    --------
    >>> now = [0.0]
    >>> outlook = Outlook({"small": 10.0, "large": 40.0}, lambda: now[0])
    >>> outlook.left
    50.0
    >>> with outlook.timed("small"):
    ...     now[0] = 15.0
    >>> outlook.left
    60.0
    """

    def __init__(self, expected: Mapping[str, float], clock: Callable[[], float] = time.monotonic) -> None:
        self.expected, self.clock = expected, clock
        self.taken: dict[str, float] = {}

    @property
    def left(self) -> float:
        """Seconds until the end of the last problem."""
        done = sum(self.expected.get(name, 0.0) for name in self.taken)
        rest = sum(self.expected.values()) - done
        return rest * sum(self.taken.values()) / done if done else rest

    @contextlib.contextmanager
    def timed(self, problem: str) -> Iterator[None]:
        """Take the time of a problem."""
        begun = self.clock()
        yield
        self.taken[problem] = self.clock() - begun


def plan(suite: Suite, folder: Path, outlook: Outlook) -> list[str]:
    """Return what is going to happen and how long it will take, as lines."""
    counts = {problem.name: expected(problem.experiment) for problem in suite.problems}
    rows = [("problem", "data", "hidden layers", "epochs", "batch", "runs")]
    for problem in suite.problems:
        spec = problem.experiment
        layers = "-".join(map(str, spec.network.hidden)) or "none"
        rows.append((printable(problem.name), spec.data, layers, str(spec.training.epochs),
                     str(spec.training.batch_size), str(counts[problem.name].total())))  # fmt: skip
    runs = sum(count.total() for count in counts.values())
    lasts = f"about {duration(outlook.left)}, " if outlook.left else ""
    return [suite.title or suite.name, "", *columns(rows), "", f"{runs} runs, {lasts}kept in {folder}"]


def _times(suite: Suite, folder: Path, run: dict[str, Any]) -> dict[str, float]:
    """Return how many seconds every problem will take; nothing where that cannot be known.

    One epoch of every method is trained to know it. Of a suite that was begun before, a part is there.
    """
    from minnet.lab.engine import usable_jobs
    from minnet.lab.suite import FILE, seconds_per_epoch

    if run["engine"] != "local" or (folder / FILE).exists():
        return {}
    click.echo("one epoch of every method on every problem, to know how long all will take")
    times = {}
    for problem in suite.problems:
        seconds = seconds_per_epoch(problem.experiment, run["data_dir"])
        runs = expected(problem.experiment).items()
        training = sum(seconds[kind.label] * kind.epochs * n for kind, n in runs)
        times[problem.name] = PAGE_S + training / usable_jobs(run["jobs"])
    return times


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
