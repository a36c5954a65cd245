"""The store: one SQLite file that holds everything an experiment has produced so far.

Every finished run is committed at once, by the one process that drives the experiment; others may read along.
Tables, CSV files and the page are views of it and can be rebuilt at any time. For those who ask in SQL:

* ``runs``: one row per finished run: `id` (hash of its content), kind ("tune" or "final"), method, style,
  seed, lr, hyperparameters (JSON), spec (JSON: all that decides the result), val_accuracy, val_loss,
  test_accuracy and test_loss (final runs only), diverged (0 or 1), diverged_step, steps, train_s, eval_s,
  compile_s, train_size, finished (UTC);
* ``epochs``: their histories: run_id, epoch (0 is before training), steps, lr, train_loss, train_accuracy,
  val_loss, val_accuracy, train_s, eval_s (seconds since the start of the run), running_loss, grad_norms,
  update_norms, weight_norms (JSON lists, one number per layer);
* ``plan``: which run plays which part: optimizer (label), position (in the experiment), kind, trial (of
  tuning; a final run repeats the selected one), seed, run_id, selected (the tuning run that won);
* ``info``: key and JSON value: experiment, sessions (when, where and with what it ran), rules;
* ``schema``: one row, the version of these tables.

NULL stands for what is not finite or was not measured. For example, the best step size of every method::

    SELECT optimizer, lr, val_accuracy FROM plan JOIN runs ON runs.id = run_id WHERE selected
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from minnet.errors import InputError
from minnet.lab.trials import COLUMNS, NORMS

SCHEMA = 1
FILE = "runs.sqlite"
LOCK = "runs.lock"

RUN_COLUMNS = (
    "id", "kind", "method", "style", "seed", "lr", "hyperparameters", "spec", "val_accuracy", "val_loss",
    "test_accuracy", "test_loss", "diverged", "diverged_step", "steps", "train_s", "eval_s", "compile_s",
    "train_size", "finished",
)  # fmt: skip
EPOCH_COLUMNS = ("run_id", *COLUMNS, "running_loss", *NORMS)
PLAN_COLUMNS = ("optimizer", "position", "kind", "trial", "seed", "run_id", "selected")

TABLES = """
CREATE TABLE schema (version INTEGER NOT NULL);
CREATE TABLE info (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE runs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, method TEXT NOT NULL, style TEXT NOT NULL, seed INTEGER NOT NULL,
    lr REAL, hyperparameters TEXT NOT NULL, spec TEXT NOT NULL, val_accuracy REAL, val_loss REAL,
    test_accuracy REAL, test_loss REAL, diverged INTEGER NOT NULL, diverged_step INTEGER, steps INTEGER,
    train_s REAL, eval_s REAL, compile_s REAL, train_size INTEGER, finished TEXT NOT NULL
);
CREATE TABLE epochs (
    run_id TEXT NOT NULL REFERENCES runs (id), epoch INTEGER NOT NULL, steps INTEGER, lr REAL,
    train_loss REAL, train_accuracy REAL, val_loss REAL, val_accuracy REAL, train_s REAL, eval_s REAL,
    running_loss REAL, grad_norms TEXT, update_norms TEXT, weight_norms TEXT, PRIMARY KEY (run_id, epoch)
) WITHOUT ROWID;
CREATE TABLE plan (
    optimizer TEXT NOT NULL, position INTEGER NOT NULL, kind TEXT NOT NULL, trial INTEGER NOT NULL,
    seed INTEGER NOT NULL, run_id TEXT NOT NULL, selected INTEGER NOT NULL,
    PRIMARY KEY (position, kind, trial, seed)
);
"""


class Store:
    """The runs of one folder, or of no folder: in memory.

    Parameters
    ----------
    folder : Path or None
        None keeps everything in memory.
    write : bool
        Whether this process drives the experiment. Only one may; a reader needs an existing store.

    Raises
    ------
    InputError
        If the folder cannot be used, another process drives it, or its file is damaged or of a newer version.

    Examples
    --------
    >>> with Store(None) as store:
    ...     store.missing(["a", "b"])
    ['a', 'b']
    """

    def __init__(self, folder: Path | None, write: bool = True) -> None:
        self.path = None if folder is None else Path(folder) / FILE
        self._lock: sqlite3.Connection | None = None
        self._db: sqlite3.Connection | None = None
        try:
            if folder is not None:
                self._prepare(Path(folder), write)
            with self._clear_errors():
                self._open(write)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and let others drive."""
        for connection in (self._db, self._lock):
            if connection is not None:
                connection.close()
        self._db = self._lock = None

    def missing(self, ids: Iterable[str]) -> list[str]:
        """Return those of `ids` that have no record yet, in order, each once."""
        with self._clear_errors():
            done = {row[0] for row in self.db.execute("SELECT id FROM runs")}
        return [id for id in dict.fromkeys(ids) if id not in done]

    def add(self, record: Mapping[str, Any]) -> None:
        """Commit one finished run with its history."""
        run = {
            **record,
            "hyperparameters": _json(record["hyperparameters"]),
            "spec": _json(record["spec"]),
            "diverged": int(record["diverged"]),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        rows = [
            (
                record["id"],
                *(row[name] for name in (*COLUMNS, "running_loss")),
                *(_json(row[n]) if row[n] else None for n in NORMS),
            )
            for row in record["history"]
        ]
        with self._clear_errors(), self.db:
            self.db.execute(_insert("runs", RUN_COLUMNS), [run[name] for name in RUN_COLUMNS])
            self.db.executemany(_insert("epochs", EPOCH_COLUMNS), rows)

    def records(self, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the finished runs among `ids`, by id, as `run_trial` returned them."""
        wanted = set(ids)
        with self._clear_errors():
            runs = {row["id"]: dict(row) for row in self._rows("SELECT * FROM runs") if row["id"] in wanted}
            for run in runs.values():
                run.update(
                    hyperparameters=json.loads(run["hyperparameters"]),
                    spec=json.loads(run["spec"]),
                    diverged=bool(run["diverged"]),
                    history=[],
                )
            for row in self._rows("SELECT * FROM epochs ORDER BY run_id, epoch"):
                if row["run_id"] in runs:
                    epoch = {name: row[name] for name in EPOCH_COLUMNS[1:]}
                    epoch.update((name, json.loads(row[name])) for name in NORMS if row[name])
                    runs[row["run_id"]]["history"].append(epoch)
        return runs

    def set_plan(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace the plan: mappings with the keys `PLAN_COLUMNS`."""
        with self._clear_errors(), self.db:
            self.db.execute("DELETE FROM plan")
            self.db.executemany(_insert("plan", PLAN_COLUMNS), [[row[name] for name in PLAN_COLUMNS] for row in rows])

    def plan(self) -> list[dict[str, Any]]:
        """Return the plan: tuning before final runs, in the order of the experiment."""
        with self._clear_errors():
            rows = self._rows("SELECT * FROM plan ORDER BY kind DESC, position, trial, seed")
            return [{**dict(row), "selected": bool(row["selected"])} for row in rows]

    def set_info(self, key: str, value: Any) -> None:
        """Keep a JSON value."""
        with self._clear_errors(), self.db:
            self.db.execute("INSERT OR REPLACE INTO info VALUES (?, ?)", (key, _json(value)))

    def info(self, key: str, default: Any = None) -> Any:
        """Return a JSON value."""
        with self._clear_errors():
            row = self.db.execute("SELECT value FROM info WHERE key = ?", (key,)).fetchone()
        return default if row is None else json.loads(row[0])

    @property
    def db(self) -> sqlite3.Connection:
        """The open connection."""
        if self._db is None:
            raise ValueError("the store is closed")
        return self._db

    def _rows(self, query: str) -> list[sqlite3.Row]:
        cursor = self.db.execute(query)
        cursor.row_factory = sqlite3.Row
        return cursor.fetchall()

    def _prepare(self, folder: Path, write: bool) -> None:
        if not write:
            if not (folder / FILE).is_file():
                raise InputError(f"no results in {folder} ({FILE} is missing): run minnet compare --out {folder} first")
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot use the folder {folder}: {error.strerror}; choose another one") from error
        self._lock = _lock(folder / LOCK)

    def _open(self, write: bool) -> None:
        self._db = sqlite3.connect(":memory:" if self.path is None else self.path, timeout=30)
        if not self.db.execute("SELECT name FROM sqlite_master").fetchall():
            if not write:
                raise InputError(f"no results in {self.path}: the run before ended too early; start it again")
            self.db.execute("PRAGMA journal_mode = WAL")
            self.db.executescript(f"BEGIN; {TABLES} INSERT INTO schema VALUES ({SCHEMA}); COMMIT;")
        self._check()
        self.db.execute("PRAGMA foreign_keys = ON")
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.execute(f"PRAGMA query_only = {'OFF' if write else 'ON'}")

    def _check(self) -> None:
        if self.db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("failed its integrity check")
        tables = {row[0] for row in self.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        row = self.db.execute("SELECT version FROM schema").fetchone() if "schema" in tables else None
        if row is None:
            raise InputError(f"{self.path} is no store of minnet: choose another folder")
        if row[0] > SCHEMA:
            raise InputError(
                f"{self.path} was written by a newer minnet (tables of version {row[0]}, this one reads "
                f"{SCHEMA}): update minnet or choose another folder"
            )
        if not {"info", "runs", "epochs", "plan"} <= tables:
            raise sqlite3.DatabaseError("tables are missing")

    @contextlib.contextmanager
    def _clear_errors(self) -> Iterator[None]:
        """Say in one line what SQLite does not like."""
        try:
            yield
        except (sqlite3.OperationalError, sqlite3.IntegrityError) as error:
            raise InputError(f"cannot use {self.path}: {error}; free the file or choose another folder") from error
        except (sqlite3.DatabaseError, json.JSONDecodeError) as error:
            raise InputError(
                f"{self.path} is damaged ({error}): move it away to start anew, or choose another folder"
            ) from error


def _lock(path: Path) -> sqlite3.Connection:
    """Hold the folder against other processes; the lock ends with this process, however it ends."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        connection.close()
        if "locked" in str(error):
            raise InputError(
                f"another process is working in {path.parent}: wait for it or choose another folder"
            ) from error
        raise InputError(f"cannot use {path}: {error}; remove it or choose another folder") from error
    return connection


def _insert(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False)
