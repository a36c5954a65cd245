"""`minnet new-method`: what it writes works as it is, and nothing is overwritten."""

import shlex

import numpy as np
import pytest
from click.testing import CliRunner
from method_checks import gradients, path
from numpy.testing import assert_allclose

from minnet import optimizers
from minnet.cli import group


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args):
    return CliRunner().invoke(group, args)


def test_the_template_is_adam(here):
    assert run("new-method", "mine.py").exit_code == 0
    p0, lrs = np.ones(12), np.full(40, 0.01)
    ours = path(optimizers.get("adam"), p0, gradients(), lrs, {})
    assert_allclose(path(optimizers.get("mine.py:my_method"), p0, gradients(), lrs, {}), ours, rtol=1e-9, atol=1e-12)


def test_the_commands_it_prints_work(here):
    result = run("new-method", "mine.py", "--name", "quick")
    lines = [line.strip() for line in result.stdout.splitlines() if line.strip().startswith("minnet ")]
    assert [line.split()[1] for line in lines] == ["show", "train", "compare"]
    assert all("mine.py:quick" in line for line in lines)
    smaller = {"show": "--no-anatomy", "train": "--epochs 1", "compare": "--trials 1 --seeds 1 --epochs 1 --hidden 4"}
    for line in lines:
        command = shlex.split(line)[1:]
        result = run(*command, *smaller[command[0]].split())
        assert result.exit_code == 0, result.output
        assert "quick" in result.stdout


def test_an_existing_file_is_left_alone(here):
    (here / "mine.py").write_text("precious")
    result = run("new-method", "mine.py")
    assert result.exit_code == 2
    assert "exists already" in result.stderr
    assert (here / "mine.py").read_text() == "precious"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["mine.txt"], "is no Python file"),
        (["mine.py", "--name", "my-method"], "cannot name a function"),
        (["mine.py", "--name", "class"], "cannot name a function"),
        (["missing/mine.py"], "cannot write"),
    ],
)
def test_what_cannot_be_written_is_said_in_one_line(here, args, said):
    result = run("new-method", *args)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(here.iterdir())
