"""When, where and with what an experiment ran."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from minnet import machine
from minnet.resources import PACKAGE


def command() -> str:
    """Return the command of this process, as one would type it again."""
    program = Path(sys.argv[0]).name
    program = "python -m minnet" if program == "__main__.py" else program
    return " ".join([program, *map(shlex.quote, sys.argv[1:])])


def commit(folder: Path = PACKAGE.parent) -> str | None:
    """Return the Git commit of a checkout, with "-dirty" if files differ from it; None where there is none."""
    if not (folder / ".git").exists():
        return None
    ask = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() or None


def blas() -> list[dict[str, Any]]:
    """Return the libraries for matrix products that this process has loaded.

    Examples
    --------
    >>> sorted(blas()[0])
    ['architecture', 'library', 'threading_layer', 'version']
    """
    import scipy.linalg.cython_blas  # noqa: F401  (Numba's products come from here)
    from threadpoolctl import threadpool_info

    facts = ("version", "threading_layer", "architecture")
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    loaded = [
        {"library": library["internal_api"], **{name: library.get(name) for name in facts}} for library in libraries
    ]
    return sorted(loaded, key=lambda library: [*map(str, library.values())])


def session(jobs: int, engine: str, device: str = "cpu") -> dict[str, Any]:
    """Return what is known when a session of an experiment starts.

    `jobs` matters for the times: so many runs shared the machine while each was timed, with one thread each.
    """
    return {
        "engine": engine,
        "device": device,
        "jobs": jobs,
        "threads": 1,
        "command": command(),
        "versions": machine.versions(),
        "commit": commit(),
        "hardware": machine.hardware(),
        "blas": blas(),
    }


def of_runs(sessions: Sequence[Mapping[str, Any]], trained_by: Collection[int | None]) -> dict[str, Any]:
    """Return what is known of the sessions that trained some runs, as if they were one.

    A session that found everything trained says nothing about how that was done; its command is the one to repeat.

    Parameters
    ----------
    sessions : list of dict
        All there were, with `id`, `started`, `finished`, `command` and their facts.
    trained_by : collection of int
        Which of them trained; runs of before there were sessions have None.

    Examples
    --------
    >>> times = {"started": "8:00", "finished": "9:00", "command": "minnet compare"}
    >>> sessions = [{"id": id, "jobs": jobs, **times} for id, jobs in ((1, 4), (2, 8), (3, 1))]
    >>> of_runs(sessions, {1, 2})["jobs"], of_runs(sessions, {2})["jobs"]
    ('4 / 8', 8)
    """
    trainers = [session for session in sessions if session["id"] in trained_by] or sessions[-1:]
    last = {key: sessions[-1][key] for key in ("finished", "command") if key in sessions[-1]}
    facts = {**_together(trainers), **last, "started": sessions[0]["started"]}
    return {key: value for key, value in facts.items() if key != "id"}


def _together(answers: Sequence[Any]) -> Any:
    """Return what several sessions say as one answer; where they differ, one after the other."""
    if all(isinstance(answer, Mapping) for answer in answers):
        keys = dict.fromkeys(key for answer in answers for key in answer)
        return {key: _together([answer.get(key) for answer in answers]) for key in keys}
    different = [answer for i, answer in enumerate(answers) if answer not in answers[:i]]
    if len(different) == 1:
        return different[0]
    if all(isinstance(answer, list) for answer in different):
        items = [item for answer in different for item in answer]
        return [item for i, item in enumerate(items) if item not in items[:i]]
    return " / ".join("unknown" if answer is None else str(answer) for answer in different)
