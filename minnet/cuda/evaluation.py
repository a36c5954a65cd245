"""The kernel that evaluates a population: a block takes a part of the samples for one run, and then the next part."""

from __future__ import annotations

from typing import Any

import numpy as np

from minnet.cuda.layers import Batch, Mover, forward
from minnet.cuda.operands import Samples
from minnet.cuda.outputs import comparing, judging
from minnet.cuda.reduce import summing
from minnet.cuda.shape import Shape
from minnet.cuda.target import ALIGNED, BYTES, bare, cuda, kernel, thread

PARTS = 8  # of the samples; a number of its own, so that the order of the sum does not depend on the device


def evaluation_kernel(shape: Shape) -> Any:
    """Return the kernel for networks of one shape.

    Its arguments: samples and targets (flat), chosen (samples to evaluate), whether each run is evaluated at its
    weights (0) or at a slot (its number), state, work, active, counter, scale; and what it fills: the sum of the loss,
    and the sum of what `judging` says, for each run and part.
    """
    threads, batch, features, floats = shape.block.threads, shape.batch, shape.widths[0], shape.block.floats
    upward, judge, total = forward(shape), judging(shape), summing(threads)
    compare = comparing(shape, by_weight=False)  # weights are for training

    def evaluate(X, Y, chosen, where, state, work, active, counter, scale, losses, verdicts):
        X, Y, chosen, where, state = bare(X), bare(Y), bare(chosen), bare(where), bare(state)
        work, active, counter, losses, verdicts = bare(work), bare(active), bare(counter), bare(losses), bare(verdicts)
        shared = cuda.shared.array(floats, np.float32, BYTES) if ALIGNED else cuda.shared.array(floats, np.float32)
        scratch = cuda.shared.array(threads, np.float64)
        ticket = cuda.shared.array(1, np.int64)
        mine = work[cuda.blockIdx.x]
        zero, none, one = np.uint64(0), np.float32(0), np.float32(1)
        while True:
            if thread() == 0:  # the others have read the last ticket: there were barriers since
                ticket[0] = cuda.atomic.add(counter, 0, 1)
            cuda.syncthreads()
            if ticket[0] >= active.size * PARTS:
                break
            run, part = active[ticket[0] // PARTS], ticket[0] % PARTS
            params = state[run, where[run] :]
            mover = Mover(0, True, params[0], params[0], none)
            loss, verdict, end = 0.0, 0.0, chosen.size * (part + 1) // PARTS
            for first in range(chosen.size * part // PARTS, end, batch):
                rows = min(batch, end - first)
                samples = Samples(X, chosen, first, features, scale, zero, zero, one)
                upward(Batch(samples, rows, 0, 0, zero, one), params, mine, shared, mover)
                for row in range(thread(), rows, threads):
                    loss += compare(Y, chosen[first + row], row, one, none, mine, one)
                    verdict += judge(row, mine)
            loss, verdict = total(loss, scratch), total(verdict, scratch)
            if thread() == 0:
                losses[run, part] = loss
                verdicts[run, part] = verdict

    return kernel(evaluate, threads, shape.block.resident)
