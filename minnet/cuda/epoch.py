"""The kernel that trains a population: a block takes a run, trains it for one epoch, and takes the next one.

Blocks stay until no run is left (a counter says which is next), so none of them idles while there is work. Which block
trains a run does not change its result: a block meets no other one, and its sums have a fixed order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minnet.cuda.layers import Batch, Mover, backward, forward
from minnet.cuda.move import moving
from minnet.cuda.operands import Samples
from minnet.cuda.outputs import comparing
from minnet.cuda.reduce import summing
from minnet.cuda.shape import Kind, Shape
from minnet.cuda.table import CLIMB, L2
from minnet.cuda.target import ALIGNED, BYTES, bare, cuda, device, kernel, thread
from minnet.cuda.whole import Limits, climbing, penalty, returning, whole_move
from minnet.network.dropout import mask_key

# What a run is told in whole numbers, and in floats.
KIND, ORDER, SEED, INPUT_THRESHOLD, THRESHOLD, SLOW = range(6)
INPUT_KEPT, KEPT, CERTAIN, SPREAD, CLIP_VALUE, CLIP_NORM, MAX_NORM = range(7)


def epoch_kernel(shape: Shape, kinds: Sequence[Kind]) -> Any:
    """Return the kernel for networks of one shape and some methods.

    Its arguments: samples and targets (flat), orders (one row for each seed), table (n_runs, n_steps, 2, width),
    whole and real (what each run is told), state (n_runs, 1 + slots, n_params: the weights first), work (one row for
    each block), active (runs to train), counter (0), first step, scale of the samples; and what it fills: steps done
    and mean loss of each run, and norms (n_runs, 3, n_layers).
    """
    threads, batch, features = shape.block.threads, shape.batch, shape.widths[0]
    floats = shape.block.floats
    move = moving(kinds, threads)
    gradient, finish = gradient_of(shape, move), whole_move(shape, move)
    climb, back = climbing(shape), returning(shape)

    def train(X, Y, orders, table, whole, real, state, work, active, counter, before, scale, steps, losses, norms):
        X, Y, orders, table = bare(X), bare(Y), bare(orders), bare(table)
        whole, real, state, work = bare(whole), bare(real), bare(state), bare(work)
        active, counter, steps, losses, norms = bare(active), bare(counter), bare(steps), bare(losses), bare(norms)
        shared = cuda.shared.array(floats, np.float32, BYTES) if ALIGNED else cuda.shared.array(floats, np.float32)
        scratch = cuda.shared.array(threads, np.float64)
        ticket = cuda.shared.array(1, np.int64)
        mine = work[cuda.blockIdx.x]
        while True:
            if thread() == 0:  # the others have read the last ticket: there were barriers since
                ticket[0] = cuda.atomic.add(counter, 0, 1)
            cuda.syncthreads()
            if ticket[0] >= active.size:
                break
            run = active[ticket[0]]
            order, told, values = orders[whole[run, ORDER]], whole[run], real[run]
            limits = Limits(values[CLIP_VALUE], values[CLIP_NORM], values[MAX_NORM])
            n_steps, done, total = table.shape[1], 0, 0.0
            for step in range(n_steps):
                first, coefficients = step * batch, table[run, step]
                measured = step == n_steps - 1
                climbs = coefficients[0, CLIMB] > 0
                stored = measured or climbs or limits.clip_norm > 0 or limits.max_norm > 0
                mover = Mover(told[KIND], stored, coefficients[0], coefficients[1], limits.clip_value)
                key = mask_key(told[SEED], before + step, 0)
                samples = Samples(
                    X, order, first, features, scale, key, np.uint64(told[INPUT_THRESHOLD]), values[INPUT_KEPT]
                )
                rows = min(batch, order.size - first)
                current = Batch(samples, rows, told[SEED], before + step, np.uint64(told[THRESHOLD]), values[KEPT])
                loss = 0.0
                for ascent in range(1 if climbs else 0, -1, -1):  # SAM takes the gradient twice
                    here = gradient(current, Y, values, state[run], mine, shared, scratch, mover)
                    if not math.isfinite(here):
                        loss = here
                        break
                    if ascent > 0 or not climbs:
                        loss = here
                    if ascent > 0:
                        climb(state[run], mine, coefficients[0], scratch)
                if not math.isfinite(loss):
                    break
                if climbs:
                    back(state[run], mine)
                if stored:
                    finish(mover, limits, told[SLOW], state[run], mine, norms[run], measured, scratch)
                total += loss
                done += 1
            if thread() == 0:
                steps[run] = done
                losses[run] = total / max(done, 1)

    return kernel(train, threads, shape.block.resident)


def gradient_of(shape: Shape, move: Callable) -> Callable:
    """Return the function that takes the loss of a batch, and moves the weights along its gradient or stores it.

    It does neither where the loss is not finite.
    """
    threads = shape.block.threads
    upward, downward, add_l2 = forward(shape), backward(shape, move), penalty(shape)
    compare, total = comparing(shape, shape.weighted), summing(threads)

    def gradient(batch, Y, values, state, work, shared, scratch, mover):
        upward(batch, state, work, shared, mover)
        loss = 0.0
        for row in range(thread(), batch.rows, threads):
            sample = batch.samples.order[batch.samples.first + row]
            loss += compare(Y, sample, row, values[CERTAIN], values[SPREAD], work, np.float32(1 / batch.rows))
        loss = total(loss, scratch) / batch.rows
        if mover.weights[L2] > 0:
            loss += add_l2(state, mover, scratch)
        if math.isfinite(loss):
            downward(batch, state, work, shared, mover)
        return loss

    return device(gradient)
