"""The page of a suite: the table over all problems, and the way to the page of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from minnet.report.text import is_number, number, percent

if TYPE_CHECKING:
    import pandas as pd


class Suite(Protocol):
    """What the page needs of a suite's comparison."""

    suite: dict[str, Any]
    comparisons: dict[str, Any]
    folders: dict[str, str]

    @property
    def leaderboard(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def critical_difference(self) -> float: ...  # noqa: D102


def render(result: Suite) -> str:
    """Return the page as text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    board = result.leaderboard.to_dict("records")
    return environment.get_template("suite.html.jinja").render(
        title=result.suite["title"] or result.suite["name"],
        question=result.suite["question"],
        problems=[
            {"name": name, "folder": folder, "finished": name in result.comparisons}
            for name, folder in result.folders.items()
        ],
        finished=len(result.comparisons),
        critical=number(result.critical_difference),
        rows=[_row(row, list(result.comparisons)) for row in board],
    )


def _row(row: dict[str, Any], problems: list[str]) -> dict[str, Any]:
    return {
        **{key: row[key] for key in ("rank", "optimizer")},
        "mean_rank": number(row["mean_rank"]),
        "span": f"{row['best_rank']:g} – {row['worst_rank']:g}",
        "scores": [f"{row[f'profile_score_{unit}']:.2f}" for unit in ("epochs", "seconds")],
        "single": [_single(row, name) for name in problems],
    }


def _single(row: dict[str, Any], problem: str) -> dict[str, str]:
    epochs = row[f"{problem}: epochs_to_target"]
    return {
        "rank": f"{row[f'{problem}: rank']:g}",
        "accuracy": percent(row[f"{problem}: test_accuracy_median"]),
        "epochs": f"{epochs:.3g}" if is_number(epochs) else "∞",
    }
