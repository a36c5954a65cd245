"""The picture of a race on a surface: a contour map with the path of each method, and the loss against steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.errors import InputError
from minnet.report.figures import _DASHES, _MARKERS, printable
from minnet.report.palette import style_of
from minnet.report.surface_view import (
    FLOOR,
    HEIGHT,
    HIGHEST,
    MAPS,
    ROW,
    WIDTH,
    caption,
    columns,
    equal_scales,
    field,
    levels,
    lowest_name,
    relative_height,
)

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minnet.surfaces import Surface, Track

GRID = 220
KINDS = (".png", ".svg", ".gif", ".html")
Look = dict[str, Any]


def write_surface(surface: Surface, tracks: Sequence[Track], path: str | Path) -> Path:
    """Write the picture of a race.

    Parameters
    ----------
    surface : Surface
    tracks : sequence of Track
    path : str or Path
        Ends in ``.png`` or ``.svg``, or for an animation in ``.gif`` or ``.html`` (one self-contained page with play,
        step and scrub, zoom, and values under the pointer).

    Raises
    ------
    InputError
        For another ending.
    """
    from minnet.report.surface_gif import write_gif
    from minnet.report.surface_page import surface_page

    target = check_ending(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    match target.suffix.lower():
        case ".html":
            target.write_text(surface_page(surface, tracks), encoding="utf-8")
        case ".gif":
            write_gif(surface, tracks, target)
        case kind:
            options: dict[str, Any] = {"dpi": 120} if kind == ".png" else {"metadata": {"Date": None}}
            surface_figure(surface, tracks).savefig(target, format=kind[1:], **options)
    return target


def check_ending(path: str | Path) -> Path:
    """Return the path if its ending names a kind of picture.

    Examples
    --------
    >>> check_ending("race.PNG").name
    'race.PNG'
    """
    target = Path(path)
    if target.suffix.lower() not in KINDS:
        raise InputError(f"the ending of {target.name!r} names no kind of picture: write one of {', '.join(KINDS)}")
    return target


def surface_figure(surface: Surface, tracks: Sequence[Track]) -> Figure:
    """Return the picture as a Matplotlib figure."""
    return Scene(surface, tracks).figure


class Scene:
    """The picture, and what moves in it: each path and each loss up to some step.

    Attributes
    ----------
    figure : Figure
    moving : list of Artist
    """

    def __init__(self, surface: Surface, tracks: Sequence[Track]) -> None:
        from matplotlib.figure import Figure

        self.figure = Figure(layout="constrained")
        self.moving: list[Artist] = []
        self._shows: list[Callable[[int], None]] = []
        across = columns(surface, len(tracks))
        rows = math.ceil(len(tracks) / across)
        self.figure.set_size_inches(WIDTH, max(HEIGHT, ROW * rows))
        self.figure.suptitle(f"{surface.title}:  f = {surface.formula}", fontsize=18, parse_math=False)
        parts: Any = self.figure.subfigures(1, 2, width_ratios=(MAPS, 1 - MAPS))
        maps, chart = parts
        looks = _looks(tracks)
        panels = maps.subplots(rows, across, squeeze=False, sharex=True, sharey=True).ravel()
        heights = field(surface, tracks, GRID)
        for place, (axes, track) in enumerate(zip(panels, tracks)):
            _map(axes, surface, heights, track, looks[track.label])
            self._paths(axes, track, looks[track.label])
            axes.tick_params(labelbottom=place + across >= len(tracks))
        for axes in panels[len(tracks) :]:
            axes.set_visible(False)
        self._losses(chart.subplots(), surface, tracks, looks)

    def show(self, t: int) -> None:
        """Show the race up to step t."""
        for show in self._shows:
            show(t)

    def _follow(self, line: Any, points: np.ndarray, last: bool = False) -> None:
        """Let a line show the points of shape (steps + 1, 2) up to a step, or the last of them."""

        def show(t: int) -> None:
            line.set_data(*points[min(t, len(points) - 1) if last else 0 : t + 1].T)

        show(len(points))
        self.moving.append(line)
        self._shows.append(show)

    def _paths(self, axes: Axes, track: Track, look: Look) -> None:
        several = len(track.results) > 1
        for result in track.results:
            (line,) = axes.plot([], [], color=look["color"], linewidth=1.0 if several else 1.6, zorder=3)
            self._follow(line, result.evaluation)
            (dots,) = axes.plot([], [], ".", color=look["color"], markersize=2 if several else 4, zorder=3)
            self._follow(dots, result.evaluation)
            (head,) = axes.plot([], [], **{**look, "linestyle": "none", "markersize": 8}, zorder=4)
            self._follow(head, result.evaluation[: result.steps + 1], last=True)
            axes.plot(*result.evaluation[0], "o", color="white", markeredgecolor="black", markersize=8, zorder=3.5)

    def _losses(self, axes: Axes, surface: Surface, tracks: Sequence[Track], looks: dict[str, Look]) -> None:
        from minnet.surfaces.track import EXACT, NEAR

        heights = [relative_height(track) for track in tracks]
        steps = max(len(height) for height in heights) - 1
        rose = any((height > 1).any() for height in heights)
        axes.set_yscale("log")
        axes.set(xlim=(0, max(steps, 1)), ylim=(FLOOR, 30.0 if rose else 3.0), autoscale_on=False)
        for track, height in zip(tracks, heights):
            shown = np.where((height > 0) & (height < HIGHEST), height, np.nan)
            every = max(1, len(height) // 9)
            (line,) = axes.plot([], [], markevery=every, label=printable(track.label), **looks[track.label])
            self._follow(line, np.column_stack([np.arange(len(shown)), shown]))
        for tolerance in (NEAR, EXACT):
            axes.axhline(tolerance, color="0.4", linewidth=1, linestyle=(0, (2, 2)), zorder=1)
        axes.grid(True, color="0.9")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=12)
        axes.set_xlabel("steps", fontsize=14)
        axes.set_ylabel(f"height above the {lowest_name(surface)}, start = 1", fontsize=14)
        legend = axes.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1.0),
            ncols=3 if max(len(track.label) for track in tracks) <= 10 else 2,
            fontsize=12,
            frameon=False,
            handlelength=2.6,
            columnspacing=1.2,
        )
        for text in legend.get_texts():
            text.set_parse_math(False)


def _map(axes: Axes, surface: Surface, heights: tuple, track: Track, look: Look) -> None:
    x, y, values = heights
    at = levels(values)
    x0, x1, y0, y1 = surface.box
    axes.set(xlim=(x0, x1), ylim=(y0, y1), autoscale_on=False)  # a diverging path must not set the scale
    known = np.ma.masked_invalid(values)
    axes.contourf(x, y, known, levels=at, cmap="Greys_r", alpha=0.28, extend="min")
    axes.contour(x, y, known, levels=at, colors="0.6", linewidths=0.5, linestyles="solid")
    for minimum in surface.minima:
        axes.plot(*minimum, "*", color="#ffd400", markeredgecolor="black", markersize=15, zorder=2.5)
    if equal_scales(surface):
        axes.set_aspect("equal")
    axes.tick_params(labelsize=10)
    name = printable(track.label)
    head: Look = {"loc": "left", "fontsize": 15, "fontweight": "bold", "color": look["color"], "parse_math": False}
    axes.set_title(name, pad=21, **head)
    above: Look = {
        "xytext": (0, 5),
        "xycoords": "axes fraction",
        "textcoords": "offset points",
        "annotation_clip": False,
    }
    axes.annotate(caption(track), (0, 1), fontsize=12, va="bottom", **above)


def _looks(tracks: Sequence[Track]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "color": colour,
            "marker": _MARKERS[marker],
            "linestyle": _DASHES[dash],
            "linewidth": 2.2,
            "markersize": 7,
            "markeredgecolor": "white",
            "markeredgewidth": 0.6,
        }
        for name, (colour, marker, dash) in style_of(track.label for track in tracks).items()
    }
