"""What every experiment of the gallery can do, be it a file or a script."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from minnet.gallery.card import Card

Results = dict[str, Any]
Claims = list[tuple[str, bool]]


class Experiment(ABC):
    """An experiment: a run that ends in plain results, and what is made of them.

    Parameters
    ----------
    card : Card

    Attributes
    ----------
    watched : bool
        Whether `run` tells a `progress` about its runs, and keeps those that are finished.
    """

    watched = False

    def __init__(self, card: Card) -> None:
        self.card = card

    @abstractmethod
    def run(self, folder: Path, quick: bool = False, jobs: int | None = None, progress: Any = None) -> Results:
        """Do all the work and return what came out, as JSON can hold it.

        Parameters
        ----------
        folder : Path
            For what must be kept to resume.
        quick : bool
            Whether to run the smaller variant, if there is one.
        jobs : int, optional
            Runs side by side.
        progress : optional
            Whom to tell about the runs of a race.
        """

    @abstractmethod
    def draw(self, results: Results, path: Path) -> None:
        """Write the picture of results that `run` has just returned."""

    @abstractmethod
    def claims(self, results: Results) -> Claims:
        """Return what is claimed, sentence by sentence, and whether it came out so."""

    @abstractmethod
    def table(self, results: Results) -> str:
        """Return the results as a table in Markdown; empty if the picture says it all."""
