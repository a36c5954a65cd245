"""`minnet show`: the rule that runs, and what it does."""

import itertools

import numpy as np
import pytest
from click.testing import CliRunner

from minnet import optimizers, schedules
from minnet.cli import group
from minnet.cli.show import GRADIENTS, STEPS, plot


def shown(*args, anatomy=False):
    result = CliRunner().invoke(group, ["show", *args, *([] if anatomy else ["--no-anatomy"])])
    assert result.exit_code == 0, result.output
    return result.stdout


def section(text, title):
    """The lines under a heading."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(title)) + 1
    return list(itertools.takewhile(bool, lines[start:]))


def first_steps(text):
    """The tables of first steps: one list of rows (as dicts of numbers) per gradient."""
    tables = []
    lines = text.splitlines()
    for start in (i for i, line in enumerate(lines) if line.startswith("First steps")):
        names = lines[start + 1].split()
        rows = [line.split() for line in lines[start + 2 : start + 2 + STEPS]]
        tables.append([dict(zip(names, map(float, row))) for row in rows])
    return tables


@pytest.mark.parametrize("name", optimizers.names())
def test_every_optimizer_shows_what_its_file_says(name):
    for style in optimizers.get(name).style_names:
        method, text = optimizers.get(name, style), shown(name, "--style", style)
        assert method.title in text
        assert method.paper.split(",")[0] in text
        assert all(line in text for line in method.formula.splitlines())
        assert method.source.splitlines()[-1].strip() in text
        assert all(name in text for name in method.columns)
        assert [len(rows) for rows in first_steps(text)] == [STEPS] * (0 if method.full_batch else len(GRADIENTS))


def test_first_steps_of_gradient_descent():
    small, large = first_steps(shown("sgd", "--lr", "0.5"))
    assert [row["step"] for row in small] == pytest.approx([-0.5e-4] * STEPS)
    assert [row["w"] for row in large] == pytest.approx([-0.5, -1.0, -1.5, -2.0, -2.5])


def test_first_steps_of_adam_have_the_length_of_the_step_size():
    for rows in first_steps(shown("adam")):
        assert [row["step/α"] for row in rows] == pytest.approx([-1.0] * STEPS, rel=2e-4)


def test_styles_show_their_own_defaults_and_steps():
    paper, torch = first_steps(shown("rmsprop")), first_steps(shown("rmsprop", "--style", "torch"))
    assert paper[1][0]["step/α"] == pytest.approx(-1 / np.sqrt(0.1), rel=1e-4)
    assert torch[1][0]["step/α"] == pytest.approx(-1 / np.sqrt(0.01), rel=1e-4)


def test_styles_stand_side_by_side():
    lines = section(shown("rmsprop", "--style", "keras"), "Styles side by side")
    small, large = (lines.index(line) for line in lines if line.startswith("  gradient"))
    first = dict(zip(lines[small + 1].split()[1:], map(float, lines[small + 2].split()[1:])))
    assert first["keras"] == pytest.approx(-1e-4 / np.sqrt(0.1e-8 + 1e-7), rel=1e-4)
    assert first["paper"] == pytest.approx(-1e-4 / (np.sqrt(0.1e-8) + 1e-8), rel=1e-4)
    assert first["torch"] == pytest.approx(-1e-4 / (np.sqrt(0.01e-8) + 1e-8), rel=1e-4)
    ratio = lines[small + 2 + STEPS]
    assert ratio.split()[:2] == ["differs", "by"]
    assert "factor 10 " in ratio
    assert "factor 10 " not in lines[large + 2 + STEPS]


def test_a_style_that_is_written_as_another_differs_by_nothing():
    lines = section(shown("sgd", "--style", "torch"), "Styles side by side")
    assert [line.split("by")[1].split() for line in lines if "differs" in line] == [["nothing"] * 4] * 2


def test_another_formula_is_shown_with_the_styles_that_have_it():
    lines = [line.strip() for line in section(shown("rmsprop"), "Written otherwise by")]
    assert "keras" in lines[0]
    assert lines[1:] == optimizers.get("rmsprop", "keras").formula.splitlines()


def test_the_anatomy_follows_one_weight_and_is_drawn(tmp_path):
    picture = tmp_path / "adam.png"
    text = shown("adam", "--figure", str(picture), anatomy=True)
    lines = section(text, "Anatomy of a step")
    head = next(i for i, line in enumerate(lines) if line.split()[0] == "t")
    assert lines[head].split() == ["t", "w", "g", "m", "v", "m_hat", "v_hat", "Δw"]
    rows = [dict(zip(lines[head].split(), map(float, line.split()))) for line in lines[head + 1 : -1]]
    assert [row["t"] for row in rows] == [1, 2, 3, 5, 10, 20, 50, 100]
    assert abs(rows[0]["Δw"]) == pytest.approx(0.001, rel=1e-3)
    assert rows[1]["w"] == pytest.approx(rows[0]["w"] + rows[0]["Δw"], abs=1e-4)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_picture_needs_a_known_ending(tmp_path):
    result = CliRunner().invoke(group, ["show", "sgd", "--figure", str(tmp_path / "x.doc")])
    assert result.exit_code == 2
    assert "must end in .png, .svg, .pdf" in result.stderr


def test_a_method_of_ones_own_is_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "def f(w, g, v, lr=0.1):\n    v = 0.5 * v + g  # mine\n    return w - lr * v, v\n"
    )
    text = shown("mine.py:f")
    assert "v = 0.5 * v + g  # mine" in text
    assert [row["step/α"] for row in first_steps(text)[1]] == pytest.approx([-1, -1.5, -1.75, -1.875, -1.9375])


@pytest.mark.parametrize("name", schedules.names())
def test_every_schedule_shows_formula_parameters_and_picture(name):
    text = shown(name)
    kind = schedules.get(name)
    assert kind.formula in text
    assert all(parameter in text for parameter in kind.parameters)
    assert "█" in text


def test_a_schedule_is_drawn_with_its_parameters():
    text = shown("step:drop=0.5,every=500", "--lr", "0.4")
    top = next(line for line in text.splitlines() if line.lstrip().startswith("0.4 ┤"))
    bottom = next(line for line in text.splitlines() if line.lstrip().startswith("0 ┤"))
    assert top.count("█") == 32
    assert bottom.count("█") == 64


def test_plot_heights_follow_the_values():
    assert plot(np.array([0.0, 0.125, 1.0]), height=1) == ["1 ┤ ▁█"]
    assert plot(np.zeros(3), height=2) == ["1 ┤", "0 ┤"]
