"""``minnet compare --live`` as a process, followed over HTTP as a browser does."""

from __future__ import annotations

import json
import signal
import socket
import sys

import pytest
from live_process import LONGER, compared, events

from minnet.cli import main
from minnet.cli.live_view import page_of

TINY = ["--hidden", "4", "--epochs", "2", "--trials", "2", "--seeds", "2", "--optimizers", "sgd,adam", "--no-defaults"]


def test_a_comparison_is_followed_to_its_end(tmp_path):
    with compared(tmp_path, *LONGER) as (process, address):
        heard = list(events(address))
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert "live" not in out
    kinds = [kind for kind, _ in heard]
    assert kinds[-1] == "end"
    assert kinds.count("progress") >= 2
    said = [json.loads(text) for kind, text in heard if kind == "progress"]
    assert said[-1]["state"] == "finished"
    assert all(each["state"] == "running" for each in said[:-1])
    assert any(each["curves"] for each in said[:-1])
    assert not any(each["trouble"] for each in said)
    page = [text for kind, text in heard if kind == "page"][-1]
    assert page == page_of(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for a single process there")
def test_ctrl_c_is_as_without_and_told_to_browsers(tmp_path):
    with compared(tmp_path, *LONGER) as (process, address):
        said = []
        for kind, text in events(address):
            said += [json.loads(text)] if kind == "progress" else []
            if len(said) == 1 and kind == "progress":
                process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    farewell = out.splitlines()[-1]
    assert farewell.startswith("interrupted: ")
    assert (said[-1]["state"], said[-1]["text"]) == ("interrupted", farewell)


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SystemExit) as end:
            main(["compare", "--live", "--port", str(port), "--out", str(tmp_path), *TINY])
    out, err = capsys.readouterr()
    assert end.value.code == 2
    assert err.splitlines() == [
        f"minnet: error: port {port} is taken: choose another with --port, or 0 for any free one"
    ]
    assert not out
    assert not list(tmp_path.iterdir())
