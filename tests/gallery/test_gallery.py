"""Every experiment of the gallery is whole, what it claims holds, and the page is what the stored results say."""

import json
import os

import pytest

from minnet import data, gallery
from minnet.errors import InputError
from minnet.gallery import page, record
from minnet.gallery.card import PARTS, cards

CARDS = cards()
RUNNABLE = [name for name, card in CARDS.items() if not card.suite]
STORED = sorted(path.stem for path in (record.checkout() / "results").glob("*.json"))
SHORT_S = 10.0  # of processor time: what runs here in full


def in_ci(name):
    card = CARDS[name]
    return bool(card.quick) or (card.path.suffix == ".py" and name in STORED and took(name) <= SHORT_S)


def took(name):
    return record.read(record.result_path(name)).provenance["cpu_seconds"]


@pytest.mark.parametrize("name", RUNNABLE)
def test_an_experiment_is_whole(name):
    experiment = gallery.load(name)
    card = experiment.card
    assert card.part in PARTS
    assert card.title.strip()
    assert card.question.strip().endswith("?")
    assert card.see.strip(), "two sentences of what to see"
    assert all(each in data.names() for each in card.data)


@pytest.mark.parametrize("name", [name for name in RUNNABLE if in_ci(name)])
def test_what_a_short_experiment_claims_holds(name, tmp_path):
    experiment = gallery.load(name)
    for each in experiment.card.data:
        if not data.status(each).complete:
            pytest.skip(f"{each} is not here: set MINNET_DATA")
    found = record.measured(experiment, tmp_path, quick=bool(experiment.card.quick), jobs=1)
    assert found.claims
    assert [text for text, holds in found.claims if not holds] == []
    assert isinstance(experiment.table(found.results), str)
    experiment.draw(found.results, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", STORED)
def test_stored_results_are_those_of_an_experiment_and_its_claims(name):
    kept = record.read(record.result_path(name))
    assert kept.name == name
    assert gallery.load(name).claims(kept.results) == kept.claims, "the claims have changed: run it again"
    assert kept.claims
    assert {"command", "date", "seconds", "cpu_seconds", "versions", "hardware", "commit"} <= set(kept.provenance)
    picture = record.picture_path(name)
    assert 1000 < picture.stat().st_size <= record.HEAVIEST


def test_the_page_is_what_the_command_writes():
    written = (record.checkout() / "README.md").read_text(encoding="utf-8")
    assert written == page.render(), "run: python -m minnet experiment --gallery"
    for name in STORED:
        assert f"(pictures/{name}.png)" in written
        assert f"`minnet experiment {name}`" in written


def test_names_that_are_not_there_are_one_line():
    for wrong in ("ravin", "../race-digits", "", "x" * 5000, "race-digits.toml"):
        with pytest.raises(InputError, match="unknown experiment") as caught:
            gallery.load(wrong)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="run it with minnet compare suite-hour"):
        gallery.load("suite-hour")


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Write an experiment `mine` and return it loaded."""
    from minnet import resources

    def write(text):
        (tmp_path / "lecture").mkdir(exist_ok=True)
        (tmp_path / "lecture" / "mine.py").write_text(text, encoding="utf-8")
        monkeypatch.setattr(resources, "folder", lambda name: tmp_path)
        return gallery.load("mine")

    return write


WHOLE = """
TITLE, SIZE = "T", 3
TITLE = "Mine"
QUESTION = "Is it so?"
SEE: str = "It " "is."

def run(quick=False):
    return {"value": 1.5}

def draw(results, path):
    path.write_bytes(b"")

def claims(results):
    return [("It is more than one.", results["value"] > 1)]
"""


def test_a_script_is_known_without_running_it(script):
    experiment = script(WHOLE)
    assert (experiment.card.title, experiment.card.see, experiment.card.part) == ("Mine", "It is.", "lecture")
    assert record.measured(experiment, experiment.card.path.parent).claims == [("It is more than one.", True)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("def claims", "def other"), "the experiment mine lacks claims"),
        (('QUESTION = "Is it so?"', ""), "the experiment mine lacks QUESTION"),
        (('"Is it so?"', "str(3)"), "QUESTION of an experiment must be written out"),
        (('"Is it so?"', "3"), "question must be text, not 3"),
        (("def run", "def ("), "cannot read the experiment"),
    ],
)
def test_a_script_with_something_missing_is_one_line(script, change, message):
    with pytest.raises(InputError, match=message):
        script(WHOLE.replace(*change))


def test_what_json_cannot_hold_is_refused(script):
    experiment = script(WHOLE.replace("1.5", "float('nan')"))
    with pytest.raises(InputError, match=r"run\(\) of mine must return what JSON can hold"):
        record.measured(experiment, experiment.card.path.parent)


def test_damaged_results_are_one_line(tmp_path):
    for text in ("", "[]", "{}", '{"name": 1}', json.dumps({"name": "x", "claims": [1]})):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(InputError, match="cannot read the results"):
            record.read(tmp_path / "x.json")


def test_no_machine_is_named_in_what_is_stored():
    for name in STORED:
        text = record.result_path(name).read_text(encoding="utf-8")
        assert os.sep + "home" not in text
        assert os.sep + "tmp" not in text
