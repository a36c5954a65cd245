"""A live comparison as a process of its own, and what it sends to browsers."""

from __future__ import annotations

import http.client
import subprocess
import sys
from contextlib import closing, contextmanager

LONGER = ["--hidden", "16", "--epochs", "300", "--batch-size", "4", "--trials", "4", "--seeds", "2",
          "--optimizers", "sgd,momentum,adam", "--no-defaults", "--extend", "0", "--jobs", "2"]  # fmt: skip


@contextmanager
def compared(folder, *args):
    """Lend the process of a live comparison and its address."""
    command = [sys.executable, "-W", "error", "-m", "minnet", "compare", "--live", "--port", "0", "--out", str(folder)]
    with subprocess.Popen([*command, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            first = process.stdout.readline()
            assert first.startswith("live page: http://127.0.0.1:"), process.stderr.read()
            yield process, first.split()[-1].removeprefix("http://").rstrip("/")
        finally:
            process.kill()


def events(address):
    """Yield kind and text of every event, to the end."""
    with closing(http.client.HTTPConnection(address, timeout=60)) as connection:
        connection.request("GET", "/events")
        answer = connection.getresponse()
        assert answer.status == 200
        kind, lines = "", []
        for line in answer:
            name, _, text = line.decode().rstrip("\n").partition(": ")
            if name == "event":
                kind = text
            elif name == "data":
                lines.append(text)
            elif not name and kind:
                yield kind, "\n".join(lines)
                kind, lines = "", []
