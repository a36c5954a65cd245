"""What can be saved from a damaged store: every run that is readable as a whole."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from minnet.errors import InputError
from minnet.lab import schema
from minnet.lab.database import FILE, clear_errors, copied, hold, log_of
from minnet.lab.trials import NORMS

DAMAGED = "runs.damaged{}.sqlite"
JSON = ("value", "facts", "hyperparameters", "spec", "portrait", *NORMS)  # columns of any table
ROWS_PER_PAGE = 200  # more than a page of any of these tables holds
Row = dict[str, object]


def recover(folder: Path) -> tuple[int, Path]:
    """Put a store with all readable runs in the place of a damaged one, which is kept beside it.

    The same command as before then trains only what is missing.

    Returns
    -------
    kept : int
        Number of runs that were saved.
    damaged : Path
        Where the damaged file is now.

    Raises
    ------
    InputError
        If there is no store, another process works in the folder, or nothing can be read.
    """
    folder = Path(folder)
    path = folder / FILE
    if not path.is_file():
        raise InputError(f"no results in {folder} ({FILE} is missing): nothing to recover")
    with closing(hold(folder)), clear_errors(path):
        part = folder / "runs.recovered.sqlite"
        part.unlink(missing_ok=True)
        with copied(path) as copy, closing(sqlite3.connect(copy)) as old, closing(sqlite3.connect(part)) as new:
            kept = _save(old, new)
        if not kept:
            part.unlink()
            raise InputError(
                f"nothing can be read in {path}: try .recover of the program sqlite3, or move it away to start anew"
            )
        damaged = _free_name(folder)
        shutil.copyfile(path, damaged)
        if log_of(path).is_file():
            log_of(path).replace(log_of(damaged))
        part.replace(path)
    return kept, damaged


def _save(old: sqlite3.Connection, new: sqlite3.Connection) -> int:
    """Copy what is readable into tables of the same version; return the number of runs."""
    old.execute("PRAGMA writable_schema = ON")  # or SQLite would not open a file that has lost its end
    version = schema.SCHEMA
    with contextlib.suppress(sqlite3.DatabaseError):
        version = schema.version(old) or version
    schema.migrate(new, version)
    with new:
        for table in ("info", "sessions", "plan"):
            for row in _rows(old, table):
                _insert(new, table, row)
        for run in _rows(old, "runs"):
            epochs = _history(old, run)
            if epochs and _insert(new, "runs", run):
                for epoch in epochs:
                    _insert(new, "epochs", epoch)
                for portrait in _read(old, "SELECT * FROM portraits WHERE run_id = ?", run["id"]):
                    _insert(new, "portraits", portrait)
    return int(new.execute("SELECT count(*) FROM runs").fetchone()[0])


def _rows(db: sqlite3.Connection, table: str) -> Iterator[Row]:
    """Yield the rows that can be read, each looked up by its own number: one that cannot be read hides no other."""
    for rowid in range(1, _pages(db) * ROWS_PER_PAGE):
        yield from _read(db, f"SELECT * FROM {table} WHERE rowid = ?", rowid)


def _history(db: sqlite3.Connection, run: Row) -> list[Row]:
    """Return all epochs of a run, or nothing if one is missing or unreadable."""
    epochs = _read(db, "SELECT * FROM epochs WHERE run_id = ? ORDER BY epoch", run["id"])
    whole = epochs and [row["epoch"] for row in epochs] == list(range(len(epochs)))
    return epochs if whole and epochs[-1]["steps"] == run["steps"] else []


def _read(db: sqlite3.Connection, query: str, key: object) -> list[Row]:
    """Return those rows of a query that are sound, or nothing if they cannot be reached."""
    try:
        cursor = db.execute(query, (key,))
        names = [column[0] for column in cursor.description]
        return [row for row in (dict(zip(names, values)) for values in cursor.fetchall()) if _sound(row)]
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return []


def _sound(row: Row) -> bool:
    try:
        for name in JSON:
            if row.get(name) is not None:
                json.loads(str(row[name]))
    except ValueError:
        return False
    return True


def _insert(db: sqlite3.Connection, table: str, row: Row) -> bool:
    values = ", ".join(f":{name}" for name in row)
    try:
        db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})", row)
    except sqlite3.DatabaseError:  # damage has bent it so that it does not fit
        return False
    return True


def _pages(db: sqlite3.Connection) -> int:
    try:
        return int(db.execute("PRAGMA page_count").fetchone()[0])
    except sqlite3.DatabaseError:
        return 0


def _free_name(folder: Path) -> Path:
    """Return a name for the damaged file that no file has."""
    number = 1
    while (path := folder / DAMAGED.format("" if number == 1 else f"-{number}")).exists():
        number += 1
    return path
