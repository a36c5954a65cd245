"""The picture of a landscape: paths on their plane, lines between solutions, sharpness along the paths."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.errors import InputError
from minnet.report.figures import _DASHES, _MARKERS, _UNDATED, printable
from minnet.report.palette import style_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minnet.landscape import Landscape, Line

WIDTH, HEIGHT = 16.0, 7.2  # inches: a slide
SHARES = (1.25, 0.8, 1.0)  # of the width: map, lines, sharpness
KINDS = (".png", ".svg", ".pdf")
LEVELS = 13
ROOM = 2.0  # above and below the sharpness, as a factor
HIGHEST = 10.0  # contours end at so many times the loss of the start
TITLE, LABEL, TICK = 15, 13, 11
Looks = Mapping[str, dict[str, Any]]


def write_landscape(found: Landscape, title: str, path: str | Path) -> Path:
    """Write the picture as a PNG, SVG or PDF file.

    Parameters
    ----------
    found : Landscape
    title : str
        What stands above it.
    path : str or Path

    Raises
    ------
    InputError
        For another ending.
    """
    target = check_ending(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    kind = target.suffix.lower()[1:]
    landscape_figure(found, title).savefig(target, format=kind, dpi=120, metadata=_UNDATED[kind])
    return target


def check_ending(path: str | Path) -> Path:
    """Return the path if its ending names a kind of picture.

    Examples
    --------
    >>> check_ending("landscape.PDF").name
    'landscape.PDF'
    """
    target = Path(path)
    if target.suffix.lower() not in KINDS:
        raise InputError(f"the ending of {target.name!r} names no kind of picture: write one of {', '.join(KINDS)}")
    return target


def landscape_figure(found: Landscape, title: str) -> Figure:
    """Return the picture as a Matplotlib figure."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    figure.suptitle(title, fontsize=TITLE + 2, x=0.01, ha="left", parse_math=False)
    places = figure.add_gridspec(2, 3, width_ratios=SHARES)
    looks = _looks(found)
    _map(figure.add_subplot(places[:, 0]), found, looks)
    _lines(figure.add_subplot(places[0, 1]), found, looks, "loss")
    _lines(figure.add_subplot(places[1, 1]), found, looks, "accuracy")
    _sharpness(figure.add_subplot(places[:, 2]), found, looks)
    return figure


def from_best(found: Landscape) -> list[tuple[str, Line, bool]]:
    """Return the lines between the best method and each other: the other, the line, and whether it is to be turned."""
    lines = [line for line in found.lines if found.best in (line.first, line.second)]
    return [(line.first, line, True) if line.second == found.best else (line.second, line, False) for line in lines]


def levels(loss: np.ndarray, start: float) -> np.ndarray:
    """Return losses at which to draw contours, evenly on a logarithmic scale.

    Examples
    --------
    >>> levels(np.array([0.01, 5.0]), start=1.0)[[0, -1]]
    array([0.01, 5.  ])
    """
    low = max(float(np.nanmin(loss)), 1e-12)
    return np.geomspace(low, max(min(float(np.nanmax(loss)), HIGHEST * start), low * 1.01), LEVELS)


def _map(axes: Axes, found: Landscape, looks: Looks) -> None:
    field = found.map
    steps = levels(field.loss, float(found.losses[found.walks[0].label][0]))
    axes.set(xlim=field.x[[0, -1]], ylim=field.y[[0, -1]], autoscale_on=False, aspect="equal", anchor="N")
    loss = np.ma.masked_invalid(field.loss)
    axes.contourf(field.x, field.y, np.ma.log(loss), levels=np.log(steps), cmap="Greys_r", alpha=0.3, extend="both")
    drawn = axes.contour(field.x, field.y, loss, levels=steps, colors="0.55", linewidths=0.6)
    axes.clabel(drawn, levels=steps[::2], fmt=lambda value: f"{value:.2g}", fontsize=9)
    for walk in found.walks:
        path, look = found.shadows[walk.label], looks[walk.label]
        name, share = printable(walk.label), 100 * found.plane.share(walk.points)
        plain = {**look, "linestyle": "solid", "markersize": 4.5, "linewidth": 1.8}
        axes.plot(*path.T, **plain, zorder=3)
        end = {key: look[key] for key in ("color", "marker")}
        axes.plot(*path[-1], **end, markersize=13, markeredgecolor="white", zorder=5, label=f"{name}, {share:.0f} %")
    axes.plot(*found.shadows[found.walks[0].label][0], "o", color="white", markeredgecolor="black", markersize=10,
              zorder=4, label="start")  # fmt: skip
    held = f"(it holds {100 * found.share:.0f} % of their variance)"
    _title(axes, f"Paths on their principal plane, training loss\n{held}")
    axes.set_xlabel("first direction", fontsize=LABEL)
    axes.set_ylabel("second direction", fontsize=LABEL)
    _legend(axes, title="variance held", title_fontsize=TICK)


