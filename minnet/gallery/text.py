"""Markdown of the gallery."""

from __future__ import annotations

from collections.abc import Sequence


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a table in Markdown, the first one being its head.

    Examples
    --------
    >>> print(markdown([("method", "steps"), ("sgd", "12")]))
    | method | steps |
    |---|---|
    | sgd | 12 |
    """
    head, *body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *body])


def verdict(holds: bool) -> str:
    """Return yes or no.

    Examples
    --------
    >>> verdict(True), verdict(False)
    ('yes', 'no')
    """
    return "yes" if holds else "no"
