"""SQLite as the store uses it: one driver per folder, copies for readers, and errors that say what to do."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from minnet.errors import InputError, NothingYet

FILE = "runs.sqlite"
LOCK = "runs.lock"
PATIENCE_S = 0.2

# the beginning of SQLite's name for what is wrong: what it means and what there is to do
REMEDIES = {
    "SQLITE_FULL": "the disk is full; make room and give the same command again: what is finished is kept",
    "SQLITE_IOERR": "the disk is full or fails; check it and give the same command again: what is finished is kept",
    "SQLITE_READONLY": "it cannot be written; change its rights or choose another folder with --out",
    "SQLITE_CANTOPEN": "it cannot be opened or written; change the rights of its folder or choose another with --out",
    "SQLITE_BUSY": "another program holds it; close that one and give the same command again",
}


@contextlib.contextmanager
def clear_errors(path: Path | None) -> Iterator[None]:
    """Say in one line what SQLite does not like about a file."""
    try:
        yield
    except (sqlite3.DatabaseError, json.JSONDecodeError) as error:
        code = getattr(error, "sqlite_errorname", None) or ""
        for start, remedy in REMEDIES.items():
            if code.startswith(start):
                raise InputError(f"cannot use {path} ({error}): {remedy}") from error
        unreadable = "decode" in str(error)  # bytes that are no text
        if isinstance(error, sqlite3.OperationalError | sqlite3.IntegrityError) and not unreadable:
            raise InputError(f"cannot use {path}: {error}; choose another folder") from error
        folder = path.parent if path else path
        raise InputError(
            f"{path} is damaged ({error}): 'minnet report {folder} --recover' saves the runs that can be read; "
            "or move it away to start anew"
        ) from error


def hold(folder: Path, wait: Callable[[], None] | None = None) -> sqlite3.Connection:
    """Hold a folder against other processes until the connection is closed or this process ends, however it ends.

    If another process holds it, `wait` is called once and its end is waited for; without `wait` that is an error.
    """
    path = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot use the folder {folder}: {error.strerror}; choose another one") from error
    with clear_errors(path):
        lock = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        while not _taken(lock, path):
            if wait is None:
                raise InputError(
                    f"another process is working in {folder}: wait for it (--wait) or choose another folder with --out"
                )
            wait()
            while not _taken(lock, path):
                time.sleep(PATIENCE_S)
            break
    except BaseException:
        lock.close()
        raise
    return lock


def _taken(lock: sqlite3.Connection, path: Path) -> bool:
    try:
        with clear_errors(path):
            lock.execute("BEGIN EXCLUSIVE")
    except InputError as error:
        if getattr(error.__cause__, "sqlite_errorname", "") == "SQLITE_BUSY":
            return False
        raise
    return True


def snapshot(path: Path) -> sqlite3.Connection:
    """Return a copy in memory of the database as it is now. It makes nobody wait, and the file stays as it is."""
    if not path.is_file():
        raise NothingYet(
            f"no results in {path.parent} ({path.name} is missing): run minnet compare --out {path.parent}"
        )
    try:
        return _in_memory(path)
    except sqlite3.OperationalError:  # SQLite needs a file of its own beside it, which not every folder takes
        with copied(path) as copy:
            return _in_memory(copy)


@contextlib.contextmanager
def copied(path: Path) -> Iterator[Path]:
    """Lend a copy of a database and of what is not merged into it yet, in a folder that ends with the block."""
    with tempfile.TemporaryDirectory(prefix="minnet-", ignore_cleanup_errors=True) as folder:
        for file in (path, log_of(path)):
            if file.is_file():
                shutil.copyfile(file, Path(folder) / file.name)
        yield Path(folder) / path.name


def log_of(path: Path) -> Path:
    """Return where SQLite keeps what is committed but not merged into the file yet."""
    return path.with_name(f"{path.name}-wal")


def _in_memory(path: Path) -> sqlite3.Connection:
    memory = sqlite3.connect(":memory:")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", timeout=30, uri=True)) as db:
            db.backup(memory)
    except BaseException:
        memory.close()
        raise
    return memory
