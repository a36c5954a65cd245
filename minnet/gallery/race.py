"""An experiment that is a TOML file: a comparison, with the leaderboard as its results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minnet import lab
from minnet.errors import InputError
from minnet.gallery.card import Card
from minnet.gallery.experiment import Claims, Experiment, Results
from minnet.gallery.text import markdown
from minnet.lab.claims import board

ENDS = 5  # rows at either end of a long table


class Race(Experiment):
    """A comparison as an experiment file describes it.

    Parameters
    ----------
    card : Card

    Raises
    ------
    InputError
        If the file is wrong.
    """

    watched = True

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self.spec = lab.resolve(card.path)
        self.comparison: lab.Comparison | None = None

    def run(self, folder: Path, quick: bool = False, jobs: int | None = None, progress: Any = None) -> Results:
        """Compare; what is finished in the folder is not trained again."""
        if quick:
            raise InputError(f"the experiment {self.card.name} has no quick variant: leave out --quick")
        self.comparison = lab.compare(self.spec, out=folder, jobs=jobs, progress=progress)
        return {"target": self.spec.target, "leaderboard": board(self.comparison)}

    def draw(self, results: Results, path: Path) -> None:
        """Draw the overview of the comparison that has just run."""
        from minnet.report.figures import write_overview

        if self.comparison is None:
            raise InputError(f"{self.card.name} is drawn from its curves: run it first")
        write_overview(self.comparison, path)

    def claims(self, results: Results) -> Claims:
        """Check the claims of the file against the leaderboard."""
        return [(claim.text, claim.holds(results["leaderboard"])) for claim in self.spec.claims]

    def table(self, results: Results) -> str:
        """Return the leaderboard, the middle of a long one left out."""
        rows = results["leaderboard"]
        shown = rows if len(rows) <= 3 * ENDS else [*rows[:ENDS], *rows[-ENDS:]]
        given = all(not entry.searched for entry in self.spec.entries)
        head = ("", "method", "step size (given)" if given else "step size", "test accuracy",
                f"epochs to {100 * results['target']:g} %")  # fmt: skip
        return markdown([head, *map(_cells, shown)])


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    low, middle, high = (f"{100 * row[f'test_accuracy_{name}']:.2f}" for name in ("low", "median", "high"))
    epochs = row["epochs_to_target"]
    return (str(row["rank"]), row["optimizer"], f"{row['lr']:.4g}", f"{middle} % ({low} – {high})",
            "not" if epochs is None else f"{epochs:g}")  # fmt: skip
