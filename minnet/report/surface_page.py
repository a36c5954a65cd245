"""The race on a surface as one HTML page: play, step and scrub, zoom, values under the pointer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.report.palette import style_of
from minnet.report.surface_view import (
    FLOOR,
    HIGHEST,
    MAPS,
    caption,
    columns,
    equal_scales,
    field,
    levels,
    lowest_name,
    relative_height,
)
from minnet.report.text import plotly_text

if TYPE_CHECKING:
    from minnet.surfaces import Surface, Track

GRID = 100
TEMPLATES = Path(__file__).parent / "templates"


def surface_page(surface: Surface, tracks: Sequence[Track]) -> str:
    """Return the page; it needs no network."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    figure = _Figure(surface, tracks)
    chart = figure.plotly.to_html(
        include_plotlyjs=True,
        full_html=False,
        div_id="race",
        config={"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["sendChartToCloud"]},
    )
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("surface.html.jinja").render(
        title=surface.title,
        formula=surface.formula,
        notes=surface.notes,
        chart=chart,
        moving=figure.moving,
        steps=max(len(result.f) for track in tracks for result in track.results) - 1,
    )


class _Figure:
    """The Plotly figure at the end of the race, and which of its traces move.

    A trail holds all that it will ever show; the page's script shows its beginning, and a head the last point of that.
    """

    def __init__(self, surface: Surface, tracks: Sequence[Track]) -> None:
        from plotly.subplots import make_subplots

        self.surface = surface
        self.moving: list[dict[str, Any]] = []
        across = columns(surface, len(tracks))
        rows = math.ceil(len(tracks) / across)
        heads = [f"<b>{plotly_text(t.label)}</b><br>{caption(t)}" for t in tracks]
        heads += [""] * (rows * across - len(heads))
        titles: list[str] = []
        for row in range(rows):
            titles += heads[row * across : (row + 1) * across] + ([""] if row == 0 else [])
        spec: list[list[dict[str, Any] | None]] = [[{} for _ in range(across)] + [None] for _ in range(rows)]
        spec[0][across] = {"rowspan": rows}
        self.plotly = make_subplots(
            rows=rows,
            cols=across + 1,
            specs=spec,
            subplot_titles=titles,
            column_widths=[MAPS / across] * across + [1 - MAPS],
            horizontal_spacing=0.06 if across < 4 else 0.04,
            vertical_spacing=min(0.12, 0.4 / rows),
        )
        looks = style_of(track.label for track in tracks)
        heights = field(surface, tracks, GRID)
        for place, track in enumerate(tracks):
            row, column = divmod(place, across)
            panel, chart = {"row": row + 1, "col": column + 1}, {"row": 1, "col": across + 1}
            self._map(heights, panel)
            for result in track.results:
                self._path(track, result, looks[track.label], panel)
            self._loss(track, looks[track.label], chart)
        self.plotly.update_xaxes(title="steps", range=[0, len(tracks[0].result.f) - 1], **chart)
        self.plotly.update_yaxes(
            title=f"height above the {lowest_name(surface)}, start = 1",
            title_standoff=4,
            type="log",
            exponentformat="power",
            range=[math.log10(FLOOR), 1.5],
            **chart,
        )
        self.plotly.update_annotations(font_size=13)
        self.plotly.update_layout(
            template="plotly_white",
            height=max(600, 170 * rows + 90),
            margin={"t": 50, "b": 50, "l": 40, "r": 10},
            hovermode="closest",
            legend={"orientation": "v"},
        )

    def _map(self, heights: tuple[np.ndarray, np.ndarray, np.ndarray], panel: dict[str, int]) -> None:
        x, y = _isolines(*heights)
        quiet = {"mode": "lines", "line": {"color": "#b4b4b4", "width": 1}, "hoverinfo": "skip", "showlegend": False}
        stars = {
            "mode": "markers",
            "marker": {"size": 15, "symbol": "star", "color": "#ffd400", "line": {"width": 1, "color": "black"}},
            "showlegend": False,
            "hovertemplate": "minimum (%{x:.4g}, %{y:.4g})<extra></extra>",
        }
        self.plotly.add_trace({"type": "scatter", **quiet, "x": x, "y": y}, **panel)
        minima_x, minima_y = ([minimum[axis] for minimum in self.surface.minima] for axis in (0, 1))
        self.plotly.add_trace({"type": "scatter", **stars, "x": minima_x, "y": minima_y}, **panel)
        x0, x1, y0, y1 = self.surface.box
        anchor = self.plotly.get_subplot(panel["row"], panel["col"]).xaxis.plotly_name.replace("axis", "")
        scale = {"scaleanchor": anchor} if equal_scales(self.surface) else {}
        self.plotly.update_xaxes(range=[x0, x1], constrain="domain", showgrid=False, zeroline=False, **panel)
        self.plotly.update_yaxes(range=[y0, y1], constrain="domain", showgrid=False, zeroline=False, **scale, **panel)

    def _path(self, track: Track, result: Any, look: tuple[str, str, str], panel: dict[str, int]) -> None:
        colour, marker, _ = look
        name, done = plotly_text(track.label), result.steps + 1
        x, y = result.evaluation[:done].T.tolist()
        steps = list(zip(range(done), result.f_evaluation[:done].tolist()))
        common = {
            "name": name,
            "legendgroup": name,
            "showlegend": False,
            "hovertemplate": f"{name}, step %{{customdata[0]}}<br>(%{{x:.4g}}, %{{y:.4g}})<br>"
            "f = %{customdata[1]:.4g}<extra></extra>",
        }
        trail = {"mode": "lines+markers", "line": {"color": colour}, "marker": {"size": 4}}
        of = self._add({**common, **trail, "x": x, "y": y, "customdata": steps}, panel)
        edge = {"color": "white", "width": 1}
        head = {"mode": "markers", "marker": {"color": colour, "symbol": marker, "size": 12, "line": edge}}
        self._add({**common, **head, "x": x[-1:], "y": y[-1:], "customdata": steps[-1:]}, panel, head_of=of)

    def _loss(self, track: Track, look: tuple[str, str, str], chart: dict[str, int]) -> None:
        colour, _, dash = look
        name, height = plotly_text(track.label), relative_height(track)
        shown = [float(each) if 0 < each < HIGHEST else None for each in height]
        line = {
            "name": name,
            "legendgroup": name,
            "x": list(range(len(shown))),
            "y": shown,
            "mode": "lines",
            "line": {"color": colour, "width": 2.5, "dash": dash},
            "hovertemplate": f"{name}, step %{{x}}: %{{y:.3g}}<extra></extra>",
        }
        self._add(line, chart)

    def _add(self, trace: dict[str, Any], place: dict[str, int], head_of: int | None = None) -> int:
        """Add a trace that moves; return its number."""
        number = len(self.plotly.data)
        self.moving.append({"trace": number, "trail": number if head_of is None else head_of})
        self.plotly.add_trace({"type": "scatter", **trace}, **place)
        return number


def _isolines(x: np.ndarray, y: np.ndarray, values: np.ndarray) -> tuple[list[float | None], list[float | None]]:
    """Return the contours as one line with gaps: unlike Plotly's own, they stay where they are while others move."""
    from matplotlib.figure import Figure

    lines = Figure().subplots().contour(x, y, np.ma.masked_invalid(values), levels=levels(values)).allsegs
    points: list[tuple[float | None, float | None]] = []
    for line in (line for level in lines for line in level):
        points += [*map(tuple, np.round(line, 4).tolist()), (None, None)]
    return [point[0] for point in points], [point[1] for point in points]
