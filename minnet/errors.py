"""What minnet says when its input is wrong: one clear line that names the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Bad input from a user.

    Its text is one line that names the value, what is allowed and what to do.
    The command line prints it without a traceback and exits with code 2.
    """


class NothingYet(InputError):
    """There are no results to show yet."""


def suggest(name: str, allowed: Iterable[str]) -> str:
    """Return the end of an error line: the nearest allowed name, and all of them.

    Parameters
    ----------
    name : str
        What the user wrote.
    allowed : iterable of str
        What there is.

    Returns
    -------
    str

    Examples
    --------
    >>> suggest("adm", ["sgd", "adam"])
    "did you mean 'adam'? (allowed: sgd, adam)"
    >>> suggest("x", ["sgd", "adam"])
    'allowed: sgd, adam'
    """
    allowed = list(allowed)
    close = difflib.get_close_matches(str(name).lower(), allowed, n=1, cutoff=0.5)
    all_ = f"allowed: {', '.join(allowed) or 'none'}"
    return f"did you mean {close[0]!r}? ({all_})" if close else all_


def check_name(kind: str, name: str, allowed: Iterable[str]) -> None:
    """Raise an `InputError` naming the nearest allowed name unless `name` is one.

    Examples
    --------
    >>> check_name("optimizer", "adam", ["sgd", "adam"])
    >>> check_name("optimizer", "adamm", ["sgd", "adam"])
    Traceback (most recent call last):
        ...
    minnet.errors.InputError: unknown optimizer 'adamm': did you mean 'adam'? (allowed: sgd, adam)
    """
    allowed = list(allowed)
    if name not in allowed:
        raise InputError(f"unknown {kind} {name!r}: {suggest(name, allowed)}")
