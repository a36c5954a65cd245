"""What ``minnet compare`` shows while it trains: lines on a pipe, a table and a bar on a terminal."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from minnet.cli.forecast import Forecast, Kind, expected, further
from minnet.cli.progress import duration, leave_at_once, percent

if TYPE_CHECKING:
    from minnet.cli.live_view import LiveView
    from minnet.lab import Experiment
    from minnet.lab.tuning import Part

INTERRUPTED = 130
SUMMARY_S = 30.0  # a log gets a line that sums up no more often than this
SUMMED_UP = 3
SHOWN = 16  # runs under way that a terminal shows


class View:
    """What all views know: the plan, what runs, what is safe, and whether the user wants to stop."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder = folder
        self.kept = 0
        self.stopping = False
        self.total = 0
        self.phase = "loading"
        self.forecast = Forecast(clock)
        self.running: dict[str, tuple[Part, str]] = {}  # and where
        self.best: dict[str, Mapping[str, Any]] = {}
        self.counts: dict[str, list[int]] = {}  # tuning and final runs of every optimizer
        self._clock = clock
        self._lock = threading.RLock()
        self._left: float | None = None
        self._estimated = -math.inf

    @property
    def farewell(self) -> str:
        """The last line of a comparison that was interrupted."""
        return f"interrupted: {self.kept} finished runs are kept in {self.folder}; the same command resumes"

    def interrupted(self) -> None:
        """Leave at once at the second Ctrl-C: a run that is not finished is not kept, and nothing else is lost."""
        if self.stopping:
            leave_at_once(self.farewell, INTERRUPTED)
        self.stopping = True

    def __enter__(self) -> View:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def waiting(self) -> None:
        """Note why nothing happens."""
        self.phase = f"waiting for another process in {self.folder}"

    def started(self, experiment: Experiment, total: int, finished: int) -> None:
        """Take over the plan."""
        with self._lock:
            self.experiment, self.total, self.phase = experiment, total, "compiling"
            self.counts = {entry.label: [0, 0] for entry in experiment.entries}
        self.forecast.expect(expected(experiment))

    def planned(self, total: int, why: str) -> None:
        """Take over what is planned further."""
        self.forecast.expect(further(self.experiment, total - self.total))
        self.total = total

    def begun(self, parts: Sequence[Part], where: str) -> None:
        """Note that a run begins."""
        with self._lock:
            self.running[parts[0].run.id] = parts[0], where
            self.forecast.begun(parts[0].run.id, kind_of(parts[0]))

    def measured(self, run_id: str, row: Mapping[str, Any]) -> None:
        """Leave it: few have room for curves."""

    def epoch(self, run_id: str, epoch: int) -> None:
        """Note how far a run is."""
        self.forecast.epoch(run_id, epoch)
        if self.phase == "compiling":
            self.phase = "tuning"

    def ran(self, parts: Sequence[Part], record: Mapping[str, Any], stored: bool) -> None:
        """Count a run, and keep it if it is the best of its method."""
        from minnet.lab import stats

        with self._lock:
            self.running.pop(record["id"], None)
            self.kept += len(parts)
            for part in parts:
                self.counts[part.optimizer][part.kind == "final"] += 1
                best = self.best.get(part.optimizer)
                if part.kind != "final" and (best is None or stats.winner([best, record]) == 1):
                    self.best[part.optimizer] = record
            if not stored:
                self.forecast.ran(record["id"], kind_of(parts[0]), record["diverged"], record["compile_s"])
            for part in parts if stored else parts[1:]:
                self.forecast.stored(kind_of(part))
            finals = self.kept > self.total - self.experiment.seeds * len(self.experiment.entries)
            self.phase = "writing the page" if self.kept == self.total else "final runs" if finals else "tuning"

    def left(self) -> float | None:
        """Return the seconds that are left; estimated anew after a second at the earliest."""
        now = self._clock()
        if now - self._estimated >= 1.0:
            self._left, self._estimated = self.forecast.left(), now
        return None if self._left is None else max(self._left - (now - self._estimated), 0.0)

    def so_far(self) -> list[tuple[str, str, str, str, str]]:
        """Return what every optimizer has come to: its name, tuning runs, best step size and accuracy, final runs."""
        with self._lock:
            rows = []
            for label, (tuned, final) in self.counts.items():
                best = self.best.get(label)
                lr, accuracy = (f"{best['lr']:.4g}", percent(best["val_accuracy"])) if best else ("", "")
                rows.append((label, str(tuned), lr, accuracy, str(final or "")))
            return rows

    def under_way(self) -> list[tuple[str, str, str, str]]:
        """Return what runs: optimizer, step size, epoch, where."""
        with self._lock:
            epochs = {id: run.epoch for id, run in list(self.forecast.running.items())}
            return [
                (part.optimizer, f"{part.hyper['lr']:.4g}", f"{epochs.get(id, 0)}/{part.run.epochs}", where)
                for id, (part, where) in self.running.items()
            ]


