"""minnet itself: the epoch that `minnet train` runs, without its evaluation."""

from __future__ import annotations

import numpy as np

from minnet import machine
from minnet.bench.task import Task
from minnet.training.run import Run


class Contestant:
    """A run of minnet."""

    def __init__(self, task: Task, variant: str) -> None:
        self.limit = machine.blas_threads(task.threads)
        self.limit.__enter__()  # for the life of this process
        self.run = Run(task.spec, task.split)

    def epoch(self, order: np.ndarray) -> float:
        """Train for one epoch."""
        return self.run.steps(order)[1]
