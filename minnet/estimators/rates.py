"""The learning rate of an estimator: scikit-learn's three ways to change it, and minnet's schedules.

A rate is a function from steps to learning rates, as `Optimizer` takes it. It is told when an epoch has ended, and
asked whether to stop when there is no progress any more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minnet.schedules import Schedule

SMALLEST = 1e-6  # what scikit-learn's "adaptive" stops at
SLOWER = 5.0  # and divides by


class Constant:
    """The same learning rate throughout.

    Examples
    --------
    >>> Constant(0.5)(np.arange(2))
    array([0.5, 0.5])
    """

    def __init__(self, lr: float) -> None:
        self.lr = self.now = float(lr)

    def __call__(self, steps: Any) -> np.ndarray:
        """Return the learning rate of every step."""
        return np.full(np.shape(steps), self.now)

    def epoch_ended(self, samples: int, loss: float) -> None:
        """Take the number of samples seen so far, and the training loss."""

    def gives_up(self) -> bool:
        """Say whether to stop, now that there was no progress."""
        return True


class InverseScaling(Constant):
    """Divided, after every epoch, by a power of the number of samples seen: lr / (samples + 1)^power.

    Examples
    --------
    >>> rate = InverseScaling(0.5, power=0.5)
    >>> rate.epoch_ended(samples=24, loss=1.0)
    >>> float(rate(0))
    0.1
    """

    def __init__(self, lr: float, power: float) -> None:
        super().__init__(lr)
        self.power = float(power)

    def epoch_ended(self, samples: int, loss: float) -> None:
        """Take the number of samples seen so far."""
        self.now = self.lr / (samples + 1) ** self.power


class Adaptive(Constant):
    """Divided by five instead of stopping, as long as it is above 10⁻⁶.

    Examples
    --------
    >>> rate = Adaptive(4e-6)
    >>> rate.gives_up(), rate.gives_up()
    (False, True)
    """

    def gives_up(self) -> bool:
        """Go on with a fifth."""
        if self.now <= SMALLEST:
            return True
        self.now /= SLOWER
        return False


class Scheduled(Constant):
    """A schedule of minnet's, which counts its steps from the beginning of a fit."""

    def __init__(self, schedule: Schedule, first_step: int) -> None:
        super().__init__(schedule.lr)
        self.schedule, self.first_step = schedule, first_step

    def __call__(self, steps: Any) -> np.ndarray:
        """Return the learning rate of every step."""
        return np.asarray(self.schedule(np.asarray(steps) - self.first_step))

    def epoch_ended(self, samples: int, loss: float) -> None:
        """Show the loss to a schedule that listens."""
        self.schedule.observe(loss)
