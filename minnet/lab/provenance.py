"""When, where and with what an experiment ran."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from minnet import machine


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def command() -> str:
    """Return the command of this process, as one would type it again."""
    program = Path(sys.argv[0]).name
    program = "python -m minnet" if program == "__main__.py" else program
    return " ".join([program, *map(shlex.quote, sys.argv[1:])])


def session(jobs: int, engine: str, device: str = "cpu") -> dict[str, Any]:
    """Return what is known when a session of an experiment starts.

    `jobs` matters for the times: so many runs shared the machine while each was timed, with one thread each.
    """
    return {
        "started": now(),
        "finished": None,
        "engine": engine,
        "device": device,
        "jobs": jobs,
        "threads": 1,
        "command": command(),
        "versions": machine.versions(),
        "hardware": machine.hardware(),
    }
