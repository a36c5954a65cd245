"""Suites by the command, with the real training."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from minnet.cli import main

SUITE = """
name = "pair"
title = "A pair"
optimizers = "sgd,adam"
trials = 2
seeds = 2
extend = 0
defaults = false
target = 0.3

[network]
hidden = [4]

[training]
epochs = 2

[[problem]]
name = "small batch"
training = { batch_size = 16 }

[[problem]]
name = "large batch"
training = { batch_size = 64 }
"""


def run(*args):
    with pytest.raises(SystemExit) as end:
        main([*map(str, args)])
    return end.value.code


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "pair.toml"
    path.write_text(SUITE, encoding="utf-8")
    return path


def test_a_suite_its_plan_its_table_and_its_resumption(suite, tmp_path, capsys):
    out = tmp_path / "out"
    assert run("compare", suite, "--out", out, "--jobs", "1") == 0
    text = capsys.readouterr().out
    assert "16 runs, about" in text
    assert re.search(r"problem 2 of 2: large batch; about .* left for all", text)
    assert text.count("[8/8]") == 2
    assert "mean rank" in text
    table = pd.read_csv(out / "suite.csv")
    assert sorted(table["optimizer"]) == ["adam", "sgd"]

    assert run("compare", suite, "--out", out) == 0
    assert "[1/8]" not in capsys.readouterr().out
    pd.testing.assert_frame_equal(pd.read_csv(out / "suite.csv"), table, check_exact=True)


def test_the_page_of_a_suite_is_rebuilt(suite, tmp_path, capsys):
    out = tmp_path / "out"
    run("compare", suite, "--out", out)
    table = pd.read_csv(out / "suite.csv")
    for path in (out / "suite.csv", out / "suite.html", out / "large-batch" / "report.html"):
        path.unlink()
    capsys.readouterr()
    assert run("report", out) == 0
    assert "small batch" in capsys.readouterr().out
    assert (out / "large-batch" / "report.html").is_file()
    assert run("report", out, "--parquet") == 0
    assert (out / "profiles.parquet").is_file()
    assert (out / "large-batch" / "leaderboard.parquet").is_file()
    assert "A pair" in (out / "suite.html").read_text(encoding="utf-8")
    pd.testing.assert_frame_equal(pd.read_csv(out / "suite.csv"), table, check_exact=True)


def test_a_bad_suite_is_one_line(suite, tmp_path, capsys):
    suite.write_text(SUITE.replace('name = "large batch"', ""), encoding="utf-8")
    assert run("compare", suite, "--out", tmp_path / "out") == 2
    assert capsys.readouterr().err.startswith("minnet: error: every [[problem]] needs a name")
