"""The picture of a race on a surface: a contour map with the path of each method, and the loss against steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.errors import InputError
from minnet.report.figures import _DASHES, _MARKERS, printable
from minnet.report.palette import style_of
from minnet.report.text import plotly_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minnet.surfaces import Surface, Track

WIDTH, HEIGHT = 16.0, 9.0  # inches: a slide
MAPS = 0.62  # share of the width that the maps get
ROW = 1.9  # a row of maps is never lower
FLOOR = 1e-10  # relative heights below this are off the chart
HIGHEST = 1e6  # and what diverges is drawn up to here
LEVELS = 14
GRID = 220
WIDEST = 5.0  # boxes up to this ratio are drawn with equal scales, so that gradients cross contours at right angles
KINDS = (".png", ".svg", ".html")


def write_surface(surface: Surface, tracks: Sequence[Track], path: str | Path) -> Path:
    """Write the picture of a race.

    Parameters
    ----------
    surface : Surface
    tracks : sequence of Track
    path : str or Path
        Ends in ``.png``, ``.svg`` or ``.html`` (one self-contained page with zoom and values under the pointer).

    Raises
    ------
    InputError
        For another ending.
    """
    target = check_ending(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    kind = target.suffix.lower()
    if kind == ".html":
        target.write_text(surface_page(surface, tracks), encoding="utf-8")
    else:
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
    from matplotlib.figure import Figure

    columns = _columns(surface, len(tracks))
    rows = math.ceil(len(tracks) / columns)
    figure = Figure(figsize=(WIDTH, max(HEIGHT, ROW * rows)), layout="constrained")
    figure.suptitle(f"{surface.title}:  f = {surface.formula}", fontsize=18)
    parts: Any = figure.subfigures(1, 2, width_ratios=(MAPS, 1 - MAPS))
    maps, chart = parts
    looks = _looks(tracks)
    panels = maps.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    field = _field(surface, tracks)
    for place, (axes, track) in enumerate(zip(panels, tracks)):
        _map(axes, surface, field, track, looks[track.label])
        axes.tick_params(labelbottom=place + columns >= len(tracks))
    for axes in panels[len(tracks) :]:
        axes.set_visible(False)
    _losses(chart.subplots(), surface, tracks, looks)
    return figure


def relative_height(surface: Surface, track: Track) -> np.ndarray:
    """Return (f − lowest) / (f₀ − lowest) after every step, NaN after a divergence; array of shape (steps + 1,)."""
    above = track.result.f_evaluation - surface.lowest
    return above / above[0] if above[0] > 0 else above


def caption(track: Track) -> str:
    """Return what a panel says about its method.

    Examples
    --------
    >>> from minnet import surfaces
    >>> caption(surfaces.race(surfaces.ravine(1), ["sgd"], steps=3, lr=1.0)[0])
    'step size 1, 1 step to 1e-6'
    """
    if track.result.diverged:
        what = f"diverged at step {track.result.steps + 1}"
    elif track.exact is not None:
        what = f"{track.exact} step{'' if track.exact == 1 else 's'} to 1e-6"
    elif track.near is not None:
        what = f"{track.near} step{'' if track.near == 1 else 's'} to 1e-2"
    else:
        what = "1e-2 not reached"
    return f"step size {track.lr:.3g}, {what}"


def _columns(surface: Surface, count: int) -> int:
    """Return the number of columns that makes the maps largest."""
    x0, x1, y0, y1 = surface.box
    aspect = min(max((x1 - x0) / (y1 - y0), 1 / WIDEST), WIDEST)

    def size(columns: int) -> float:
        width, height = WIDTH * MAPS / columns, max(HEIGHT / math.ceil(count / columns), ROW) - 0.7
        return min(width / aspect, height)

    return max(range(1, count + 1), key=size)


def _field(surface: Surface, tracks: Sequence[Track], grid: int = GRID) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the map: x (grid,), y (grid,), and log10 of the relative height of shape (grid, grid)."""
    x0, x1, y0, y1 = surface.box
    x, y = np.linspace(x0, x1, grid), np.linspace(y0, y1, grid)
    height = float(tracks[0].result.f_evaluation[0]) - surface.lowest
    above = (surface.value(*np.meshgrid(x, y)) - surface.lowest) / (height or 1.0)
    return x, y, np.log10(np.maximum(above, 1e-12))


def _levels(values: np.ndarray) -> np.ndarray:
    return np.linspace(max(-3.5, float(values.min())), float(values.max()), LEVELS)


def _map(axes: Axes, surface: Surface, field: tuple, track: Track, look: dict[str, Any]) -> None:
    x, y, values = field
    levels = _levels(values)
    x0, x1, y0, y1 = surface.box
    axes.set(xlim=(x0, x1), ylim=(y0, y1), autoscale_on=False)  # a diverging path must not set the scale
    axes.contourf(x, y, values, levels=levels, cmap="Greys_r", alpha=0.28, extend="min")
    axes.contour(x, y, values, levels=levels, colors="0.6", linewidths=0.5, linestyles="solid")
    path = track.result.evaluation
    axes.plot(*path.T, color=look["color"], linewidth=1.6, zorder=3)
    axes.plot(*path.T, ".", color=look["color"], markersize=4, zorder=3)
    axes.plot(*path[0], "o", color="white", markeredgecolor="black", markersize=8, zorder=4)
    for minimum in surface.minima:
        axes.plot(*minimum, "*", color="#ffd400", markeredgecolor="black", markersize=15, zorder=2.5)
    if 1 / WIDEST <= (x1 - x0) / (y1 - y0) <= WIDEST:
        axes.set_aspect("equal")
    axes.tick_params(labelsize=10)
    name = printable(track.label)
    head = {"loc": "left", "fontsize": 15, "fontweight": "bold", "color": look["color"], "parse_math": False}
    axes.set_title(name, pad=20, **head)
    axes.text(0, 1.03, caption(track), transform=axes.transAxes, fontsize=12, va="bottom")


