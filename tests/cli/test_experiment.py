"""`minnet experiment`: run, check, exit code; and the list."""

import json

import pytest
from click.testing import CliRunner

from minnet import gallery, resources
from minnet.cli import group

SCRIPT = """
import sys
TITLE = "Mine"
QUESTION = "Is one more than nought?"
SEE = "It is."

def run():
    return {"value": VALUE}

def draw(results, path):
    from minnet.gallery.drawing import panels
    with panels(path) as (axes,):
        axes.plot([0, results["value"]])

def claims(results):
    return [("One is more than nought.", results["value"] > 0)]

def table(results):
    return "| value |"
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder of experiments with one of our own, and a folder to run in."""

    def write(value=1):
        (tmp_path / "experiments" / "lecture").mkdir(parents=True, exist_ok=True)
        (tmp_path / "experiments" / "lecture" / "mine.py").write_text(SCRIPT.replace("VALUE", str(value)))
        (tmp_path / "experiments" / "intro.md").write_text("Intro\n")
        monkeypatch.setattr(resources, "folder", lambda name: tmp_path / name)
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return write


def call(*args):
    return CliRunner().invoke(group, ["experiment", *args])


def test_it_lists_all_without_a_name():
    result = call()
    assert result.exit_code == 0
    for name in gallery.names():
        assert f"  {name} " in result.stdout


def test_a_run_leaves_results_and_picture_and_says_what_came_out(mine):
    folder = mine()
    result = call("mine")
    assert result.exit_code == 0, result.output
    assert "yes:  One is more than nought." in result.stdout
    assert "| value |" in result.stdout
    kept = json.loads((folder / "runs" / "mine" / "results.json").read_text())
    assert kept["results"] == {"value": 1}
    assert kept["claims"] == [["One is more than nought.", True]]
    assert (folder / "runs" / "mine" / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert not (folder / "experiments" / "README.md").exists()


def test_a_file_of_ones_own_is_run_but_not_kept_with_the_gallery(mine):
    folder = mine()
    (folder / "own.py").write_text(SCRIPT.replace("VALUE", "2"))
    (folder / "plain.py").write_text("x = 1\n")
    result = call("own.py")
    assert result.exit_code == 0, result.output
    assert json.loads((folder / "runs" / "own" / "results.json").read_text())["results"] == {"value": 2}
    for args, message in (
        (["own.py", "--gallery"], "unknown experiment of the gallery 'own.py'"),
        (["plain.py"], "plain.py is no experiment: it has no TITLE"),
        (["absent.py"], "unknown experiment 'absent.py'"),
    ):
        result = call(*args)
        assert result.exit_code == 2
        assert message in result.stderr


def test_a_claim_that_does_not_hold_is_exit_code_1(mine):
    mine(-1)
    result = call("mine")
    assert result.exit_code == 1
    assert "no:  One is more than nought." in result.stdout


def test_the_gallery_keeps_results_and_writes_the_page(mine):
    folder = mine()
    assert call("--gallery", "--missing").exit_code == 0
    page = (folder / "experiments" / "README.md").read_text()
    assert "![Mine](pictures/mine.png)" in page
    assert "- **yes**: One is more than nought." in page
    assert not (folder / "runs").exists()
    mine(-1)
    assert "Mine" not in call("--gallery", "--missing").stdout, "nothing is missing any more"
    assert call("--gallery", "mine").exit_code == 1
    assert "- **no**: One is more than nought." in (folder / "experiments" / "README.md").read_text()


def test_the_time_of_a_resumed_run_is_not_told(mine):
    folder = mine()
    for words in ("`minnet experiment mine` takes 1 s of", "its time is not known"):
        assert call("--gallery", "mine", "--out", "kept").exit_code == 0
        assert words in (folder / "experiments" / "README.md").read_text()


def test_a_file_is_compared_and_its_claims_are_checked(mine):
    folder = mine()
    claims = "".join(
        f"""
[[claim]]
text = "SGD stands at {rank}."
left = "sgd.rank"
is = "="
right = {rank}
"""
        for rank in (1, 3)
    )
    (folder / "experiments" / "lecture" / "tiny.toml").write_text(
        f"""
name = "tiny"
title = "Tiny"
question = "Does it run?"
see = "It does."
seeds = 1
trials = 1
defaults = false
extend = 0
optimizers = "sgd"
training = {{ epochs = 1 }}
network = {{ hidden = [4] }}
{claims}"""
    )
    result = call("tiny", "--jobs", "1")
    assert result.exit_code == 1, result.output
    assert "yes:  SGD stands at 1." in result.stdout
    assert "no:   SGD stands at 3." in result.stdout
    assert "| 1 | sgd |" in result.stdout
    assert "final, seed 1: sgd" in result.stdout, "the runs are told as minnet compare tells them"
    assert (folder / "runs" / "tiny" / "figure.png").stat().st_size > 1000
    kept = json.loads((folder / "runs" / "tiny" / "results.json").read_text())
    assert kept["results"]["leaderboard"][0]["optimizer"] == "sgd"
    assert kept["provenance"]["resumed"] is False


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["mien"], "did you mean 'mine'"),
        (["mine", "--all"], "one of the three"),
        (["--missing"], "add --gallery"),
        (["mine", "--quick"], "has no quick variant"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(mine, args, message):
    folder = mine()
    result = call(*args)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (folder / "runs").exists() or not list((folder / "runs").glob("*/results.json"))


def test_an_installed_minnet_keeps_no_gallery(mine, monkeypatch):
    folder = mine()
    monkeypatch.setattr(resources, "PACKAGE", folder)
    result = call("--gallery", "mine")
    assert result.exit_code == 2
    assert "leave out --gallery" in result.stderr
