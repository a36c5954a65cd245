"""What an experiment file says will come out, in a form that can be checked against its leaderboard."""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from minnet.errors import InputError, check_name
from minnet.lab.comparison import LEADERBOARD, SCORES

if TYPE_CHECKING:
    from minnet.lab.comparison import Comparison

RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}
COLUMNS = ("lr", *(name for name, kind in {**LEADERBOARD, **SCORES}.items() if kind != "str"))
TIMES = ("epochs_to_target", "seconds_to_target")  # infinite for a miss
KEYS = ("text", "left", "is", "right")


@dataclass(frozen=True)
class Claim:
    """One sentence and the comparison that decides it.

    Parameters
    ----------
    text : str
    left, right : str or float
        A number, or a method's label and a column of the leaderboard, as ``"adam.epochs_to_target"``.
    relation : {"<", "<=", "=", ">=", ">"}
        `is` in a file.

    Examples
    --------
    >>> claim = parse_claim({"text": "Adam is first", "left": "adam.rank", "is": "=", "right": 1}, ["adam", "sgd"])
    >>> claim.holds([{"optimizer": "adam", "rank": 1}, {"optimizer": "sgd", "rank": 2}])
    True
    """

    text: str
    left: str | float
    relation: str
    right: str | float

    def to_dict(self) -> dict[str, Any]:
        """Return the claim as its table in an experiment file."""
        return {"text": self.text, "left": self.left, "is": self.relation, "right": self.right}

    def holds(self, rows: Iterable[Mapping[str, Any]]) -> bool:
        """Say whether it came out so; a number that is missing makes every claim about it false.

        Parameters
        ----------
        rows : list of dict
            From `board`.
        """
        by_label = {row["optimizer"]: row for row in rows}
        return bool(RELATIONS[self.relation](_value(self.left, by_label), _value(self.right, by_label)))


def board(comparison: Comparison) -> list[dict[str, Any]]:
    """Return the leaderboard with the scores and the step sizes beside it, in plain types; None for what is missing."""
    rows = comparison.leaderboard.merge(comparison.scores.drop(columns="test_accuracy_median"), on="optimizer")
    return [{key: _plain(value) for key, value in {**row, "lr": _lr(row)}.items()} for row in rows.to_dict("records")]


def parse_claims(content: Any, labels: Sequence[str]) -> tuple[Claim, ...]:
    """Read the ``[[claim]]`` tables of an experiment with optimizers of these labels.

    Raises
    ------
    InputError
        For an unknown key, method, column or relation, naming the nearest.
    """
    if not isinstance(content, list | tuple):
        raise InputError("claim must be a list of tables, each headed [[claim]]")
    return tuple(parse_claim(table, labels) for table in content)


def parse_claim(content: Any, labels: Sequence[str]) -> Claim:
    """Read one ``[[claim]]`` table.

    Examples
    --------
    >>> parse_claim({"text": "Adam wins", "left": "adm.rank", "is": "=", "right": 1}, ["adam", "sgd"])
    Traceback (most recent call last):
        ...
    minnet.errors.InputError: unknown method of the claim 'Adam wins': 'adm': did you mean 'adam'? (allowed: adam, sgd)
    """
    if not isinstance(content, Mapping):
        raise InputError(f"a claim must be a table, headed [[claim]], not {content!r}")
    for key in content:
        check_name("key of a claim", key, KEYS)
    for key in KEYS:
        if key not in content:
            raise InputError(f"a claim needs {', '.join(KEYS)}: {key} is missing in {dict(content)!r}")
    text, relation = content["text"], content["is"]
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"text of a claim must be a sentence, not {text!r}")
    if not isinstance(relation, str):
        raise InputError(f"is of the claim {text!r} must be one of {', '.join(RELATIONS)}, not {relation!r}")
    check_name(f"relation of the claim {text!r}:", relation, RELATIONS)
    return Claim(text, _side(text, content["left"], labels), relation, _side(text, content["right"], labels))


def _side(text: str, value: Any, labels: Sequence[str]) -> str | float:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if not isinstance(value, str) or "." not in value:
        raise InputError(f"the claim {text!r} compares numbers and columns as 'adam.rank', not {value!r}")
    label, _, column = value.rpartition(".")
    check_name(f"method of the claim {text!r}:", label, labels)
    check_name(f"column of the claim {text!r}:", column, COLUMNS)
    return value


def _value(side: str | float, rows: Mapping[str, Mapping[str, Any]]) -> float:
    if not isinstance(side, str):
        return side
    label, _, column = side.rpartition(".")
    value = rows.get(label, {}).get(column)
    if value is None:
        return math.inf if label in rows and column in TIMES else math.nan
    return float(value)


def _lr(row: Mapping[str, Any]) -> float:
    return float(json.loads(row["hyperparameters"])["lr"])


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
