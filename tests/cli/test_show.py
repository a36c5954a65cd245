"""`minnet show`: the rule that runs, and what it does."""

import inspect

import numpy as np
import pytest
from click.testing import CliRunner

from minnet import optimizers, schedules
from minnet.cli import group
from minnet.cli.show import GRADIENTS, STEPS, plot


def shown(*args):
    result = CliRunner().invoke(group, ["show", *args])
    assert result.exit_code == 0, result.output
    return result.stdout


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
        assert inspect.getsource(method.rule).splitlines()[-1].strip() in text
        assert all(name in text for name in method.columns)
        assert [len(rows) for rows in first_steps(text)] == [STEPS] * len(GRADIENTS)


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
