from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import pytest

from minnet.errors import InputError
from minnet.lab.database import FILE
from minnet.lab.schema import SCHEMA
from minnet.lab.store import Store
from minnet.lab.trials import COLUMNS


def record(id="a", accuracy=0.5):
    row = {**dict.fromkeys(COLUMNS, 0.25), "epoch": 0, "steps": 0, "val_loss": None, "running_loss": None,
           "grad_norms": [1.0, None], "update_norms": None, "weight_norms": None}  # fmt: skip
    return {"id": id, "kind": "tune", "method": "sgd", "style": "paper", "seed": 0, "lr": 0.1,
            "hyperparameters": {"lr": 0.1}, "spec": {"run": {}}, "val_accuracy": accuracy, "val_loss": None,
            "test_accuracy": None, "test_loss": None, "diverged": True, "diverged_step": 3, "steps": 0,
            "train_s": 0.1, "eval_s": 0.1, "compile_s": 0.0, "train_size": 5, "history": [row]}  # fmt: skip


def query(folder, text):
    with closing(sqlite3.connect(folder / FILE)) as db:
        return db.execute(text).fetchall()


def test_a_record_comes_back_as_it_was(tmp_path):
    with Store(tmp_path) as store:
        store.add(record())
        assert store.missing(["b", "a", "b", "c"]) == ["b", "c"]
    with Store(tmp_path, write=False) as store:
        stored = store.records(["a", "b"])["a"]
    assert stored.pop("finished")
    assert stored.pop("session") is None
    assert stored == record()


def test_a_record_is_there_for_others_at_once_and_nulls_stand_for_what_is_not_finite(tmp_path):
    with Store(tmp_path) as store:
        store.add(record())
        assert query(tmp_path, "SELECT id, val_loss FROM runs") == [("a", None)]
        assert query(tmp_path, "SELECT run_id, grad_norms FROM epochs") == [("a", "[1.0, null]")]
        assert query(tmp_path, "PRAGMA journal_mode") == [("wal",)]
        assert query(tmp_path, "SELECT version FROM schema") == [(SCHEMA,)]


def test_a_record_is_kept_whole_or_not_at_all(tmp_path):
    broken = record()
    broken["history"] = [*broken["history"], *broken["history"]]
    with Store(tmp_path) as store:
        with pytest.raises(InputError, match="UNIQUE"):
            store.add(broken)
        assert store.missing(["a"]) == ["a"]


