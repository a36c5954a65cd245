"""Dropout with a counter-based generator: the mask is a function of (key, position) and is never stored.

The backward pass asks for the same mask again, and a GPU gets the same one as a CPU.
"""

from __future__ import annotations

import numpy as np

from minnet import jit
from minnet.squares import key_of, random_bits


@jit.inner
def mask_key(seed, step, layer):
    """Return the key of one layer's mask at one step."""
    return key_of(seed, step, layer)


@jit.inner
def drop(source, kept, rate, key, position):
    """Fill `kept` with `source` where a unit survives, scaled by 1 / (1 - rate), and with 0 elsewhere.

    `position` : of the first one in the matrix of the whole batch, of which `source` may be some rows.
    """
    threshold = np.uint64(rate * 4294967296.0)
    zero = source.dtype.type(0)
    scale = source.dtype.type(1 / (1 - rate))
    for i in range(source.size):
        kept[i] = zero if random_bits(np.uint64(position + i), key) < threshold else source[i] * scale
