"""What the driver of a comparison costs beside the training itself.

    python experiments/speed/driver_overhead.py [overhead] [pairs] [memory]

Three measurements, all or those that are named:

* overhead: a few hundred trials on the digits, one at a time. Of the time from one beginning to the next, how much is
  training and evaluation, how much the setting up of a run (arrays, tables, initial weights), and how much the
  driver's own (what lies between the end of a training and the beginning of the next)?
* pairs: runs of Adam on MNIST, 784-128-10, one alone and two side by side in alternation. What is the throughput of
  two over that of one? (Needs MNIST and idle cores; the processor time of a run, which is printed as well, also tells
  on a busy machine what a neighbour costs in shared caches and memory.)
* memory: the process's memory after 100, 1000 and 3000 trials, trained and stored, and after as many more.
"""

from __future__ import annotations

import contextlib
import itertools
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import minnet
from minnet import machine, training
from minnet.lab.engine import Stop
from minnet.lab.engine.local import Threads, map_unordered
from minnet.lab.store import Store
from minnet.lab.trials import Trial
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

TRIALS = 300
ALONE = {"defaults": False, "extend": 0, "seeds": 1, "jobs": 1}


def overhead() -> None:
    """Print where the time of many short trials goes, in medians over the trials."""
    print(f"{TRIALS} trials on the digits, one at a time; medians")
    print(f"{'hidden x epochs':>16s} {'trial':>9s} {'training':>9s} {'setting up':>11s} {'driver':>18s}")
    for hidden, epochs in [(8, 1), (32, 10), (128, 20)]:
        race = {"optimizers": "adam", "hidden": (hidden,), "epochs": epochs, **ALONE}
        minnet.compare(trials=1, **race)  # what is compiled is there
        with timed() as runs, tempfile.TemporaryDirectory() as folder:
            minnet.compare(trials=TRIALS, out=Path(folder), **race)
        whole = statistics.median(end - start for start, end, _ in runs)
        trained = statistics.median(seconds for _, _, seconds in runs)
        between = statistics.median(later[0] - earlier[1] for earlier, later in itertools.pairwise(runs))
        trial = whole + between
        print(f"{hidden:8d} x {epochs:5d} {1000 * trial:6.2f} ms {trained / trial:9.1%} "
              f"{(whole - trained) / trial:11.1%} {between / trial:8.1%} ({1000 * between:.2f} ms)")  # fmt: skip


@contextlib.contextmanager
def timed() -> Iterator[list[tuple[float, float, float]]]:
    """Note when every training begins and ends, and the seconds in between that it trained or evaluated."""
    runs: list[tuple[float, float, float]] = []
    train = training.train

    def noted(*args, **options):
        started = time.perf_counter()
        result = train(*args, **options)
        runs.append((started, time.perf_counter(), result.train_s + result.eval_s))
        return result

    training.train = noted
    try:
        yield runs
    finally:
        training.train = train


def pairs(rounds: int = 5, runs: int = 4) -> None:
    """Print the throughput of two runs side by side over that of one alone."""
    spec = RunSpec("mnist", NetworkSpec((128,)), TrainingSpec(epochs=2), OptimizerSpec("adam", hyper={"lr": 1e-3}))
    split = minnet.load_dataset("mnist").split(0.1, 0)
    training.train(spec, split)  # what is compiled is there
    cpu: dict[int, list[float]] = {1: [], 2: []}

    def run(jobs: int) -> None:
        started = time.thread_time()
        training.train(spec, split)
        cpu[jobs].append(time.thread_time() - started)

    ratios = []
    with machine.blas_threads(1):
        for _ in range(rounds):
            seconds = {}
            for jobs in cpu:
                started = time.perf_counter()
                for _ in map_unordered(run, [jobs] * runs, jobs):
                    pass
                seconds[jobs] = time.perf_counter() - started
            ratios.append(seconds[1] / seconds[2])
    alone, beside = (statistics.median(cpu[jobs]) for jobs in (1, 2))
    print(f"throughput of two runs side by side over one alone: {statistics.median(ratios):.2f} "
          f"(from {min(ratios):.2f} to {max(ratios):.2f} in {rounds} rounds of {runs} runs)")  # fmt: skip
    print(f"processor seconds of a run: {alone:.3f} alone, {beside:.3f} beside another: with two idle cores up to "
          f"{2 * alone / beside:.2f}")  # fmt: skip


def memory(marks: tuple[int, ...] = (100, 1000, 3000)) -> None:
    """Print what the process takes after many trials, all trained and stored; then the same again."""
    split = minnet.load_dataset("digits").split(0.1, 0)
    for again in ("", ", again"):
        trials = [
            Trial("tune", RunSpec("digits", NetworkSpec((8,)), TrainingSpec(epochs=2), OptimizerSpec("adam"), seed))
            for seed in range(marks[-1])
        ]
        with (
            tempfile.TemporaryDirectory() as folder,
            Store(Path(folder)) as store,
            Threads(1, lambda run: split) as crew,
        ):
            store.begin({})
            for done, record in enumerate(crew.map(trials, Quiet(), Stop()), start=1):
                store.add(record)
                if done in marks:
                    print(f"after {done:5d} trials{again}: {resident():7.1f} MB, {threading.active_count()} threads")


class Quiet:
    """Hears of trials and says nothing."""

    def begun(self, trial, where):
        """Say nothing."""

    def epoch(self, trial, epoch, row=None):
        """Say nothing."""


def resident() -> float:
    """Return the memory of this process in MB."""
    import psutil  # comes with Dask

    return psutil.Process().memory_info().rss / 1e6


if __name__ == "__main__":
    for name in sys.argv[1:] or ("overhead", "pairs", "memory"):
        {"overhead": overhead, "pairs": pairs, "memory": memory}[name]()
