"""An experiment that is a script: a Python file with a title, a question, and functions from run to claims."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from minnet.errors import InputError
from minnet.gallery.card import Card
from minnet.gallery.experiment import Claims, Experiment, Results

TEXTS, FUNCTIONS = ("title", "question", "see"), ("run", "draw", "claims")


class Script(Experiment):
    """A script of an experiment.

    It has TITLE, QUESTION and SEE, ``run() -> dict``, ``draw(results, path)`` and ``claims(results)``; it may have
    ``table(results)``, DATA, ORDER and QUICK. `run` is given those of `quick`, `folder` and `jobs` that it has
    parameters for.

    Parameters
    ----------
    card : Card

    Raises
    ------
    InputError
        If a part is missing.
    """

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        missing = [text.upper() for text in TEXTS if not getattr(card, text).strip()]
        self.module = _imported(card.path)
        missing += [name for name in FUNCTIONS if not callable(getattr(self.module, name, None))]
        if missing:
            raise InputError(f"the experiment {card.name} lacks {', '.join(missing)} ({card.path.name})")

    def run(self, folder: Path, quick: bool = False, jobs: int | None = None, progress: Any = None) -> Results:
        """Run the script's `run`."""
        known = inspect.signature(self.module.run).parameters
        if quick and not self.card.quick:
            raise InputError(f"the experiment {self.card.name} has no quick variant: leave out --quick")
        given = {"quick": quick, "folder": folder, "jobs": jobs}
        return self.module.run(**{key: value for key, value in given.items() if key in known})

    def draw(self, results: Results, path: Path) -> None:
        """Draw what the script draws."""
        self.module.draw(results, path)

    def claims(self, results: Results) -> Claims:
        """Return the script's claims."""
        return [(text, bool(holds)) for text, holds in self.module.claims(results)]

    def table(self, results: Results) -> str:
        """Return the script's table, if it has one."""
        return self.module.table(results) if hasattr(self.module, "table") else ""


def _imported(path: Path) -> ModuleType:
    """Import a file as a module of its own; its functions can be found again, by dataclasses and pickle."""
    name = f"minnet_experiment_{path.stem.replace('-', '_')}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
