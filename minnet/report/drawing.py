"""The charts of the page, drawn by Matplotlib: the same data in the same views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.report.charts.chart import Chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Switches = Mapping[str, str]
_BANDS = 4  # with more methods bands hide one another
_SHADES = {"train": (1.0, ""), "evaluate": (0.45, ""), "compile": (0.2, "////")}


def draw(axes: Axes, chart: Chart, switches: Switches, methods: Mapping[int, tuple[str, dict[str, Any]]]) -> bool:
    """Draw the view of a chart that the switches choose, for some methods; say whether there was anything to draw.

    Parameters
    ----------
    axes : Axes
    chart : dict
        From `minnet.report.charts.all_charts`.
    switches : mapping
        As ``start`` on the page.
    methods : mapping of int to (str, dict)
        By its place: the label and the look of each method that is drawn, in the order of rows.
    """
    key = " ".join(switches[name] for name in chart["keys"])
    view = chart["views"][key]
    traces = [t for t in chart["data"] if t["m"] in methods and t.get("view", key) == key]
    rows = {m: len(methods) - place for place, m in enumerate(methods)}
    _axis(axes.xaxis, view["x"])
    if "rows" in view:
        axes.set_yticks([*rows.values()], [label for label, _ in methods.values()], parse_math=False)
        axes.set_ylim(0.4, len(methods) + 0.6)
        axes.grid(False, axis="y")
    else:
        _axis(axes.yaxis, view["y"])
    _pairs(axes, traces, rows)
    banded = len({t["m"] for t in traces if t.get("low")}) <= _BANDS
    lefts = dict.fromkeys(rows, 0.0)
    for trace in traces:
        _trace(axes, trace, switches, methods[trace["m"]][1], rows[trace["m"]], banded, lefts)
    for note in view.get("rows", []):
        if note["m"] in rows:
            x, side = (0.99, "right") if note.get("right") else (0.01, "left")
            text = note["text"].replace("◀ ", "").replace(" ▶", "")
            where = ("axes fraction", "data")
            axes.annotate(
                text, (x, rows[note["m"]]), xycoords=where, ha=side, va="center", color="0.35", fontsize="small"
            )
    return bool(traces)


def draw_matrix(axes: Axes, counts: list[list[int]], classes: list[str]) -> None:
    """Draw a confusion matrix; shades leave out the diagonal."""
    from matplotlib.colors import LinearSegmentedColormap

    table = np.array(counts)
    wrong = table - np.diag(np.diag(table))
    axes.imshow(wrong, cmap=LinearSegmentedColormap.from_list("wrong", ["#f5f6f8", "#e8783f"]), vmin=0)
    for (true, predicted), count in np.ndenumerate(table):
        axes.text(predicted, true, str(count), ha="center", va="center", fontsize="small")
    axes.set_xticks(range(len(classes)), classes, parse_math=False)
    axes.set_yticks(range(len(classes)), classes, parse_math=False)
    axes.grid(False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")


def _trace(
    axes: Axes,
    trace: Mapping[str, Any],
    switches: Switches,
    look: dict[str, Any],
    row: int,
    banded: bool,
    lefts: dict[int, float],
) -> None:
    x, y, low, high = (_numbers(trace.get(name), switches) for name in ("x", "y", "low", "high"))
    colour = look["color"]
    match trace["role"]:
        case "line":
            axes.plot(x, y, markevery=max(1, x.size // 8), **look)
            if low.size and (banded or trace.get("banded")):
                axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
        case "steps":
            axes.step(x, y, where="post", markevery=max(1, x.size // 8), **look)
        case "seed":
            axes.plot(x, np.full(x.size, row), **{**look, "linestyle": "none", "alpha": 0.75})
        case "bar":
            axes.plot(x, [row], "|", color=colour, markersize=11, markeredgewidth=2, markeredgecolor=colour)
        case part:
            alpha, hatch = _SHADES[part]
            fill = (*_rgb(colour), alpha)
            axes.barh(
                [row], x, 0.62, left=lefts[trace["m"]], color=[fill], hatch=hatch, edgecolor=colour, linewidth=0.6
            )
            lefts[trace["m"]] += float(x[0])


def _pairs(axes: Axes, traces: list[dict[str, Any]], rows: Mapping[int, int]) -> None:
    """Join the points of equal seeds from row to row."""
    seeds: dict[int, list[tuple[float, int]]] = {}
    for trace in traces:
        if trace["role"] == "seed":
            for x, seed in zip(trace["x"], trace["custom"]):
                seeds.setdefault(seed, []).append((x, rows[trace["m"]]))
    for points in seeds.values():
        points.sort(key=lambda point: point[1])
        axes.plot(*zip(*points), color="0.75", linewidth=0.5, marker="", zorder=0)


def _axis(axis: Any, given: Mapping[str, Any]) -> None:
    """Set scale, range, label and ticks of an axis that is described in the words of Plotly."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    log = given.get("type") == "log"
    name = axis.axis_name
    if log:
        getattr(axis.axes, f"set_{name}scale")("log")
    axis.set_label_text(given["title"]["text"])
    if "range" in given:
        low, high = (10**end if log else end for end in given["range"])
        getattr(axis.axes, f"set_{name}lim")(low, high)
    elif given.get("rangemode") == "tozero":
        axis.axes.margins(**{name: 0.02})
    if "%" in given.get("tickformat", ""):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g} %"))
    elif "tickvals" in given:
        axis.set_ticks(given["tickvals"], [f"{each:g}" for each in given["tickvals"]])
        axis.set_minor_formatter(NullFormatter())
    elif log:
        wide = "range" in given and given["range"][1] - given["range"][0] > 2
        axis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    elif given["title"]["text"] in ("epochs", "tuning trials"):
        axis.set_major_locator(MaxNLocator(integer=True))
    if not given.get("showticklabels", True):
        axis.set_ticklabels([])


def _numbers(value: Any, switches: Switches) -> np.ndarray:
    """Return the numbers of an attribute in the current view; NaN for what is missing."""
    if isinstance(value, Mapping):
        value = value.get(switches[value["by"]])
    return np.array([np.nan if each is None else each for each in value or []], dtype=np.float64)


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
