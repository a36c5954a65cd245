"""Kill a comparison at random moments, resume it, and see that nothing is lost: python tests/lab/kill.py 50 FOLDER.

A comparison that comes to its end is held against an undisturbed one, and another one begins, until there have been
enough kills.
"""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

import pandas as pd

RACE = ["--data", "digits", "--hidden", "16", "--epochs", "10", "--batch-size", "8", "--trials", "4", "--seeds", "3",
        "--optimizers", "sgd,momentum,adam", "--jobs", "2"]  # fmt: skip
TIMES = ["seconds_to_target", "train_s", "eval_s", "compile_s"]


def torture(kills: int, folder: Path, seed: int = 0) -> Counter[str]:
    """Kill `kills` times and return how often during what; an `AssertionError` says what was lost."""
    chance, during, rounds = random.Random(seed), Counter[str](), 0
    finish(folder / "undisturbed")
    while during.total() < kills:
        rounds += 1
        here, known = folder / f"round {rounds}", 0
        while during.total() < kills:
            phase, told, code = one_session(here, chance)
            stored = check_store(here)
            assert stored >= known + told, f"{known} + {told} runs were finished and {stored} are stored"
            known = stored
            if code == 0:
                break
            during[phase] += 1
            print(f"kill {during.total():3d}, {phase:11s}: {told} more runs reported, {stored} stored", flush=True)
        else:
            finish(here)
        check_result(folder / "undisturbed", here)
        print(f"round {rounds} came to its end: same leaderboard, every trial once", flush=True)
    return during


def compare(folder: Path) -> subprocess.Popen[str]:
    """Start the comparison."""
    command = [sys.executable, "-m", "minnet", "compare", *RACE, "--out", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(folder: Path) -> None:
    """Let the comparison come to its end."""
    with compare(folder) as process:
        text, _ = process.communicate()
    assert process.returncode == 0, text


def one_session(folder: Path, chance: random.Random) -> tuple[str, int, int]:
    """Run the comparison until a random moment: up to seconds after its start, or a moment after some of its runs.

    Returns
    -------
    phase : str
        What it was doing.
    told : int
        How many runs it has reported as finished.
    code : int
        Of its exit: 0 if it was quicker than the kill.
    """
    after, moment = chance.randrange(5), chance.random()
    with compare(folder) as process:
        lines: Queue[str] = Queue()
        reader = Thread(target=lambda: [lines.put(line) for line in process.stdout])
        reader.start()
        seen: list[str] = []
        deadline = time.monotonic() + (4 * moment if after == 0 else 600)
        while time.monotonic() < deadline and process.poll() is None and len(runs(seen)) < (after or 1000):
            drain(lines, seen)
        time.sleep(0.3 * moment if after else 0)
        process.kill()
        code = process.wait()
        reader.join()
        drain(lines, seen)
    assert "Traceback" not in "".join(seen), "".join(seen)
    return phase_of(seen), len(runs(seen)), code


def runs(lines: list[str]) -> list[str]:
    """Return the lines that report a finished run."""
    return [line for line in lines if line.startswith("[")]


def drain(lines: Queue[str], seen: list[str]) -> None:
    """Take over the lines that are there."""
    try:
        seen.append(lines.get(timeout=0.01))
        while True:
            seen.append(lines.get_nowait())
    except Empty:
        pass


def phase_of(lines: list[str]) -> str:
    """Return what a session was doing, from what it has said."""
    if not lines:
        return "starting"
    if not runs(lines):
        return "resuming" if any(line.startswith("resuming") for line in lines) else "beginning"
    count, total = runs(lines)[-1].strip("[").split("]")[0].split("/")
    if int(count) == int(total):
        return "writing"
    return "final runs" if "final" in runs(lines)[-1] else "tuning"


def check_store(folder: Path) -> int:
    """See that the store is sound and holds whole runs only; return how many."""
    path = folder / "runs.sqlite"
    if not path.is_file():
        return 0
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not db.execute("SELECT 1 FROM sqlite_master").fetchone():
            return 0
        runs = db.execute("SELECT id, steps, diverged FROM runs").fetchall()
        ends = dict(db.execute("SELECT run_id, max(steps) FROM epochs GROUP BY run_id").fetchall())
        assert all(ends[id] == steps for id, steps, _ in runs)
        assert len({id for id, *_ in runs}) == len(runs)
        return len(runs)


def check_result(undisturbed: Path, folder: Path) -> None:
    """See that two comparisons came to the same, times aside, and trained the same runs, each once."""
    assert check_store(folder) == check_store(undisturbed)
    for name in ("leaderboard.csv", "trials.csv"):
        one, other = (pd.read_csv(each / name).drop(columns=TIMES, errors="ignore") for each in (undisturbed, folder))
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    trials = pd.read_csv(folder / "trials.csv")
    assert not trials.duplicated(["optimizer", "kind", "trial", "seed"]).any()


if __name__ == "__main__":
    count, place = (
        int(sys.argv[1]) if len(sys.argv) > 1 else 50,
        Path(sys.argv[2] if len(sys.argv) > 2 else "runs/kill"),
    )
    begun = time.monotonic()
    result = torture(count, place)
    times = ", ".join(f"{times} while {phase}" for phase, times in result.most_common())
    print(f"{result.total()} kills in {time.monotonic() - begun:.0f} s: {times}. Nothing was lost.")
