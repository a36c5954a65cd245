"""The command line as a whole: help, errors in one line, exit codes, quick starts."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

import minnet
from minnet import cli
from minnet.errors import InputError

HEAVY = ("numba", "scipy", "matplotlib", "pandas", "plotly", "rich", "sklearn", "joblib", "pooch")


def run(*args):
    return subprocess.run(
        [sys.executable, "-m", "minnet", *args], capture_output=True, text=True, encoding="utf-8", timeout=120
    )


def invoke(*args):
    return CliRunner().invoke(cli.group, args)


def one_error_line(result):
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("minnet: error: ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr
    return result.stderr


@pytest.mark.parametrize("args", [(), ("--help",), ("-h",)])
def test_help_names_every_command_with_its_summary(args):
    result = invoke(*args)
    assert result.exit_code == 0
    for name, (_, summary) in cli.COMMANDS.items():
        assert f"\n  {name} " in result.stdout
        assert " ".join(summary.split()[:4]) in result.stdout


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_can_be_loaded_and_explains_itself(name):
    result = invoke(name, "--help")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"Usage: minnet {name}")


def test_version():
    result = invoke("--version")
    assert (result.exit_code, result.stdout) == (0, f"minnet {minnet.__version__}\n")


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (["trian"], "did you mean 'train'?"),
        (["data", "lst"], "did you mean 'list'?"),
        (["show", "adm"], "did you mean 'adam'?"),
        (["show", "cosin:period=3"], "did you mean 'cosine'?"),
        (["show", "step:evry=3"], "did you mean 'every'?"),
        (["show", "adam", "--style", "torhc"], "did you mean 'torch'?"),
        (["show"], "NAME"),
        (["list", "optimisers"], "did you mean 'optimizers'?"),
        (["data", "info", "mnits"], "did you mean 'mnist'?"),
        (["show", "adam", "--styel", "torch"], "--style"),
        (["show", "adam", "--lr"], "--lr"),
        (["show", "adam", "--lr", "quick"], "'quick'"),
        (["--frobnicate"], "--frobnicate"),
    ],
)
def test_bad_input_gives_one_line_with_the_remedy(args, hint):
    assert hint in one_error_line(invoke(*args))


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (InputError("two\nlines"), 2, "minnet: error: two lines\n"),
        (PermissionError(13, "Permission denied", "here"), 2, "minnet: error: here: Permission denied\n"),
        (MemoryError("1 TiB"), 2, "minnet: error: not enough memory: 1 TiB\n"),
        (KeyboardInterrupt(), 130, None),
        (click.Abort(), 130, None),
    ],
)
def test_errors_become_exit_codes(monkeypatch, error, code, text):
    @click.command()
    def fails():
        raise error

    monkeypatch.setattr("minnet.cli.listing.command", fails)
    result = invoke("list")
    assert result.exit_code == code
    assert "Traceback" not in result.output
    if text is not None:
        assert result.stderr == text


def test_a_mistake_of_ours_is_not_hidden(monkeypatch):
    @click.command()
    def fails():
        raise ZeroDivisionError

    monkeypatch.setattr("minnet.cli.listing.command", fails)
    assert isinstance(invoke("list").exception, ZeroDivisionError)


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (130, 130), ("text", 0)])
def test_a_command_returns_its_exit_code(monkeypatch, returned, code):
    monkeypatch.setattr("minnet.cli.listing.command", click.command()(lambda: returned))
    assert invoke("list").exit_code == code


def test_as_a_process():
    wrong = run("trian")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("minnet: error: ")
    assert wrong.stderr.count("\n") == 1
    right = run("--version")
    assert (right.returncode, right.stdout, right.stderr) == (0, f"minnet {minnet.__version__}\n", "")


@pytest.mark.parametrize(
    "args", [["--help"], ["list"], ["show", "adam", "--no-anatomy"], ["show", "cosine"], ["data", "list"]]
)
def test_quick_commands_import_nothing_heavy(args):
    code = (
        "import sys\nfrom minnet.cli import main\n"
        f"try:\n    main({args!r})\nexcept SystemExit as end:\n    assert end.code == 0\n"
        f"found = sorted(set(sys.modules) & set({HEAVY!r}))\nassert not found, found\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr


def test_a_closed_pipe_is_quiet():
    process = subprocess.Popen([sys.executable, "-m", "minnet", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)
    assert errors == b""


def test_a_console_without_greek_still_gets_the_formula(monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    result = subprocess.run(
        [sys.executable, "-m", "minnet", "show", "adam", "--no-anatomy"], capture_output=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert b"m ? " in result.stdout
