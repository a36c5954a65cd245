from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from minnet.errors import InputError
from minnet.lab.store import FILE, SCHEMA, Store
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


def test_a_folder_in_use_is_refused_and_free_again_after_a_kill(tmp_path):
    code = (
        "import sys, time; from minnet.lab.store import Store; store = Store(sys.argv[1]); "
        "print('in', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout.readline().strip() == b"in"
            with pytest.raises(InputError, match="another process is working in"):
                Store(tmp_path)
            with Store(tmp_path, write=False) as store:
                assert store.plan() == []
        finally:
            other.kill()
    with Store(tmp_path) as store:
        store.add(record())


def test_the_same_process_cannot_drive_twice(tmp_path):
    with Store(tmp_path), pytest.raises(InputError, match="another process is working in"):
        Store(tmp_path)


@pytest.mark.parametrize("content", [b"this is no database, " * 100, b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_file_that_is_no_database(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(InputError, match=r"runs\.sqlite is damaged .*move it away"):
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


def test_a_reader_cannot_write(tmp_path):
    Store(tmp_path).close()
    with Store(tmp_path, write=False) as store, pytest.raises(InputError, match="readonly"):
        store.add(record())
