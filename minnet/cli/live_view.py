"""The third view of ``minnet compare``: a page that follows it in a browser (``--live``)."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from minnet.cli.compare_views import View, printable
from minnet.cli.progress import duration
from minnet.errors import InputError
from minnet.live.feed import Feed
from minnet.live.server import File, Server
from minnet.report import plotly

if TYPE_CHECKING:
    from minnet.lab import Experiment
    from minnet.lab.tuning import Part

log = logging.getLogger("minnet")

PERIOD_S = 1.0  # browsers hear of progress no more often
SHARE = 0.2  # of the time of one core may go into drawing the page
SHOWN = 16  # curves of runs under way
FADED = 24  # curves of runs that ended last
POINTS = 128  # of one curve
STATIC = Path(__file__).parents[1] / "live" / "static"
REPORT = Path(__file__).parents[1] / "report" / "templates" / "report.js"


def server(host: str, port: int) -> Server:
    """Return a server for the pages of comparisons."""
    files = {
        "/": File("text/html", (STATIC / "live.html").read_bytes()),
        "/live.js": File("text/javascript", (STATIC / "live.js").read_bytes()),
        "/live.css": File("text/css", (STATIC / "live.css").read_bytes()),
        "/report.js": File("text/javascript", REPORT.read_bytes()),
        "/plotly.js": File("text/javascript", plotly.FILE.read_bytes()),
    }
    return Server(Feed(), files, host, port)


@dataclass
class Curve:
    """What a run has measured so far."""

    label: str
    lr: float
    of: str = "val"  # or "train", where nothing is kept for validation
    rows: list[tuple[int, Any, Any]] = field(default_factory=list)  # epoch, loss, accuracy

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row of a history; of a long one, every other row is left out."""
        from minnet.lab.trials import plain

        if row["epoch"] == 0:
            self.rows.clear()  # a run that lost its worker begins again
        if len(self.rows) >= POINTS:
            del self.rows[1::2]
        self.rows.append((row["epoch"], plain(row[f"{self.of}_loss"]), plain(row[f"{self.of}_accuracy"])))


