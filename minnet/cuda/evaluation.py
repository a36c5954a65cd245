"""The kernel that evaluates a population: a block takes a part of the samples for one run, and then the next part."""

from __future__ import annotations

from typing import Any

import numpy as np

from minnet.cuda import scalars
from minnet.cuda.layers import Batch, Mover, forward
from minnet.cuda.operands import Samples
from minnet.cuda.reduce import summing
from minnet.cuda.shape import Shape
from minnet.cuda.target import ALIGNED, BYTES, bare, cuda, kernel, thread

PARTS = 8  # of the samples; a number of its own, so that the order of the sum does not depend on the device


def evaluation_kernel(shape: Shape) -> Any:
    """Return the kernel for networks of one shape.

    Its arguments: samples (flat), labels, chosen (samples to evaluate), whether each run is evaluated at its weights
    (0) or at a slot (its number), state, work, active, counter, scale; and what it fills: the sum of the loss and
    the number of samples that are right, for each run and part.
    """
    threads, batch, features, last = shape.block.threads, shape.batch, shape.widths[0], shape.last
    outputs, floats = shape.widths[-1], shape.block.floats
    upward, head, total = forward(shape), scalars.head(shape.loss, shape.output), summing(threads)
    z, out, delta, targets = shape.z(last), shape.a(last), shape.delta(last), shape.targets

    def evaluate(X, labels, chosen, where, state, work, active, counter, scale, losses, right):
        X, labels, chosen, where, state = bare(X), bare(labels), bare(chosen), bare(where), bare(state)
        work, active, counter, losses, right = bare(work), bare(active), bare(counter), bare(losses), bare(right)
        shared = cuda.shared.array(floats, np.float32, BYTES) if ALIGNED else cuda.shared.array(floats, np.float32)
        scratch = cuda.shared.array(threads, np.float64)
        ticket = cuda.shared.array(1, np.int64)
        mine = work[cuda.blockIdx.x]
        zero = np.uint64(0)
        while True:
            if thread() == 0:  # the others have read the last ticket: there were barriers since
                ticket[0] = cuda.atomic.add(counter, 0, 1)
            cuda.syncthreads()
            if ticket[0] >= active.size * PARTS:
                break
            run, part = active[ticket[0] // PARTS], ticket[0] % PARTS
            params = state[run, where[run] :]
            mover = Mover(0, True, params[0], params[0], np.float32(0))
            loss, correct, end = 0.0, 0.0, chosen.size * (part + 1) // PARTS
            for first in range(chosen.size * part // PARTS, end, batch):
                rows = min(batch, end - first)
                samples = Samples(X, chosen, first, features, scale, zero, zero, np.float32(1))
                upward(Batch(samples, rows, 0, 0, zero, np.float32(1)), params, mine, shared, mover)
                for row in range(thread(), rows, threads):
                    label, at = labels[chosen[first + row]], row * outputs
                    for j in range(outputs):
                        mine[targets + at + j] = np.float32(1) if j == label else np.float32(0)
                    sent = mine[out + at : out + at + outputs]
                    loss += head(
                        mine[z + at : z + at + outputs], sent, mine[targets + at : targets + at + outputs],
                        mine[delta + at : delta + at + outputs], outputs, np.float32(1),
                    )  # fmt: skip
                    best = 0
                    for j in range(1, outputs):
                        if sent[j] > sent[best]:
                            best = j
                    correct += 1.0 if best == label else 0.0
            loss, correct = total(loss, scratch), total(correct, scratch)
            if thread() == 0:
                losses[run, part] = loss
                right[run, part] = correct

    return kernel(evaluate, threads, shape.block.resident)
