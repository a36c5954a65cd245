"""The tables of the store and how they became what they are.

A new store takes all steps and an older one those it has not had, so that both end with the same tables. A change of
the tables is one more step at the end of `STEPS`; a step that has been released is never edited. Every version has a
stored example in ``tests/lab/stores`` that must load.
"""

from __future__ import annotations

import sqlite3

FIRST = """
CREATE TABLE schema (version INTEGER NOT NULL);
INSERT INTO schema VALUES (0);
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

SESSIONS = """
CREATE TABLE sessions (id INTEGER PRIMARY KEY, started TEXT NOT NULL, finished TEXT, facts TEXT NOT NULL);
INSERT INTO sessions
    SELECT list.key + 1, json_extract(list.value, '$.started'), json_extract(list.value, '$.finished'),
           json_remove(list.value, '$.started', '$.finished')
    FROM info, json_each(info.value) AS list WHERE info.key = 'sessions';
DELETE FROM info WHERE key = 'sessions';
ALTER TABLE runs ADD COLUMN session INTEGER REFERENCES sessions (id);
"""

TEST_SET = """
CREATE TRIGGER only_final_runs_read_the_test_set BEFORE INSERT ON runs
WHEN NEW.kind <> 'final' AND coalesce(NEW.test_accuracy, NEW.test_loss) IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a tuning run holds a test figure'); END;
"""

PORTRAITS = """
CREATE TABLE portraits (run_id TEXT PRIMARY KEY REFERENCES runs (id), portrait TEXT NOT NULL);
"""

TEST_SET_LATER = """
CREATE TRIGGER only_final_runs_are_given_test_figures BEFORE UPDATE ON runs
WHEN NEW.kind <> 'final' AND coalesce(NEW.test_accuracy, NEW.test_loss) IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a tuning run holds a test figure'); END;
"""

STEPS = (FIRST, SESSIONS + TEST_SET, PORTRAITS, TEST_SET_LATER)
SCHEMA = len(STEPS)


def migrate(db: sqlite3.Connection, to: int = SCHEMA) -> None:
    """Take the steps that a database has not had yet, all or none."""
    before = version(db) or 0
    if before >= to:
        return
    try:
        db.executescript(f"BEGIN; {''.join(STEPS[before:to])} UPDATE schema SET version = {to}; COMMIT;")
    except BaseException:
        db.rollback()
        raise


def version(db: sqlite3.Connection) -> int | None:
    """Return the version of the tables: 0 if there are none yet, None in a database of somebody else.

    Examples
    --------
    >>> db = sqlite3.connect(":memory:")
    >>> version(db)
    0
    >>> migrate(db)
    >>> version(db) == SCHEMA
    True
    """
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    if not tables:
        return 0
    row = db.execute("SELECT version FROM schema").fetchone() if "schema" in tables else None
    return row and row[0]
