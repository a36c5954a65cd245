"""The methods' rules over parts of the parameters: the same scalar functions as on the CPU, one loop for each method.

A part is a matrix of gradients with `columns` columns, and with `pitch` numbers from one row to the next; its first
number, ``source[origin]``, belongs to the parameter `begin`, and the next row to the one `stride` further. `row` is the
row of the table; `l2` and `bound` (0: none) change the gradient before the rule sees it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np

from minnet.cuda.shape import Kind
from minnet.cuda.table import KEEP, LEAN, OWN
from minnet.cuda.target import device, thread


def moving(kinds: Sequence[Kind], threads: int) -> Callable:
    """Return a device function that moves parameters by the method number `kind`.

    A block trains one run, so all its threads take the same branch.
    """
    first, *rest = kinds
    own = _loop(first, threads)
    if not rest:
        return device(lambda kind, state, row, l2, bound, source, origin, pitch, rows, columns, begin, stride: own(
            state, row, l2, bound, source, origin, pitch, rows, columns, begin, stride))  # fmt: skip
    others = moving(rest, threads)

    def move(kind, state, row, l2, bound, source, origin, pitch, rows, columns, begin, stride):
        if kind == 0:
            own(state, row, l2, bound, source, origin, pitch, rows, columns, begin, stride)
        else:
            others(kind - 1, state, row, l2, bound, source, origin, pitch, rows, columns, begin, stride)

    return device(move)


def _loop(kind: Kind, threads: int) -> Callable:
    """Return the loop of one method over a part of the parameters."""
    step, coefficients = device(STEPS[kind.slots](device(kind.rule))), _coefficients(kind.coefficients)
    slow = 1 + kind.slots if kind.slow else 0

    def loop(state, row, l2, bound, source, origin, pitch, rows, columns, begin, stride):
        keep, lean, own = row[KEEP], row[LEAN], coefficients(row)
        for e in range(thread(), rows * pitch, threads):
            i = e // pitch
            j = e - i * pitch
            if j < columns:
                place = np.uint32(begin + i * stride + j)
                w = state[0, place]
                g = source[np.uint32(origin + e)] + l2 * w
                if bound > 0:
                    g = min(max(g, -bound), bound)
                w = step(state, place, w * keep, g, own)
                if slow > 0 and lean < np.float32(1):
                    w = w + lean * (state[slow, place] - w)
                    state[slow, place] = w
                state[0, place] = w

    return device(loop)


@functools.cache
def _coefficients(n: int) -> Callable:
    """Return a function that takes a method's coefficients out of a row, as a tuple."""
    last = OWN + n - 1
    if n == 1:
        return device(lambda row: (row[last],))
    before = _coefficients(n - 1)
    return device(lambda row: before(row) + (row[last],))


def no_slot(rule):
    """Step of a rule without memory."""

    def step(state, place, w, g, own):
        return rule(w, g, *own)

    return step


def one_slot(rule):
    """Step of a rule that remembers one number per weight."""

    def step(state, place, w, g, own):
        w, state[1, place] = rule(w, g, state[1, place], *own)
        return w

    return step


def two_slots(rule):
    """Step of a rule that remembers two numbers per weight."""

    def step(state, place, w, g, own):
        w, state[1, place], state[2, place] = rule(w, g, state[1, place], state[2, place], *own)
        return w

    return step


def three_slots(rule):
    """Step of a rule that remembers three numbers per weight."""

    def step(state, place, w, g, own):
        w, state[1, place], state[2, place], state[3, place] = rule(
            w, g, state[1, place], state[2, place], state[3, place], *own
        )
        return w

    return step


def four_slots(rule):
    """Step of a rule that remembers four numbers per weight."""

    def step(state, place, w, g, own):
        w, state[1, place], state[2, place], state[3, place], state[4, place] = rule(
            w, g, state[1, place], state[2, place], state[3, place], state[4, place], *own
        )
        return w

    return step


STEPS = (no_slot, one_slot, two_slots, three_slots, four_slots)
