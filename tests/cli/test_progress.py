"""What is shown while a command works."""

import subprocess
import sys
import time

import pytest

from minnet.cli import progress
from minnet.cli.progress import EpochTable, Live, columns, duration, number

ROW = {
    "epoch": 12,
    "lr": 1e-5,
    "train_loss": 0.5,
    "train_accuracy": 1.0,
    "val_loss": float("inf"),
    "val_accuracy": 0.0,
    "train_s": 3725.0,
}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.0994, "99 ms"),
        (0.0996, "0.10 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (3599.6, "1 h 00 min"),
    ],
)
def test_durations_round_into_the_next_unit(seconds, text):
    assert duration(seconds) == text


def test_losses_of_every_size_are_short():
    assert [number(x) for x in (0.0, 9999.0, 1e38, float("inf"))] == ["0.0000", "9999.0000", "1e+38", "inf"]


def test_header_and_lines_of_a_run_are_aligned():
    table = EpochTable()
    assert len(table.header()) == len(table.line(ROW))
    assert table.line(ROW).split()[:3] == ["12", "1e-05", "0.5000"]


def test_columns_of_different_lengths():
    assert columns([("a", "long"), ("longer", "")], gap=1) == ["a      long", "longer"]


def test_a_pipe_gets_only_the_lines(capsys):
    with Live(3, "epochs") as live:
        live.print("one")
        live.advance()
        live.print("two")
    assert capsys.readouterr().out == "one\ntwo\n"


def test_a_notice_becomes_a_line_only_if_it_lasts(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE_S", 0.05)
    with Live(1, "epochs") as live:
        with live.notice("short"):
            pass
        with live.notice("long") as notice:
            time.sleep(0.3)
            assert not notice.ended
        assert notice.ended
    assert capsys.readouterr().out == "long\n"


def test_who_leaves_at_once_leaves_no_process_behind(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("""
import multiprocessing, time
from minnet.cli.progress import leave_at_once

if __name__ == "__main__":
    multiprocessing.get_context("spawn").Process(target=time.sleep, args=(100,)).start()
    leave_at_once("left", 130)
""")
    end = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=50)  # and shut pipes
    assert (end.returncode, end.stdout) == (130, "left\n")
