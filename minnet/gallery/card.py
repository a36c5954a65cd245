"""What can be known of an experiment without running anything of it: its name, its question, what it needs."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minnet import resources
from minnet.errors import InputError

PARTS = {"lecture": "The lecture", "papers": "The papers", "speed": "Speed"}
LAST = 10**6  # where an experiment without an order stands
FIELDS = {"TITLE": "title", "QUESTION": "question", "SEE": "see", "DATA": "data", "ORDER": "order", "QUICK": "quick"}


@dataclass(frozen=True)
class Card:
    """What an experiment file says about itself.

    Attributes
    ----------
    name, part : str
        The file's and its folder's.
    path : Path
    title, question, see : str
        `see`: what there is to see in the picture.
    data : tuple of str
        Data sets that must be there or are fetched.
    order : int
        Its place within the part.
    quick : str
        What is smaller in a script's quick variant; empty if it has none.
    suite : bool
        Whether it is a suite of several problems, which only `minnet compare` runs.
    """

    name: str
    part: str
    path: Path
    title: str
    question: str
    see: str
    data: tuple[str, ...] = ()
    order: int = LAST
    quick: str = ""
    suite: bool = False


def cards() -> dict[str, Card]:
    """Return all experiments by name, part by part, in their order."""
    files = {**resources.experiments(".toml"), **resources.experiments(".py")}
    found = [card for path in files.values() if (card := card_of(path))]
    parts = [*PARTS]
    found.sort(key=lambda card: (parts.index(card.part) if card.part in parts else len(parts), card.order, card.name))
    return {card.name: card for card in found}


def card_of(path: Path) -> Card | None:
    """Return the card of a file; None for a Python file that is no experiment: it has no TITLE."""
    says = _toml(path) if path.suffix == ".toml" else _script(path)
    if says is None:
        return None
    texts = {key: says.get(key, "") for key in ("title", "question", "see", "quick")}
    for key, value in texts.items():
        if not isinstance(value, str):
            raise InputError(f"experiment {path.stem}: {key} must be text, not {value!r}")
    order = says.get("order", LAST)
    if not isinstance(order, int):
        raise InputError(f"experiment {path.stem}: order must be a whole number, not {order!r}")
    data = tuple(says.get("data", ()))
    return Card(path.stem, path.parent.name, path, **texts, data=data, order=order, suite=bool(says.get("suite")))


def _toml(path: Path) -> Mapping[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"cannot read the experiment file {path}: {' '.join(str(error).split())}") from error
    problems = content.get("problem", [])
    sets = {table.get("data", content.get("data", "digits")) for table in problems or [{}]}
    files = sorted(name for name in sets if name.partition(":")[0] not in ("digits", "synthetic"))
    return {**content, "data": files, "suite": bool(problems)}


def _script(path: Path) -> Mapping[str, Any] | None:
    """Return the literals that stand at the top level of a script, without running it."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, SyntaxError, ValueError) as error:
        raise InputError(f"cannot read the experiment {path}: {' '.join(str(error).split())}") from error
    literals = dict(_literals(tree))
    return literals if "title" in literals else None


def _literals(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(target, ast.Name) and target.id in FIELDS:
                yield FIELDS[target.id], _literal(target.id, node.value)


def _literal(name: str, value: ast.expr) -> Any:
    try:
        return ast.literal_eval(value)
    except ValueError:
        raise InputError(f"{name} of an experiment must be written out, so that it is known without a run") from None
