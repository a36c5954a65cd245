"""The command with the real training, on tiny networks."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from minnet.cli import main
from minnet.lab.comparison import LEADERBOARD
from minnet.lab.store import Store

TINY = ["--hidden", "4", "--epochs", "2", "--trials", "2", "--seeds", "2", "--optimizers", "sgd,adam"]
LONGER = ["--hidden", "16", "--epochs", "40", "--batch-size", "4", "--trials", "4", "--seeds", "2",
          "--optimizers", "sgd,momentum,adam"]  # fmt: skip
LONGER_RUNS = 3 * (4 + 2)


def run(*args):
    with pytest.raises(SystemExit) as end:
        main(["compare", *map(str, args)])
    return end.value.code


def start(folder, *args):
    command = [sys.executable, "-W", "error", "-m", "minnet", "compare", "--out", str(folder), *args]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_runs(process, count):
    """Read lines until `count` runs are reported, and return their number."""
    done = 0
    for line in process.stdout:
        done += line.startswith("[")
        if done == count:
            return
    pytest.fail(f"ended after {done} runs: {process.stderr.read()}")


def stored(folder):
    with closing(sqlite3.connect(folder / "runs.sqlite")) as db:
        return {row[0] for row in db.execute("SELECT id FROM runs")}


def board(folder):
    return pd.read_csv(folder / "leaderboard.csv")[[name for name in LEADERBOARD if name != "seconds_to_target"]]


def test_a_race_its_files_and_its_resumption(tmp_path, capsys):
    assert run(*TINY, "--out", tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "2 optimizers, 2 tuning runs and 2 seeds each: 8 runs" in lines[2]
    assert sum(line.startswith("[") for line in lines) == 8
    assert "[8/8]" in lines[10]
    assert lines[-2].endswith("report.html")
    files = {"experiment.toml", "runs.sqlite", "leaderboard.csv", "trials.csv", "curves.csv", "report.html"}
    assert files <= {path.name for path in tmp_path.iterdir()}
    assert list((tmp_path / "figures").glob("*.svg"))

    before = board(tmp_path)
    assert run(*TINY, "--out", tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "resuming: 4 tuning runs are there already" in lines
    assert not any(line.startswith("[") for line in lines)
    pd.testing.assert_frame_equal(board(tmp_path), before, check_exact=True)


def test_the_page_is_rebuilt_from_the_store_alone(tmp_path, capsys):
    run(*TINY, "--out", tmp_path)
    before, page = board(tmp_path), tmp_path / "report.html"
    capsys.readouterr()
    for path in [page, *tmp_path.glob("*.csv")]:
        path.unlink()
    with pytest.raises(SystemExit) as end:
        main(["report", str(tmp_path)])
    assert end.value.code == 0
    assert "test accuracy" in capsys.readouterr().out
    assert page.stat().st_size > 10_000
    pd.testing.assert_frame_equal(board(tmp_path), before, check_exact=True)


def test_a_kill_loses_nothing_and_the_number_of_jobs_changes_nothing(tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    with start(killed, *LONGER, "--jobs", "2") as process:
        wait_for_runs(process, 5)
        process.kill()
    done = stored(killed)
    assert 5 <= len(done) < LONGER_RUNS
    with start(killed, *LONGER, "--jobs", "2") as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert sum(line.startswith("[") for line in out.splitlines()) == LONGER_RUNS - len(done)
    assert done < stored(killed)
    assert run(*LONGER, "--jobs", "1", "--out", whole) == 0
    assert stored(whole) == stored(killed)
    pd.testing.assert_frame_equal(board(killed), board(whole), check_exact=True)
    for name in ("leaderboard.csv", "trials.csv"):
        times = ["seconds_to_target", "train_s", "eval_s", "compile_s"]
        one, other = (pd.read_csv(folder / name) for folder in (killed, whole))
        pd.testing.assert_frame_equal(
            one.drop(columns=times, errors="ignore"),
            other.drop(columns=times, errors="ignore"),
            check_exact=True,
        )


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for a single process there")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_keeps_what_is_finished_and_says_how_to_resume(tmp_path, jobs):
    with start(tmp_path, *LONGER, "--jobs", jobs) as process:
        wait_for_runs(process, 3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, err) == (130, "")
    done = len(stored(tmp_path))
    assert 3 <= done < LONGER_RUNS
    assert out.splitlines()[-1] == f"interrupted: {done} finished runs are kept in {tmp_path}; the same command resumes"


def test_no_arguments_run_the_lectures_race_in_the_default_folder(tmp_path, monkeypatch):
    asked = {}
    monkeypatch.chdir(tmp_path)

    def remember(spec, **keywords):
        asked.update(spec=spec, **keywords)
        raise KeyboardInterrupt

    monkeypatch.setattr("minnet.lab.compare", remember)
    assert run() == 130
    assert (asked["spec"].name, len(asked["spec"].entries)) == ("race-digits", 7)
    assert asked["out"] == Path("runs/race-digits")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["race-mnits"], "did you mean 'race-mnist'"),
        (["absent.toml"], "no experiment file 'absent.toml'"),
        (["--optimizers", "sgd,adm"], "unknown optimizer 'adm': did you mean 'adam'"),
        (["--schedule", "cosin"], "'cosin'"),
        (["--validation", "0"], "validation = 0 leaves nothing to select"),
        (["--engine", "dask"], "unknown engine 'dask': (allowed: local)"),
        (["--trials", "0"], "'--trials'"),
        (["--hidden", "x"], "--hidden 'x'"),
        (["--data", "no-such-data"], "no-such-data"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path, capsys, args, message):
    assert run(*args, "--out", tmp_path) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_a_folder_that_cannot_be_used(tmp_path, capsys):
    with Store(tmp_path / "busy"):
        assert run(*TINY, "--out", tmp_path / "busy") == 2
        assert "another process is working in" in capsys.readouterr().err
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "runs.sqlite").write_text("not a database" * 100)
    assert run(*TINY, "--out", tmp_path / "damaged") == 2
    assert "is damaged" in capsys.readouterr().err
    for folder in ("damaged", "absent"):
        with pytest.raises(SystemExit) as end:
            main(["report", str(tmp_path / folder)])
        assert end.value.code == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_hostile_labels_stay_text(tmp_path, capsys):
    file = tmp_path / "hostile.toml"
    label = "<script>alert(1)</script> \\u001b[31m [red] " + "x" * 200
    file.write_text(
        'name = "../../x"\ndata = "digits"\nseeds = 1\ntrials = 1\n'
        "[network]\nhidden = [2]\n[training]\nepochs = 1\n"
        f'[[optimizer]]\nname = "sgd"\nlabel = "{label}"\n'
    )
    assert run(file, "--out", tmp_path / "out") == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "<script>alert(1)" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_the_view_of_a_terminal(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("minnet.cli.compare.on_terminal", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    assert run(*TINY, "--out", tmp_path) == 0
    out = capsys.readouterr().out
    assert "2 optimizers, 2 tuning runs and 2 seeds each: 8 runs" in out
    assert "8/8 runs" in out
    assert "writing the page" in out
