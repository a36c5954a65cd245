"""The numbers of every step, computed beforehand on the host: one row for weights, one for biases.

A row begins with what is done around the method's rule; then follow the method's own coefficients.
"""

from __future__ import annotations

import numpy as np

from minnet.optimizers import Optimizer
from minnet.optimizers.wrapping import PULL, RADIUS
from minnet.training.spec import TrainingSpec

# Factor of the L2 penalty; share of a weight that decay leaves; share of the way that Lookahead calls a weight back
# towards its slow one (1: it does not); how far SAM climbs.
L2, KEEP, LEAN, CLIMB = range(4)
OWN = 4  # the method's own coefficients begin here


def rows(optimizer: Optimizer, training: TrainingSpec, steps: np.ndarray, width: int) -> np.ndarray:
    """Return the rows of some steps: float32 array of shape (n_steps, 2, width)."""
    own = optimizer.table(steps, training.decay_biases)
    table = np.zeros((len(steps), 2, width), np.float32)
    spared = np.array([1.0, float(training.decay_biases)])
    table[:, :, L2] = training.l2 * spared
    table[:, :, KEEP] = 1 - np.outer(optimizer.learning_rates(steps), training.weight_decay * spared)
    table[:, :, LEAN] = 1 - optimizer.of_steps(own, PULL)[:, None]
    table[:, :, CLIMB] = optimizer.of_steps(own, RADIUS)[:, None]
    table[:, :, OWN : OWN + own.shape[2]] = own
    return table
