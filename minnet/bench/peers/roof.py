"""The roof: the least that a dense training step must do, done on this machine.

Per step all products (forward, gradient of the weights, gradient of the layer below), through the BLAS library that
Numba calls (SciPy's), and as many bytes read and written as the update reads and writes, in arrays of the same
size in total; no gathering, activation or loss. With several cores each does its share of the steps on arrays of its
own with one BLAS thread: there is nothing to wait for and nothing to exchange.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import types

from minnet import jit, machine
from minnet.bench.task import Task

PRODUCTS, BYTES = 1, 2  # parts of a step
MEASURED_S, REPEATS = 0.02, 7


class Contestant:
    """Arrays for every core, and one compiled loop over steps."""

    def __init__(self, task: Task, variant: str) -> None:
        self.limit = machine.blas_threads(1)
        self.limit.__enter__()  # for the life of this process
        self.steps, self.batch = task.steps, task.batch
        self.widths = np.array(task.layout.widths, dtype=np.int64)
        self.kernel = kernel(task.dtype)
        self.pool = ThreadPoolExecutor(task.threads)
        self.arrays = [arrays(task, seed) for seed in range(task.threads)]

    def epoch(self, order: np.ndarray) -> None:
        """Do an epoch's products and updates; there is no loss."""
        self.work(self.steps, PRODUCTS | BYTES)

    def work(self, steps: int, parts: int) -> None:
        """Do so many steps, or only a part of each, on all cores together."""
        cores = len(self.arrays)
        shares = [(steps + core) // cores for core in range(cores)]
        calls = [
            self.pool.submit(self.kernel, share, parts, self.batch, self.widths, *own)
            for share, own in zip(shares, self.arrays)
        ]
        for call in calls:
            call.result()

    def facts(self) -> dict[str, float]:
        """Return the rates behind the roof: products and bytes measured apart."""
        widths = [int(width) for width in self.widths]
        flops = sum(2 * self.batch * n_in * n_out * 3 for n_in, n_out in itertools.pairwise(widths))
        flops -= 2 * self.batch * widths[0] * widths[1]  # nobody asks for the gradient of the inputs
        moved = 3 * self.arrays[0][-1].nbytes
        seconds = {part: self.seconds_per_step(part) for part in (PRODUCTS, BYTES)}
        return {
            "products_s": seconds[PRODUCTS] * self.steps,
            "update_s": seconds[BYTES] * self.steps,
            "gflops": flops / seconds[PRODUCTS] / 1e9,
            "gbytes_per_s": moved / seconds[BYTES] / 1e9,
        }

    def seconds_per_step(self, part: int) -> float:
        """Return the median time of a part of a step, over repetitions of `MEASURED_S` each."""
        steps, times = len(self.arrays), [0.0]
        while times[-1] < MEASURED_S:  # the first calls also warm the caches
            steps *= 2
            times.append(self.seconds(steps, part))
        return float(np.median([self.seconds(steps, part) for _ in range(REPEATS)])) / steps

    def seconds(self, steps: int, part: int) -> float:
        """Time so many steps."""
        started = time.perf_counter()
        self.work(steps, part)
        return time.perf_counter() - started


def arrays(task: Task, seed: int) -> tuple[np.ndarray, ...]:
    """Return flat weights, gradients, activations, deltas, and the two arrays that stand for the update's bytes."""
    rng = np.random.default_rng(seed)
    size, slots = task.layout.size, len(task.spec.optimizer.method.slots)
    units = task.batch * sum(task.layout.widths)
    # The update reads w, g and the slots and writes w and the slots; x += y moves three numbers per entry.
    entries = (3 + 2 * slots) * size // 3
    return tuple(rng.normal(0, 0.05, n).astype(task.dtype) for n in (size, size, units, units, entries, entries))


@jit.once
def kernel(dtype: str) -> Callable:
    """Compile the loop over steps, or load it from the cache."""
    vector = getattr(types, dtype)[::1]
    whole = types.int64
    return jit.compile(do_steps, types.void(whole, whole, whole, whole[::1], *[vector] * 6))


def do_steps(steps, parts, batch, widths, w, grads, a, delta, x, y):
    """Do `steps` times the products and the traffic of the update."""
    for _ in range(steps):
        if parts & 1:
            products(batch, widths, w, grads, a, delta)
        if parts & 2:
            small = x.dtype.type(1e-6)
            for i in range(x.size):
                x[i] += small * y[i]


@jit.inner
def products(batch, widths, w, grads, a, delta):
    """Do the products of one step on flat arrays: all layers forward, then all backward."""
    start = unit = 0
    for layer in range(widths.size - 1):
        n_in, n_out = widths[layer], widths[layer + 1]
        W = w[start : start + n_in * n_out].reshape(n_in, n_out)
        below = a[unit : unit + batch * n_in].reshape(batch, n_in)
        unit += batch * n_in
        np.dot(below, W, a[unit : unit + batch * n_out].reshape(batch, n_out))
        start += (n_in + 1) * n_out
    for layer in range(widths.size - 2, -1, -1):
        n_in, n_out = widths[layer], widths[layer + 1]
        start -= (n_in + 1) * n_out
        above = delta[unit : unit + batch * n_out].reshape(batch, n_out)
        unit -= batch * n_in
        below = a[unit : unit + batch * n_in].reshape(batch, n_in)
        np.dot(below.T, above, grads[start : start + n_in * n_out].reshape(n_in, n_out))
        if layer > 0:
            W = w[start : start + n_in * n_out].reshape(n_in, n_out)
            np.dot(above, W.T, delta[unit : unit + batch * n_in].reshape(batch, n_in))
