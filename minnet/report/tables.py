"""The leaderboard for a terminal."""

from __future__ import annotations

import io
import os

from minnet.report.facts import Comparison, Facts, gather
from minnet.report.palette import style_of
from minnet.report.text import NONE, NOT_REACHED, is_number, number, percent, points, ranks, seconds, settings, short

_HEADS = (
    "",
    "method",
    "test",
    "low – high",
    "behind",
    "ranks",
    "validation",
    "epochs",
    "time",
    "step size",
    "diverged",
    "others",
)
_LEFT = {"method", "others"}
_FIRST_TO_GO = ("others", "validation", "low – high", "diverged", "time", "ranks", "behind")
_GAP = "  "


def leaderboard_text(comparison: Comparison, width: int | None = None, plain: bool = False) -> str:
    """Return the leaderboard as text.

    Parameters
    ----------
    comparison : Comparison
    width : int, optional
        Columns of the terminal; without it the table is as wide as it needs to be.
    plain : bool
        No colours, for a pipe or a log.

    Returns
    -------
    str
        Without a newline at the end. ``behind`` is by how many points the first method is ahead on the paired
        seeds, ``≈`` where they show no difference from it, and ``ranks`` what that leaves possible. ``↑`` and
        ``↓`` mark a step size at the upper or lower end of those tried; epochs and training time are those to the
        target. Columns that do not fit are left out.
    """
    facts = gather(comparison)
    columns = _columns(facts)
    for head in _FIRST_TO_GO:
        if width is not None and _width(columns) > width:
            columns.pop(head, None)
    return _aligned(columns) if plain else _coloured(columns, [f.name for f in facts], width)


def _columns(facts: list[Facts]) -> dict[str, list[str]]:
    rows = [_cells(f) for f in facts]
    columns = {head: [row[place] for row in rows] for place, head in enumerate(_HEADS)}
    if not any(columns["others"]):
        del columns["others"]
    return columns


def _cells(fact: Facts) -> list[str]:
    spread = ""
    if len(fact.scores) > 1 and is_number(fact.test_low) and is_number(fact.test_high):
        spread = f"{100 * fact.test_low:.2f} – {100 * fact.test_high:.2f}"
    edge = {"lowest": " ↓", "highest": " ↑"}.get(fact.edge, "")
    return [
        str(fact.rank),
        short(fact.name),
        percent(fact.test),
        spread,
        behind(fact.rank, fact.difference, fact.shown),
        ranks(fact.rank_low, fact.rank_high),
        percent(fact.validation),
        number(fact.epochs_to_target) if is_number(fact.epochs_to_target) else NOT_REACHED,
        seconds(fact.seconds_to_target),
        number(fact.lr) + edge,
        f"{fact.diverged} of {fact.trials}",
        settings(fact.hyper, without="lr"),
    ]


def behind(rank: int, difference: float, shown: bool) -> str:
    """Return by how many points the first method is ahead of one, marked where no difference is shown.

    Examples
    --------
    >>> behind(2, 0.0123, True), behind(2, 0.0123, False), behind(1, float("nan"), False)
    ('1.23', '≈ 1.23', '')
    """
    if rank == 1:
        return ""
    return f"{'' if shown else '≈ '}{points(difference)}" if is_number(difference) else NONE


def _width(columns: dict[str, list[str]]) -> int:
    return sum(max(map(len, [head, *cells])) for head, cells in columns.items()) + len(_GAP) * (len(columns) - 1)


def _aligned(columns: dict[str, list[str]]) -> str:
    padded = []
    for head, cells in columns.items():
        texts = [head, *cells]
        wide = max(map(len, texts))
        padded.append([text.ljust(wide) if head in _LEFT else text.rjust(wide) for text in texts])
    return "\n".join(_GAP.join(row).rstrip() for row in zip(*padded, strict=True))


def _coloured(columns: dict[str, list[str]], names: list[str], width: int | None) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    looks = style_of(names)
    table = Table(box=None, pad_edge=False, padding=(0, len(_GAP), 0, 0), header_style="bold")
    for head, cells in columns.items():
        left = head in _LEFT
        table.add_column(
            head,
            justify="left" if left else "right",
            overflow="ellipsis",
            no_wrap=True,
            min_width=None if left else max(map(len, [head, *cells])),
        )
    for place, row in enumerate(zip(*columns.values(), strict=True)):
        # Ink becomes the terminal's own colour: black would vanish on a dark one.
        colour = "" if names[place] == "sgd" else looks[names[place]][0]
        texts = [Text(cell) for cell in row]
        texts[1].stylize(f"bold {colour}".strip())
        table.add_row(*texts)
    page = io.StringIO()
    console = Console(
        file=page,
        width=width or _width(columns) + len(_GAP),
        force_terminal=True,
        color_system=None if "NO_COLOR" in os.environ else "truecolor",
        legacy_windows=False,
    )
    console.print(table)
    return "\n".join(line.rstrip() for line in page.getvalue().splitlines())
