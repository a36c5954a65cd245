"""Losses. Each comes with the output units it belongs to, because their derivatives simplify together.

A *head* takes what the output units receive (`z`, flat, row by row), fills what they send (`out`) and the
derivative of the loss to `z` (`delta`, times `scale`), and returns the sum of the loss over the rows.
"""

from __future__ import annotations

import math

from minnet.errors import InputError, check_name
from minnet.network.activations import ACTIVATIONS, sigmoid, softplus

LOSSES: dict[str, str] = {
    "cross_entropy": "−Σ t log p, p = softmax(z)",
    "binary_cross_entropy": "−Σ (t log p + (1 − t) log(1 − p)), p = σ(z)",
    "mse": "½ Σ (a − t)², a = output activation of z (sigmoid for classes, unless another is asked for)",
}


def resolve_output(loss: str, output: str) -> str:
    """Return the output activation, with "auto" replaced by the one that belongs to the loss.

    Raises
    ------
    InputError
        For an unknown name or a pair that does not fit.

    Examples
    --------
    >>> resolve_output("cross_entropy", "auto")
    'softmax'
    >>> resolve_output("mse", "tanh")
    'tanh'
    """
    check_name("loss", loss, LOSSES)
    check_name("output activation", output, ["auto", "softmax", *ACTIVATIONS])
    own = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid", "mse": "sigmoid"}[loss]
    if output == "auto":
        return own
    if loss == "mse" and output == "softmax":
        raise InputError(f"loss 'mse' takes any output activation but softmax: one of {', '.join(ACTIVATIONS)}")
    if loss != "mse" and output != own:
        raise InputError(f"loss {loss!r} belongs to output activation {own!r}, not {output!r}; 'mse' takes any")
    return output


def cross_entropy(z, out, targets, delta, columns, scale):
    """Softmax and cross-entropy: the derivative is p − t where the targets of a row sum to 1."""
    loss = 0.0
    for start in range(0, z.size, columns):
        end = start + columns
        row, p, t, d = z[start:end], out[start:end], targets[start:end], delta[start:end]
        top = row[0]
        for j in range(row.size):
            top = max(top, row[j])
        total = type(top)(0)
        for j in range(row.size):
            p[j] = math.exp(row[j] - top)
            total += p[j]
        log_total = math.log(total)
        for j in range(row.size):
            p[j] = p[j] / total
            d[j] = (p[j] - t[j]) * scale
            if t[j] != 0:
                loss += t[j] * (log_total - (row[j] - top))
    return loss


def binary_cross_entropy(z, out, targets, delta, columns, scale):
    """Sigmoid units and the cross-entropy of each: the derivative is p − t."""
    loss = 0.0
    for i in range(z.size):
        loss += softplus(z[i]) - z[i] * targets[i]
        out[i] = sigmoid(z[i])
        delta[i] = (out[i] - targets[i]) * scale
    return loss


def squared_error(value, slope):
    """Half the squared distance, for output units of any activation."""

    def head(z, out, targets, delta, columns, scale):
        loss = 0.0
        for i in range(z.size):
            out[i] = value(z[i])
            error = out[i] - targets[i]
            loss += error * error
            delta[i] = error * slope(z[i], out[i]) * scale
        return loss / 2

    return head


def weighted(head):
    """A head whose samples count by their weight, which follows the targets of each in a column of its own."""

    def weighted_head(z, out, targets, delta, columns, scale):
        loss = 0.0
        for i in range(z.size // columns):
            first, end, own = i * columns, (i + 1) * columns, i * (columns + 1)
            weight = targets[own + columns]
            loss += weight * head(
                z[first:end], out[first:end], targets[own : own + columns], delta[first:end], columns, scale * weight
            )
        return loss

    return weighted_head
