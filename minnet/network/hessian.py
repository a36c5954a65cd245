"""Hessian-vector products: how the gradient moves when the parameters move in a direction, exactly.

Pearlmutter (1994), Fast exact multiplication by the Hessian: the operator R{f} = d/dr f(w + r v) at r = 0 obeys the
rules of a derivative, so R of the forward pass and R of the backward pass, written out by hand, give R of the
gradient, which is H v. With a = f(z) and e the derivative of the loss to a:

    forward     R{z} = R{a below} W + a below V + c         R{a} = f'(z) R{z}
    backward    R{e} = R{δ} Wᵀ + δ Vᵀ                       R{δ} = f'(z) R{e} + f''(z) e R{z}
    H v         aᵀ R{δ} + R{a}ᵀ δ for weights               Σ R{δ} for biases

(V, c) being the direction. Nothing is approximated; it costs about as much as three gradients.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import types

from minnet import jit
from minnet.errors import InputError
from minnet.network import compile as compiled
from minnet.network.curvatures import bend, curve, curve_type
from minnet.network.gather import gather_inputs, gather_targets
from minnet.network.network import CHUNK, Network, sample_types
from minnet.network.propagation import (
    Part,
    Penalty,
    add_to_rows,
    aligned_zeros,
    forward,
    make_work,
    some_terms,
    terms_of_features,
    terms_of_rows,
    work_type,
)
from minnet.network.terms import list_rows_of_features, mostly_zero
from minnet.network.tiles import Factor, multiply

DTYPE = "float64"


class Motion(NamedTuple):
    """R of the buffers of the same names in `propagation.Work`, laid out alike, and room for one more matrix."""

    z: np.ndarray
    a: np.ndarray
    delta: np.ndarray
    room: np.ndarray


def hessian_vector(
    network: Network, params: np.ndarray, vector: np.ndarray, X: np.ndarray, Y: np.ndarray
) -> np.ndarray:
    """Return H v, for the Hessian H of the mean loss (without dropout and penalty) at `params`.

    Parameters
    ----------
    network : Network
        Of float64.
    params, vector : float64 arrays of shape (layout.size,)
    X : uint8, float32 or float64 array of shape (n, n_features)
        Multiplied by the network's `scale`.
    Y : float64 array of shape (n, n_outputs)
        With the cross-entropy of a softmax, rows that sum to 1.

    Returns
    -------
    float64 array of shape (layout.size,)
        Where a unit with a kink (relu) receives exactly 0, the one of the piece that its slope belongs to.

    Raises
    ------
    InputError
        If the arrays or the network's type do not fit.

    Examples
    --------
    For one unit and half the squared error, H is the mean of x xᵀ, a row and column of 1 added for the bias:

    >>> from minnet.network import NetworkSpec
    >>> spec = NetworkSpec(hidden=(), loss="mse", output="identity")
    >>> network = Network(spec, n_features=1, n_classes=1, dtype="float64")
    >>> X, Y = np.array([[1.0], [3.0]]), np.zeros((2, 1))
    >>> hessian_vector(network, np.zeros(2), np.array([1.0, 0.0]), X, Y)
    array([5., 2.])
    """
    network.check_samples(X, Y)
    size = network.layout.size
    if network.dtype != DTYPE:
        raise InputError(f"second derivatives are counted in {DTYPE}: make the network with dtype={DTYPE!r}")
    if network.weighted:
        raise InputError("second derivatives are those of the plain mean loss: make the network without weights")
    if params.shape != (size,) or vector.shape != (size,):
        raise InputError(f"params and vector must have shape ({size},), not {params.shape} and {vector.shape}")
    widths = network.layout.widths
    rows = min(CHUNK, max(len(X), 1))
    most = max(fan_in * fan_out for fan_in, fan_out in itertools.pairwise(widths))
    rz, ra, rdelta = (aligned_zeros(rows * sum(widths), DTYPE) for _ in range(3))
    motion = Motion(rz, ra, rdelta, aligned_zeros(max(rows * max(widths), most), DTYPE))
    activate, descend, head = network.functions
    product = np.zeros(size)
    kernel(str(X.dtype))(
        X, Y, network.scale, np.ascontiguousarray(params, DTYPE), np.ascontiguousarray(vector, DTYPE), product,
        network.widths, network.starts, make_work(widths, rows, DTYPE, skip=mostly_zero(X)), motion, rows,
        activate, descend, bend(network.spec.activation, DTYPE),
        head, curve(network.spec.loss, network.spec.output, DTYPE),
    )  # fmt: skip
    return product


@jit.once
def kernel(x_dtype: str) -> Callable:
    """Compile the product for samples of one type."""
    X, Y, scale = sample_types(x_dtype, DTYPE)
    vector, whole, wholes = types.float64[::1], types.int64, types.int64[::1]
    motion = types.NamedUniTuple(vector, len(Motion._fields), Motion)
    slope = compiled.slope_type(DTYPE)
    return jit.compile(
        product_of_all,
        types.void(
            X, Y, scale, vector, vector, vector, wholes, wholes, work_type(DTYPE), motion, whole,
            compiled.value_type(DTYPE), slope, slope, compiled.head_type(DTYPE), curve_type(DTYPE),
        ),
    )  # fmt: skip


def product_of_all(
    X, Y, scale, params, vector, product, widths, starts, work, motion, chunk, activate, descend, bend, head, curve
):
    """Add H v to `product`, some samples after the other."""
    outputs, n_out, per_sample = chunk * widths[:-1].sum(), widths[-1], 1.0 / X.shape[0]
    for start in range(0, X.shape[0], chunk):
        rows = min(chunk, X.shape[0] - start)
        samples, part = np.arange(start, start + rows), Part(0, rows, rows)
        gather_inputs(X, samples, part, 0, X.shape[1], scale, work.a, work.lists)
        gather_targets(Y, samples, part, work.targets)
        if work.lists.bits.shape[1] > 0:
            list_rows_of_features(work.lists, rows, 0, X.shape[1])
        forward(params, widths, starts, work, chunk, part, activate, Penalty(0.0, False, 0.0, 0.0, 0), 0, False, False)
        move_forward(params, vector, widths, starts, work, motion, chunk, rows, descend)
        end = outputs + rows * n_out
        z, out, targets = work.z[outputs:end], work.a[outputs:end], work.targets[: rows * n_out]
        head(z, out, targets, work.delta[outputs:end], n_out, per_sample)
        curve(z, out, targets, motion.z[outputs:end], motion.delta[outputs:end], n_out, per_sample)
        move_backward(params, vector, product, widths, starts, work, motion, chunk, rows, descend, bend)


@jit.inner
def move_forward(params, vector, widths, starts, work, motion, batch, rows, descend):
    """Fill R{z} and R{a}, up to what the output units receive."""
    below = 0
    for layer in range(widths.size - 1):
        fan_in, fan_out = widths[layer], widths[layer + 1]
        above = below + batch * fan_in
        end, middle = above + rows * fan_out, starts[layer] + fan_in * fan_out
        A = Factor(work.a, below, fan_in, 1)
        terms = terms_of_rows(work.lists, layer, 0, fan_in)
        multiply(A, terms, vector, starts[layer], motion.z, above, rows, fan_out, work.panel, False)
        rz = motion.z[above:end]
        if layer > 0:  # the inputs stand still
            RA = Factor(motion.a, below, fan_in, 1)
            multiply(RA, terms, params, starts[layer], motion.room, 0, rows, fan_out, work.panel, False)
            add(motion.room, rz)
        add_to_rows(vector[middle : middle + fan_out], rz)
        if layer + 2 < widths.size:
            ra = motion.a[above:end]
            ra[:] = rz
            descend(work.z[above:end], work.a[above:end], ra)
        below = above


@jit.inner
def move_backward(params, vector, product, widths, starts, work, motion, batch, rows, descend, bend):
    """Fill δ and R{δ} from those at the output units, and add R of the gradient to `product`."""
    above = batch * widths[:-1].sum()
    for layer in range(widths.size - 2, -1, -1):
        fan_in, fan_out = widths[layer], widths[layer + 1]
        below, first, middle = above - batch * fan_in, starts[layer], starts[layer] + fan_in * fan_out
        terms = terms_of_features(work.lists, layer, rows, 0)
        A = Factor(work.a, below, 1, fan_in)
        multiply(A, terms, motion.delta, above, motion.room, 0, fan_in, fan_out, work.panel, False)
        add(motion.room, product[first:middle])
        for start in range(above, above + rows * fan_out, fan_out):
            add(motion.delta[start:], product[middle : middle + fan_out])
        if layer > 0:
            RA = Factor(motion.a, below, 1, fan_in)
            multiply(RA, terms, work.delta, above, motion.room, 0, fan_in, fan_out, work.panel, False)
            add(motion.room, product[first:middle])
            units = some_terms(work.lists, 0, fan_out)
            D, RD = Factor(work.delta, above, fan_out, 1), Factor(motion.delta, above, fan_out, 1)
            multiply(D, units, params, first, work.delta, below, rows, fan_in, work.panel, True)
            multiply(RD, units, params, first, motion.delta, below, rows, fan_in, work.panel, True)
            multiply(D, units, vector, first, motion.room, 0, rows, fan_in, work.panel, True)
            end = below + rows * fan_in
            z, a, rz = work.z[below:end], work.a[below:end], motion.z[below:end]
            e, re, bent = work.delta[below:end], motion.delta[below:end], motion.room[: rows * fan_in]
            add(bent, re)
            for i in range(e.size):
                bent[i] = e[i] * rz[i]
            bend(z, a, bent)
            descend(z, a, re)
            add(bent, re)
            descend(z, a, e)
        above = below


@jit.inner
def add(source, total):
    """Add to each number of `total` the one at its place in `source`, which may be longer."""
    for i in range(total.size):
        total[i] += source[i]