def kind_of(part: Part) -> Kind:
    """Return what the forecast needs to know of a run."""
    return Kind(part.kind == "final", part.run.epochs, part.optimizer)


@contextlib.contextmanager
def interrupts_of(view: View | LiveView) -> Iterator[None]:
    """Let Ctrl-C end the command while nothing is trained; while runs are under way, the library hears it."""

    def request(number: int, frame: Any) -> None:
        view.interrupted()
        raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, request) if main else None
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


class PlainView(View):
    """One line per finished run, and now and then one that sums up, for pipes and logs."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(folder, clock)
        self._summed_up = clock()
        self._told = False

    def waiting(self) -> None:
        """Say why nothing happens."""
        super().waiting()
        click.echo(f"another process is working in {self.folder}: waiting for its end")

    def started(self, experiment: Experiment, total: int, finished: int) -> None:
        """Say what is planned."""
        super().started(experiment, total, finished)
        for line in plan(experiment, total, self.folder):
            click.echo(line)
        if finished:
            click.echo(f"resuming: {finished} tuning runs are there already")

    def planned(self, total: int, why: str) -> None:
        """Say why there is more to do."""
        super().planned(total, why)
        click.echo(why)

    def epoch(self, run_id: str, epoch: int) -> None:
        """Sum up, if that was long ago."""
        super().epoch(run_id, epoch)
        self._sum_up()

    def ran(self, parts: Sequence[Part], record: Mapping[str, Any], stored: bool) -> None:
        """Say what a run came to."""
        super().ran(parts, record, stored)
        if not stored:
            click.echo(self.line(parts, record))
            self._sum_up()

    def line(self, parts: Sequence[Part], record: Mapping[str, Any]) -> str:
        """Return the line of one run, whatever parts it plays: the trial of the defaults may be a point as well."""
        width = len(str(self.total))
        labels = ", ".join(dict.fromkeys(printable(part.optimizer) for part in parts))
        kinds = " and ".join(sorted({part.kind for part in parts}))
        what = kinds if record["kind"] == "tune" else f"final, seed {record['seed']}:"
        count = f"[{self.kept:{width}d}/{self.total}]"
        searched = self.experiment.entries[parts[0].position].searched
        return f"{count} {what} {labels}, {point(record['hyperparameters'], searched)}: {outcome(record)}"

    def summary(self) -> str:
        """Return one line: how far, how long, the best so far, what runs."""
        left = self.left()
        parts = [f"{self.kept} of {self.total} runs"]
        if left is not None:
            parts.append(f"about {duration(left)} left")
        with self._lock:
            best = sorted(self.best.items(), key=lambda item: -(item[1]["val_accuracy"] or 0.0))[:SUMMED_UP]
        if best:
            shown = (f"{printable(label)} {percent(record['val_accuracy'])}" for label, record in best)
            parts.append(f"best so far: {', '.join(shown)}")
        if rows := self.under_way()[:SUMMED_UP]:
            parts.append("training: " + ", ".join(f"{printable(label)} {epoch}" for label, _, epoch, _ in rows))
        return "; ".join(parts)

    def _sum_up(self) -> None:
        with self._lock:
            if self.stopping and not self._told:
                self._told = True
                click.echo("stopping: no run begins any more, what runs is finished (Ctrl-C again: at once)")
            if self._clock() - self._summed_up >= SUMMARY_S:
                self._summed_up = self._clock()
                click.echo(self.summary())


class TerminalView(View):
    """A bar with the time left under a table of the best so far and of what runs, redrawn in place."""

    def __enter__(self) -> TerminalView:
        from rich.console import Console
        from rich.live import Live
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[runs]} runs"),
            TimeElapsedColumn(), TextColumn("passed{task.fields[left]}"),
        )  # fmt: skip
        self._task = self._bar.add_task(self.phase, total=None, runs="", left="")
        self._live = Live(
            get_renderable=self._draw,
            console=Console(),
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
        )
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def started(self, experiment: Experiment, total: int, finished: int) -> None:
        """Say what is planned."""
        super().started(experiment, total, finished)
        for line in plan(experiment, total, self.folder):
            self._live.console.out(line, highlight=False)

    def planned(self, total: int, why: str) -> None:
        """Say why there is more to do."""
        with self._lock:
            super().planned(total, why)
        self._live.console.out(why, highlight=False)

    def _draw(self) -> Any:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table("optimizer", "tuned", "best step size", "validation", "final runs", box=None, pad_edge=False)
        now = Table("training now", "step size", "epoch", "", box=None, pad_edge=False)
        with self._lock:
            for label, *cells in self.so_far():
                table.add_row(Text(printable(label)), *map(Text, cells))
            rows = self.under_way()
            for label, *cells in rows[:SHOWN]:
                now.add_row(Text(printable(label)), *map(Text, cells))
            if len(rows) > SHOWN:
                now.add_row(f"and {len(rows) - SHOWN} more")
            self._advance()
        return Group(table, now, self._bar) if rows else Group(table, self._bar)

    def _advance(self) -> None:
        phase = "finishing what runs (Ctrl-C again: at once)" if self.stopping else self.phase
        left = self.left()
        share = self.forecast.share(left)
        self._bar.update(
            self._task,
            total=None if share is None else 1.0,
            completed=share or 0.0,
            description=phase,
            runs=f"{self.kept}/{self.total}" if self.total else "",
            left="" if left is None else f", about {duration(left)} left",
        )


def plan(experiment: Experiment, total: int, folder: Path) -> list[str]:
    """Return what is going to happen, as lines."""
    runs = [experiment.run_spec(entry, {}, 0) for entry in experiment.entries]
    layers = _either(f"{'-'.join(map(str, run.network.hidden)) or 'none'} {run.network.activation}" for run in runs)
    batches = _either(str(run.training.batch_size) for run in runs)
    return [
        experiment.title or experiment.name,
        f"{experiment.data}; hidden layers: {layers}; {experiment.training.epochs} epochs in batches of {batches}",
        f"{len(experiment.entries)} optimizers, {budget(experiment)} and {experiment.seeds} seeds each: {total} runs, "
        f"kept in {folder}",
        *halving_plan(experiment),
    ]


def _either(values: Iterable[str]) -> str:
    """Return what is the same for all competitors, or the different ones."""
    return " or ".join(dict.fromkeys(values))


def point(hyper: Mapping[str, float], searched: Iterable[str] = ()) -> str:
    """Return the step size, and what else is tuned.

    Examples
    --------
    >>> point({"lr": 0.1, "momentum": 0.95, "eps": 1e-8}, ["lr", "momentum"])
    'step size 0.1, momentum 0.95'
    """
    more = (f", {name} {hyper[name]:.5g}" for name in searched if name != "lr")
    return f"step size {hyper['lr']:.4g}{''.join(more)}"


def budget(experiment: Experiment) -> str:
    """Return what every optimizer gets to be tuned.

    Examples
    --------
    >>> from minnet.lab.experiment import resolve
    >>> budget(resolve("race-digits"))
    '12 tuning runs, the defaults'
    """
    amounts = {bool(entry.searched): len(experiment.points(entry)) for entry in experiment.entries}
    most = amounts.get(True, 1)
    parts = [f"{most} tuning run{'' if most == 1 else 's'}"]
    if len(amounts) == 2:
        parts[0] += " (1 where nothing is tuned)"
    if experiment.defaults and True in amounts:
        parts.append("the defaults")
    return ", ".join(parts)


def halving_plan(experiment: Experiment) -> list[str]:
    """Return how long the trials are trained, if not all to the end."""
    longest = max((experiment.rungs(entry) for entry in experiment.entries), key=len)
    if len(longest) == 1:
        return []
    (trials, epochs), *later = longest
    then = ", ".join(f"the best {count} for {end}" for count, end in later)
    return [f"successive halving: {trials} trials for {epochs} epoch{'' if epochs == 1 else 's'}, then {then}"]


def outcome(record: Mapping[str, Any]) -> str:
    """Return what a run came to.

    Examples
    --------
    >>> outcome({"diverged": True, "diverged_step": 7, "val_accuracy": None, "test_accuracy": None})
    'diverged at step 7'
    >>> outcome({"diverged": False, "val_accuracy": 0.9, "test_accuracy": 0.875})
    'validation 90.00 %, test 87.50 %'
    """
    if record["diverged"]:
        return f"diverged at step {record['diverged_step']}"
    test = "" if record["test_accuracy"] is None else f", test {percent(record['test_accuracy'])}"
    return f"validation {percent(record['val_accuracy'])}{test}"


def printable(label: str, longest: int = 32) -> str:
    """Return a label for one cell of a terminal.

    Examples
    --------
    >>> printable("two\\nlines"), printable("x" * 50, 5)
    ('two lines', 'xxxx…')
    """
    text = "".join(c if c.isprintable() else " " for c in label)
    return text if len(text) <= longest else text[: longest - 1] + "…"