def _losses(axes: Axes, surface: Surface, tracks: Sequence[Track], looks: dict[str, dict[str, Any]]) -> None:
    from minnet.surfaces.race import EXACT, NEAR

    heights = [relative_height(surface, track) for track in tracks]
    steps = max(len(height) for height in heights) - 1
    rose = any((height > 1).any() for height in heights)
    axes.set_yscale("log")
    axes.set(xlim=(0, max(steps, 1)), ylim=(FLOOR, 30.0 if rose else 3.0), autoscale_on=False)
    for track, height in zip(tracks, heights):
        shown = np.where((height > 0) & (height < HIGHEST), height, np.nan)
        every = max(1, len(height) // 9)
        axes.plot(shown, markevery=every, label=printable(track.label), **looks[track.label])
    for tolerance in (NEAR, EXACT):
        axes.axhline(tolerance, color="0.4", linewidth=1, linestyle=(0, (2, 2)), zorder=1)
    axes.grid(True, color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=12)
    axes.set_xlabel("steps", fontsize=14)
    axes.set_ylabel("height above the minimum, start = 1", fontsize=14)
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


def surface_page(surface: Surface, tracks: Sequence[Track]) -> str:
    """Return the picture as one HTML page: maps to zoom into, values under the pointer."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    columns = _columns(surface, len(tracks))
    rows = math.ceil(len(tracks) / columns)
    looks = style_of(track.label for track in tracks)
    chart_column = columns + 1
    spec: list[list[dict[str, Any] | None]] = [[{} for _ in range(columns)] + [None] for _ in range(rows)]
    spec[0][columns] = {"rowspan": rows}
    heads = [f"<b>{plotly_text(t.label)}</b><br>{plotly_text(caption(t))}" for t in tracks]
    titles = []
    for row in range(rows):
        titles += (heads + [""] * columns)[row * columns : (row + 1) * columns] + (["loss"] if row == 0 else [])
    figure = make_subplots(
        rows=rows,
        cols=chart_column,
        specs=spec,
        subplot_titles=titles,
        column_widths=[MAPS / columns] * columns + [1 - MAPS],
        horizontal_spacing=0.04,
        vertical_spacing=min(0.12, 0.36 / rows),
    )
    x, y, values = _field(surface, tracks, grid=100)
    for place, track in enumerate(tracks):
        row, column = divmod(place, columns)
        colour, _, dash = looks[track.label]
        where = {"row": row + 1, "col": column + 1}
        levels = _levels(values)
        figure.add_trace(
            go.Contour(
                x=x,
                y=y,
                z=np.round(values, 3),
                colorscale="Greys",
                reversescale=True,
                opacity=0.35,
                showscale=False,
                hoverinfo="skip",
                contours={"start": levels[0], "end": levels[-1], "size": levels[1] - levels[0]},
            ),
            **where,
        )
        stars = {"size": 15, "symbol": "star", "color": "#ffd400", "line": {"width": 1, "color": "black"}}
        figure.add_trace(
            go.Scatter(
                x=[m[0] for m in surface.minima],
                y=[m[1] for m in surface.minima],
                mode="markers",
                marker=stars,
                showlegend=False,
                hovertemplate="minimum (%{x:.4g}, %{y:.4g})<extra></extra>",
            ),
            **where,
        )
        path, done = track.result.evaluation, track.result.steps + 1
        name = plotly_text(track.label)
        figure.add_trace(
            go.Scatter(
                x=path[:done, 0],
                y=path[:done, 1],
                mode="lines+markers",
                name=name,
                legendgroup=name,
                showlegend=False,
                line={"color": colour, "width": 2},
                marker={"size": 4},
                customdata=np.column_stack([np.arange(done), track.result.f_evaluation[:done]]),
                hovertemplate=f"{name}, step %{{customdata[0]}}<br>(%{{x:.4g}}, %{{y:.4g}})<br>"
                "f = %{customdata[1]:.4g}<extra></extra>",
            ),
            **where,
        )
        height = relative_height(surface, track)[:done]
        figure.add_trace(
            go.Scatter(
                x=np.arange(done),
                y=np.where(height > 0, height, np.nan),
                mode="lines",
                name=name,
                legendgroup=name,
                line={"color": colour, "width": 2.5, "dash": dash},
                hovertemplate=f"{name}, step %{{x}}: %{{y:.3g}}<extra></extra>",
            ),
            row=1,
            col=chart_column,
        )
        x0, x1, y0, y1 = surface.box
        equal = 1 / WIDEST <= (x1 - x0) / (y1 - y0) <= WIDEST
        anchor = figure.get_subplot(row + 1, column + 1).xaxis.plotly_name.replace("axis", "")
        figure.update_xaxes(range=[x0, x1], constrain="domain", **where)
        scale = {"scaleanchor": anchor} if equal else {}
        figure.update_yaxes(range=[y0, y1], constrain="domain", **scale, **where)
    figure.update_xaxes(title="steps", row=1, col=chart_column)
    figure.update_yaxes(
        title="height above the minimum, start = 1",
        type="log",
        exponentformat="power",
        range=[math.log10(FLOOR), 1.5],
        row=1,
        col=chart_column,
    )
    figure.update_annotations(font_size=13)
    figure.update_layout(
        title=f"{surface.title}:  f = {surface.formula}",
        template="plotly_white",
        height=max(720, 260 * rows + 140),
        hovermode="closest",
        legend={"orientation": "v"},
    )
    return figure.to_html(include_plotlyjs=True, full_html=True, config={"displaylogo": False})
