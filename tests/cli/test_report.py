"""What ``minnet report`` does besides the page: Parquet files, and saving a damaged store."""

from __future__ import annotations

import errno
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from minnet.cli import main
from minnet.lab.comparison import TABLES
from minnet.lab.database import FILE

README = Path(__file__).parents[2] / "README.md"
TINY = ["--hidden", "4", "--epochs", "2", "--trials", "2", "--seeds", "2", "--optimizers", "sgd,adam"]


def run(*args):
    with pytest.raises(SystemExit) as end:
        main([*map(str, args)])
    return end.value.code


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    assert run("compare", *TINY, "--out", folder) == 0
    return folder


@pytest.fixture
def folder(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "race"))


def test_parquet_files_hold_the_tables_with_their_types(folder, capsys):
    pytest.importorskip("pyarrow")
    assert run("report", folder, "--parquet") == 0
    for name, columns in TABLES.items():
        table = pd.read_parquet(folder / f"{name}.parquet")
        expected = pd.read_csv(folder / f"{name}.csv").astype(table.dtypes.to_dict())
        assert [*table] == [*columns]
        pd.testing.assert_frame_equal(table, expected, check_exact=True)
    assert not list(folder.glob("*.part"))


def test_a_folder_that_cannot_be_written_is_read_and_the_page_goes_elsewhere(folder, monkeypatch, capsys):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied", "experiment.toml.part")

    monkeypatch.setattr("minnet.lab.comparison.write_text", refuse)
    assert run("report", folder) == 2
    assert "--out says where else to write" in capsys.readouterr().err
    page = folder.parent / "elsewhere" / "page.html"
    assert run("report", folder, "--out", page) == 0
    assert str(page) in capsys.readouterr().out
    assert "sgd" in page.read_text(encoding="utf-8")


def test_without_pyarrow_the_extra_is_named(folder, monkeypatch, capsys):
    monkeypatch.setattr("minnet.lab.export.find_spec", lambda name: None)
    assert run("report", folder, "--parquet") == 2
    assert 'pip install "minnet[parquet]"' in capsys.readouterr().err


def test_a_disk_that_is_full_when_the_page_is_written(folder, monkeypatch, capsys):
    def write_page(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("minnet.report.page.write_page", write_page)
    assert run("report", folder) == 2
    assert "the disk is full: make room and give the same command again" in capsys.readouterr().err


def test_a_damaged_store_is_recovered_and_the_command_trains_what_is_missing(folder, capsys):
    before = (folder / "leaderboard.csv").read_text().splitlines()
    path = folder / FILE
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    assert run("report", folder) == 2
    assert f"'minnet report {folder} --recover' saves the runs that can be read" in capsys.readouterr().err
    assert run("report", folder, "--recover") == 0
    assert f"the damaged file is kept as {folder / 'runs.damaged.sqlite'}" in capsys.readouterr().out
    assert run("compare", *TINY, "--out", folder) == 0
    after = pd.read_csv(folder / "leaderboard.csv")
    assert [line.split(",")[1] for line in before[1:]] == list(after["optimizer"])


def test_the_queries_of_the_readme(folder):
    queries = re.findall(r"^sqlite3 [^\n]*\"\n(.*?)\"$", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(queries) == 2
    with closing(sqlite3.connect(folder / FILE)) as db:
        best, sessions = (db.execute(query).fetchall() for query in queries)
    board = pd.read_csv(folder / "leaderboard.csv").set_index("optimizer")
    assert {row[0] for row in best} == set(board.index)
    for optimizer, lr, _ in best:
        assert f'"lr": {lr}' in board.loc[optimizer, "hyperparameters"]
    assert sum(row[-1] for row in sessions) == pd.read_csv(folder / "trials.csv")["id"].nunique()
