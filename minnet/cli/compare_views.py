"""What ``minnet compare`` shows while it trains: lines on a pipe, a table and a bar on a terminal."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minnet.cli.progress import leave_at_once, percent

if TYPE_CHECKING:
    from minnet.lab import Experiment
    from minnet.lab.driver import Part

INTERRUPTED = 130


class View:
    """What both views know: the folder, the runs that are safe in it, and whether the user wants to stop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept = 0
        self.stopping = False

    @property
    def farewell(self) -> str:
        """The last line of a comparison that was interrupted."""
        return f"interrupted: {self.kept} finished runs are kept in {self.folder}; the same command resumes"

    def interrupted(self) -> None:
        """Leave at once at the second Ctrl-C: a run that is not finished is not kept, and nothing else is lost."""
        if self.stopping:
            leave_at_once(self.farewell, INTERRUPTED)
        self.stopping = True

    def waiting(self) -> None:
        """Say why nothing happens."""
        click.echo(f"another process is working in {self.folder}: waiting for its end")


@contextlib.contextmanager
def interrupts_of(view: View) -> Iterator[None]:
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
    """One line per finished run, for pipes and logs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.total = 0

    def __enter__(self) -> PlainView:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def started(self, experiment: Experiment, total: int, finished: int) -> None:
        """Say what is planned."""
        self.total = total
        for line in plan(experiment, total, self.folder):
            click.echo(line)
        if finished:
            click.echo(f"resuming: {finished} tuning runs are there already")

    def planned(self, total: int, why: str) -> None:
        """Say why there is more to do."""
        self.total = total
        click.echo(why)

    def epoch(self, run_id: str, epoch: int) -> None:
        """Too much for a log."""

    def ran(self, parts: Sequence[Part], record: Mapping[str, Any], stored: bool) -> None:
        """Say what a run came to."""
        self.kept += len(parts)
        if not stored:
            click.echo(self.line(parts, record))

    def line(self, parts: Sequence[Part], record: Mapping[str, Any]) -> str:
        """Return the line of one run."""
        width = len(str(self.total))
        labels = ", ".join(printable(part.optimizer) for part in parts)
        tuning = parts[0].kind if len({part.kind for part in parts}) == 1 else "tune"
        what = tuning if record["kind"] == "tune" else f"final, seed {record['seed']}:"
        count = f"[{self.kept:{width}d}/{self.total}]"
        return f"{count} {what} {labels}, step size {record['lr']:.4g}: {outcome(record)}"


class TerminalView(View):
    """A bar with the time left over a table of the best so far, redrawn in place."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._lock = threading.Lock()
        self._running: dict[str, float] = {}
        self._best: dict[str, Mapping[str, Any]] = {}
        self._counts: dict[str, list[int]] = {}
        self._epochs = 1
        self._total = self._tuning = 0
        self._phase = "tuning"

    def __enter__(self) -> TerminalView:
        from rich.console import Console
        from rich.live import Live
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[runs]} runs"),
            TimeElapsedColumn(), TextColumn("passed,"), TimeRemainingColumn(), TextColumn("left"),
            speed_estimate_period=120,
        )  # fmt: skip
        self._task = self._bar.add_task("loading", total=None, runs="")
        self._live = Live(
            get_renderable=self._draw,
            console=Console(),
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
        )
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.stop()

    def started(self, experiment: Experiment, total: int, finished: int) -> None:
        """Set the bar to the size of the plan."""
        self._epochs = max(experiment.training.epochs, 1)
        self._counts = {entry.label: [0, 0] for entry in experiment.entries}
        self._total, self._tuning = total, total - experiment.seeds * len(experiment.entries)
        for line in plan(experiment, total, self.folder):
            self._live.console.out(line, highlight=False)
        self._bar.update(self._task, total=total, description="compiling", runs=f"0/{total}")

    def planned(self, total: int, why: str) -> None:
        """Say why there is more to do."""
        with self._lock:
            self._tuning += total - self._total
            self._total = total
            self._live.console.out(why, highlight=False)
            self._bar.update(self._task, total=total)

    def waiting(self) -> None:
        """Say why the bar stands still."""
        self._bar.update(self._task, description=f"waiting for another process in {self.folder}")

    def epoch(self, run_id: str, epoch: int) -> None:
        """Move the bar by a part of a run."""
        with self._lock:
            self._running[run_id] = epoch / self._epochs
            self._advance(self._phase)

    def ran(self, parts: Sequence[Part], record: Mapping[str, Any], stored: bool) -> None:
        """Count a run and keep it if it is the best of its method."""
        from minnet.lab import stats

        final = record["kind"] == "final"
        with self._lock:
            self._running.pop(record["id"], None)
            self.kept += len(parts)
            for part in parts:
                self._counts[part.optimizer][final] += 1
                best = self._best.get(part.optimizer)
                if not final and (best is None or stats.winner([best, record]) == 1):
                    self._best[part.optimizer] = record
            self._phase = "final runs" if final or self.kept == self._tuning else "tuning"
            self._advance("writing the page" if self.kept == self._total else self._phase)

    def _advance(self, description: str) -> None:
        if self.stopping:
            description = "stopping after this epoch (Ctrl-C again: at once)"
        done = self.kept + sum(self._running.values())
        self._bar.update(self._task, completed=done, description=description, runs=f"{self.kept}/{self._total}")

    def _draw(self) -> Any:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table("optimizer", "tuned", "best step size", "validation", "final runs", box=None, pad_edge=False)
        with self._lock:
            for label, (tuned, final) in self._counts.items():
                best = self._best.get(label)
                cells = [f"{best['lr']:.4g}", percent(best["val_accuracy"])] if best else ["", ""]
                table.add_row(Text(printable(label)), str(tuned), *cells, str(final or ""))
        return Group(table, self._bar)


def plan(experiment: Experiment, total: int, folder: Path) -> list[str]:
    """Return what is going to happen, as lines."""
    network = experiment.network
    layers = "-".join(map(str, network.hidden)) or "none"
    return [
        experiment.title or experiment.name,
        f"{experiment.data}; hidden layers: {layers} {network.activation}; "
        f"{experiment.training.epochs} epochs in batches of {experiment.training.batch_size}",
        f"{len(experiment.entries)} optimizers, {budget(experiment)} and {experiment.seeds} seeds each: {total} runs, "
        f"kept in {folder}",
        *halving_plan(experiment),
    ]


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
    return [f"successive halving: {trials} trials for {epochs} epochs, then {then}"]


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
