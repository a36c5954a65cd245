"""The charts of a comparison as files for a paper or a slide: PNG and SVG, one column wide."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.report.curves import bands
from minnet.report.facts import Comparison, Facts, gather, has_validation
from minnet.report.palette import style_of
from minnet.report.text import is_number, short
from minnet.report.verdict import column

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = {
    "circle": "o",
    "square": "s",
    "diamond": "D",
    "triangle-up": "^",
    "triangle-down": "v",
    "triangle-left": "<",
    "triangle-right": ">",
    "cross": "P",
    "x": "X",
    "star": "*",
    "pentagon": "p",
    "hexagon": "h",
    "hourglass": "d",
    "bowtie": "8",
}
_DASHES: Mapping[str, Any] = {
    "solid": "solid",
    "dash": (0, (5, 2)),
    "dot": (0, (1, 1.5)),
    "dashdot": (0, (5, 1.5, 1, 1.5)),
}
_COLUMN = 3.5  # inches: one column of a paper
_SMALL = 7


def write_figures(comparison: Comparison, folder: str | Path) -> list[Path]:
    """Write every chart as PNG (300 dpi) and SVG.

    Safe in any thread: it uses Matplotlib's objects, no pyplot and no global settings.

    Parameters
    ----------
    comparison : Comparison
    folder : str or Path
        Made when missing; receives ``curves_loss``, ``curves_accuracy``, ``lr_sensitivity``, ``leaderboard``.

    Returns
    -------
    list of Path
        The files written.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    facts = gather(comparison)
    figures = {
        "curves_loss": curves_figure(comparison, facts, "loss"),
        "curves_accuracy": curves_figure(comparison, facts, "accuracy"),
        "lr_sensitivity": sensitivity_figure(comparison, facts),
        "leaderboard": leaderboard_figure(facts),
    }
    written = []
    for name, figure in figures.items():
        for kind, options in (("png", {"dpi": 300}), ("svg", {"metadata": {"Date": None}})):
            path = target / f"{name}.{kind}"
            figure.savefig(path, format=kind, **options)
            written.append(path)
    return written


