"""What a command shows while it works: lines as they happen, and on a terminal a bar with the time left.

Piped output is plain: the same lines, nothing else.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE_S = 1.0  # how long a piped command may be silent before it says why


def on_terminal() -> bool:
    """Return whether standard output is a terminal that can redraw a line."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def duration(seconds: float) -> str:
    """Return a length of time as people write it.

    Examples
    --------
    >>> duration(0.04), duration(12.34), duration(125.0), duration(7384.0)
    ('40 ms', '12.3 s', '2 min 05 s', '2 h 03 min')
    """
    if seconds < 0.0995:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def percent(share: float | None) -> str:
    """Return a share in percent, "-" for None.

    Examples
    --------
    >>> percent(0.97531), percent(None)
    ('97.53 %', '-')
    """
    return "-" if share is None else f"{100 * share:.2f} %"


def number(value: float | None) -> str:
    """Return a loss in few characters, "-" for None.

    Examples
    --------
    >>> number(0.123456), number(123456.7), number(float("nan")), number(None)
    ('0.1235', '1.23e+05', 'nan', '-')
    """
    if value is None:
        return "-"
    return f"{value:.3g}" if abs(value) >= 1e4 else f"{value:.4f}"


def columns(rows: Sequence[Sequence[str]], gap: int = 2, indent: int = 0) -> list[str]:
    """Return the rows as lines with aligned columns.

    Examples
    --------
    >>> columns([("sgd", "0.01"), ("momentum", "0.1")])
    ['sgd       0.01', 'momentum  0.1']
    """
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ((cell.ljust(width) for cell, width in zip(row, widths)) for row in rows)
    return [" " * indent + (" " * gap).join(line).rstrip() for line in lines]


def leave_at_once(last: str, code: int) -> NoReturn:
    """Say `last` and end the process from within a signal handler, whatever its threads do.

    Nothing here waits: not for a lock of what was interrupted, not for a thread in compiled code (which the end of
    the interpreter would let run into a BLAS library that is shutting down), not for a pipe that nobody reads.
    """
    with contextlib.suppress(Exception):
        for child in multiprocessing.active_children():  # those of joblib heed no Ctrl-C, and would train on
            child.terminate()
    with contextlib.suppress(Exception):
        stream = sys.stdout.fileno()
        os.set_blocking(stream, False)
        try:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
            show_cursor = "\r\x1b[J\x1b[?25h" if on_terminal() else ""
            os.write(stream, f"{show_cursor}{last}\n".encode())
        finally:
            os.set_blocking(stream, True)
    os._exit(code)


class Live:
    """Prints lines above a bar that shows how far the work is and how long it will take.

    On a pipe there is no bar; a `notice` that stays true for a second becomes a line.

    Parameters
    ----------
    total : int
        Units of work.
    unit : str
        Their name in the plural.

    Examples
    --------
    >>> with Live(total=1, unit="epochs") as live:
    ...     live.print("epoch 1")
    ...     live.advance()
    epoch 1
    """

    def __init__(self, total: int, unit: str) -> None:
        self.total, self.unit = total, unit
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Live:
        if on_terminal():
            self._progress = _bar(self.unit)
            self._task = self._progress.add_task("", total=self.total)
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def print(self, line: str) -> None:
        """Print a line above the bar."""
        if self._progress is None:
            click.echo(line)
        else:
            self._progress.console.out(line, highlight=False)

    def advance(self, done: int = 1, note: str = "") -> None:
        """Count `done` more units; `note` stands in front of the bar."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=done, description=note)

    @contextlib.contextmanager
    def notice(self, text: str) -> Iterator[Notice]:
        """Say `text` until `Notice.end` or the end of the block: in the bar, or after a second as a line."""
        shown = Notice(self, text)
        try:
            yield shown
        finally:
            shown.end()

    def _describe(self, text: str) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description=text)


class Notice:
    """A text that is true for a while; see `Live.notice`."""

    def __init__(self, live: Live, text: str) -> None:
        self.ended = False
        self._live, self._timer = live, threading.Timer(PATIENCE_S, live.print, [text])
        self._timer.daemon = True
        if live._progress is None:
            self._timer.start()
        live._describe(text)

    def end(self) -> None:
        """Take the text back; harmless if that was done before."""
        self.ended = True
        self._timer.cancel()
        self._live._describe("")


def _bar(unit: str) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        TextColumn("left"),
        transient=True,
    )


class EpochTable:
    """Lines of a training run: a header, then one line per row of its history.

    Parameters
    ----------
    validated : bool
        Whether there is a validation part.
    """

    HEADER = ("epoch", "step size", "train loss", "accuracy", "val. loss", "accuracy", "train time")
    WIDTHS = (5, 9, 10, 9, 10, 9, 11)

    def __init__(self, validated: bool = True) -> None:
        self.validated = validated

    def header(self) -> str:
        """Return the line of column names."""
        return self._line(self.HEADER)

    def line(self, row: Mapping[str, Any]) -> str:
        """Return the line of one row of a history.

        Examples
        --------
        >>> EpochTable().line({"epoch": 3, "lr": 0.001, "train_loss": 0.25, "train_accuracy": 0.9,
        ...                    "val_loss": 0.3, "val_accuracy": 0.875, "train_s": 1.5})
        '    3      0.001      0.2500    90.00 %      0.3000    87.50 %        1.5 s'
        """
        cells = (
            str(row["epoch"]),
            f"{row['lr']:.4g}",
            number(row["train_loss"]),
            percent(row["train_accuracy"]),
            number(row["val_loss"] if self.validated else None),
            percent(row["val_accuracy"] if self.validated else None),
            duration(row["train_s"]),
        )
        return self._line(cells)

    def _line(self, cells: Sequence[str]) -> str:
        return "  ".join(cell.rjust(width) for cell, width in zip(cells, self.WIDTHS))
