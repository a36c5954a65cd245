import shutil

import pytest

from minnet import data, resources
from minnet.data.cards import read_card
from minnet.errors import InputError


def test_every_card_is_well_formed():
    assert data.names()[:2] == ["digits", "synthetic"]
    for name in data.names():
        card = data.info(name)
        assert card.name == name
        assert len(card.classes) == 10
    assert data.info("mnist").files["train_images"].size == 16 + 60000 * 784


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_cards_have_several_mirrors_of_each_file(name):
    files = data.info(name).files
    assert list(files) == ["train_images", "train_labels", "test_images", "test_labels"]
    for file in files.values():
        assert len({url.split("/")[2] for url in file.urls}) >= 3
        assert all(url.endswith("/" + file.name) for url in file.urls)


def test_the_hashes_of_the_issue():
    digests = [data.info(name).files["train_images"].sha256 for name in ("mnist", "fashion-mnist")]
    assert digests == [
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    ]


def test_unknown_name():
    with pytest.raises(InputError, match="did you mean 'mnist'"):
        data.info("minst")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("licence =", "license =", "unknown key 'license': did you mean 'licence'"),
        ("[files.train_images]", "[files.train_image]", "unknown key 'files.train_image': did you mean"),
        ("sha256 =", "sha265 =", "did you mean 'sha256'"),
        ('title = "', '# title = "', "key 'title' is missing"),
        ("train = 60000", "train = true", "train must be a whole number"),
        ("train = 60000", "train = -1", "train must be a whole number"),
        ("shape = [28, 28]", "shape = []", "shape must be"),
        ('"0", "1"', '"0", 1', "classes must be"),
        (
            'name = "train-images',
            'name = "../train-images',
            "files.train_images.name must be a plain file name",
        ),
        ('sha256 = "ba', 'sha256 = "BA', "sha256 must be 64"),
        ("size = 47040016", "size = 0", "size must be"),
        ("https://", "file://", "urls must be"),
        ("shape = [28, 28]", "shape = [28, 28", "not a readable card"),
    ],
)
def test_a_malformed_card_is_one_line(tmp_path, old, new, said):
    text = (resources.folder("datasets") / "mnist.toml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=said) as error:
        read_card(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_a_new_card_is_a_new_name(tmp_path, monkeypatch):
    monkeypatch.setattr(resources, "folder", lambda name: tmp_path)
    shutil.copy(resources.PACKAGE.parent / "datasets" / "mnist.toml", tmp_path / "mine.toml")
    assert data.names() == ["digits", "synthetic", "mine"]
    assert data.info("mine").name == "mine"
