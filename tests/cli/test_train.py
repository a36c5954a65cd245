"""`minnet train`: options become a spec, a run is shown as it happens, what comes out is kept."""

import json
import os
import re
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from minnet import optimizers
from minnet.cli import group
from minnet.cli.train import build_spec, command, outcome, stop_on_interrupt
from minnet.training import RunSpec

EVERY = """
--data mnist --validation 0.2 --hidden 64,32 --activation tanh --output sigmoid
--loss binary_cross_entropy --label-smoothing 0.1 --init normal:0.05 --init-bias normal
--dropout 0.3 --input-dropout 0.1 --optimizer momentum --style torch --lr 0.5
--set momentum=0.7 --schedule step:drop=0.5,every=2,per=epoch --batch-size 10 --epochs 3
--l2 0.01 --weight-decay 0.02 --decay-biases --max-norm 3 --clip-norm 5 --clip-value 2
--seed 7 --dtype float64
"""
TINY = ["train", "--hidden", "8", "--epochs", "1"]


def spec_of(*args):
    return build_spec(command.make_context("train", list(args)).params)


def run(*args):
    return CliRunner().invoke(group, args)


def numbers(text):
    """The rows of the table of epochs, as lists of words."""
    return [line.split() for line in text.splitlines() if re.match(r" +\d+  ", line)]


# ------------------------------------------------------------------------------------- options


def test_the_defaults_are_those_of_python():
    assert spec_of() == RunSpec()


def test_every_option_reaches_the_spec():
    spec = spec_of(*EVERY.split())
    assert spec.to_dict() == {
        "data": "mnist",
        "network": {
            "hidden": [64, 32],
            "activation": "tanh",
            "output": "sigmoid",
            "loss": "binary_cross_entropy",
            "label_smoothing": 0.1,
            "init": "normal:0.05",
            "bias_init": "normal",
            "dropout": 0.3,
            "input_dropout": 0.1,
        },
        "training": {
            "epochs": 3,
            "batch_size": 10,
            "validation": 0.2,
            "schedule": "step:drop=0.5,every=2,per=epoch",
            "l2": 0.01,
            "weight_decay": 0.02,
            "decay_biases": True,
            "max_norm": 3.0,
            "clip_norm": 5.0,
            "clip_value": 2.0,
            "dtype": "float64",
            "split_seed": 0,
        },
        "optimizer": {"name": "momentum", "style": "torch", "hyper": {"momentum": 0.7, "lr": 0.5}},
        "seed": 7,
    }


@pytest.mark.parametrize("text", ["none", "None", "", " "])
def test_no_hidden_layer(text):
    assert spec_of("--hidden", text).network.hidden == ()


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (["--optimizer", "adm"], "did you mean 'adam'?"),
        (["--style", "torhc"], "did you mean 'torch'?"),
        (["--set", "beta=0.9"], "did you mean 'beta"),
        (["--set", "beta1"], "name=value"),
        (["--set", "beta1=much"], "name=value"),
        (["--set", "beta1=1.5"], "beta1"),
        (["--set", "beta1=0.9", "--set", "beta1=0.8"], "twice"),
        (["--lr", "0.1", "--set", "lr=0.2"], "twice"),
        (["--lr", "-1"], "--lr"),
        (["--lr", "nan"], "lr"),
        (["--activation", "rleu"], "did you mean 'relu'?"),
        (["--loss", "msee"], "did you mean 'mse'?"),
        (["--output", "sofmax"], "did you mean 'softmax'?"),
        (["--init", "he"], "he_normal"),
        (["--init-bias", "zero"], "did you mean 'zeros'?"),
        (["--schedule", "cosin"], "did you mean 'cosine'?"),
        (["--schedule", "step:evry=3"], "did you mean 'every'?"),
        (["--hidden", "128;64"], "128,64"),
        (["--hidden", "0"], "--hidden"),
        (["--hidden", "1e3"], "--hidden"),
        (["--dropout", "1"], "--dropout"),
        (["--dropout", "nan"], "dropout"),
        (["--validation", "2"], "--validation"),
        (["--batch-size", "0"], "--batch-size"),
        (["--epochs", "-1"], "--epochs"),
        (["--dtype", "float16"], "float32"),
        (["--threads", "0"], "--threads"),
        (["--device", "cuda", "--dtype", "float64"], "device 'cuda'"),
        (["--device", "gpu"], "unknown device 'gpu'"),
        (["--schedule", "cosine:lr=3"], "schedule 'cosine' sets lr 3.0, but lr is 0.001: drop one of them"),
        (["--seed", "99999999999999999999"], "99999999999999999999"),
        (["--data", "mnits"], "mnits"),
        (["--epoch", "3"], "--epochs"),
        (["--schedule", "linear:warmup=100000"], "warm"),
        (["surplus"], "surplus"),
    ],
)
def test_bad_input_is_one_line_before_anything_is_trained(args, hint):
    result = run(*TINY, *args)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("minnet: error: ")
    assert result.stderr.count("\n") == 1
    assert hint in result.stderr
    assert not numbers(result.stdout)


def test_a_wrong_schedule_is_found_before_the_data_are_loaded():
    result = run(*TINY, "--data", "nowhere", "--schedule", "cosine:preiod=3")
    assert "did you mean 'period'?" in result.stderr


def test_an_output_folder_that_cannot_be_is_found_before_the_training(tmp_path):
    (tmp_path / "file").write_text("")
    result = run(*TINY, "--out", str(tmp_path / "file" / "below"))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "--out" in result.stderr


