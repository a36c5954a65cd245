"""What one update costs, method by method, against the memory traffic that it cannot avoid.

    python experiments/speed/update_cost.py [N_PARAMS]

For every elementwise method: nanoseconds per parameter of its compiled float32 update, and of the cheapest rule with
as many slots (one multiplication and one addition per number), measured in alternation in one run. That rule reads the
gradient and reads and writes the weight and every slot, 4 (3 + 2 slots) bytes: the floor. A ratio near 1 says that a
method's arithmetic hides behind its traffic.
"""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np

from minnet import optimizers
from minnet.optimizers import Method, Optimizer, Range

REPEATS = 41


def floor_0(w, g, lr):
    """Move one weight."""
    return w - lr * g


def floor_1(w, g, a, lr):
    """Move a weight and one slot."""
    return w - lr * g, a - lr * g


def floor_2(w, g, a, b, lr):
    """Move a weight and two slots."""
    return w - lr * g, a - lr * g, b - lr * g


def floor_3(w, g, a, b, c, lr):
    """Move a weight and three slots."""
    return w - lr * g, a - lr * g, b - lr * g, c - lr * g


def floor_4(w, g, a, b, c, d, lr):
    """Move a weight and four slots."""
    return w - lr * g, a - lr * g, b - lr * g, c - lr * g, d - lr * g


FLOORS = (floor_0, floor_1, floor_2, floor_3, floor_4)


def floor(n_slots: int) -> Optimizer:
    """Return the cheapest method with that many slots."""
    method = Method(
        name=f"floor_{n_slots}",
        title="",
        formula="",
        paper="",
        rule=FLOORS[n_slots],
        slots=("a", "b", "c", "d")[:n_slots],
        defaults={"lr": 1e-3},
        space={"lr": Range(1e-3, 1.0)},
    )
    return Optimizer(method)


class Timed:
    """One update on data of its own."""

    def __init__(self, opt: Optimizer, n: int) -> None:
        rng = np.random.default_rng(0)
        self.params = rng.normal(size=n).astype("f4")
        self.grads = rng.normal(size=n).astype("f4")
        self.state = opt.init(self.params)
        self.row = opt.table(np.array([100]))[0].astype("f4")
        self.update = opt.update("float32")

    def seconds(self) -> float:
        """Time one call, after one that warms the caches."""
        for _ in range(2):
            started = time.perf_counter()
            self.update(self.params, self.grads, self.state.slots, self.state.memory, self.state.blocks, self.row)
        return time.perf_counter() - started


def main(n: int) -> None:
    """Print the table."""
    print(f"{n:,} float32 parameters, median of {REPEATS} calls in alternation")
    print(f"{'method':20s} {'slots':>5s} {'bytes':>6s} {'ns/param':>9s} {'floor':>7s} {'ratio':>6s} {'GB/s':>6s}")
    for name in optimizers.names():
        opt = optimizers.create(name)
        if opt.method.rule is None:
            continue
        slots = len(opt.method.slots)
        ours, least = Timed(opt, n), Timed(floor(slots), n)
        pairs = [(ours.seconds(), least.seconds()) for _ in range(REPEATS)]
        seconds, bound = (statistics.median(column) for column in zip(*pairs))
        ratio = statistics.median(a / b for a, b in pairs)
        moved = 4 * (3 + 2 * slots)
        speeds = f"{1e9 * seconds / n:9.3f} {1e9 * bound / n:7.3f} {ratio:6.2f} {moved * n / seconds / 1e9:6.0f}"
        print(f"{name:20s} {slots:5d} {moved:6d} {speeds}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