class LiveView:
    """Shows in browsers what another view knows, and the page of what the store holds.

    Whoever trains only leaves word here. Two threads look once a second whether somebody reads; one then draws the
    progress, the other the page if runs have ended, and rests the longer, the more work that was.

    Parameters
    ----------
    view : View
        Hears of everything first.
    feed : Feed
        Takes what is drawn.
    page : callable
        Returns the page of a folder as text.
    """

    def __init__(
        self,
        view: View,
        feed: Feed,
        page: Callable[[Path], str] | None = None,
    ) -> None:
        self.view, self.feed = view, feed
        self._page = page or page_of
        self._curves: dict[str, Curve] = {}  # of the runs under way
        self._ended: deque[Curve] = deque(maxlen=FADED)
        self._lock = threading.Lock()
        self._stale = False  # whether the store holds what the page doesn't show
        self._state = "running"
        self._trouble = ""
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._follow, args=[draw], name="minnet-live-view", daemon=True)
            for draw in (self._draw_progress, self._draw_page)
        ]

    @property
    def farewell(self) -> str:
        """The last line of a comparison that was interrupted."""
        return self.view.farewell

    def __enter__(self) -> LiveView:
        self.view.__enter__()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.view.__exit__(kind, error, trace)
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._state = "finished" if kind is None else "interrupted" if kind is KeyboardInterrupt else "failed"
        self._draw_progress()
        self._stale = True  # the session has ended, too
        if self.feed.readers and self.view.total:
            self._draw_page()

    def waiting(self) -> None:
        """Pass it on."""
        self.view.waiting()

    def interrupted(self) -> None:
        """Pass it on."""
        self.view.interrupted()

    def started(self, experiment: Experiment, total: int, finished: int) -> None:
        """Pass it on: from now on there is something to draw."""
        self.view.started(experiment, total, finished)
        self._stale = True

    def planned(self, total: int, why: str) -> None:
        """Pass it on."""
        self.view.planned(total, why)

    def begun(self, parts: Sequence[Part], where: str) -> None:
        """Pass it on, and begin a curve."""
        self.view.begun(parts, where)
        first = parts[0]
        of = "val" if first.run.run.training.validation else "train"
        with self._lock:
            self._curves[first.run.id] = Curve(first.optimizer, first.hyper["lr"], of)

    def measured(self, run_id: str, row: Mapping[str, Any]) -> None:
        """Add a point to a curve."""
        with self._lock:
            if run_id in self._curves:
                self._curves[run_id].add(row)

    def epoch(self, run_id: str, epoch: int) -> None:
        """Pass it on."""
        self.view.epoch(run_id, epoch)

    def ran(self, parts: Sequence[Part], record: Mapping[str, Any], stored: bool) -> None:
        """Pass it on, and put the curve to those that have ended."""
        self.view.ran(parts, record, stored)
        self._stale = True
        with self._lock:
            curve = self._curves.pop(record["id"], None)
            if curve is not None:
                self._ended.append(curve)

    def _follow(self, draw: Callable[[], None]) -> None:
        worked = 0.0
        while not self._over.wait(max(PERIOD_S, worked / SHARE)):
            begun = time.thread_time()  # not the clock: those who train take turns with this thread
            if self.feed.readers:
                draw()
            worked = time.thread_time() - begun

    def _draw_page(self) -> None:
        """Publish the page of what the store holds by now; one that fails must not end the comparison."""
        if not self._stale:
            return
        self._stale = False
        try:
            self.feed.publish("page", self._page(self.view.folder))
            self._trouble = ""
        except Exception as error:
            log.debug("the live page", exc_info=True)
            self._trouble = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"

    def _draw_progress(self) -> None:
        self.feed.publish("progress", json.dumps(self._progress(), allow_nan=False))

    def _progress(self) -> dict[str, Any]:
        view = self.view
        left = view.left() if self._state == "running" else None
        state = "stopping" if self._state == "running" and view.stopping else self._state
        with self._lock:
            curves = [self._shown(curve, False) for curve in self._ended]
            curves += [self._shown(curve, True) for curve in list(self._curves.values())[:SHOWN]]
        return {
            "state": state,
            "text": self._text(state, left),
            "trouble": self._trouble and f"the page cannot be drawn: {self._trouble}",
            "share": view.forecast.share(left),
            "running": [self._row(*row) for row in view.under_way()[:SHOWN]],
            "best": [self._row(*row) for row in view.so_far()],
            "curves": curves,
            "looks": self._looks(),
            "validated": view.total == 0 or view.experiment.training.validation > 0,
        }

    def _text(self, state: str, left: float | None) -> str:
        """Return in one line how it stands."""
        view = self.view
        amount = f"{view.kept} of {view.total} runs" if view.total else ""
        if state == "finished":
            return f"finished: {amount}; this page stays in {view.folder / 'report.html'}"
        if state == "interrupted":
            return view.farewell
        if state == "failed":
            return f"ended by an error: {view.kept} finished runs are kept in {view.folder}"
        if state == "stopping":
            return f"stopping: no run begins any more, what runs is finished; {amount}"
        rest = f"about {duration(left)} left" if left else ""
        return "; ".join(filter(None, [view.phase, amount, rest]))

    def _looks(self) -> dict[str, dict[str, str]]:
        from minnet.report.palette import dark, style_of

        looks = style_of(self.view.counts)
        return {
            label: {"colour": colour, "dark": dark(colour), "marker": marker, "dash": dash}
            for label, (colour, marker, dash) in looks.items()
        }

    @staticmethod
    def _row(label: str, *cells: str) -> dict[str, Any]:
        return {"label": label, "cells": [printable(label), *cells]}

    @staticmethod
    def _shown(curve: Curve, running: bool) -> dict[str, Any]:
        from minnet.report.text import plotly_text

        name = plotly_text(f"{printable(curve.label)}, {curve.lr:.4g}")
        return {"label": curve.label, "name": name, "running": running, "rows": list(curve.rows)}


def page_of(folder: Path) -> str:
    """Return the page of what the store of a folder holds by now, without the library that draws it."""
    from minnet.lab.driver import read
    from minnet.lab.store import Store
    from minnet.report.page import render

    with Store(folder, write=False) as store:
        comparison = read(store)
    return render(comparison, plotlyjs=False)
