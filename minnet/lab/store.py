"""The store: one SQLite file that holds everything an experiment has produced so far.

Every finished run is committed at once, by the one process that drives the experiment; others may read along.
Tables, CSV files and the page are views of it and can be rebuilt at any time. For those who ask in SQL:

* ``runs``: one row per finished run: `id` (hash of its content), kind ("tune" or "final"), method, style,
  seed, lr, hyperparameters (JSON), spec (JSON: all that decides the result), val_accuracy, val_loss,
  test_accuracy and test_loss (final runs only), diverged (0 or 1), diverged_step, steps, train_s, eval_s,
  compile_s, train_size, finished (UTC), session (that trained it; NULL in stores of before there were any);
* ``epochs``: their histories: run_id, epoch (0 is before training), steps, lr, train_loss, train_accuracy,
  val_loss, val_accuracy, train_s, eval_s (seconds since the start of the run), running_loss, grad_norms,
  update_norms, weight_norms (JSON lists, one number per layer);
* ``portraits``: run_id and what one final run of every method looks like inside (JSON, see `minnet.lab.portrait`);
* ``plan``: which run plays which part: optimizer (label), position (in the experiment), kind ("tune", "default"
  for the trial of a method's own defaults, "final"), trial (of tuning, -1 for the defaults; a final run repeats the
  selected one), seed, run_id, selected (the run that won);
* ``sessions``: every start of the experiment: id, started and finished (UTC; NULL if it ended early), facts (JSON:
  command, versions, commit, hardware, BLAS, jobs, threads, data);
* ``info``: key and JSON value: experiment, rules, tuning, machines;
* ``schema``: one row, the version of these tables (`minnet.lab.schema` has their history).

NULL stands for what is not finite or was not measured. For example, the best step size of every method::

    SELECT optimizer, lr, val_accuracy FROM plan JOIN runs ON runs.id = run_id WHERE selected
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from minnet.errors import InputError, NothingYet
from minnet.lab import schema
from minnet.lab.database import FILE, clear_errors, hold, snapshot
from minnet.lab.trials import NORMS

SESSION = ("id", "started", "finished")


class Store:
    """The runs of one folder, or of no folder: in memory.

    Parameters
    ----------
    folder : Path or None
        None keeps everything in memory.
    write : bool
        Whether this process drives the experiment. Only one may. A reader needs an existing store, of which it
        sees a copy as of now: it makes nobody wait and changes nothing.
    wait : callable, optional
        Called once if another process drives the experiment; then its end is waited for. Without it, that is an
        error.

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

    def __init__(self, folder: Path | None, write: bool = True, wait: Callable[[], None] | None = None) -> None:
        self.path = None if folder is None else Path(folder) / FILE
        self.session: int | None = None
        self._lock: sqlite3.Connection | None = None
        self._db: sqlite3.Connection | None = None
        try:
            if self.path is not None and write:
                self._lock = hold(self.path.parent, wait)
            with clear_errors(self.path):
                self._db = self._open(write)
                self._check(write)
                self.db.execute("PRAGMA journal_mode = WAL")
                schema.migrate(self.db)
                self.db.execute("PRAGMA foreign_keys = ON")
                self.db.execute("PRAGMA synchronous = FULL")
                self.db.execute(f"PRAGMA query_only = {'OFF' if write else 'ON'}")
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
        with clear_errors(self.path):
            done = {row[0] for row in self.db.execute("SELECT id FROM runs")}
        return [id for id in dict.fromkeys(ids) if id not in done]

    def add(self, record: Mapping[str, Any]) -> bool:
        """Commit one finished run with its history. Return whether it is new: one that is there stays as it is."""
        run = {
            **{name: value for name, value in record.items() if name not in ("history", "portrait")},
            "hyperparameters": _json(record["hyperparameters"]),
            "spec": _json(record["spec"]),
            "diverged": int(record["diverged"]),
            "finished": _now(),
            "session": self.session,
        }
        rows = [
            {"run_id": record["id"], **row, **{name: _json(row[name]) if row[name] else None for name in NORMS}}
            for row in record["history"]
        ]
        with clear_errors(self.path), self.db:
            new = self._insert("runs", [run], "ON CONFLICT (id) DO NOTHING") == 1
            if new:
                self._insert("epochs", rows)
                if record.get("portrait"):
                    self._insert("portraits", [{"run_id": record["id"], "portrait": _json(record["portrait"])}])
        return new

    def records(self, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the finished runs among `ids`, by id: as `run_trial` returned them, with `finished` and `session`."""
        wanted = set(ids)
        with clear_errors(self.path):
            runs = {row["id"]: dict(row) for row in self._rows("SELECT * FROM runs") if row["id"] in wanted}
            for run in runs.values():
                run.update(
                    hyperparameters=json.loads(run["hyperparameters"]),
                    spec=json.loads(run["spec"]),
                    diverged=bool(run["diverged"]),
                    history=[],
                )
            for row in self._rows("SELECT * FROM epochs ORDER BY run_id, epoch"):
                epoch = dict(row)
                run_id = epoch.pop("run_id")
                if run_id in runs:
                    epoch.update((name, json.loads(epoch[name])) for name in NORMS if epoch[name])
                    runs[run_id]["history"].append(epoch)
        return runs

    def portraits(self, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the portraits of those runs among `ids` that have one, by id."""
        wanted = set(ids)
        with clear_errors(self.path):
            rows = self._rows("SELECT * FROM portraits")
            return {row["run_id"]: json.loads(row["portrait"]) for row in rows if row["run_id"] in wanted}

    def set_plan(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace the plan: mappings from its columns to values."""
        with clear_errors(self.path), self.db:
            self.db.execute("DELETE FROM plan")
            self._insert("plan", rows)

    def plan(self) -> list[dict[str, Any]]:
        """Return the plan: tuning before final runs, in the order of the experiment."""
        with clear_errors(self.path):
            rows = self._rows("SELECT * FROM plan ORDER BY kind = 'final', kind DESC, position, trial, seed")
            return [{**dict(row), "selected": bool(row["selected"])} for row in rows]

    def begin(self, facts: Mapping[str, Any]) -> None:
        """Begin a session: the runs that are added from now on belong to it."""
        row = {"started": _now(), "facts": _json(facts)}
        with clear_errors(self.path), self.db:
            self._insert("sessions", [row])
            self.session = self.db.execute("SELECT max(id) FROM sessions").fetchone()[0]

    def end(self) -> None:
        """Note when the session has come to its end."""
        with clear_errors(self.path), self.db:
            self.db.execute("UPDATE sessions SET finished = ? WHERE id = ?", (_now(), self.session))

    def sessions(self) -> list[dict[str, Any]]:
        """Return all sessions: `id`, when each started and finished, and its facts."""
        with clear_errors(self.path):
            rows = self._rows("SELECT * FROM sessions ORDER BY id")
            return [{**json.loads(row["facts"]), **{key: row[key] for key in SESSION}} for row in rows]

    def set_info(self, key: str, value: Any) -> None:
        """Keep a JSON value."""
        with clear_errors(self.path), self.db:
            self.db.execute("INSERT OR REPLACE INTO info VALUES (?, ?)", (key, _json(value)))

    def info(self, key: str, default: Any = None) -> Any:
        """Return a JSON value."""
        with clear_errors(self.path):
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

    def _insert(self, table: str, rows: Sequence[Mapping[str, Any]], conflict: str = "") -> int:
        """Insert rows that have the same keys, and return how many."""
        if not rows:
            return 0
        columns, values = ", ".join(rows[0]), ", ".join(f":{name}" for name in rows[0])
        return self.db.executemany(f"INSERT INTO {table} ({columns}) VALUES ({values}) {conflict}", rows).rowcount

    def _open(self, write: bool) -> sqlite3.Connection:
        if self.path is not None and not write:
            return snapshot(self.path)
        return sqlite3.connect(":memory:" if self.path is None else self.path, timeout=30)

    def _check(self, write: bool) -> None:
        """Raise unless the tables are whole and of a version that we read, or there are none yet."""
        if self.db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("failed its integrity check")
        version = schema.version(self.db)
        if version is None:
            raise InputError(f"{self.path} is no store of minnet: choose another folder")
        if version == 0 and not write:
            raise NothingYet(f"no results in {self.path}: the run before ended too early; start it again")
        if version > schema.SCHEMA:
            raise InputError(
                f"{self.path} was written by a newer minnet (tables of version {version}, this one reads "
                f"{schema.SCHEMA}): update minnet or choose another folder"
            )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False)
