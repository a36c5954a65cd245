"""A Dask scheduler and workers, each a process of its own, on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

DEADLINE_S = 60


class Cluster:
    """Processes of ``dask scheduler`` and ``dask worker``; used in a `with` block, which ends them all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen] = []

    def __enter__(self) -> Cluster:
        file = self.folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
        self.address = json.loads(_content(file))["address"]
        return self

    def __exit__(self, *exception: object) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()

    def worker(self, name: str, threads: int = 1, **variables: str) -> subprocess.Popen:
        """Start a worker."""
        return self._start(
            "worker", self.address, "--name", name, "--nthreads", str(threads), "--nworkers", "1", "--no-nanny",
            "--local-directory", str(self.folder / name), **variables,
        )  # fmt: skip

    def wait(self, workers: int) -> None:
        """Wait until so many workers are there."""
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=DEADLINE_S)

    def _start(self, what: str, *options: str, **variables: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", what, *options, "--no-dashboard"],
            cwd=self.folder, env={**os.environ, **variables}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.processes.append(process)
        return process


def _content(file: Path) -> str:
    """Return what is in a file, once there is something in it."""
    deadline = time.monotonic() + DEADLINE_S
    while not (file.is_file() and file.stat().st_size):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no scheduler wrote {file}")
        time.sleep(0.05)
    return file.read_text()
