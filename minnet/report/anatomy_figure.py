"""The anatomy of a step as a picture: one panel per quantity, over the steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from minnet.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = (".png", ".svg", ".pdf")
_COLOUR = "#1f5f99"
_WIDTH, _PANEL = 6.5, 0.95  # inches


def write_anatomy(rows: Sequence[dict[str, float]], title: str, place: str, path: str | Path) -> Path:
    """Draw what happens to one weight, and write it as PNG, SVG or PDF.

    Parameters
    ----------
    rows : list of dict
        One per step, of the same keys; "t" is the step.
    title, place : str
        What stands above the picture.
    path : str or Path

    Raises
    ------
    InputError
        For another kind of file.
    """
    path = Path(path)
    if path.suffix.lower() not in KINDS:
        raise InputError(f"cannot draw {path.name}: its name must end in {', '.join(KINDS)}")
    figure = anatomy_figure(rows, title, place)
    figure.savefig(path, dpi=150)
    return path


def anatomy_figure(rows: Sequence[dict[str, float]], title: str, place: str) -> Figure:
    """Return the picture: safe in any thread."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [name for name in rows[0] if name != "t"]
    figure = Figure(figsize=(_WIDTH, 0.9 + _PANEL * len(names)), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{title}\n{place}", fontsize=8)
    axes = np.atleast_1d(figure.subplots(len(names), 1, sharex=True))
    t = np.array([row["t"] for row in rows])
    for ax, name in zip(axes, names):
        values = np.array([row[name] for row in rows])
        if name in ("g", "Δw"):
            ax.vlines(t, 0, values, color=_COLOUR, linewidth=1)
        else:
            ax.plot(t, values, color=_COLOUR, linewidth=1.2)
        if values.min() < 0 < values.max():
            ax.axhline(0, color="0.75", linewidth=0.6, zorder=0)
        ax.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
        ax.tick_params(labelsize=6)
        ax.yaxis.get_offset_text().set_fontsize(6)
        ax.spines[["top", "right"]].set_visible(False)
        ax.ticklabel_format(axis="y", scilimits=(-3, 4))
    axes[-1].set_xlabel("step", fontsize=8)
    return figure