def curves_figure(comparison: Comparison, facts: list[Facts], measure: str) -> Figure:
    """Return median and band over epochs, on validation data where there are any."""
    from matplotlib.ticker import MaxNLocator

    split = "validation" if has_validation(comparison) else "training"
    figure, axes = _figure(2.9)
    looks = _looks(facts)
    drawn = bands(comparison.curves, [f.name for f in facts], column(measure, split))
    for name, each in drawn.items():
        if not each.finite:
            continue
        look = looks[name]
        every = max(1, len(each.epochs) // 8)
        axes.plot(each.epochs, each.median, markevery=every, **look)
        axes.fill_between(each.epochs, each.low, each.high, color=look["color"], alpha=0.18, linewidth=0)
    shown = [each for each in drawn.values() if each.finite]
    if not shown:
        _say(axes, "no finite run")
    elif measure == "loss":
        axes.set_yscale("log")
        starts = [each.median[0] for each in shown if np.isfinite(each.median[0])]
        if starts and axes.get_ylim()[1] > 3 * max(starts):
            axes.set_ylim(top=3 * max(starts))
        _plain_log(axes)
    else:
        _zoom(axes, np.concatenate([each.median[1:] for each in shown]))
        _percent(axes.yaxis)
        target = comparison.experiment.get("target")
        if split == "validation" and is_number(target):
            axes.axhline(float(target), color="0.5", linewidth=0.8, linestyle=":", zorder=0)
    axes.set_xlabel("epochs", fontsize=_SMALL + 1)
    axes.set_ylabel(f"{split} {measure}", fontsize=_SMALL + 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(figure, [f.name for f in facts], looks)
    return figure


def sensitivity_figure(comparison: Comparison, facts: list[Facts]) -> Figure:
    """Return the accuracy of the tuning trials against the step size; diverged trials lie at the bottom."""
    split = "validation" if has_validation(comparison) else "training"
    figure, axes = _figure(2.9)
    looks = _looks(facts)
    for fact in facts:
        table, look = fact.tuning, looks[fact.name]
        good = table[~table["diverged"]]
        axes.plot(good["lr"], good["accuracy"], **(look if fact.only_lr else {**look, "linestyle": "none"}))
        chosen = table[table["selected"]]
        axes.plot(
            chosen["lr"],
            chosen["accuracy"],
            "o",
            ms=10,
            mfc="none",
            mec=look["color"],
            mew=1.2,
            linestyle="none",
        )
    axes.set_xscale("log")
    known = np.concatenate([np.empty(0), *(f.tuning["accuracy"].dropna().to_numpy() for f in facts)])
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    span = max(high - low, 0.01)
    floor = low - 0.12 * span
    lost = [f for f in facts if f.tuning["diverged"].any()]
    for place, fact in enumerate(lost):
        lr = fact.tuning.loc[fact.tuning["diverged"], "lr"]
        height = floor - (0.05 * span * place if len(lost) < 8 else 0.0)
        axes.plot(lr, np.full(len(lr), height), **{**looks[fact.name], "linestyle": "none"})
    if lost:
        bottom = floor - 0.05 * span * (len(lost) if len(lost) < 8 else 1)
        axes.axhline(low - 0.06 * span, color="0.7", linewidth=0.6)
        axes.set_ylim(bottom, high + 0.07 * span)
        axes.annotate(
            "diverged",
            (0.01, low - 0.07 * span),
            xycoords=("axes fraction", "data"),
            fontsize=_SMALL - 1,
            color="0.35",
            va="top",
        )
    _percent(axes.yaxis, floor=low - 0.06 * span)
    if not known.size:
        axes.set_yticks([])
    axes.set_xlabel("step size (learning rate)", fontsize=_SMALL + 1)
    axes.set_ylabel(f"{split} accuracy", fontsize=_SMALL + 1)
    _legend(figure, [f.name for f in facts], looks)
    return figure


def leaderboard_figure(facts: list[Facts]) -> Figure:
    """Return the test accuracy of every seed with the medians, best method on top."""
    from matplotlib.ticker import MaxNLocator

    figure, axes = _figure(0.75 + 0.22 * max(len(facts), 3))
    looks = _looks(facts)
    for place, fact in enumerate(facts):
        look = looks[fact.name]
        scores = [score for score in fact.scores.values() if is_number(score)]
        axes.plot(scores, [-place] * len(scores), **{**look, "linestyle": "none", "alpha": 0.7})
        if is_number(fact.test):
            axes.plot([fact.test], [-place], "|", color=look["color"], markersize=12, markeredgewidth=2)
    if not any(is_number(f.test) for f in facts):
        _say(axes, "no final run finished")
    axes.set_yticks([-place for place in range(len(facts))])
    axes.set_yticklabels([printable(f.name, 24) for f in facts], fontsize=_SMALL, parse_math=False)
    axes.set_ylim(0.6 - max(len(facts), 1), 0.6)
    axes.grid(False, axis="y")
    _percent(axes.xaxis)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlabel("test accuracy (bar: median)", fontsize=_SMALL + 1)
    return figure


def _figure(height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_COLUMN, height), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(True, color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=_SMALL, which="both")
    return figure, axes


def _looks(facts: list[Facts]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "color": colour,
            "marker": _MARKERS[marker],
            "linestyle": _DASHES[dash],
            "markersize": 4.5,
            "linewidth": 1.4,
            "markeredgecolor": "white",
            "markeredgewidth": 0.4,
        }
        for name, (colour, marker, dash) in style_of(f.name for f in facts).items()
    }


def _legend(figure: Figure, names: list[str], looks: Mapping[str, dict[str, Any]]) -> None:
    from matplotlib.lines import Line2D

    if not names:
        return
    handles = [Line2D([], [], **looks[name]) for name in names]
    labels = [printable(name, 24) for name in names]
    columns = 4 if max(map(len, labels)) <= 9 else 2
    legend = figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=min(columns, len(names)),
        fontsize=_SMALL,
        frameon=False,
        handlelength=2.4,
        columnspacing=1.0,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def printable(name: str, length: int = 32) -> str:
    """Return a label that Matplotlib can set: known glyphs only, and not hidden for a leading underscore.

    Examples
    --------
    >>> printable("_mine 🦁")
    ' _mine ?'
    """
    known = _glyphs()
    text = "".join(c if ord(c) in known else "?" for c in short(name, length))
    return f" {text}" if text.startswith("_") else text


@cache
def _glyphs() -> frozenset[int]:
    """Return the characters of the font that comes with Matplotlib."""
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def _percent(axis: Any, floor: float = 0.0) -> None:
    """Label an axis in per cent, from `floor` on."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.5g} %" if value >= floor else ""))


def _plain_log(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_ylim()
    wide = high / low > 1000
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _zoom(axes: Axes, values: np.ndarray) -> None:
    """Show the race: the start, one random guess for all, lies below the axis."""
    values = values[np.isfinite(values)]
    if values.size and np.quantile(values, 0.1) < values.max():
        low, high = float(np.quantile(values, 0.1)), float(values.max())
        axes.set_ylim(low - 0.08 * (high - low), min(high + 0.08 * (high - low), 1.002))


def _say(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=_SMALL + 1, transform=axes.transAxes)
