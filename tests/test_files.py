from __future__ import annotations

import os

import pytest

from minnet.files import whole, write_text


def test_what_was_there_stays_when_writing_fails(tmp_path):
    path = tmp_path / "page.html"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError), whole(path) as part:
        part.write_bytes(b"half of the n" + "\ud800".encode())
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]
    assert path.read_text() == "old"


def test_two_processes_may_write_the_same_file(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    with whole(path) as mine:
        mine.write_text("mine")
        monkeypatch.setattr(os, "getpid", lambda: -1)
        write_text(path, "the other's")
        assert path.read_text() == "the other's"
    assert path.read_text() == "mine"
    assert [each.name for each in tmp_path.iterdir()] == ["table.csv"]
