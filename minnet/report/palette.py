"""One colour, one marker and one dash per method, the same in every figure, table and page.

The hues are those of Okabe and Ito (2008), which the colour-blind can tell apart, darkened where they would
be too pale on white; markers and dashes say the same again for print and for a weak projector.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple


class Look(NamedTuple):
    """How a method is drawn on a light ground; `marker` and `dash` are Plotly's names."""

    colour: str
    marker: str
    dash: str


# The lecture's seven keep their look wherever they appear.
LECTURE = {
    "sgd": Look("#1b1b1b", "circle", "solid"),
    "momentum": Look("#0064a8", "square", "solid"),
    "nesterov": Look("#2e9fe0", "diamond", "dash"),
    "adagrad": Look("#cc9200", "triangle-up", "dashdot"),
    "rmsprop": Look("#00895f", "triangle-down", "solid"),
    "adadelta": Look("#b8508f", "cross", "dot"),
    "adam": Look("#bd3a00", "x", "solid"),
}

# For all others: hues between those above, and markers of their own.
OTHER_COLOURS = ("#6a4bc4", "#8a6d3b", "#5f7f14", "#a01b3a", "#007c85", "#7a7a7a")
OTHER_MARKERS = ("star", "pentagon", "hexagon", "triangle-left", "triangle-right", "hourglass", "bowtie")
DASHES = ("solid", "dash", "dot", "dashdot")

# The same hues on a dark ground: lighter, ink becomes chalk.
DARK = {
    "#1b1b1b": "#f2f2f2",
    "#0064a8": "#4a9eea",
    "#2e9fe0": "#7fd0ff",
    "#cc9200": "#ffd24d",
    "#00895f": "#1fc793",
    "#b8508f": "#e58cc0",
    "#bd3a00": "#ff7433",
    "#6a4bc4": "#a891ff",
    "#8a6d3b": "#c9ab78",
    "#5f7f14": "#a8cc4a",
    "#a01b3a": "#f06a86",
    "#007c85": "#38c4cf",
    "#7a7a7a": "#a8a8a8",
}


def style_of(optimizer_names: Iterable[str]) -> dict[str, tuple[str, str, str]]:
    """Return colour, marker and dash of every method.

    The lecture's seven always look the same. Any other name gets a look drawn from its letters; within one
    call names share neither colour nor marker until all of them are used, and the two together later still.
    Where none of the seven is present, their colours are free for others.

    Parameters
    ----------
    optimizer_names : iterable of str
        Labels of the methods; repeated names count once.

    Returns
    -------
    dict of str to (colour, marker, dash)
        In the order of the names. Colours are ``#rrggbb`` for a light ground; see `dark`.

    Examples
    --------
    >>> looks = style_of(["adam", "lion"])
    >>> looks["adam"]
    Look(colour='#bd3a00', marker='x', dash='solid')
    >>> looks == style_of(["adam", "lion"])
    True
    """
    names = list(dict.fromkeys(optimizer_names))
    others = sorted(name for name in names if name not in LECTURE)
    seven = tuple(look.colour for look in LECTURE.values())
    colours = OTHER_COLOURS if len(others) < len(names) else seven
    if len(others) > len(colours):  # a crowd shares all colours, never colour and marker together
        colours = (*OTHER_COLOURS, *seven)
    used_colours, used_markers, used_dashes = set[int](), set[int](), set[int]()
    pairs = set[tuple[int, int]]()
    given: dict[str, tuple[str, str, str]] = {}
    for name in others:
        seed = int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:8], "big")
        colour = _free(seed, len(colours), used_colours)
        marker = _free(seed // 64, len(OTHER_MARKERS), used_markers)
        while (colour, marker) in pairs and len(pairs) < len(colours) * len(OTHER_MARKERS):
            marker = (marker + 1) % len(OTHER_MARKERS)
            if all((colour, each) in pairs for each in range(len(OTHER_MARKERS))):
                colour = (colour + 1) % len(colours)
        pairs.add((colour, marker))
        given[name] = Look(
            colours[colour],
            OTHER_MARKERS[marker],
            DASHES[_free(seed // 4096, len(DASHES), used_dashes)],
        )
    return {name: LECTURE.get(name) or given[name] for name in names}


def _free(wish: int, count: int, taken: set[int]) -> int:
    """Return the first number from `wish` on, modulo `count`, that is not taken, and take it."""
    if len(taken) == count:
        taken.clear()
    index = wish % count
    while index in taken:
        index = (index + 1) % count
    taken.add(index)
    return index


def dark(colour: str) -> str:
    """Return the colour that stands for `colour` on a dark ground.

    Examples
    --------
    >>> dark("#1b1b1b")
    '#f2f2f2'
    """
    return DARK.get(colour, colour)
