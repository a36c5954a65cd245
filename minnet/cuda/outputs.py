"""The output units on a GPU: what they send is compared with the targets of a sample, row by row of the batch."""

from __future__ import annotations

from collections.abc import Callable

from minnet.cuda import scalars
from minnet.cuda.shape import Shape
from minnet.cuda.target import device


def comparing(shape: Shape, by_weight: bool) -> Callable:
    """Return the function that compares one row with its targets; it returns the loss of the row.

    It fills what the output units send, the targets, and the derivative of the loss, times `scale`, to what the units
    receive. `Y` has the targets of all samples, one after the other; what they are in training is
    ``spread + certain * Y``: labels may be smoothed. `by_weight` : a sample counts by its last target, its weight.
    """
    outputs, n_targets, compared = shape.widths[-1], shape.n_targets, shape.widths[-1] + by_weight
    z_begin, out_begin, delta_begin = shape.z(shape.last), shape.a(shape.last), shape.delta(shape.last)
    t_begin, head = shape.targets, scalars.head(shape.loss, shape.output, by_weight)

    def compare(Y, sample, row, certain, spread, work, scale):
        z, out, delta = z_begin + row * outputs, out_begin + row * outputs, delta_begin + row * outputs
        t, first = t_begin + row * n_targets, sample * n_targets
        for j in range(outputs):
            work[t + j] = spread + certain * Y[first + j]
        if by_weight:
            work[t + outputs] = Y[first + outputs]
        return head(
            work[z : z + outputs], work[out : out + outputs], work[t : t + compared], work[delta : delta + outputs],
            outputs, scale,
        )  # fmt: skip

    return device(compare)


def judging(shape: Shape) -> Callable:
    """Return the function that says how good one row is, once it has been compared.

    It is 1 where the largest output is at the largest target and 0 elsewhere; of an autoencoder, the squared distance
    to the targets.
    """
    outputs, n_targets = shape.widths[-1], shape.n_targets
    out_begin, t_begin = shape.a(shape.last), shape.targets

    def distance(row, work):
        out, t, total = out_begin + row * outputs, t_begin + row * n_targets, 0.0
        for j in range(outputs):
            error = work[out + j] - work[t + j]
            total += error * error
        return total

    def hit(row, work):
        out, t = out_begin + row * outputs, t_begin + row * n_targets
        highest = wanted = 0
        for j in range(1, outputs):
            if work[out + j] > work[out + highest]:
                highest = j
            if work[t + j] > work[t + wanted]:
                wanted = j
        return 1.0 if highest == wanted else 0.0

    return device(distance if shape.task == "autoencoder" else hit)
