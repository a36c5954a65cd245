"""Forward and backward through the layers, written out by hand.

All arrays are flat; a layer's matrices are views made once per step. Layer 0 is the input. `widths` holds the
units per layer and `starts` where each layer's parameters begin (`Layout.starts`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import types

from minnet import jit
from minnet.network.dropout import drop, mask_key


class Work(NamedTuple):
    """Buffers of one run, all flat, layer after layer: layer l begins at ``batch * sum(widths[:l])``.

    z : what units receive; a : what they send; h : the same after dropout (the array `a` itself without dropout);
    delta : derivative of the loss to z; targets : targets of the batch.
    """

    z: np.ndarray
    a: np.ndarray
    h: np.ndarray
    delta: np.ndarray
    targets: np.ndarray


class Penalty(NamedTuple):
    """What regularises: numbers of the network's dtype, 0 where off."""

    l2: float
    decay_biases: bool
    input_dropout: float
    dropout: float
    seed: int


def work_type(dtype: str) -> types.BaseTuple:
    """Return the Numba type of `Work`."""
    return types.NamedUniTuple(getattr(types, dtype)[::1], len(Work._fields), Work)


PENALTY_TYPE = types.NamedTuple((types.float64, types.boolean, types.float64, types.float64, types.int64), Penalty)


def make_work(widths: tuple[int, ...], batch: int, dtype: str, dropout: bool = False) -> Work:
    """Allocate the buffers for batches of up to `batch` rows."""
    size = batch * sum(widths)
    a = np.zeros(size, dtype)
    h = np.zeros(size, dtype) if dropout else a
    targets = np.zeros(batch * widths[-1], dtype)
    return Work(np.zeros(size, dtype), a, h, np.zeros(size, dtype), targets)


@jit.inner
def gather(X, Y, rows, scale, x, targets):
    """Copy the samples `rows` of X (times `scale`) and of Y into the flat buffers `x` and `targets`."""
    n_features, n_outputs = X.shape[1], Y.shape[1]
    for i in range(rows.size):
        sample, target = X[rows[i]], Y[rows[i]]
        x_row = x[i * n_features : (i + 1) * n_features]
        for j in range(x_row.size):
            x_row[j] = sample[j] * scale
        t_row = targets[i * n_outputs : (i + 1) * n_outputs]
        for j in range(t_row.size):
            t_row[j] = target[j]


@jit.inner
def forward(params, widths, starts, work, batch, rows, activate, penalty, step, training):
    """Fill `work` for the first `rows` rows of the input, up to what the output units receive."""
    first = 0
    if training and penalty.input_dropout > 0:
        end = rows * widths[0]
        drop(work.a[:end], work.h[:end], penalty.input_dropout, mask_key(penalty.seed, step, 0))
    for layer in range(widths.size - 1):
        fan_in, fan_out = widths[layer], widths[layer + 1]
        following = first + batch * fan_in
        middle = starts[layer] + fan_in * fan_out
        W = params[starts[layer] : middle].reshape(fan_in, fan_out)
        b = params[middle : middle + fan_out]
        source = work.h if training and dropped(penalty, layer) else work.a
        X = source[first : first + rows * fan_in].reshape(rows, fan_in)
        z = work.z[following : following + rows * fan_out]
        Z = z.reshape(rows, fan_out)
        np.dot(X, W, Z)
        for i in range(rows):
            for j in range(fan_out):
                Z[i, j] += b[j]
        if layer + 2 < widths.size:
            a = work.a[following : following + rows * fan_out]
            activate(z, a)
            if training and penalty.dropout > 0:
                h = work.h[following : following + rows * fan_out]
                drop(a, h, penalty.dropout, mask_key(penalty.seed, step, layer + 1))
        first = following


@jit.inner
def backward(params, grads, widths, starts, work, batch, rows, descend, penalty, step):
    """Fill `grads` from the derivative at the output units, which lies in `work.delta`."""
    first = batch * widths[:-1].sum()
    for layer in range(widths.size - 2, -1, -1):
        fan_in, fan_out = widths[layer], widths[layer + 1]
        before = first - batch * fan_in
        middle = starts[layer] + fan_in * fan_out
        D = work.delta[first : first + rows * fan_out].reshape(rows, fan_out)
        source = work.h if dropped(penalty, layer) else work.a
        X = source[before : before + rows * fan_in].reshape(rows, fan_in)
        np.dot(X.T, D, grads[starts[layer] : middle].reshape(fan_in, fan_out))
        grad_b = grads[middle : middle + fan_out]
        grad_b[:] = 0
        for i in range(rows):
            for j in range(fan_out):
                grad_b[j] += D[i, j]
        if layer > 0:
            delta = work.delta[before : before + rows * fan_in]
            W = params[starts[layer] : middle].reshape(fan_in, fan_out)
            np.dot(D, W.T, delta.reshape(rows, fan_in))
            if penalty.dropout > 0:
                drop(delta, delta, penalty.dropout, mask_key(penalty.seed, step, layer))
            descend(work.z[before : before + rows * fan_in], work.a[before : before + rows * fan_in], delta)
        first = before


@jit.inner
def dropped(penalty, layer):
    """Say whether the units of a layer pass through dropout."""
    return penalty.input_dropout > 0 if layer == 0 else penalty.dropout > 0


@jit.inner
def add_l2(params, grads, widths, starts, l2, biases):
    """Add the gradient of l2/2 times the sum of squared weights, and return that penalty."""
    total = 0.0
    for layer in range(widths.size - 1):
        end = starts[layer + 1] if biases else starts[layer] + widths[layer] * widths[layer + 1]
        w, g = params[starts[layer] : end], grads[starts[layer] : end]
        factor = w.dtype.type(l2)
        for i in range(w.size):
            g[i] += factor * w[i]
        total += np.dot(w, w)
    return l2 / 2 * total


@jit.inner
def gradient(params, grads, widths, starts, work, batch, rows, activate, descend, head, penalty, step):
    """Fill `grads` for a gathered batch; return the mean loss of its rows, penalty included."""
    forward(params, widths, starts, work, batch, rows, activate, penalty, step, True)
    first, n_out = batch * widths[:-1].sum(), widths[-1]
    end = first + rows * n_out
    loss = head(
        work.z[first:end], work.a[first:end], work.targets[: rows * n_out], work.delta[first:end],
        n_out, params.dtype.type(1 / rows),
    ) / rows  # fmt: skip
    backward(params, grads, widths, starts, work, batch, rows, descend, penalty, step)
    if penalty.l2 > 0:
        loss += add_l2(params, grads, widths, starts, penalty.l2, penalty.decay_biases)
    return loss
