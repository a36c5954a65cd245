"""Where the cards of data sets and the experiment files lie: in the wheel, or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Return the folder `name` ("datasets" or "experiments").

    Examples
    --------
    >>> (folder("datasets") / "mnist.toml").is_file()
    True
    """
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name
