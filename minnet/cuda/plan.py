"""What the host works out for an epoch: the order of the samples for every seed, and the coefficients of every run.

A thousand runs take the host about as long as the GPU needs for an epoch, so both are worked out while it trains the
epoch before. Runs that differ in their seed only have the same coefficients, and orders are shuffled on all cores.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from minnet import machine
from minnet.cuda.member import Member


class Plan:
    """The epochs of a population.

    Parameters
    ----------
    members : sequence of Member
    n : int
        Training samples.
    width : int
        Of a row of the table.
    """

    def __init__(self, members: Sequence[Member], n: int, width: int) -> None:
        self.members, self.n, self.width = members, n, width
        self._shufflers = {member.spec.seed: member for member in members}
        self.seeds = list(self._shufflers)
        self._alike = [repr((member.spec.optimizer, member.spec.training)) for member in members]
        self._epoch = 0
        self._orders: np.ndarray
        self._rows: dict[str, np.ndarray] = {}

    def prepare(self, epoch: int, active: Sequence[int]) -> None:
        """Work out what can be known of an epoch before the one in front of it has been measured."""
        if epoch <= max(self.members[run].spec.training.epochs for run in active):
            self._epoch, self._orders = epoch, self._shuffled(epoch)
            alike = {self._alike[run]: self.members[run] for run in active if not self.members[run].listens}
            self._rows = {key: member.table(epoch, self.width) for key, member in alike.items()}

    def of_epoch(self, epoch: int, active: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Return orders (n_seeds, n) and the table (n_runs, n_steps, 2, width), filled for some of the runs."""
        if self._epoch != epoch:
            self.prepare(epoch, active)
        table = np.zeros((len(self.members), self.members[0].steps_per_epoch, 2, self.width), np.float32)
        for run in active:
            member = self.members[run]
            table[run] = member.table(epoch, self.width) if member.listens else self._rows[self._alike[run]]
        return self._orders, table

    def _shuffled(self, epoch: int) -> np.ndarray:
        """Return the order of samples in an epoch, a row for each seed."""
        orders = np.empty((len(self.seeds), self.n), np.int32)

        def shuffle(row: int) -> None:
            orders[row] = self._shufflers[self.seeds[row]].order(epoch)

        with ThreadPoolExecutor(machine.usable_cores()) as pool:
            list(pool.map(shuffle, range(len(self.seeds))))
        return orders
