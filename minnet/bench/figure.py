"""Races as a picture: every timed epoch of every contestant, its median, and the roof."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from minnet.bench.race import Outcome
from minnet.bench.stats import median
from minnet.errors import InputError
from minnet.report.palette import LECTURE, OTHER_COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = (".png", ".svg")
COLOURS = {
    "minnet": LECTURE["adam"].colour,
    "jax": LECTURE["momentum"].colour,
    "torch": OTHER_COLOURS[1],
    "torch-fused": LECTURE["adagrad"].colour,
    "torch-compile": OTHER_COLOURS[3],
    "sklearn": LECTURE["rmsprop"].colour,
    "roof": LECTURE["sgd"].colour,
}


def check_picture(path: Path) -> None:
    """Raise an `InputError` unless the ending names a kind of picture."""
    if path.suffix.lower() not in KINDS:
        raise InputError(f"--figure {str(path)!r}: write a name that ends in one of {', '.join(KINDS)}")


def write_figure(outcomes: Sequence[Outcome], path: Path) -> None:
    """Write the picture."""
    figure(outcomes).savefig(path, dpi=120)


def figure(outcomes: Sequence[Outcome]) -> Figure:
    """Return a row of panels for each number of cores, a panel for each batch size."""
    from matplotlib.figure import Figure

    cores = list(dict.fromkeys(outcome.task.threads for outcome in outcomes))
    rows = [[outcome for outcome in outcomes if outcome.task.threads == count] for count in cores]
    width = max(map(len, rows))
    drawn = Figure(figsize=(max(5.2 * width, 8), 1.2 + 3.4 * len(rows)), layout="constrained")
    spec = outcomes[0].task.spec
    widths = "-".join(map(str, outcomes[0].task.layout.widths))
    drawn.suptitle(
        f"{outcomes[0].task.split.name}, {widths} {spec.network.activation}, {spec.optimizer.name}, "
        f"{spec.training.dtype}: seconds per epoch",
        fontsize=16,
    )
    grid = drawn.subplots(len(rows), width, squeeze=False)
    for panels, row in zip(grid, rows):
        for axes in panels[len(row) :]:
            axes.set_visible(False)
        for axes, outcome in zip(panels, row):
            panel(axes, outcome)
    return drawn


def panel(axes: Axes, outcome: Outcome) -> None:
    """Draw a race: one line per contestant, the fastest on top."""
    lanes = sorted(outcome.lanes.values(), key=lambda lane: median(lane.timed), reverse=True)
    edge = 1.25 * max((median(lane.timed) for lane in lanes), default=1.0)
    for place, lane in enumerate(lanes):
        colour = COLOURS[lane.label.partition("@")[0]]
        middle = median(lane.timed)
        if "gflops" in lane.facts:
            axes.axvline(middle, color=colour, linestyle="--", linewidth=1.4, zorder=1)
        axes.barh(place, middle, height=0.62, color=colour, alpha=0.28, zorder=2)
        seconds, heights = np.array(lane.timed), place + np.linspace(-0.18, 0.18, len(lane.timed))
        for shown, marker in ((seconds < edge, "o"), (seconds >= edge, ">")):  # outliers lie at the edge
            if shown.any():
                x = np.minimum(seconds[shown], edge)
                axes.plot(x, heights[shown], marker, color=colour, markersize=4, alpha=0.8, zorder=3, clip_on=False)
        axes.text(middle, place + 0.33, f" {middle:.3g}", color=colour, fontsize=11, va="bottom", zorder=4)
    axes.set_yticks(range(len(lanes)), [lane.label for lane in lanes], fontsize=12)
    axes.set_xlim(0, edge)
    axes.set_ylim(-0.6, len(lanes) - 0.1)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(True, axis="x", color="0.9")
    axes.set_axisbelow(True)
    cores = outcome.task.threads
    axes.set_title(f"batch {outcome.task.batch}, {cores} core{'s' if cores > 1 else ''}", loc="left", fontsize=13)
    axes.set_xlabel("seconds per epoch", fontsize=11)