def _lines(axes: Axes, found: Landscape, looks: Looks, what: str) -> None:
    for other, line, turned in from_best(found):
        order = slice(None, None, -1 if turned else 1)
        for part, dash in (("train", "solid"), ("val", (0, (4, 2)))):
            axes.plot(line.t, getattr(line, f"{part}_{what}")[order], color=looks[other]["color"], linestyle=dash,
                      linewidth=2, label=printable(other) if part == "train" else None)  # fmt: skip
    if not axes.lines:
        axes.text(0.5, 0.5, "needs two methods that arrive", ha="center", va="center", transform=axes.transAxes)
    _grid(axes)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 1], [printable(found.best, 20), "the other"], fontsize=LABEL)
    for label, side in zip(axes.get_xticklabels(), ("left", "right")):
        label.set(ha=side, parse_math=False)
    axes.set_ylabel(what, fontsize=LABEL)
    if what == "loss":
        _title(axes, "On the straight line between solutions\n(training —, validation - -)")
        _legend(axes)


def _sharpness(axes: Axes, found: Landscape, looks: Looks) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    values = np.concatenate([*found.sharpness.values()])
    low, high = max(values.min(), values.max() / 1e3), values.max()
    axes.set(yscale="log", ylim=(low / ROOM, high * ROOM), autoscale_on=False)
    axes.set_xlim(0, max(walk.epochs[-1] for walk in found.walks))
    for walk in found.walks:
        look, name = looks[walk.label], printable(walk.label)
        axes.plot(walk.epochs, found.sharpness[walk.label], **look, label=name)
        if walk.label in found.limits and found.limits[walk.label].min() < high * ROOM:
            limits = found.limits[walk.label]
            axes.plot(walk.epochs, limits, color=look["color"], linewidth=1.6, linestyle=(0, (1, 1.5)))
            axes.annotate(f"{name} bears {limits[-1]:.3g}", (1, limits[-1]), xytext=(0, 3), textcoords="offset points",
                          xycoords=("axes fraction", "data"), ha="right", color=look["color"], fontsize=TICK,
                          parse_math=False, annotation_clip=True)  # fmt: skip
    _grid(axes)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("epochs", fontsize=LABEL)
    axes.set_ylabel("largest eigenvalue of the Hessian", fontsize=LABEL)
    _title(axes, "Sharpness along the paths\n")
    _legend(axes, loc="upper right", ncols=2)


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=LABEL, parse_math=False)


def _grid(axes: Axes) -> None:
    axes.grid(True, color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=TICK)


def _legend(axes: Axes, **where: Any) -> None:
    if not axes.get_legend_handles_labels()[1]:
        return
    legend = axes.legend(fontsize=TICK, framealpha=0.85, edgecolor="none", **where)
    for text in legend.get_texts():
        text.set_parse_math(False)


def _looks(found: Landscape) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "color": colour,
            "marker": _MARKERS[marker],
            "linestyle": _DASHES[dash],
            "linewidth": 2.0,
            "markersize": 6,
            "markeredgecolor": "white",
            "markeredgewidth": 0.5,
        }
        for name, (colour, marker, dash) in style_of(walk.label for walk in found.walks).items()
    }
