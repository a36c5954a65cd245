"""The charts of a comparison as files for a paper or a slide, one or two columns wide, and an overview."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.files import whole
from minnet.report.curves import bands
from minnet.report.facts import Comparison, Facts, crowded, gather, has_validation, rings
from minnet.report.palette import style_of
from minnet.report.text import is_number, short
from minnet.report.verdict import column

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Looks = Mapping[str, dict[str, Any]]

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
WIDTHS = {"one": 3.5, "two": 7.16}  # inches: columns of a paper
STYLE = Path(__file__).parent / "styles" / "paper.mplstyle"
CHARTS = {
    "target": "time_to_target",
    "profile": "performance_profile",
    "budget": "best_after_k_trials",
    "gradients": "gradient_norm_layer1",
    "ratios": "update_ratio_layer1",
    "steps": "effective_step",
    "schedule": "schedule",
    "times": "time_split",
}
_UNDATED: Mapping[str, Any] = {"png": None, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
_STYLE = threading.Lock()  # the settings of Matplotlib are one for all threads
_SMALL = 7  # points, in a figure of one column
_WIDE = (12.0, 4.4)  # inches: the overview, as wide as a screen
_LARGE = 10.5
_BANDS = 4  # with more methods bands hide one another


def write_figures(
    comparison: Comparison,
    folder: str | Path,
    kinds: Sequence[str] = ("png", "svg"),
    width: str = "one",
    everything: bool = False,
) -> list[Path]:
    """Write the charts as files.

    It uses Matplotlib's objects and no pyplot. The style sheet (``styles/paper.mplstyle``) holds while figures are
    written, for one thread after another.

    Parameters
    ----------
    comparison : Comparison
    folder : str or Path
        Made when missing; receives ``curves_loss``, ``curves_accuracy``, ``lr_sensitivity``, ``leaderboard`` at 300
        dpi, and ``overview``, 2400 pixels wide.
    kinds : sequence of {"png", "svg", "pdf"}
    width : {"one", "two"}
        Columns of a paper that a figure takes: 3.5 or 7.16 inches.
    everything : bool
        Whether to write all other charts of the page as well.

    Returns
    -------
    list of Path
        The files written.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    facts = gather(comparison)
    written = []
    with style():
        for name, figure in _figures(comparison, facts, WIDTHS[width], everything):
            for kind in kinds:
                path = target / f"{name}.{kind}"
                with whole(path) as part:
                    figure.savefig(part, format=kind, dpi=200 if name == "overview" else 300, metadata=_UNDATED[kind])
                written.append(path)
    return written


def write_overview(comparison: Comparison, path: Path, dpi: int = 100) -> None:
    """Write the overview alone, as PNG, 12 inches wide."""
    with style():
        overview_figure(comparison, gather(comparison)).savefig(path, dpi=dpi, metadata=None)


@contextmanager
def style() -> Iterator[None]:
    """Let the style sheet hold, for one thread after another."""
    import matplotlib.style

    with _STYLE, matplotlib.style.context(STYLE):
        yield


def _figures(
    comparison: Comparison, facts: list[Facts], width: float, everything: bool
) -> Iterator[tuple[str, Figure]]:
    """Yield every figure with its name."""
    yield "curves_loss", curves_figure(comparison, facts, "loss", width)
    yield "curves_accuracy", curves_figure(comparison, facts, "accuracy", width)
    yield "lr_sensitivity", sensitivity_figure(comparison, facts, width)
    yield "leaderboard", leaderboard_figure(facts, width)
    yield "overview", overview_figure(comparison, facts)
    if everything:
        yield from _charts(comparison, facts, width)


