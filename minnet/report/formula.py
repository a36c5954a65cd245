"""Formulas in plain Unicode text, set as HTML."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from html import escape

from minnet.report.text import clean, is_number, number

_TOKEN = re.compile(r"[^\W\d_]+[\u0300-\u036f\u02b0-\u02ff\u1d2c-\u1d6a\u2080-\u209c\u2070-\u207f]*|\s+|.", re.DOTALL)
# How formulas write a hyperparameter: the first symbol that stands in the formula and is not defined by it.
_SYMBOLS: dict[str, tuple[str, ...]] = {
    "lr": ("α",),
    "beta1": ("β₁", "β"),
    "beta2": ("β₂",),
    "beta3": ("β₃",),
    "momentum": ("μ", "β"),
    "momentum_decay": ("ψ",),
    "rho": ("ρ",),
    "eps": ("ε",),
    "eps_root": ("ε₂",),
    "r_eps": ("r_ε",),
    "lambd": ("λ",),
    "weight_decay": ("λ", "β"),
    "nu": ("ν",),
    "nu1": ("ν₁",),
    "nu2": ("ν₂",),
    "trust": ("η",),
    "eta_minus": ("η⁻",),
    "eta_plus": ("η⁺",),
    "min_step": ("Δmin",),
    "max_step": ("Δmax",),
    "alpha": ("a",),
}
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


def symbols(names: Iterable[str], formula: str) -> dict[str, str]:
    """Return the symbol of every hyperparameter that the formula writes with one.

    Examples
    --------
    >>> symbols(["lr", "momentum", "eps"], "v ← μ v + α g")
    {'lr': 'α', 'momentum': 'μ'}
    """
    found: dict[str, str] = {}
    for name in sorted(filter(_SYMBOLS.__contains__, names), key=lambda each: len(_SYMBOLS[each])):
        for symbol in _SYMBOLS[name]:
            if symbol not in found.values() and _stands_in(symbol, formula):
                found[name] = symbol
                break
    return {name: found[name] for name in names if name in found}


def _stands_in(symbol: str, formula: str) -> bool:
    """Say whether the formula uses the symbol without saying what it is."""
    alone = rf"(?<!\w){re.escape(symbol)}(?![₀-₉_]|[^\W\d_ᵗ])"
    return bool(re.search(alone, formula)) and not re.search(rf"(?m)(?:^|,)\s*{re.escape(symbol)}\s*=", formula)


def assignments(hyper: Mapping[str, object], formula: str) -> str:
    """Return hyperparameters in the symbols of the formula.

    Examples
    --------
    >>> assignments({"lr": 0.001, "eps": 1e-8, "refresh": 10.0}, "w ← w − α g / (|g| + ε)")
    'α = 0.001, ε = 1e-8, refresh = 10'
    """
    written = symbols(list(hyper), formula)
    ordered = sorted(hyper.items(), key=lambda item: item[0] != "lr")  # the step size first
    return ", ".join(
        f"{written.get(name) or clean(name)} = {number(value, 6) if is_number(value) else clean(value)}"
        for name, value in ordered
    )


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
