"""The gallery: every question of the lecture and every table of a paper as an experiment that anyone can run again.

An experiment is a TOML file (a race, as `minnet compare` runs it) or a short script; either ends in results, a picture,
and claims that are checked.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from minnet.errors import InputError, check_name
from minnet.gallery.card import PARTS, Card, card_of, cards

if TYPE_CHECKING:
    from minnet.gallery.experiment import Experiment

__all__ = ["PARTS", "Card", "cards", "load", "names"]


def names() -> list[str]:
    """Return the names of the experiments, part by part.

    Examples
    --------
    >>> "race-digits" in names()
    True
    """
    return list(cards())


def load(name: str) -> Experiment:
    """Return an experiment, ready to run.

    Parameters
    ----------
    name : str
        Of one that comes with minnet, or the path of a file of your own: a .toml or a .py.

    Raises
    ------
    InputError
        If there is none of that name, or a part of it is missing.

    Examples
    --------
    >>> load("race-digits").card.part
    'lecture'
    >>> load("race-digit")
    Traceback (most recent call last):
        ...
    minnet.errors.InputError: unknown experiment 'race-digit': did you mean 'race-digits'? (allowed: ...)
    """
    card = _own(name)
    if card is None:
        known = cards()
        check_name("experiment", name, known)
        card = known[name]
    if card.suite:
        raise InputError(f"{name} is a suite of several problems: run it with minnet compare {name}")
    if card.path.suffix == ".py":
        from minnet.gallery.script import Script

        return Script(card)
    from minnet.gallery.race import Race

    return Race(card)


def _own(name: str) -> Card | None:
    """Return the card of a file of the user's own; None if the name is not that of a file."""
    path = Path(name)
    if path.suffix not in (".toml", ".py") or not path.is_file():
        return None
    card = card_of(path.resolve())
    if card is None:
        raise InputError(f"{name} is no experiment: it has no TITLE")
    return card
