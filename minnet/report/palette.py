"""One colour, one marker and one dash per method, the same in every figure, table and page.

The hues are those of Okabe and Ito (2008), which the colour-blind can tell apart, darkened where they would
be too pale on white; markers and dashes say the same again for print and for a weak projector.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Collection, Iterable
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
COLOURS = (*OTHER_COLOURS, *(look.colour for look in LECTURE.values()))

# Their order decides who looks how: 13 colours and 7 markers go round, so that no two share both. The first six have
# colours that none of the seven has.
OTHERS = (
    "adamw", "lion", "muon", "nadam", "radam", "lamb",
    "lbfgs", "aggmo", "madgrad", "adafactor", "rprop", "dog", "qhadam",
    "schedulefree_sgd", "shampoo", "lookahead", "sam", "lars", "adamax",
    "averaged_sgd", "qhm", "yogi", "dadapt_adam", "rmsprop_graves", "signum", "adan",
    "amsgrad", "adopt", "prodigy", "adabelief", "schedulefree_adamw", "soap",
    "ademamix",
)  # fmt: skip
LOOKS = LECTURE | {
    name: Look(COLOURS[i % len(COLOURS)], OTHER_MARKERS[i % len(OTHER_MARKERS)], DASHES[i % len(DASHES)])
    for i, name in enumerate(OTHERS)
}

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


def style_of(optimizer_names: Iterable[str]) -> dict[str, Look]:
    """Return colour, marker and dash of every method.

    The methods of minnet look the same wherever they appear. Any other name gets a look drawn from its letters,
    that shares as little as possible with those on the same page.

    Parameters
    ----------
    optimizer_names : iterable of str
        Labels of the methods; repeated names count once.

    Returns
    -------
    dict of str to Look
        In the order of the names. Colours are ``#rrggbb`` for a light ground; see `dark`.

    Examples
    --------
    >>> looks = style_of(["adam", "lion", "mine.py:my_method"])
    >>> looks["adam"]
    Look(colour='#bd3a00', marker='x', dash='solid')
    >>> looks["lion"] == style_of(["lion"])["lion"]
    True
    """
    names = list(dict.fromkeys(optimizer_names))
    given = {name: LOOKS[name] for name in names if name in LOOKS}
    for name in sorted(set(names) - set(given)):
        given[name] = _another(name, given.values())
    return {name: given[name] for name in names}


def _another(name: str, taken: Collection[Look]) -> Look:
    """Return the look that shares least with those taken; where several do, the letters of the name choose."""
    seed = int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:8], "big")
    pairs = list(itertools.product(COLOURS, OTHER_MARKERS))
    start = seed % len(pairs)
    colours, markers = Counter(look.colour for look in taken), Counter(look.marker for look in taken)
    both = {(look.colour, look.marker) for look in taken}
    colour, marker = min(
        pairs[start:] + pairs[:start], key=lambda pair: (pair in both, colours[pair[0]], markers[pair[1]])
    )
    return Look(colour, marker, DASHES[seed // 4096 % len(DASHES)])


def dark(colour: str) -> str:
    """Return the colour that stands for `colour` on a dark ground.

    Examples
    --------
    >>> dark("#1b1b1b")
    '#f2f2f2'
    """
    return DARK.get(colour, colour)
