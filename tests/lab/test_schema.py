"""Every earlier version of the store must load: ``stores/vN.sql`` is one, as written then by minnet itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from minnet.lab import compare, load, schema
from minnet.lab.database import FILE
from minnet.lab.store import Store

STORES = Path(__file__).parent / "stores"
VERSIONS = range(1, schema.SCHEMA)


def write(folder, version):
    with closing(sqlite3.connect(folder / FILE)) as db:
        db.executescript((STORES / f"v{version}.sql").read_text(encoding="utf-8"))
        db.execute("PRAGMA journal_mode = WAL")


def tables(db):
    return {
        name: db.execute(f"PRAGMA table_info({name})").fetchall()
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_an_older_store_loads_and_is_left_as_it_is_by_a_reader(tmp_path, version):
    write(tmp_path, version)
    before = (tmp_path / FILE).read_bytes()
    result = load(tmp_path)
    expected = pd.read_csv(STORES / f"v{version}.csv")
    pd.testing.assert_frame_equal(result.leaderboard[[*expected]], expected, check_exact=True, check_dtype=False)
    assert result.provenance["versions"]["minnet"]
    assert (tmp_path / FILE).read_bytes() == before


@pytest.mark.parametrize("version", VERSIONS)
def test_who_drives_an_older_store_brings_its_tables_up_to_date(tmp_path, version):
    write(tmp_path, version)
    with Store(tmp_path, write=False) as store:
        read = (store.plan(), store.sessions(), store.records(row["run_id"] for row in store.plan()))
    with Store(tmp_path) as store, Store(None) as new:
        assert schema.version(store.db) == schema.SCHEMA
        assert tables(store.db) == tables(new.db)
        assert (store.plan(), store.sessions(), store.records(row["run_id"] for row in store.plan())) == read
        assert len(read[2]) == 8


@pytest.mark.parametrize("version", VERSIONS)
def test_an_older_comparison_resumes_and_trains_nothing_again(tmp_path, version, monkeypatch):
    """Runs keep their names. Where results change on purpose, `RESULTS_VERSION` is raised, and this ends with it."""

    def train(*_, **__):
        raise AssertionError("a run that is in the store was begun again")

    write(tmp_path, version)
    before = load(tmp_path)
    monkeypatch.setattr("minnet.training.train", train)
    monkeypatch.setattr("minnet.lab.comparison.Comparison.save", lambda *_: None)
    after = compare({**before.experiment, "defaults": False, "extend": 0}, out=tmp_path, jobs=1)
    pd.testing.assert_frame_equal(after.leaderboard, before.leaderboard, check_exact=True)
    assert after.provenance["versions"] == before.provenance["versions"]


def test_the_list_of_sessions_became_a_table(tmp_path):
    write(tmp_path, 1)
    with Store(tmp_path) as store:
        assert store.db.execute("SELECT id, started, finished FROM sessions").fetchall() == [
            (1, "2026-11-22T20:13:14+00:00", "2026-11-22T20:13:16+00:00")
        ]
        assert store.info("sessions") is None
        store.begin({})
        assert store.session == 2


def test_a_step_that_fails_leaves_everything_as_it_was(tmp_path, monkeypatch):
    write(tmp_path, 1)
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, "ALTER TABLE nothing ADD COLUMN x;"))
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        before = list(db.iterdump())
        with pytest.raises(sqlite3.OperationalError, match="nothing"):
            schema.migrate(db, len(schema.STEPS))
        assert list(db.iterdump()) == before


def test_every_version_has_its_stored_example():
    assert {path.stem for path in STORES.glob("*.sql")} == {f"v{version}" for version in VERSIONS}