@pytest.fixture
def driver(tmp_path):
    """Another process that works in the folder."""
    code = (
        "import sys, time; from minnet.lab.store import Store; store = Store(sys.argv[1]); "
        "print('in', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout.readline().strip() == b"in"
            yield other
        finally:
            other.kill()


def test_a_folder_in_use_is_refused_and_free_again_after_a_kill(tmp_path, driver):
    with pytest.raises(InputError, match=r"another process is working in .*--wait"):
        Store(tmp_path)
    with Store(tmp_path, write=False) as store:
        assert store.plan() == []
    driver.kill()
    driver.wait()
    with Store(tmp_path) as store:
        store.add(record())


def test_who_waits_is_told_once_and_comes_in_when_the_other_is_gone(tmp_path, driver):
    told = []

    def wait():
        told.append("waiting")
        threading.Timer(0.5, driver.kill).start()

    with Store(tmp_path, wait=wait) as store:
        assert told == ["waiting"]
        store.add(record())


def test_the_same_process_cannot_drive_twice(tmp_path):
    with Store(tmp_path), pytest.raises(InputError, match="another process is working in"):
        Store(tmp_path)


def test_a_run_that_is_there_stays_as_it_is(tmp_path):
    with Store(tmp_path) as store:
        assert store.add(record(accuracy=0.5))
        assert not store.add(record(accuracy=0.6))
        assert store.records(["a"])["a"]["val_accuracy"] == 0.5
        assert query(tmp_path, "SELECT count(*) FROM epochs") == [(1,)]


def test_no_figure_of_the_test_set_comes_to_a_tuning_run_later(tmp_path):
    with Store(tmp_path) as store:
        store.add(record())
        store.add({**record("b"), "kind": "final", "test_accuracy": 0.5})
        for change in ("test_accuracy = 0.5 WHERE id = 'a'", "test_loss = 1 WHERE id = 'a'", "kind = 'tune'"):
            with pytest.raises(sqlite3.IntegrityError, match="a tuning run holds a test figure"):
                store.db.execute(f"UPDATE runs SET {change}")


def test_sessions_are_kept_apart_and_every_run_knows_its_own(tmp_path):
    for id, command in (("a", "first"), ("b", "second")):
        with Store(tmp_path) as store:
            store.begin({"command": command})
            store.add(record(id))
            if id == "b":
                store.end()
    text = "SELECT runs.id, json_extract(facts, '$.command') FROM runs JOIN sessions ON sessions.id = session"
    assert query(tmp_path, text) == [("a", "first"), ("b", "second")]
    with Store(tmp_path, write=False) as store:
        assert [(each["command"], each["finished"] is None) for each in store.sessions()] == [
            ("first", True),
            ("second", False),
        ]


@pytest.mark.parametrize("content", [b"this is no database, " * 100, b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_file_that_is_no_database(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(InputError, match=r"runs\.sqlite is damaged .*--recover.*move it away"):
        Store(tmp_path)


def test_a_damaged_page(tmp_path):
    with Store(tmp_path) as store:
        for i in range(200):
            store.add(record(f"{i}"))
    file = tmp_path / FILE
    content = bytearray(file.read_bytes())
    content[8192:12288] = b"\xa5" * 4096
    file.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        Store(tmp_path)


def test_the_store_of_a_newer_version(tmp_path):
    Store(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / FILE)) as db, db:
        db.execute("UPDATE schema SET version = 99")
    with pytest.raises(InputError, match=r"written by a newer minnet .*version 99.*update minnet"):
        Store(tmp_path)


def test_the_database_of_somebody_else(tmp_path):
    with closing(sqlite3.connect(tmp_path / FILE)) as db, db:
        db.execute("CREATE TABLE recipes (name TEXT)")
    with pytest.raises(InputError, match="is no store of minnet"):
        Store(tmp_path)
    assert query(tmp_path, "SELECT name FROM sqlite_master") == [("recipes",)]


def test_a_store_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no results in"):
        Store(tmp_path, write=False)
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot use the folder"):
        Store(tmp_path / "file")


def test_a_full_disk_loses_nothing_and_says_what_to_do(tmp_path):
    with Store(tmp_path) as store:
        store.add(record("kept"))
        pages = store.db.execute("PRAGMA page_count").fetchone()[0]
        store.db.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(InputError, match="the disk is full; make room and give the same command again"):
            any(not store.add(record(str(i))) for i in range(100))
        there = store.records(row[0] for row in store.db.execute("SELECT id FROM runs"))
    with Store(tmp_path) as store:
        assert 1 < len(there) < 100
        assert store.records(there) == there
        assert store.add(record("more"))


def test_what_is_committed_is_there_without_the_process_that_did_it(tmp_path):
    """What a kill leaves: a log that is not merged, here with the half of a record at its end."""
    there, left = tmp_path / "there", tmp_path / "left"
    left.mkdir()
    with Store(there) as store:
        for i in range(20):
            store.add(record(str(i)))
        sizes = (there / f"{FILE}-wal").stat().st_size
        store.add(record("last"))
        for name in (FILE, f"{FILE}-wal"):
            (left / name).write_bytes((there / name).read_bytes())
    log = left / f"{FILE}-wal"
    log.write_bytes(log.read_bytes()[: sizes + 100])
    with Store(left) as store:
        assert store.missing([*map(str, range(20)), "last"]) == ["last"]


@pytest.fixture
def read_only():
    """A folder, and what makes it read-only: even for an administrator, who becomes nobody until the test ends."""
    if not hasattr(os, "geteuid"):
        pytest.skip("rights of another kind")
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def lock():
            for path in folder.iterdir():
                path.chmod(0o444)
            folder.chmod(0o555)
            if user == 0:
                os.seteuid(65534)

        try:
            yield folder, lock
        finally:
            os.seteuid(user)
            folder.chmod(0o755)


@pytest.mark.parametrize("merged", [True, False])
def test_a_read_only_folder_is_read_and_not_written(read_only, merged):
    folder, lock = read_only
    with Store(folder) as store:
        store.add(record())
        files = {path: path.read_bytes() for path in (folder / FILE, folder / f"{FILE}-wal")}
    if not merged:  # as a kill leaves them
        for path, content in files.items():
            path.write_bytes(content)
    lock()
    with Store(folder, write=False) as store:
        assert list(store.records(["a"])) == ["a"]
    with pytest.raises(InputError, match=r"cannot use .*choose another"):
        Store(folder)


def test_a_reader_cannot_write(tmp_path):
    Store(tmp_path).close()
    with Store(tmp_path, write=False) as store, pytest.raises(InputError, match="readonly"):
        store.add(record())
