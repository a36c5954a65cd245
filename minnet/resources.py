"""Where the cards of data sets and the experiments lie: in the wheel, or beside the package in a checkout."""

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


def experiments(kind: str = ".toml") -> dict[str, Path]:
    """Return the files of the experiments that come with minnet, by name: they lie in one folder per part.

    Examples
    --------
    >>> experiments()["race-mnist"].parent.name
    'lecture'
    """
    return {path.stem: path for path in sorted(folder("experiments").glob(f"*/*{kind}"))}
