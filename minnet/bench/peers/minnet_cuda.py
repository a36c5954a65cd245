"""minnet on a GPU: all runs as one population, an epoch of all of them per launch."""

from __future__ import annotations

import numpy as np

from minnet.bench.task import Task
from minnet.cuda.population import Population


class Contestant:
    """A population of runs that differ in their seed."""

    def __init__(self, task: Task, variant: str) -> None:
        self.population = Population(task.specs, task.split)

    def facts(self) -> dict[str, float]:
        """Return how many runs there are, and the peak of the GPU."""
        return {"runs": len(self.population.members), "peak_gflops": self.population.device.peak_gflops}

    def epoch(self, orders: np.ndarray) -> float | None:
        """Train every run for one epoch, and return the first one's loss.

        A population works out the same orders by itself, one epoch ahead.
        """
        self.population.train_epoch(range(len(self.population.members)))
        return self.population.members[0].running_loss
