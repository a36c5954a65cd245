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
from minnet.cuda.target import cuda, device, thread

TURN = 4  # parameters that a thread moves at a time
NOWHERE = np.uint32(0xFFFFFFFF)


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
    """Return the loop of one method over a part of the parameters.

    A thread first asks for all that it needs for `TURN` parameters, and moves them then: the memory takes hundreds of
    cycles to answer, and the compiler cannot know that what one parameter stores is not what the next one loads.
    """
    step, coefficients = device(STEPS[kind.slots](device(kind.rule))), _coefficients(kind.coefficients)
    rows_held, slow = 1 + kind.slots, 1 + kind.slots if kind.slow else 0
    size = TURN * rows_held

    def loop(state, row, l2, bound, source, origin, pitch, rows, columns, begin, stride):
        keep, lean, own = row[KEEP], row[LEAN], coefficients(row)
        held, places = cuda.local.array(size, np.float32), cuda.local.array(TURN, np.uint32)
        total = rows * pitch
        for first in range(thread(), total, TURN * threads):
            for p in range(TURN):
                e = first + p * threads
                i = e // pitch
                j = e - i * pitch
                places[p] = NOWHERE
                if e < total and j < columns:
                    places[p] = np.uint32(begin + i * stride + j)
                    for r in range(rows_held):
                        held[p * rows_held + r] = state[r, places[p]]
            for p in range(TURN):
                place, at = places[p], p * rows_held
                if place != NOWHERE:
                    g = source[np.uint32(origin + first + p * threads)] + l2 * held[at]
                    if bound > 0:
                        g = min(max(g, -bound), bound)
                    w = step(held, at, held[at] * keep, g, own)
                    if slow > 0 and lean < np.float32(1):
                        w = w + lean * (state[slow, place] - w)
                        state[slow, place] = w
                    state[0, place] = w
                    for r in range(1, rows_held):
                        state[r, place] = held[at + r]

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

    def step(held, at, w, g, own):
        return rule(w, g, *own)

    return step


def one_slot(rule):
    """Step of a rule that remembers one number per weight."""

    def step(held, at, w, g, own):
        w, held[at + 1] = rule(w, g, held[at + 1], *own)
        return w

    return step


def two_slots(rule):
    """Step of a rule that remembers two numbers per weight."""

    def step(held, at, w, g, own):
        w, held[at + 1], held[at + 2] = rule(w, g, held[at + 1], held[at + 2], *own)
        return w

    return step


def three_slots(rule):
    """Step of a rule that remembers three numbers per weight."""

    def step(held, at, w, g, own):
        w, held[at + 1], held[at + 2], held[at + 3] = rule(w, g, held[at + 1], held[at + 2], held[at + 3], *own)
        return w

    return step


def four_slots(rule):
    """Step of a rule that remembers four numbers per weight."""

    def step(held, at, w, g, own):
        w, held[at + 1], held[at + 2], held[at + 3], held[at + 4] = rule(
            w, g, held[at + 1], held[at + 2], held[at + 3], held[at + 4], *own
        )
        return w

    return step


STEPS = (no_slot, one_slot, two_slots, three_slots, four_slots)
