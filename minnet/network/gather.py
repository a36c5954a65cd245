"""The samples of a batch lie anywhere in the data; here they are copied side by side.

Where each of them lies the processor cannot guess, and waits for the memory once for every sample, unless it is told a
few samples ahead.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from minnet import jit
from minnet.network.terms import WORD, list_features_of_rows, note_zeros
from minnet.network.tiles import data_of

AHEAD = 4  # samples: 4 to 6 were best where a sample has 784 bytes
CACHE_LINE = 64


@jit.inner
def gather_inputs(X, rows, part, first, n_features, scale, x, lists):
    """Copy `n_features` features from `first` on of a part of the samples `rows`, and list those that are not 0.

    If there are lists, `first` is a multiple of `terms.WORD`. The samples that follow the batch in `rows`, if there are
    any, are those of the next one.
    """
    skip, width = lists.bits.shape[1] > 0, X.shape[1]
    end = part.first + part.rows
    for i in range(part.first, end):
        following = i + AHEAD if i + AHEAD < end else i + AHEAD - part.rows + part.total
        if following < rows.size:
            fetch_ahead(X, rows[following] * width + first, n_features)
        sample = X[rows[i]][first : first + n_features]
        x_row = x[i * width + first : i * width + first + n_features]
        for j in range(x_row.size):
            x_row[j] = sample[j] * scale
        if skip:
            note_zeros(sample, lists.bits, i, first // WORD)
    if skip:
        list_features_of_rows(lists, part.first, part.rows, first, n_features)


@jit.inner
def gather_targets(Y, rows, part, targets):
    """Copy the targets of a part of the samples `rows`."""
    n_outputs = Y.shape[1]
    for i in range(part.first, part.first + part.rows):
        target = Y[rows[i]]
        t_row = targets[i * n_outputs : (i + 1) * n_outputs]
        for j in range(t_row.size):
            t_row[j] = target[j]


def fetch_ahead(X, place, n):
    """Ask for `n` numbers of X, counted row after row from `place` on, without waiting for them."""


@overload(fetch_ahead, jit_options=jit.INNER_OPTIONS)
def _fetch_ahead_compiled(X, place, n):
    line = CACHE_LINE * 8 // X.dtype.bitwidth

    def compiled(X, place, n):
        for start in range(place, place + n, line):
            prefetch(X, start)

    return compiled


@intrinsic
def prefetch(context, X, place):
    """Ask for the cache line of one number, to be read soon."""

    def generate(context, builder, signature, arguments):
        X, place = data_of(context, builder, signature, arguments)
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        ask = builder.module.declare_intrinsic("llvm.prefetch.p0", fnty=kind)
        builder.call(ask, [builder.bitcast(builder.gep(X, [place]), byte), flag(0), flag(3), flag(1)])
        return context.get_dummy_value()

    return types.void(X, types.int64), generate
