"""What every picture of a race on a surface shows: the map, the heights of the loss, the words, the moments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minnet.surfaces import Surface, Track

WIDTH, HEIGHT = 16.0, 9.0  # inches: a slide
MAPS = 0.62  # share of the width that the maps get
ROW = 1.9  # a row of maps is never lower
MOST = 3  # columns of maps: captions need the width
FLOOR = 1e-10  # relative heights below this are off the chart
HIGHEST = 1e6  # and what diverges is drawn up to here
LEVELS = 14
WIDEST = 5.0  # boxes up to this ratio are drawn with equal scales, so that gradients cross contours at right angles
EVERY, MOMENTS = 30, 80  # an animation shows each of the first steps, and so many of the later ones


def relative_height(track: Track) -> np.ndarray:
    """Return (f − lowest) / (f₀ − lowest) after every step, NaN after a divergence; array of shape (steps + 1,).

    Of several starts, the median (of an even number, the larger of the two in the middle).
    """
    above = np.stack([result.f_evaluation for result in track.results]) - track.lowest
    first = above[:, :1]
    shares = np.divide(above, first, out=above.copy(), where=first > 0)
    middle = np.sort(np.where(np.isnan(shares), np.inf, shares), axis=0)[len(shares) // 2]
    return np.where(np.isinf(middle), np.nan, middle)


def caption(track: Track) -> str:
    """Return what a panel says about its method.

    Examples
    --------
    >>> from minnet import surfaces
    >>> caption(surfaces.race(surfaces.ravine(1), ["sgd"], steps=3, lr=1.0)[0])
    'step size 1, 1 step to 1e-6'
    """
    if len(track.results) > 1:
        what = f"1e-6 from {track.arrived} of {len(track.results)} starts"
    elif track.result.diverged:
        what = f"diverged at step {track.result.steps + 1}"
    elif track.exact is not None:
        what = f"{track.exact} step{'' if track.exact == 1 else 's'} to 1e-6"
    elif track.near is not None:
        what = f"{track.near} step{'' if track.near == 1 else 's'} to 1e-2"
    else:
        what = "1e-2 not reached"
    return f"step size {track.lr:.3g}, {what}"


def lowest_name(surface: Surface) -> str:
    """Return what heights are measured from, for an axis."""
    return "lowest value found" if surface.lowest is None else "minimum"


def columns(surface: Surface, count: int) -> int:
    """Return the number of columns that makes the maps of so many methods largest."""
    x0, x1, y0, y1 = surface.box
    aspect = min(max((x1 - x0) / (y1 - y0), 1 / WIDEST), WIDEST)

    def size(columns: int) -> float:
        width, height = WIDTH * MAPS / columns, max(HEIGHT / math.ceil(count / columns), ROW) - 0.7
        return min(width / aspect, height)

    return max(range(1, min(count, MOST) + 1), key=size)


def equal_scales(surface: Surface) -> bool:
    """Say whether the map has room for equal scales."""
    x0, x1, y0, y1 = surface.box
    return 1 / WIDEST <= (x1 - x0) / (y1 - y0) <= WIDEST


def field(surface: Surface, tracks: Sequence[Track], grid: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the map: x (grid,), y (grid,), and log10 of the relative height of shape (grid, grid).

    Where the smallest value of the surface is not known, heights are above the smallest one on the map; what is not
    finite is NaN.
    """
    x0, x1, y0, y1 = surface.box
    x, y = np.linspace(x0, x1, grid), np.linspace(y0, y1, grid)
    values = np.array(surface.value(*np.meshgrid(x, y)), dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    if np.isnan(values).all():
        return x, y, np.zeros_like(values)
    lowest = float(np.nanmin(values)) if surface.lowest is None else surface.lowest
    height = max(float(result.f_evaluation[0]) for result in tracks[0].results) - lowest
    return x, y, np.log10(np.maximum((values - lowest) / (height if height > 0 else 1.0), 1e-12))


def levels(values: np.ndarray) -> np.ndarray:
    """Return the heights of the contours."""
    low, high = max(-3.5, float(np.nanmin(values))), float(np.nanmax(values))
    return np.linspace(low, high if high > low else low + 1, LEVELS)


def moments(steps: int) -> list[int]:
    """Return the steps that an animation shows: every one at first, then ever fewer.

    Examples
    --------
    >>> moments(3), len(moments(500)), moments(500)[-3:]
    ([0, 1, 2, 3], 110, [466, 483, 500])
    """
    later = np.geomspace(EVERY, max(EVERY, steps), MOMENTS).round().astype(int).tolist()
    return sorted({*range(min(EVERY, steps) + 1), *(t for t in later if t <= steps)})
