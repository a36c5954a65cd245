from __future__ import annotations

import random
import sqlite3
from contextlib import closing

import pytest

from minnet.errors import InputError
from minnet.lab.database import FILE
from minnet.lab.recovery import recover
from minnet.lab.store import Store
from minnet.lab.trials import COLUMNS

RUNS, EPOCHS = 60, 5
PAGE, FIRST_LEAF = 4096, 14  # of the file: before that come the roots, and with a root goes all that hangs on it


def record(id):
    rows = [
        {**dict.fromkeys(COLUMNS, 0.25), "epoch": e, "steps": 10 * e, "running_loss": None, "grad_norms": [1.0],
         "update_norms": None, "weight_norms": None}
        for e in range(EPOCHS)
    ]  # fmt: skip
    return {"id": id, "kind": "tune", "method": "sgd", "style": "paper", "seed": 0, "lr": 0.1,
            "hyperparameters": {"lr": 0.1}, "spec": {"run": "x" * 900}, "val_accuracy": 0.5, "val_loss": None,
            "test_accuracy": None, "test_loss": None, "diverged": False, "diverged_step": None,
            "steps": 10 * (EPOCHS - 1), "train_s": 0.1, "eval_s": 0.1, "compile_s": 0.0, "train_size": 5,
            "history": rows}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    with Store(tmp_path) as store:
        store.set_info("experiment", {"name": "mine"})
        store.begin({"command": "minnet compare"})
        for i in range(RUNS):
            store.add(record(f"run {i}"))
    return tmp_path


def whole(store):
    records = store.records(row[0] for row in store.db.execute("SELECT id FROM runs"))
    for id, run in records.items():
        assert {key: run[key] for key in record(id)} == record(id)
    return len(records)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("damage", ["truncated", "a page"])
def test_every_run_that_can_be_read_is_saved(folder, damage, seed):
    path, chance = folder / FILE, random.Random(seed)
    content = path.read_bytes()
    pages = len(content) // PAGE
    if damage == "truncated":
        content = content[: len(content) - chance.randrange(1, len(content) // 4)]
    else:
        start = PAGE * chance.randrange(FIRST_LEAF, pages)
        content = content[:start] + chance.randbytes(PAGE) + content[start + PAGE :]
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"damaged .*'minnet report .* --recover' saves"):
        Store(folder)
    kept, damaged = recover(folder)
    assert damaged.read_bytes() == content
    with Store(folder) as store:
        assert whole(store) == kept
        assert RUNS // 3 < kept < RUNS
        assert store.info("experiment") == {"name": "mine"}
        assert store.add(record("new"))


@pytest.mark.parametrize("epoch", [1, EPOCHS - 1])
def test_a_run_that_has_lost_an_epoch_is_not_kept(folder, epoch):
    with closing(sqlite3.connect(folder / FILE)) as db, db:
        db.execute("DELETE FROM epochs WHERE run_id = 'run 7' AND epoch = ?", (epoch,))
    assert recover(folder)[0] == RUNS - 1
    with Store(folder) as store:
        assert store.missing(["run 6", "run 7"]) == ["run 7"]


def test_a_store_without_its_log_is_older_and_whole(folder):
    with Store(folder) as store:
        store.add(record("in the log"))
        content = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(content)
    with Store(folder) as store:
        assert whole(store) == RUNS


def test_a_sound_store_loses_nothing_and_no_damaged_file_is_overwritten(folder):
    assert recover(folder) == (RUNS, folder / "runs.damaged.sqlite")
    assert recover(folder) == (RUNS, folder / "runs.damaged-2.sqlite")
    with Store(folder) as store:
        assert whole(store) == RUNS
        assert [each["command"] for each in store.sessions()] == ["minnet compare"]


def test_what_cannot_be_recovered(folder, tmp_path_factory):
    with Store(folder), pytest.raises(InputError, match="another process"):
        recover(folder)
    (folder / FILE).write_bytes(b"no database" * 1000)
    with pytest.raises(InputError, match=r"nothing can be read in .*move it away"):
        recover(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["runs.lock", FILE]
    with pytest.raises(InputError, match="nothing to recover"):
        recover(tmp_path_factory.mktemp("empty"))
