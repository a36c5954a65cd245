"""Numbers and names as a reader wants them."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TypeGuard

NOT_REACHED = "not reached"
NONE = "–"


def clean(name: object) -> str:
    """Return a label on one line, without control characters.

    Examples
    --------
    >>> clean("my\\nmethod\\x1b[31m")
    'my method[31m'
    """
    spaced = " ".join(str(name).split())
    return "".join(c for c in spaced if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"})


def short(name: object, length: int = 32) -> str:
    """Return a label of at most `length` characters for a place where a long one does not fit.

    Examples
    --------
    >>> short("a" * 50, 8)
    'aaaaaaa…'
    """
    text = clean(name)
    return text if len(text) <= length else text[: length - 1] + "…"


def said(name: object) -> str:
    """Return a label as it stands in a sentence: in quotes when it could be read as part of it.

    Examples
    --------
    >>> said("adam"), said("too small")
    ('adam', '“too small”')
    """
    text = short(name)
    return f"“{text}”" if " " in text else text


def plotly_text(name: object) -> str:
    """Return a label that Plotly shows as it is: Plotly reads tags, entities and ``%{...}`` in any text.

    Examples
    --------
    >>> plotly_text("<b>%{x}")
    '&lt;b&gt;&#37;{x}'
    """
    return escape(short(name)).replace("%", "&#37;")


def is_number(value: object) -> TypeGuard[float]:
    """Say whether `value` is a finite number; text is not, whatever it says."""
    if isinstance(value, str | bytes):
        return False
    try:
        return math.isfinite(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return False


def number(value: object, digits: int = 3) -> str:
    """Return a number with `digits` significant digits and no padding.

    Examples
    --------
    >>> number(0.0031623), number(30.0), number(437.0, 2), number(1e-8), number(float("nan"))
    ('0.00316', '30', '440', '1e-8', '–')
    """
    if not is_number(value):
        return NONE
    text = f"{float(value):.{digits}g}"
    if 1 <= abs(float(text)) < 1e5:
        text = f"{float(text):g}"
    return text.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def percent(value: object, digits: int = 2) -> str:
    """Return a share of one in per cent.

    Examples
    --------
    >>> percent(0.9781), percent(None)
    ('97.81 %', '–')
    """
    return f"{100 * float(value):.{digits}f} %" if is_number(value) else NONE


def share(value: float) -> str:
    """Return a share of one in per cent without needless digits.

    Examples
    --------
    >>> share(0.95), share(0.975)
    ('95 %', '97.5 %')
    """
    return f"{number(100 * value, 6)} %"


def unbroken(text: str) -> str:
    """Return a sentence in which no line ends between a number and its per cent.

    Examples
    --------
    >>> unbroken("95 %") == "95\\u00a0%"
    True
    """
    return text.replace(" %", "\u00a0%")


def points(value: float) -> str:
    """Return a difference between two shares in percentage points, with a true minus.

    Examples
    --------
    >>> points(-0.0042)
    '−0.42'
    """
    return f"{100 * value:.2f}".replace("-", "−")


def between(low: object, high: object) -> str:
    """Return a range of differences in percentage points; nothing where there is none.

    Examples
    --------
    >>> between(-0.001, 0.0123), between(0.1, float("nan"))
    ('−0.10 – 1.23', '')
    """
    return f"{points(low)} – {points(high)}" if is_number(low) and is_number(high) else ""


def ranks(low: int, high: int) -> str:
    """Return the ranks that a method may have.

    Examples
    --------
    >>> ranks(1, 3), ranks(2, 2)
    ('1 – 3', '2')
    """
    return str(low) if low == high else f"{low} – {high}"


def seconds(value: object) -> str:
    """Return a duration as it can be read: no more digits than a clock is good for.

    Examples
    --------
    >>> seconds(0.00329), seconds(0.8312), seconds(12.34), seconds(1234.5)
    ('3.3 ms', '0.83 s', '12.3 s', '1234 s')
    """
    if not is_number(value):
        return NONE
    duration = float(value)
    if duration >= 100:
        return f"{duration:.0f} s"
    if duration >= 0.0995 or duration == 0:
        return f"{number(duration, 3 if duration >= 1 else 2)} s"
    return f"{number(1000 * duration, 2)} ms"


def count(amount: int, noun: str, plural: str | None = None) -> str:
    """Return an amount with its noun in the right number.

    Examples
    --------
    >>> count(1, "seed"), count(0, "seed")
    ('1 seed', '0 seeds')
    """
    return f"{amount} {noun if amount == 1 else plural or noun + 's'}"


def listing(items: Iterable[str], last: str = "and") -> str:
    """Return the items as a list in prose.

    Examples
    --------
    >>> listing(["sgd", "adam", "adagrad"])
    'sgd, adam and adagrad'
    """
    words = list(items)
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def some(items: Sequence[str], noun: str, most: int = 6, last: str = "and") -> str:
    """Return the first items as a list in prose and the number of the rest.

    Examples
    --------
    >>> some(["a", "b", "c", "d"], "method", most=2)
    'a, b and 2 other methods'
    """
    if len(items) <= most + 1:
        return listing(items, last)
    return listing([*items[:most], count(len(items) - most, f"other {noun}")], last)


def hyperparameters(value: object) -> dict[str, object]:
    """Return hyperparameters given as JSON text, as a mapping, or not at all.

    Examples
    --------
    >>> hyperparameters('{"lr": 0.1}'), hyperparameters(float("nan"))
    ({'lr': 0.1}, {})
    """
    if isinstance(value, Mapping):
        return dict(value)
    try:
        parsed = json.loads(value) if isinstance(value, str) else None
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def settings(hyper: Mapping[str, object], without: str = "") -> str:
    """Return hyperparameters as ``name value, name value``.

    Examples
    --------
    >>> settings({"lr": 0.001, "beta1": 0.9}, without="lr")
    'beta1 0.9'
    """
    return ", ".join(
        f"{clean(name)} {number(value) if is_number(value) else clean(value)}"
        for name, value in hyper.items()
        if name != without
    )
