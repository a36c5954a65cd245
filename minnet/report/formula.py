"""Formulas in plain Unicode text, set as HTML."""

from __future__ import annotations

import re
import unicodedata
from html import escape

_TOKEN = re.compile(r"[^\W\d_]+[\u0300-\u036f\u02b0-\u02ff\u1d2c-\u1d6a\u2080-\u209c\u2070-\u207f]*|\s+|.", re.DOTALL)
_ASSIGN = re.compile(r"\s(←|=|≤|≈)\s")


def formula_html(text: str) -> str:
    """Return a formula as safe HTML: one row per line, aligned at the first arrow or equals sign.

    Single letters become variables, a root covers what follows it: one symbol or one bracket.

    Examples
    --------
    >>> formula_html("y = 2")
    '<div class="formula"><span><var>y</var></span><span>=</span><span>2</span></div>'
    """
    rows = []
    for line in filter(None, (each.strip() for each in str(text).splitlines())):
        found = _ASSIGN.search(line)
        left, sign, right = (line[: found.start()], found[1], line[found.end() :]) if found else ("", "", line)
        rows += [f"<span>{_maths(left)}</span><span>{sign}</span><span>{_maths(right)}</span>"]
    return f'<div class="formula">{"".join(rows)}</div>'


def _maths(text: str) -> str:
    tokens = _TOKEN.findall(text)
    parts, place = [], 0
    while place < len(tokens):
        if tokens[place] == "√" and place + 1 < len(tokens):
            inner, place = _radicand(tokens, place + 1)
            parts.append(f'√<span class="root">{_maths("".join(inner))}</span>')
        else:
            parts.append(_symbol(tokens[place]))
            place += 1
    return "".join(parts)


def _radicand(tokens: list[str], start: int) -> tuple[list[str], int]:
    """Return what the root before `start` covers, without its bracket, and where the rest begins."""
    if tokens[start] != "(":
        return tokens[start : start + 1], start + 1
    depth = 0
    for place in range(start, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[place], 0)
        if depth == 0:
            return tokens[start + 1 : place], place + 1
    return tokens[start:], len(tokens)


def _symbol(token: str) -> str:
    """Set a lone letter, with the accents on it but not its indices, as a variable; words stay upright."""
    letters = [c for c in token if unicodedata.category(c) in {"Ll", "Lu"}]
    if len(letters) != 1 or token[0] != letters[0]:
        return escape(token)
    end = 1
    while end < len(token) and unicodedata.category(token[end]) == "Mn":
        end += 1
    return f"<var>{escape(token[:end])}</var>{escape(token[end:])}"
