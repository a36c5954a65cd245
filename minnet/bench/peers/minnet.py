"""minnet itself: the epoch that `minnet train` runs, without its evaluation; or several runs side by side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from minnet import machine
from minnet.bench.task import Task
from minnet.training.run import Run


class Contestant:
    """One run on all its cores; variant "runs": one run per core, as a comparison has them."""

    def __init__(self, task: Task, variant: str) -> None:
        count = task.threads if variant == "runs" else 1
        threads = task.threads // count
        self.limit = machine.blas_threads(threads)
        self.limit.__enter__()  # for the life of this process
        self.runs = [Run(task.spec, task.split, threads) for _ in range(count)]
        self.pool = ThreadPoolExecutor(count)

    def epoch(self, order: np.ndarray) -> float:
        """Train every run for one epoch."""
        if len(self.runs) == 1:
            return self.runs[0].steps(order)[1]
        return float(np.mean([loss for _, loss in self.pool.map(lambda run: run.steps(order), self.runs)]))
