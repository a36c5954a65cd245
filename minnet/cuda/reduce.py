"""Sums over the threads of a block, in double precision and in a fixed order."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from minnet.cuda.target import cuda, device, thread


@functools.cache
def summing(threads: int) -> Callable:
    """Return a device function that gives every thread the sum of what each of them has.

    `scratch` holds one double for each thread; their number is a power of two.
    """

    def total(value, scratch):
        tid = thread()
        scratch[tid] = value
        half = threads // 2
        while half > 0:
            cuda.syncthreads()
            if tid < half:
                scratch[tid] += scratch[tid + half]
            half //= 2
        cuda.syncthreads()
        result = scratch[0]
        cuda.syncthreads()
        return result

    return device(total)


@functools.cache
def squares(threads: int) -> Callable:
    """Return a device function for the sum of squares of a part of a vector; doubles hold any float's square."""
    total = summing(threads)

    def of_part(vector, first, end, scratch):
        own = 0.0
        for i in range(first + thread(), end, threads):
            value = np.float64(vector[np.uint32(i)])
            own += value * value
        return total(own, scratch)

    return device(of_part)
