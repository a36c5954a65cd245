"""Where the files of a data set lie on this machine, and whether they are the card's."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from minnet.data import idx
from minnet.data.cards import Card, CardFile, info
from minnet.errors import InputError

_PIECE = 1 << 20


@dataclass(frozen=True)
class Status:
    """What is here of a data set.

    Attributes
    ----------
    name : str
    folder : Path or None
        Where its files lie (the folder with the most of them); None if nowhere, or if it needs none.
    present : dict of str to Path
        Files found in `folder`, by part.
    missing : tuple of str
        Names of the files that are not there.
    hashes_ok : dict of str to bool, or None
        For the parts present: is the uncompressed content the card's? None if not looked at.
    looked_in : tuple of Path
        The folders that were searched, in order.
    """

    name: str
    folder: Path | None
    present: dict[str, Path]
    missing: tuple[str, ...]
    hashes_ok: dict[str, bool] | None
    looked_in: tuple[Path, ...]

    @property
    def complete(self) -> bool:
        """True if it can be loaded without a download."""
        return not self.missing


def cache_folder() -> Path:
    """Return the folder of data sets in the user's cache."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("minnet", appauthor=False)) / "data"


def search_folders(data_dir: str | Path | None = None) -> tuple[Path, ...]:
    """Return the folders that are searched: `data_dir`, the variable MINNET_DATA, the user's cache.

    Each holds one folder per data set.

    Examples
    --------
    >>> search_folders("mine")[0].name
    'mine'
    """
    given = [data_dir, os.environ.get("MINNET_DATA")]
    folders = [Path(folder).expanduser() for folder in given if folder]
    return tuple(dict.fromkeys([*folders, cache_folder()]))


def status(name: str, data_dir: str | Path | None = None, hashes: bool = False) -> Status:
    """Say what is here of a data set.

    Parameters
    ----------
    name : str
        One of `minnet.data.names()`.
    data_dir : str, Path or None
        Searched first.
    hashes : bool
        Also hash the content of the files that are here (a second or so).

    Returns
    -------
    Status

    Raises
    ------
    InputError
        If the name is unknown.

    Examples
    --------
    >>> status("digits").complete
    True
    """
    card = info(name)
    looked_in = tuple(folder / name for folder in search_folders(data_dir))
    folder = max(looked_in, key=lambda place: len(_present(card, place)))
    present = _present(card, folder)
    return Status(
        name=name,
        folder=folder if present else None,
        present=present,
        missing=tuple(file.name for part, file in card.files.items() if part not in present),
        hashes_ok=verify(card, folder) if hashes else None,
        looked_in=looked_in,
    )


def verify(card: Card, folder: Path) -> dict[str, bool]:
    """Compare the files in `folder` with the hashes of the card.

    Returns
    -------
    dict of str to bool
        For each part that is there: is its uncompressed content the card's?
        A damaged gzip file counts as different.
    """
    return {part: matches(path, card.files[part]) for part, path in _present(card, folder).items()}


def matches(path: Path, file: CardFile) -> bool:
    """Return whether the uncompressed content of `path` is what the card says."""
    try:
        return content_hash(path, file.size) == file.sha256
    except InputError:
        return False


def content_hash(path: Path, limit: int) -> str:
    """Return the SHA-256 of the uncompressed content, or "" once it is longer than `limit` bytes."""
    digest, length = hashlib.sha256(), 0
    with idx.open_content(path) as content:
        while piece := content.read(_PIECE):
            length += len(piece)
            if length > limit:
                return ""
            digest.update(piece)
    return digest.hexdigest()


def _present(card: Card, folder: Path) -> dict[str, Path]:
    return {part: path for part, path in idx.find_files(folder).items() if part in card.files}