def _charts(comparison: Comparison, facts: list[Facts], width: float) -> Iterator[tuple[str, Figure]]:
    from minnet.report.charts import all_charts, layers_of

    charts = all_charts(comparison, facts)
    layers = layers_of(comparison)
    views = {name: (file, {"axis": "epochs", "target": "0", "layer": "1"}) for name, file in CHARTS.items()}
    for layer in layers[1:]:
        for name in ("gradients", "ratios"):
            views[f"{name} {layer}"] = (CHARTS[name].replace("1", str(layer)), {"axis": "epochs", "layer": str(layer)})
    for name, (file, switches) in views.items():
        yield file, chart_figure(charts[name.split()[0]], switches, facts, width)
    for fact in crowded(facts):
        if portrait := comparison.portraits.get(fact.name):
            yield from _portrait(portrait, "".join(c if c.isalnum() else "_" for c in short(fact.name, 40)), width)


def chart_figure(chart: dict[str, Any], switches: Mapping[str, str], facts: list[Facts], width: float = 3.5) -> Figure:
    """Return one chart of the page as it stands there with these switches."""
    from minnet.report.drawing import draw

    looks, leaders = _looks(facts), crowded(facts)
    rows = "rows" in next(iter(chart["views"].values()))
    figure, (axes,) = _figure(width, 0.75 + 0.22 * max(len(leaders), 3) if rows else _height(facts))
    methods = {m: (printable(f.name, 24), looks[f.name]) for m, f in enumerate(leaders)}
    if not draw(axes, chart, switches, methods):
        _say(axes, "nothing to draw", _SMALL)
    elif not rows:
        _legend(figure, facts, looks)
    return figure


def _portrait(portrait: Mapping[str, Any], name: str, width: float) -> Iterator[tuple[str, Figure]]:
    """Yield confusion matrix, first-layer weights and worst mistakes of one run."""
    from minnet.report.drawing import draw_matrix
    from minnet.report.images import first_layer, mistake

    figure, (axes,) = _figure(width, width * 0.85)
    draw_matrix(axes, portrait["confusion"], [printable(c, 12) for c in portrait["classes"]])
    yield f"confusion_{name}", figure
    if not portrait.get("units"):
        return
    figure, (axes,) = _figure(width, width * 0.3)
    axes.imshow(first_layer(portrait), cmap="PuOr_r", vmin=-1, vmax=1)
    axes.set_axis_off()
    yield f"first_layer_{name}", figure
    mistakes = portrait["mistakes"]
    if mistakes:
        figure, panels = _figure(width, width * 0.3, panels=len(mistakes))
        for place, (axes, each) in enumerate(zip(panels, mistakes)):
            axes.imshow(255 - mistake(portrait, place), cmap="gray", vmin=0, vmax=255)
            axes.set_axis_off()
            true, predicted = (printable(portrait["classes"][each[key]], 6) for key in ("true", "predicted"))
            axes.set_title(f"{true} → {predicted}", fontsize=_SMALL - 1, parse_math=False)
        yield f"mistakes_{name}", figure


def curves_figure(comparison: Comparison, facts: list[Facts], measure: str, width: float = 3.5) -> Figure:
    """Return the medians over epochs, on validation data where there are any; with few methods bands too."""
    figure, (axes,) = _figure(width, _height(facts))
    _draw_curves(axes, comparison, crowded(facts), measure, _looks(facts))
    _legend(figure, facts, _looks(facts))
    return figure


def sensitivity_figure(comparison: Comparison, facts: list[Facts], width: float = 3.5) -> Figure:
    """Return the accuracy of the tuning trials against the step size; diverged trials lie at the bottom."""
    figure, (axes,) = _figure(width, _height(facts))
    _draw_sensitivity(axes, comparison, crowded(facts), _looks(facts))
    _legend(figure, facts, _looks(facts))
    return figure


def leaderboard_figure(facts: list[Facts], width: float = 3.5) -> Figure:
    """Return the test accuracy of every seed with the medians, best method on top."""
    figure, (axes,) = _figure(width, 0.75 + 0.22 * max(len(facts), 3))
    _draw_scores(axes, facts, _looks(facts))
    return figure