# ---------------------------------------------------------------------------------------- runs


def test_a_run_shows_and_keeps_the_same_numbers(tmp_path):
    result = run(*TINY, "--optimizer", "momentum", "--lr", "0.1", "--epochs", "2", "--out", str(tmp_path / "new"))
    assert result.exit_code == 0, result.output
    assert "64-8-10, 610 parameters" in result.stdout
    assert "lr = 0.1, momentum = 0.9" in result.stdout
    for line in optimizers.get("momentum").formula.splitlines():
        assert line in result.stdout
    history = [json.loads(line) for line in (tmp_path / "new" / "history.jsonl").read_text().splitlines()]
    rows = numbers(result.stdout)
    assert [int(row[0]) for row in rows] == [row["epoch"] for row in history] == [0, 1, 2]
    for row, kept in zip(rows, history):
        assert float(row[2]) == pytest.approx(kept["train_loss"], abs=1e-4)
        assert float(row[3]) == pytest.approx(100 * kept["train_accuracy"], abs=0.01)
        assert float(row[5]) == pytest.approx(kept["val_loss"], abs=1e-4)
        assert float(row[6]) == pytest.approx(100 * kept["val_accuracy"], abs=0.01)
    kept = json.loads((tmp_path / "new" / "result.json").read_text())
    assert f"test accuracy {100 * kept['test_accuracy']:.2f} %" in result.stdout
    assert (tmp_path / "new" / "model.safetensors").is_file()
    assert "time: compile " in result.stdout


def test_a_diverged_run_is_a_result(tmp_path):
    args = ["--optimizer", "sgd", "--lr", "1e6", "--activation", "identity", "--loss", "mse"]
    result = run(*TINY, *args, "--output", "identity", "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    kept = json.loads((tmp_path / "result.json").read_text())
    assert kept["diverged"] is True
    assert f"diverged at step {kept['diverged_step']}" in result.stdout
    assert "smaller step size, for example --lr 1e+05" in result.stdout


def test_without_validation_its_columns_are_empty():
    result = run(*TINY, "--validation", "0", "--hidden", "none")
    assert result.exit_code == 0, result.output
    assert [row[5:7] for row in numbers(result.stdout)] == [["-", "-"]] * 2


def test_what_is_switched_on_is_said():
    result = run(*TINY, "--dropout", "0.25", "--weight-decay", "0.01", "--epochs", "0")
    assert result.exit_code == 0, result.output
    assert "dropout = 0.25" in result.stdout
    assert "weight_decay = 0.01" in result.stdout
    assert "clip_norm" not in result.stdout


def test_ctrl_c_keeps_the_history_and_exits_with_130(tmp_path):
    command = [sys.executable, "-u", "-m", "minnet", *TINY, "--epochs", "1000000", "--out", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        head = []
        while not re.match(r" +2 ", line := process.stdout.readline()):
            head.append(line)
            assert line, "".join(head) + process.stderr.read()
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    assert "stopping after this epoch" in errors
    assert "Traceback" not in errors
    assert "interrupted after epoch" in rest
    assert f"saved what is there in {tmp_path}" in rest
    last = json.loads((tmp_path / "history.jsonl").read_text().splitlines()[-1])
    assert f"interrupted after epoch {last['epoch']} of" in rest


def test_on_a_terminal_there_is_a_bar_and_the_same_lines():
    pty = pytest.importorskip("pty")
    main, side = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    command = [sys.executable, "-m", "minnet", *TINY]
    process = subprocess.Popen(command, stdin=side, stdout=side, stderr=side, env=environment)
    os.close(side)
    pieces = []
    with open(main, "rb", closefd=True) as screen:  # noqa: PTH123 - a file descriptor
        try:
            while piece := screen.read1():
                pieces.append(piece)
        except OSError:  # how Linux says that the other end was closed
            pass
    assert process.wait(timeout=60) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(pieces).decode())
    assert "1/1 epochs" in text
    assert "left" in text
    assert re.search(r"\s1 +0\.001 ", text)
    assert "test accuracy" in text


# ------------------------------------------------------------------------------- small pieces


def result_with(**values):
    history = [{"epoch": 0}, {"epoch": 3}]
    plain = {"diverged": False, "diverged_step": None, "test_accuracy": 0.9, "test_loss": 0.3}
    times = {"compile_s": 1.0, "train_s": 2.0, "eval_s": 0.5}
    return SimpleNamespace(spec=RunSpec(), history=history, **{**plain, **times, **values})


def test_the_end_of_a_run():
    assert outcome(result_with(), interrupted=False) == [
        "",
        "test accuracy 90.00 %  (loss 0.3000)",
        "time: compile 1.0 s, train 2.0 s, evaluate 0.50 s",
    ]
    assert "interrupted after epoch 3 of 10" in outcome(result_with(), interrupted=True)
    diverged = outcome(result_with(diverged=True, diverged_step=17), interrupted=False)[1]
    assert diverged.startswith("diverged at step 17")
    assert "--lr 0.0001 instead of 0.001" in diverged


def test_the_first_interrupt_asks_the_second_one_ends(capsys):
    before = signal.getsignal(signal.SIGINT)
    with stop_on_interrupt(lambda: True) as stop:
        assert not stop.is_set()
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    assert "stopping after this epoch" in capsys.readouterr().err


def test_an_interrupt_with_nothing_to_keep_ends_at_once():
    with stop_on_interrupt(lambda: False), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
