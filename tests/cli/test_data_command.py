"""`minnet data`: what is here, what is missing, where it comes from."""

import pytest
from click.testing import CliRunner

from minnet import data
from minnet.cli import group
from minnet.cli.data import _condition


@pytest.fixture(autouse=True)
def nothing_here(monkeypatch, tmp_path):
    monkeypatch.setenv("MINNET_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("minnet.data.places.cache_folder", lambda: tmp_path / "cache")


def run(*args):
    result = CliRunner().invoke(group, ["data", *args])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("args", [(), ("list",)])
def test_list(args, tmp_path):
    text = run(*args)
    lines = {line.split()[0]: line for line in text.splitlines() if line}
    assert "built in" in lines["digits"]
    assert "missing: minnet data fetch mnist" in lines["mnist"]
    assert f"looked in {tmp_path / 'data'}, {tmp_path / 'cache'}" in text


@pytest.mark.parametrize("name", data.names())
def test_info_tells_what_the_card_tells(name):
    card, text = data.info(name), run("info", name)
    assert card.title in text
    assert card.licence in text
    for file in card.files.values():
        assert f"{file.name}: missing" in text
        assert file.sha256 in text
        assert all(url in text for url in file.urls)
    assert ("files: none needed" in text) == (not card.files)


def test_info_of_a_damaged_file(tmp_path):
    folder = tmp_path / "mine" / "mnist"
    folder.mkdir(parents=True)
    (folder / "t10k-labels-idx1-ubyte").write_bytes(b"wrong")
    text = run("info", "mnist", "--data-dir", str(tmp_path / "mine"))
    assert f"files: in {folder}" in text
    assert "t10k-labels-idx1-ubyte.gz: here, but its content is not the one on the card" in text


def test_fetch_of_what_needs_no_files():
    assert run("fetch", "digits") == "digits: needs no files\n"


def test_fetch_says_where_the_files_lie(monkeypatch, tmp_path):
    monkeypatch.setattr("minnet.data.fetch", lambda name, data_dir: tmp_path / name)
    assert run("fetch", "mnist") == f"mnist: complete and verified in {tmp_path / 'mnist'}\n"


@pytest.mark.parametrize(("hashes", "text"), [(None, "here"), ({"train_images": True}, "here, verified")])
def test_the_condition_of_a_file(hashes, text, tmp_path):
    found = data.Status("mnist", tmp_path, {"train_images": tmp_path / "file"}, (), hashes, ())
    assert _condition(found, "train_images") == text
    assert _condition(found, "test_images") == "missing"
