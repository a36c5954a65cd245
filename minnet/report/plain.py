"""A comparison for the terminal: the verdict, the leaderboard and small curves."""

from __future__ import annotations

import math
import textwrap

import numpy as np

from minnet.report import protocol, verdict
from minnet.report.charts.curves import lowest_error
from minnet.report.curves import Band, bands
from minnet.report.facts import Comparison, crowded, gather, has_validation
from minnet.report.palette import style_of
from minnet.report.tables import leaderboard_text
from minnet.report.text import number, percent, short

BLOCKS = "▁▂▃▄▅▆▇█"
WIDTH = 100
LOST = "×"  # a run that is not finite any more


def text(comparison: Comparison, width: int | None = None, plain: bool = True) -> str:
    """Return the page as text.

    Parameters
    ----------
    comparison : Comparison
    width : int, optional
        Columns of the terminal.
    plain : bool
        No colours, for a pipe or a log.
    """
    facts = gather(comparison)
    columns = width or WIDTH
    paragraphs = [protocol.title(comparison.experiment), *verdict.sentences(comparison, facts)]
    parts = ["\n".join(textwrap.wrap(each, columns)) for each in paragraphs]
    if facts:
        parts.append(leaderboard_text(comparison, width, plain))
        parts += [curves(comparison, measure, columns, plain) for measure in ("accuracy", "loss")]
    return "\n\n".join(part for part in parts if part)


def curves(comparison: Comparison, measure: str, width: int = WIDTH, plain: bool = True) -> str:
    """Return a line of blocks per method: the median over the seeds, all on one scale, from epoch 0 on.

    The scale is that of the logarithm of the loss, or of the error, so that the end of a race can be seen.
    """
    facts = crowded(gather(comparison))
    split = "validation" if has_validation(comparison) else "training"
    drawn = bands(comparison.curves, [f.name for f in facts], verdict.column(measure, split))
    floor = lowest_error(np.concatenate([np.empty(0), *(1 - band.median for band in drawn.values())]))
    with np.errstate(divide="ignore", invalid="ignore"):
        heights = {
            name: np.log10(band.median) if measure == "loss" else -np.log10(np.maximum(1 - band.median, floor))
            for name, band in drawn.items()
        }
    known = np.concatenate([np.empty(0), *heights.values()])
    known = known[np.isfinite(known)]
    if not known.size:
        return ""
    low, high = float(known.min()), float(known.max())
    names = {name: short(name, 18) for name in drawn}
    margin = max(map(len, names.values()))
    room = max(width - margin - 12, 8)
    value = number if measure == "loss" else percent
    ends = [10**end if measure == "loss" else 1 - 10**-end for end in (low, high)]
    of = "" if measure == "loss" else " of the error"
    lines = [
        f"{split} {measure}, median over the seeds: {BLOCKS[0]} is {value(ends[0])}, {BLOCKS[-1]} is {value(ends[1])} "
        f"(logarithmic scale{of})"
    ]
    looks = style_of(names)
    longest = max(len(band.epochs) for band in drawn.values())
    broad = max(1, min(room // longest, 6))  # blocks per epoch
    for name, band in drawn.items():
        blocks = spark(_resampled(heights[name], min(room, broad * len(band.epochs))), low, high)
        last = value(_last(band))
        colour = "" if plain or name == "sgd" else looks[name][0]
        lines.append(f"{names[name]:<{margin}} {_painted(blocks, colour)} {last}")
    axis = min(room, broad * longest)
    epochs = int(max(band.epochs[-1] for band in drawn.values() if band.epochs.size))
    lines.append(f"{'':<{margin}} {'0':<{axis - len(str(epochs))}}{epochs} {'epoch' if epochs == 1 else 'epochs'}")
    return "\n".join([*textwrap.wrap(lines[0], width), *lines[1:]])


def spark(values: np.ndarray, low: float, high: float) -> str:
    """Return numbers as blocks whose height says where they lie between low and high.

    Examples
    --------
    >>> spark(np.array([0.0, 0.5, 1.0, np.nan]), 0.0, 1.0)
    '▁▅█×'
    """
    span = high - low or 1.0
    places = [LOST if not math.isfinite(v) else BLOCKS[min(round((v - low) / span * 7), 7)] for v in values.tolist()]
    return "".join(places)


def _resampled(values: np.ndarray, length: int) -> np.ndarray:
    """Return the curve at evenly spread places: the nearest measured value at each."""
    if not values.size:
        return values
    return values[np.linspace(0, values.size - 1, max(length, 1)).round().astype(int)]


def _last(band: Band) -> float:
    return float(band.median[-1]) if band.median.size else math.nan


def _painted(text: str, colour: str) -> str:
    if not colour:
        return text
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"\x1b[38;2;{red};{green};{blue}m{text}\x1b[0m"
