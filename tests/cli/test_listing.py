"""`minnet list`: what is registered is listed, nothing is retyped."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from minnet import data, gallery, optimizers, schedules, surfaces
from minnet.cli import group
from minnet.cli.listing import SECTIONS
from minnet.network.activations import ACTIVATIONS
from minnet.network.init import SCHEMES
from minnet.network.losses import LOSSES

NAMES = {
    "optimizers": optimizers.names(),
    "schedules": schedules.names(),
    "activations": list(ACTIVATIONS),
    "losses": list(LOSSES),
    "initialisations": list(SCHEMES),
    "data": data.names(),
    "surfaces": surfaces.names(),
    "experiments": gallery.names(),
}


def listed(*args):
    result = CliRunner().invoke(group, ["list", *args])
    assert result.exit_code == 0, result.output
    return result.stdout


def first_words(text):
    return [line.split()[0] for line in text.splitlines() if line.startswith("  ") and line[2] != " "]


def test_sections_are_all_there():
    assert set(NAMES) == set(SECTIONS)


@pytest.mark.parametrize("section", NAMES)
def test_a_section_lists_every_name_in_order(section):
    words = first_words(listed(section))
    assert words[: len(NAMES[section])] == NAMES[section]


def test_everything_is_listed_without_a_section():
    words = first_words(listed())
    assert set().union(*NAMES.values()) <= set(words)


def test_optimizers_alone_show_formula_and_paper():
    text = listed("optimizers")
    for name in optimizers.names():
        method = optimizers.get(name)
        assert method.paper in text
        assert all(line in text for line in method.formula.splitlines())
        assert f"{method.defaults['lr']:g}" in text


def test_the_readme_repeats_what_the_methods_say():
    """To renew it: put what `minnet list optimizers --markdown` prints between the markers."""
    table = listed("optimizers", "--markdown").strip()
    assert len(table.splitlines()) == 2 + len(optimizers.names())
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert readme.count("<!-- methods -->") == readme.count("<!-- /methods -->") == 1
    assert readme.partition("<!-- methods -->")[2].partition("<!-- /methods -->")[0].strip() == table


def test_only_methods_are_listed_in_markdown():
    result = CliRunner().invoke(group, ["list", "--markdown"])
    assert result.exit_code == 2
    assert "minnet list optimizers --markdown" in result.stderr


def test_columns_are_aligned():
    lines = [line for line in listed("activations").splitlines()[1:] if line.strip()]
    assert len({line.index("--init") for line in lines[1:]}) == 1


def test_a_data_set_says_where_it_lies(tmp_path, monkeypatch):
    monkeypatch.setenv("MINNET_DATA", str(tmp_path))
    folder = tmp_path / "mnist"
    folder.mkdir()
    (folder / "train-images-idx3-ubyte.gz").write_bytes(b"")
    line = next(line for line in listed("data").splitlines() if line.startswith("  mnist"))
    assert "incomplete" in line
    assert "t10k-images-idx3-ubyte.gz" in line
    assert str(folder) in line
