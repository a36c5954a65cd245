from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from minnet.cli import group
from minnet.cli.bench import command, tasks


def run(*args):
    return CliRunner().invoke(group, ["bench", *args])


def test_a_small_race_prints_a_table_and_writes_everything(tmp_path):
    result = run("--data", "digits", "--hidden", "8", "--batch-size", "100", "--rounds", "2", "--peers",
                 "minnet,roof", "--optimizer", "adadelta", "--out", str(tmp_path / "made"))  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "digits (1,400 samples), 64-8-10 relu, adadelta, float32, batch 100, 1 core" in result.output
    assert "minnet / peer" in result.output
    assert "GFLOP/s" in result.output
    record = json.loads((tmp_path / "made" / "bench.json").read_text())
    assert set(record) == {"finished", "command", "versions", "hardware", "environment", "races"}
    (race,) = record["races"]
    assert race["task"]["spec"]["training"]["batch_size"] == 100
    assert len(race["peers"]["minnet"]["seconds"]) == 4
    assert (tmp_path / "made" / "bench.png").read_bytes().startswith(b"\x89PNG")


def test_every_batch_size_and_number_of_cores_is_a_race():
    options = command.make_context("bench", ["--threads", "1,2", "--batch-size", "10,20,30", "--set", "lr=0.5"]).params
    made = tasks(options.pop("threads"), options)
    assert [(task.threads, task.batch) for task in made] == [(1, 10), (1, 20), (1, 30), (2, 10), (2, 20), (2, 30)]
    assert made[0].hyper["lr"] == 0.5


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["--device", "tpu"], "unknown device 'tpu'"),
        (["--peers", "minnet,jaxx"], "did you mean 'jax'"),
        (["--batch-size", "32,none"], "--batch-size '32,none'"),
        (["--figure", "race.bmp"], ".png, .svg"),
        (["--optimizer", "adamm"], "did you mean 'adam'"),
        (["--threads", "9999"], "may use"),
    ],
)
def test_wrong_input_is_one_line(args, line):
    result = run("--data", "digits", *args)
    assert result.exit_code == 2
    assert line in result.output
    assert len(result.output.strip().splitlines()) == 1
