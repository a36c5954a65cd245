"""Cards: what a data set is, whose it is, where its files come from. One TOML file each, in `datasets/`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from minnet import resources
from minnet.data.idx import PARTS
from minnet.errors import InputError, check_name, suggest

_BUILT_IN = ("digits", "synthetic")


@dataclass(frozen=True)
class CardFile:
    """One file of a data set.

    Attributes
    ----------
    name : str
        The name under which it is stored.
    sha256 : str
        Of the uncompressed content, in hexadecimal.
    size : int
        Bytes of the uncompressed content.
    urls : tuple of str
        Mirrors, tried in this order.
    """

    name: str
    sha256: str
    size: int
    urls: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """What is known about a data set.

    Attributes
    ----------
    name, title, description, licence, homepage, citation : str
    shape : tuple of int
        Of one sample.
    classes : tuple of str
    train, test : int
        Number of samples.
    files : dict of str to CardFile
        By part (`train_images` ...); empty if nothing has to be fetched.
    """

    name: str
    title: str
    description: str
    licence: str
    homepage: str
    citation: str
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    train: int
    test: int
    files: dict[str, CardFile]


def names() -> list[str]:
    """Return the names of the data sets: the two that need no files, then the cards.

    Examples
    --------
    >>> names()
    ['digits', 'synthetic', 'fashion-mnist', 'mnist']
    """
    cards = sorted(path.stem for path in resources.folder("datasets").glob("*.toml"))
    return [*_BUILT_IN, *(name for name in cards if name not in _BUILT_IN)]


def info(name: str) -> Card:
    """Return the card of a data set.

    Raises
    ------
    InputError
        If there is no such card, or it is malformed.

    Examples
    --------
    >>> info("fashion-mnist").classes[:2]
    ('T-shirt/top', 'Trouser')
    """
    check_name("data set", name, names())
    return read_card(resources.folder("datasets") / f"{name}.toml")


def read_card(path: Path) -> Card:
    """Read and check a card.

    Parameters
    ----------
    path : Path
        Its stem is the name of the data set.

    Raises
    ------
    InputError
        One line that names the file and the key.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable card ({' '.join(str(error).split())})") from error
    allowed = [field.name for field in fields(Card) if field.name != "name"]
    files = values.setdefault("files", {})
    _check_keys(path, values, allowed)
    for key in ("title", "description", "licence", "homepage", "citation"):
        _check(path, key, isinstance(values[key], str) and values[key].strip(), "text")
    for key in ("train", "test"):
        _check(path, key, _is_count(values[key]), "a whole number above 0")
    shape, classes = values["shape"], values["classes"]
    _check(path, "shape", isinstance(shape, list) and shape and all(map(_is_count, shape)), "a list of sizes")
    _check(path, "classes", _is_texts(classes) and len(classes) >= 2, "a list of at least two names")
    _check(path, "files", isinstance(files, dict), "a table")
    if files:
        _check_keys(path, files, list(PARTS), "files.")
    values["shape"], values["classes"] = tuple(shape), tuple(classes)
    values["files"] = {part: _read_file(path, part, files[part]) for part in PARTS if part in files}
    return Card(name=path.stem, **values)


def _read_file(path: Path, part: str, values: Any) -> CardFile:
    key = f"files.{part}"
    _check(path, key, isinstance(values, dict), "a table")
    _check_keys(path, values, [field.name for field in fields(CardFile)], f"{key}.")
    name, urls = values["name"], values["urls"]
    plain = isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name)
    _check(path, f"{key}.name", plain, "a plain file name")
    digest = isinstance(values["sha256"], str) and re.fullmatch(r"[0-9a-f]{64}", values["sha256"])
    _check(path, f"{key}.sha256", digest, "64 lower-case hexadecimal digits")
    _check(path, f"{key}.size", _is_count(values["size"]), "a whole number above 0")
    web = _is_texts(urls) and urls and all(re.match(r"https?://\S+$", url) for url in urls)
    _check(path, f"{key}.urls", web, "a list of http:// or https:// addresses")
    return CardFile(name=name, sha256=values["sha256"], size=values["size"], urls=tuple(urls))


def _check_keys(path: Path, values: dict[str, Any], allowed: list[str], prefix: str = "") -> None:
    for key in values:
        if key not in allowed:
            raise InputError(f"{path}: unknown key {prefix + key!r}: {suggest(key, allowed)}")
    for key in allowed:
        if key not in values:
            raise InputError(f"{path}: key {prefix + key!r} is missing")


def _check(path: Path, key: str, good: Any, wanted: str) -> None:
    if not good:
        raise InputError(f"{path}: {key} must be {wanted}")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
