"""Fetching what is missing: mirrors in turn, checked by hash, put in place in one step."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from minnet.data import places
from minnet.data.cards import Card, CardFile, info
from minnet.errors import InputError

Progress = Callable[[str, int, int | None], None]

TIMEOUT = (5.0, 30.0)  # seconds: to connect, between two pieces
_PIECE = 1 << 16
_STALE = 3600.0


class _TooLongError(Exception):
    """A mirror sends more than the card promises."""


def fetch(name: str, data_dir: str | Path | None = None, progress: Progress | None = None) -> Path:
    """Make sure that a data set is here, whole and verified; download what is missing.

    Downloads go to `data_dir` if it is given and writable, else to the user's
    cache. A file appears under its name only when it is complete and its
    uncompressed content has the hash on the card; whole files are not fetched twice.

    Parameters
    ----------
    name : str
        One of `minnet.data.names()`.
    data_dir : str, Path or None
    progress : callable or None
        Called as ``progress(file_name, bytes_so_far, total_bytes_or_None)``. By
        default a bar is drawn if stderr is a terminal.

    Returns
    -------
    Path
        The folder with the files.

    Raises
    ------
    InputError
        If nothing has to be fetched for this name, no mirror delivers, or a file
        that is already here has other content than the card says.
    """
    card = info(name)
    if not card.files:
        raise InputError(f"{name} needs no files: nothing to fetch")
    found = places.status(name, data_dir)
    if found.complete and found.folder is not None:
        _refuse_other_content(card, found.folder)
        return found.folder
    return fetch_missing(card, data_dir, progress)


def fetch_missing(card: Card, data_dir: str | Path | None, progress: Progress | None = None) -> Path:
    """Download the files of `card` that the first writable folder lacks, and return that folder."""
    folder = _writable_folder(card, data_dir)
    present = _refuse_other_content(card, folder)
    _remove_stale(folder)
    with _shown(progress) as report:
        for part, file in card.files.items():
            if part not in present:
                _fetch_file(card, file, folder, report, data_dir)
    return folder


def missing_line(card: Card, data_dir: str | Path | None, why: str) -> str:
    """Return the line that says where `card` was looked for and what to do."""
    looked_in = ", ".join(str(folder / card.name) for folder in places.search_folders(data_dir))
    return (
        f"{card.name} is not here (looked in {looked_in}) and {why}; when online run "
        f"`minnet data fetch {card.name}`, or put {', '.join(file.name for file in card.files.values())} "
        "into one of these folders, or use --data digits"
    )


def _fetch_file(card: Card, file: CardFile, folder: Path, report: Progress, data_dir: str | Path | None) -> None:
    failures = []
    for url in file.urls:
        try:
            _fetch_from(url, file, folder, report)
            return
        except InputError as error:
            failures.append(f"{url.split('/')[2]}: {error}")
        except OSError as error:
            raise InputError(f"cannot write to {folder} ({error.strerror or error})") from error
    why = f"{file.name} could not be fetched ({'; '.join(failures)})"
    raise InputError(missing_line(card, data_dir, why))


def _fetch_from(url: str, file: CardFile, folder: Path, report: Progress) -> None:
    # The temporary file lies in the same folder, so that the last step is one rename.
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=folder)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            _download(url, stream, file, report)
            stream.flush()
            os.fsync(stream.fileno())
        if not places.matches(part, file):
            raise InputError("wrong content, its SHA-256 is not the card's")
        part.chmod(0o644)
        os.replace(part, folder / file.name)  # noqa: PTH105 - the same call on every system
    finally:
        part.unlink(missing_ok=True)


def _download(url: str, stream: IO[bytes], file: CardFile, report: Progress) -> None:
    import pooch
    import requests

    responses: list[requests.Response] = []
    sink = _Sink(stream, file, report)
    fetch_url = pooch.HTTPDownloader(
        progressbar=sink,
        chunk_size=_PIECE,
        timeout=TIMEOUT,
        headers={"Accept-Encoding": "identity", "User-Agent": "minnet"},
        hooks={"response": lambda response, *args, **kwargs: responses.append(response)},
    )
    try:
        fetch_url(url=url, output_file=sink, pooch=None)
    except requests.RequestException as error:
        raise InputError(_reason(error)) from error
    except _TooLongError as error:
        raise InputError("sends more bytes than the card promises") from error
    except ValueError as error:  # pooch reads the length that the server names
        raise InputError("not a proper HTTP answer") from error
    finally:
        for response in responses:
            response.close()


def _reason(error: Exception) -> str:
    """Say in a few words why a mirror failed; server texts are kept short and on one line."""
    import requests

    response = getattr(error, "response", None)
    if response is not None:
        return " ".join(f"HTTP {response.status_code} {str(response.reason)[:40]}".split())
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "connection broke off"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return type(error).__name__


class _Sink:
    """File and progress bar at once, as pooch wants them; stops what is longer than it can be."""

    def __init__(self, stream: IO[bytes], file: CardFile, report: Progress) -> None:
        self.total = 0
        self._stream, self._file, self._report = stream, file, report
        self._written = 0
        self._limit = file.size + file.size // 100 + 4096  # gzip never adds more

    def write(self, piece: bytes) -> int:
        self._written += len(piece)
        if self._written > self._limit:
            raise _TooLongError
        self._report(self._file.name, self._written, self.total or None)
        return self._stream.write(piece)

    def flush(self) -> None:
        """Leave flushing to the end."""

    def update(self, count: int) -> None:
        """Ignore pooch's count: `write` knows better."""

    def reset(self) -> None:
        """Ignore."""

    def close(self) -> None:
        """Ignore."""


@contextmanager
def _shown(progress: Progress | None) -> Iterator[Progress]:
    """Give the caller's callback, or a bar if someone is watching, or silence."""
    if progress is not None:
        yield progress
    elif sys.stderr is not None and sys.stderr.isatty():
        with _bar() as report:
            yield report
    else:
        yield lambda name, done, total: None


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    tasks: dict[str, Any] = {}
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar:

        def report(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name)
            bar.update(tasks[name], completed=done, total=total)

        yield report


def _writable_folder(card: Card, data_dir: str | Path | None) -> Path:
    roots = [Path(data_dir).expanduser()] if data_dir else []
    for root in [*roots, places.cache_folder()]:
        folder = root / card.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    tried = " nor ".join(str(root) for root in [*roots, places.cache_folder()])
    raise InputError(missing_line(card, data_dir, f"nothing can be written to {tried}"))


def _refuse_other_content(card: Card, folder: Path) -> set[str]:
    """Return the parts that are there; a file with other content is the user's own and never replaced."""
    present = places.verify(card, folder)
    for part, good in present.items():
        if not good:
            name = card.files[part].name
            raise InputError(
                f"{folder}: {name.removesuffix('.gz')} is damaged or not the one on the card of {card.name}; "
                f"move it away and run `minnet data fetch {card.name}` again"
            )
    return set(present)


def _remove_stale(folder: Path) -> None:
    """Remove what a killed download left behind, but not what another process is writing now."""
    for part in folder.glob(".*.part"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > _STALE:
                part.unlink()
