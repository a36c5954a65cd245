"""The command with the real training, on tiny networks."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from minnet.cli import main
from minnet.cli.compare_views import PlainView
from minnet.lab.comparison import LEADERBOARD
from minnet.lab.experiment import resolve
from minnet.lab.store import Store
from minnet.training import NetworkSpec, TrainingSpec

TINY = ["--hidden", "4", "--epochs", "2", "--trials", "2", "--seeds", "2", "--optimizers", "sgd,adam", "--no-defaults"]
LONGER = ["--hidden", "16", "--epochs", "40", "--batch-size", "4", "--trials", "4", "--seeds", "2",
          "--optimizers", "sgd,momentum,adam", "--no-defaults", "--extend", "0"]  # fmt: skip
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


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for a single process there")
@pytest.mark.parametrize("gap", [0.02, 0.15, 0.5])
def test_a_second_ctrl_c_leaves_at_once_and_loses_nothing(tmp_path, gap):
    big = ["--data", "synthetic:6000", "--hidden", "512,512", "--epochs", "200", "--trials", "1", "--seeds", "1"]
    command = [sys.executable, "-m", "minnet", "compare", *big, "--optimizers", "sgd,adam", "--jobs", "2"]
    one = ["--data", "synthetic:6000", "--hidden", "4", "--epochs", "1", "--trials", "1", "--seeds", "1"]
    assert run(*one, "--optimizers", "sgd", "--out", tmp_path / "warm") == 0  # what is compiled is there
    with subprocess.Popen(
        [*command, "--out", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            for line in process.stdout:
                if "kept in" in line:
                    break
            time.sleep(1)  # by now both train
            process.send_signal(signal.SIGINT)
            time.sleep(gap)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=10)
        finally:
            process.kill()
    assert (process.returncode, err) == (130, "")
    assert out.splitlines()[-1] == f"interrupted: 0 finished runs are kept in {tmp_path}; the same command resumes"
    with Store(tmp_path) as store:
        assert store.missing(["any"]) == ["any"]


def test_the_second_interrupt_leaves_even_where_nobody_reads(monkeypatch):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    view, codes = PlainView(Path("runs/x")), []
    monkeypatch.setattr("os._exit", codes.append)
    with os.fdopen(reader), os.fdopen(writer, "w") as full:
        monkeypatch.setattr("sys.stdout", full)
        view.interrupted()
        assert codes == []
        view.interrupted()
    assert codes == [130]


@pytest.mark.skipif(sys.platform == "win32", reason="head ends otherwise there")
def test_a_reader_that_has_seen_enough(tmp_path):
    with start(tmp_path, *LONGER, "--jobs", "2") as process:
        wait_for_runs(process, 2)
        process.stdout.close()
        err = process.stderr.read()
        assert (process.wait(60), err) == (1, "")
    assert 2 <= len(stored(tmp_path)) < LONGER_RUNS


def test_an_unfinished_comparison_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["minnet", "compare", "--out", "my folder"])
    run(*TINY, "--out", tmp_path)
    assert "unfinished:" not in capsys.readouterr().out
    with closing(sqlite3.connect(tmp_path / "runs.sqlite")) as db, db:
        last = db.execute("SELECT run_id FROM plan WHERE kind = 'final' AND seed = 2 LIMIT 1").fetchone()
        db.execute("DELETE FROM epochs WHERE run_id = ?", last)
        db.execute("DELETE FROM runs WHERE id = ?", last)
    with pytest.raises(SystemExit) as end:
        main(["report", str(tmp_path)])
    assert end.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert "unfinished: 7 of 8 runs; resume with minnet compare --out 'my folder'" in lines


def test_every_option_of_the_network_and_the_training_reaches_the_experiment(tmp_path, monkeypatch):
    asked = {}
    monkeypatch.chdir(tmp_path)

    def remember(spec, **keywords):
        asked.update(spec=spec, **keywords)
        raise KeyboardInterrupt

    monkeypatch.setattr("minnet.lab.compare", remember)
    options = """
    --optimizers adam --style torch --hidden 64,32 --activation tanh --output sigmoid --loss binary_cross_entropy
    --label-smoothing 0.1 --init normal:0.05 --init-bias normal --dropout 0.3 --input-dropout 0.1 --dtype float64
    --epochs 3 --batch-size 10 --schedule cosine --validation 0.2
    --l2 0.01 --weight-decay 0.02 --decay-biases --max-norm 3 --clip-norm 5 --clip-value 2 --device cpu --engine local
    """
    assert run(*options.split()) == 130
    network = NetworkSpec(
        (64, 32),
        "tanh",
        "sigmoid",
        "binary_cross_entropy",
        0.1,
        "normal:0.05",
        "normal",
        dropout=0.3,
        input_dropout=0.1,
    )
    training = TrainingSpec(3, 10, 0.2, "cosine", 0.01, 0.02, True, 3.0, 5.0, 2.0, dtype="float64")
    assert (asked["spec"].network, asked["spec"].training) == (network, training)
    assert [entry.style for entry in asked["spec"].entries] == ["torch"]
    assert run() == 130
    assert asked["spec"] == resolve()


def test_every_option_of_the_tuning_reaches_the_experiment(tmp_path, capsys):
    options = """
    --optimizers sgd,adam --hidden 4 --epochs 4 --seeds 1 --trials 4 --tune all --points sobol --defaults --extend 1
    --halving 2 --target 0.9,0.5 --vary batch-size=32,128 --vary schedule=step:drop=0.5,every=2
    """
    assert run(*options.split(), "--out", tmp_path) == 0
    out = capsys.readouterr().out
    assert "4 optimizers, 4 tuning runs, the defaults and 1 seeds each" in out
    assert "successive halving: 4 trials for 1 epoch, then the best 2 for 2, the best 1 for 4" in out
    assert "] default " in out
    text = " ".join(out.split())
    assert "Hopeless trials were ended early by successive halving with factor 2" in text
    assert "Every method also ran with its own defaults" in text
    spec = resolve(tmp_path / "experiment.toml")
    assert (spec.tune, spec.design, spec.defaults, spec.extend, spec.halving) == ("all", "sobol", True, 1, 2)
    assert spec.targets == (0.9, 0.5)
    assert [entry.label for entry in spec.entries][1::2] == ["sgd, batch 128", "adam, batch 128"]
    assert {entry.schedule for entry in spec.entries} == {"step:drop=0.5,every=2"}
    assert set(spec.entries[-1].searched) == {"lr", "beta1", "beta2", "eps"}
    leaderboard = pd.read_csv(tmp_path / "leaderboard.csv")
    assert leaderboard["trials"].nunique() == 1
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Hopeless trials were ended early" in page
    assert "batch_size 128" in page


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
        (["race-mnits.toml"], "did you mean 'race-mnist'"),
        (["--device", "cuda", "--dtype", "float64"], "device 'cuda'"),
        (["--scheduler", "tcp://10.0.0.1:8786"], "the engine 'local' takes none"),
        (["--engine", "dask"], "needs the address of a scheduler: --scheduler tcp://HOST:8786"),
        (["--engine", "joblib:lokj"], "joblib has no backend 'lokj'"),
        (["--style", "torhc", "--optimizers", "adam"], "did you mean 'torch'"),
        (["--schedule", "cosine:lr=3"], "schedule 'cosine' sets lr 3.0, but lr is 0.001: drop one of them"),
        (["--seeds", "99999999999999999999"], "seeds must be a whole number"),
        (["--trials", "99999999999999999999"], "trials must be a whole number"),
        (["--epochs", "99999999999999999999"], "epochs = 99999999999999999999"),
        (["--batch-size", "99999999999999999999"], "batch_size = 99999999999999999999"),
        (["--hidden", "99999999999999999999"], "99999999999999999999"),
        (["--hidden", "1,,2"], "--hidden '1,,2'"),
        (["--optimizers", "sgd,adm"], "unknown optimizer 'adm': did you mean 'adam'"),
        (["--schedule", "cosin"], "'cosin'"),
        (["--validation", "0"], "validation = 0 leaves nothing to select"),
        (["--engine", "dusk"], "unknown engine 'dusk': did you mean 'dask'"),
        (["--trials", "0"], "'--trials'"),
        (["--target", "x"], "--target 'x' is no accuracy: write 0.95, or 0.9,0.95 for several"),
        (["--target", "95"], "target must be an accuracy above 0 and up to 1, not 95"),
        (["--tune", "both"], "unknown tune 'both'"),
        (["--points", "random"], "unknown points 'random'"),
        (["--halving", "1"], "halving must be true, false or a whole number from 2"),
        (["--halving", "30"], "halving = 30 needs at least 30 trials and 30 epochs"),
        (["--vary", "batch_size"], "--vary 'batch_size' is not FIELD=A,B"),
        (["--vary", "batch=1,2"], "unknown field to vary 'batch': did you mean 'batch_size'"),
        (["--vary", "l2=0", "--vary", "l2=1"], "--vary l2 is given twice"),
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