def overview_figure(comparison: Comparison, facts: list[Facts]) -> Figure:
    """Return accuracy over epochs, sensitivity to the step size and final accuracies side by side, with one legend."""
    figure, (left, middle, right) = _figure(*_WIDE, panels=3, size=_LARGE)
    leaders, looks = crowded(facts), _looks(facts, 1.35)
    _draw_curves(left, comparison, leaders, "accuracy", looks, _LARGE)
    _magnify(left, comparison, leaders, looks)
    _draw_sensitivity(middle, comparison, leaders, looks, _LARGE)
    _draw_scores(right, leaders, looks, _LARGE)
    titles = ("Accuracy in training", "Sensitivity to the step size", "Test accuracy, one point per seed")
    for axes, title in zip((left, middle, right), titles, strict=True):
        axes.set_title(title, fontsize=_LARGE + 1.5, loc="left")
    _legend(figure, facts, looks, _LARGE)
    return figure


def _magnify(axes: Axes, comparison: Comparison, facts: list[Facts], looks: Looks) -> None:
    """Draw the end of the race once more, larger, in the room below the curves."""
    from matplotlib.ticker import MaxNLocator

    split = "validation" if has_validation(comparison) else "training"
    drawn = bands(comparison.curves, [f.name for f in facts], column("accuracy", split))
    later = np.concatenate([np.empty(0), *(each.median[1:] for each in drawn.values())])
    later = later[later > 0]
    if later.size < 3 or np.quantile(later, 0.2) < 0.6 or later.max() - np.quantile(later, 0.2) < 1e-6:
        return  # no room, or nothing to see
    inset = axes.inset_axes((0.3, 0.14, 0.67, 0.5))
    for name, each in drawn.items():
        inset.plot(each.epochs, each.median, **{**looks[name], "marker": "", "linewidth": 1.4})
    low, high = float(np.quantile(later, 0.2)), float(later.max())
    inset.set_ylim(low - 0.1 * (high - low), min(high + 0.1 * (high - low), 1.002))
    inset.set_xlim(left=0)
    inset.grid(True, color="0.9", linewidth=0.6)
    inset.tick_params(labelsize=_LARGE - 1.5)
    inset.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    inset.yaxis.set_major_locator(MaxNLocator(4))
    _percent(inset.yaxis)
    for label in inset.get_yticklabels():
        label.set_bbox({"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1})


def _height(facts: list[Facts]) -> float:
    """Return the height of a figure of one column, in inches, with room for its legend."""
    return 2.9 if len(facts) <= 8 else 3.3


def _draw_curves(
    axes: Axes, comparison: Comparison, facts: list[Facts], measure: str, looks: Looks, size: float = _SMALL
) -> None:
    from matplotlib.ticker import MaxNLocator

    split = "validation" if has_validation(comparison) else "training"
    drawn = bands(comparison.curves, [f.name for f in facts], column(measure, split))
    shown = {name: each for name, each in drawn.items() if each.finite}
    for name, each in shown.items():
        axes.plot(each.epochs, each.median, markevery=max(1, len(each.epochs) // 8), **looks[name])
        if len(shown) <= _BANDS:
            axes.fill_between(each.epochs, each.low, each.high, color=looks[name]["color"], alpha=0.18, linewidth=0)
    if not shown:
        _say(axes, "no finite run", size)
    elif measure == "loss":
        axes.set_yscale("log")
        starts = [each.median[0] for each in shown.values() if np.isfinite(each.median[0])]
        if starts and axes.get_ylim()[1] > 3 * max(starts):
            axes.set_ylim(top=3 * max(starts))
        _plain_log(axes)
    else:
        axes.set_ylim(top=1.01)
        _percent(axes.yaxis)
        target = comparison.experiment.get("target")
        if split == "validation" and is_number(target):
            axes.axhline(float(target), color="0.5", linewidth=0.8, linestyle=":", zorder=0)
    axes.set_xlabel("epochs", fontsize=size + 1)
    axes.set_ylabel(f"{split} {measure}", fontsize=size + 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_sensitivity(
    axes: Axes, comparison: Comparison, facts: list[Facts], looks: Looks, size: float = _SMALL
) -> None:
    split = "validation" if has_validation(comparison) else "training"
    for place, fact in enumerate(facts):
        table, look = fact.tuning, looks[fact.name]
        good, chosen = table[~table["diverged"]], table[table["selected"]]
        axes.plot(good["lr"], good["accuracy"], **(look if fact.only_lr else {**look, "linestyle": "none"}))
        wide = (
            (1.4 if size < 9 else 1.15) * size * (1 + 0.3 * rings(facts[:place], fact))
        )  # around one another where methods chose the same
        axes.plot(chosen["lr"], chosen["accuracy"], "o", ms=wide, mfc="none", mec=look["color"], mew=1.2)
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
        axes.set_ylim(bottom, high + 0.1 * span)
        where, below = ("axes fraction", "data"), low - 0.07 * span
        axes.annotate("diverged", (0.01, below), xycoords=where, fontsize=size - 1, color="0.35", va="top")
    _percent(axes.yaxis, floor=low - 0.06 * span)
    if not known.size:
        axes.set_yticks([])
    axes.set_xlabel("step size (ring: selected)", fontsize=size + 1)
    axes.set_ylabel(f"{split} accuracy", fontsize=size + 1)


def _draw_scores(axes: Axes, facts: list[Facts], looks: Looks, size: float = _SMALL) -> None:
    from matplotlib.ticker import MaxNLocator

    for place, fact in enumerate(facts):
        look = looks[fact.name]
        scores = [score for score in fact.scores.values() if is_number(score)]
        axes.plot(scores, [-place] * len(scores), **{**look, "linestyle": "none", "alpha": 0.7})
        if is_number(fact.test) and scores and fact.test > 0:
            axes.plot([fact.test], [-place], "|", color=look["color"], markersize=1.7 * size, markeredgewidth=2)
        if len(scores) < len(fact.scores):
            text = f"{len(fact.scores) - len(scores)} of {len(fact.scores)} diverged: 0 %"
            where = ("axes fraction", "data")
            axes.annotate(text, (0.01, -place), xycoords=where, fontsize=size - 1, color="0.35", va="center")
    if not any(f.finished for f in facts):
        _say(axes, "no final run finished", size)
    axes.set_yticks([-place for place in range(len(facts))])
    axes.set_yticklabels([printable(f.name, 24) for f in facts], fontsize=size, parse_math=False)
    axes.set_ylim(0.6 - max(len(facts), 1), 0.6)
    axes.grid(False, axis="y")
    _percent(axes.xaxis)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlabel("test accuracy (bar: median)", fontsize=size + 1)


def _figure(width: float, height: float, panels: int = 1, size: float = _SMALL) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    drawn = list(figure.subplots(1, panels, squeeze=False)[0])
    for axes in drawn:
        axes.tick_params(labelsize=size, which="both")
    return figure, drawn


def _looks(facts: list[Facts], scale: float = 1.0) -> Looks:
    return looks((f.name for f in facts), scale)


def looks(names: Iterable[str], scale: float = 1.0) -> Looks:
    """Return how the line of every method is drawn: keywords of Matplotlib, by label."""
    return {
        name: {
            "color": colour,
            "marker": _MARKERS[marker],
            "linestyle": _DASHES[dash],
            "markersize": 4.5 * scale,
            "linewidth": 1.4 * scale,
            "markeredgecolor": "white",
            "markeredgewidth": 0.4,
        }
        for name, (colour, marker, dash) in style_of(names).items()
    }


def _legend(figure: Figure, facts: list[Facts], looks: Looks, size: float = _SMALL) -> None:
    from matplotlib.lines import Line2D

    names = [f.name for f in crowded(facts)]
    if not names:
        return
    labels = [printable(name, 24) for name in names]
    room = figure.get_figwidth() * 72 / (0.62 * size)  # in letters
    columns = max(1, int(room / (max(map(len, labels)) + 7)))
    legend = figure.legend(
        [Line2D([], [], **looks[name]) for name in names],
        labels,
        loc="outside upper center",
        ncols=min(columns, len(names)),
        fontsize=size,
        title=f"the first {len(names)} of {len(facts)} methods" if len(names) < len(facts) else None,
        title_fontsize=size,
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


def _say(axes: Axes, text: str, size: float) -> None:
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=size + 1, transform=axes.transAxes)
