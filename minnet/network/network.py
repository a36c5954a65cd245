"""A network: its spec, the sizes of its layers, and the compiled functions that its spec asks for."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
from numba import types

from minnet import jit
from minnet.errors import InputError
from minnet.network import compile as compiled
from minnet.network.gather import gather_inputs, gather_targets
from minnet.network.init import initial_params
from minnet.network.layout import Layout
from minnet.network.pieces import PIECES_TYPE, pieces_of
from minnet.network.propagation import (
    PENALTY_TYPE,
    Part,
    Penalty,
    Work,
    forward,
    l2_penalty,
    make_work,
    piece_gradient,
    there_and_back,
    work_type,
)
from minnet.network.spec import NetworkSpec
from minnet.network.terms import list_rows_of_features, mostly_zero

CHUNK = 256  # rows per forward pass where no batch size is given
NO_PENALTY = Penalty(0.0, False, 0.0, 0.0, 0)


class Network:
    """A multilayer perceptron over one flat parameter vector.

    Parameters
    ----------
    spec : NetworkSpec
    n_features, n_classes : int
    dtype : {"float32", "float64"}
    scale : float
        Inputs are multiplied by it.
    weighted : bool
        Whether samples have weights: the last column of their targets, see `targets`.

    Examples
    --------
    >>> import numpy as np
    >>> network = Network(NetworkSpec(hidden=(3,)), n_features=4, n_classes=2)
    >>> network.layout.size
    23
    >>> params = network.init(seed=0)
    >>> X, Y = np.ones((5, 4), np.float32), network.targets(np.zeros(5, int))
    >>> network.predict(params, X).shape
    (5, 2)
    >>> loss, grads = network.loss_and_gradient(params, X, Y)
    >>> grads.shape, grads.dtype
    ((23,), dtype('float32'))
    """

    def __init__(
        self,
        spec: NetworkSpec,
        n_features: int,
        n_classes: int,
        dtype: str = "float32",
        scale: float = 1.0,
        weighted: bool = False,
    ) -> None:
        self.spec = spec.resolved()
        self.layout = Layout(spec.widths(n_features, n_classes))
        self.dtype = dtype
        self.scale = np.dtype(dtype).type(scale)
        self.widths = np.array(self.layout.widths, dtype=np.int64)
        self.starts = self.layout.starts
        self.weighted = weighted

    def init(self, seed: int) -> np.ndarray:
        """Return initial parameters, flat; the same for every method that is given the same seed."""
        rng = np.random.default_rng([seed, 0])
        return initial_params(self.layout, self.spec.init, self.spec.bias_init, rng, self.dtype)

    def targets(self, labels: np.ndarray, smoothing: float = 0.0, weights: np.ndarray | None = None) -> np.ndarray:
        """Return one row of targets per sample.

        Parameters
        ----------
        labels : array of shape (n,) or (n, n_outputs)
            Classes: 1 at a sample's class, 0 elsewhere, with a share `smoothing` spread evenly. Or the targets
            themselves.
        smoothing : float
        weights : array of shape (n,), optional
            For a weighted network: the last column, 1 if not given. The loss of a batch, and its gradient, are sums
            of those of the samples times their weights, over the number of samples.
        """
        n_outputs = self.layout.widths[-1]
        rows = np.empty((len(labels), n_outputs + self.weighted), self.dtype)
        if labels.ndim == 2:
            rows[:, :n_outputs] = labels
        else:
            rows[:, :n_outputs] = smoothing / n_outputs
            rows[np.arange(labels.size), labels] += 1 - smoothing
        if self.weighted:
            rows[:, n_outputs] = 1 if weights is None else weights
        return rows

    def targets_of(
        self, X: np.ndarray, labels: np.ndarray, smoothing: float = 0.0, weights: np.ndarray | None = None
    ) -> np.ndarray:
        """Return what the outputs for some samples are compared with: their classes, or they themselves.

        Raises
        ------
        InputError
            If the samples are to be probabilities, and are none.
        """
        if self.spec.task == "classification":
            return self.targets(labels, smoothing, weights)
        rows = np.multiply(X, self.scale, dtype=self.dtype)
        if self.spec.loss == "binary_cross_entropy" and rows.size and not (rows.min() >= 0 and rows.max() <= 1):
            raise InputError(
                "loss 'binary_cross_entropy' takes inputs as probabilities, and these lie between "
                f"{rows.min():.3g} and {rows.max():.3g}: set loss = 'mse'"
            )
        return self.targets(rows, weights=weights) if self.weighted else rows

    @functools.cached_property
    def functions(self) -> tuple[Callable, Callable, Callable]:
        """Compiled ``activate``, ``descend`` and ``head``."""
        activate, descend = compiled.activation(self.spec.activation, self.dtype)
        return activate, descend, compiled.head(self.spec.loss, self.spec.output, self.dtype, self.weighted)

    def compile(self, x_dtype: str) -> None:
        """Compile, or load from the cache, what `evaluate` needs for samples of that type."""
        evaluate_kernel(x_dtype, self.dtype)
        _ = self.functions

    def predict(self, params: np.ndarray, X: np.ndarray) -> np.ndarray:
        """Return what the output units send: probabilities, or activations, of shape (len(X), n_outputs)."""
        return self._evaluate(params, X, np.zeros((len(X), self.layout.widths[-1] + self.weighted), self.dtype))[2]

    def evaluate(self, params: np.ndarray, X: np.ndarray, Y: np.ndarray) -> tuple[float, float]:
        """Return the mean loss and the accuracy: the share of rows whose largest output is their largest target.

        The accuracy of an autoencoder is the share of the targets' variance that its outputs explain, at least 0.
        Without dropout and without penalty. The accuracy is nan where the loss is not finite; both are where there
        are no rows.
        """
        return self._evaluate(params, X, Y)[:2]

    def _evaluate(self, params: np.ndarray, X: np.ndarray, Y: np.ndarray) -> tuple[float, float, np.ndarray]:
        self.check_samples(X, Y)
        outputs = np.empty((len(X), self.layout.widths[-1]), self.dtype)
        if not len(X):
            return float("nan"), float("nan"), outputs
        activate, _, head = self.functions
        loss, correct = evaluate_kernel(str(X.dtype), self.dtype)(
            X,
            Y,
            self.scale,
            params,
            self.widths,
            self.starts,
            self._chunk[mostly_zero(X)],
            CHUNK,
            outputs,
            activate,
            head,
        )
        loss = float(loss / len(X))
        if not math.isfinite(loss):  # outputs that are no numbers have no largest one
            return loss, math.nan, outputs
        if self.spec.task == "autoencoder":
            targets = Y[:, : outputs.shape[1]]
            missed = float(np.square(outputs - targets, dtype=np.float64).sum())
            return loss, explained(missed, variance(targets)), outputs
        return loss, float(correct / len(X)), outputs

    @functools.cached_property
    def _chunk(self) -> tuple[Work, Work]:
        return (
            make_work(self.layout.widths, CHUNK, self.dtype, weighted=self.weighted),
            make_work(self.layout.widths, CHUNK, self.dtype, skip=True, weighted=self.weighted),
        )

    def loss_and_gradient(
        self, params: np.ndarray, X: np.ndarray, Y: np.ndarray, penalty: Penalty = NO_PENALTY, step: int = 0
    ) -> tuple[float, np.ndarray]:
        """Return the mean loss of a batch (with its L2 penalty) and its gradient.

        Parameters
        ----------
        params : array of shape (layout.size,)
        X : uint8, float32 or float64 array of shape (n, n_features)
            Multiplied by `scale`.
        Y : array of targets, of the network's dtype
        penalty : Penalty
            L2 factor and dropout rates; the masks depend on its seed and on `step`.

        Returns
        -------
        loss : float
        grads : array of shape (layout.size,)
        """
        self.check_samples(X, Y)
        grads = np.empty_like(params)
        dropout = penalty.input_dropout + penalty.dropout > 0
        work = make_work(self.layout.widths, len(X), self.dtype, dropout, mostly_zero(X), self.weighted)
        loss = gradient_kernel(str(X.dtype), self.dtype)(
            X,
            Y,
            self.scale,
            params,
            grads,
            self.widths,
            self.starts,
            pieces_of(self.layout),
            work,
            *self.functions,
            penalty,
            step,
        )
        return float(loss), grads

    def check_samples(self, X: np.ndarray, Y: np.ndarray) -> None:
        """Raise an `InputError` unless X and Y fit the network."""
        columns = (self.widths[0], self.widths[-1] + self.weighted)
        fit = X.ndim == 2 and Y.ndim == 2 and (X.shape[1], Y.shape[1]) == columns
        if not fit or len(X) != len(Y):
            raise InputError(
                f"X of shape {X.shape} and Y of shape {Y.shape} do not fit a network of "
                f"{self.widths[0]} inputs and {self.widths[-1]} outputs{' with weights' if self.weighted else ''}"
            )
        if str(X.dtype) not in ("uint8", "float32", "float64") or str(Y.dtype) != self.dtype:
            raise InputError(f"X must be uint8, float32 or float64 and Y {self.dtype}, not {X.dtype} and {Y.dtype}")


def variance(targets: np.ndarray) -> float:
    """Return the sum of squared distances between rows of targets and their mean.

    Examples
    --------
    >>> variance(np.array([[0.0, 1.0], [2.0, 1.0]]))
    2.0
    """
    if not targets.size:
        return 0.0
    spread = targets - targets.mean(axis=0, dtype=np.float64).astype(targets.dtype)
    return float(np.square(spread, dtype=np.float64).sum())


def explained(missed: float, whole: float) -> float:
    """Return the share of a variance that is explained where squared distances of sum `missed` remain; at least 0.

    Examples
    --------
    >>> explained(0.0, 2.0), explained(1.0, 2.0), explained(9.0, 2.0)
    (1.0, 0.5, 0.0)
    """
    return max(0.0, 1 - missed / whole) if whole > 0 else float(missed == 0)


def sample_types(x_dtype: str, dtype: str) -> tuple[types.Type, types.Type, types.Type]:
    """Return the Numba types of X, Y and the scale; data that others share may be read-only."""
    real = getattr(types, dtype)
    X = types.Array(getattr(types, x_dtype), 2, "C", readonly=True)
    return X, types.Array(real, 2, "C", readonly=True), real


@jit.once
def evaluate_kernel(x_dtype: str, dtype: str) -> Callable:
    """Compile the evaluation of many samples."""
    real = getattr(types, dtype)
    X, Y, scale = sample_types(x_dtype, dtype)
    return jit.compile(
        evaluate,
        types.UniTuple(types.float64, 2)(
            X, Y, scale, real[::1], types.int64[::1], types.int64[::1], work_type(dtype), types.int64,
            real[:, ::1], compiled.value_type(dtype), compiled.head_type(dtype),
        ),
    )  # fmt: skip


def evaluate(X, Y, scale, params, widths, starts, work, chunk, outputs, activate, head):
    """Fill `outputs`; return the sum of the loss and the number of rows that are right."""
    no_penalty = Penalty(0.0, False, 0.0, 0.0, 0)
    first, n_out, n_targets = chunk * widths[:-1].sum(), widths[-1], Y.shape[1]
    loss, correct = 0.0, 0.0
    for start in range(0, X.shape[0], chunk):
        rows = min(chunk, X.shape[0] - start)
        samples = np.arange(start, start + rows)
        part = Part(0, rows, rows)
        gather_inputs(X, samples, part, 0, X.shape[1], scale, work.a, work.lists)
        gather_targets(Y, samples, part, work.targets)
        forward(params, widths, starts, work, chunk, part, activate, no_penalty, 0, False, False)
        end = first + rows * n_out
        out, targets = work.a[first:end], work.targets[: rows * n_targets]
        loss += head(work.z[first:end], out, targets, work.delta[first:end], n_out, params.dtype.type(1))
        for i in range(rows):
            row = out[i * n_out : (i + 1) * n_out]
            for j in range(n_out):
                outputs[start + i, j] = row[j]
            correct += row.argmax() == targets[i * n_targets : i * n_targets + n_out].argmax()
    return loss, correct


@jit.once
def gradient_kernel(x_dtype: str, dtype: str) -> Callable:
    """Compile the loss and gradient of one batch."""
    real = getattr(types, dtype)
    X, Y, scale = sample_types(x_dtype, dtype)
    return jit.compile(
        batch_gradient,
        types.float64(
            X, Y, scale, real[::1], real[::1], types.int64[::1], types.int64[::1], PIECES_TYPE, work_type(dtype),
            compiled.value_type(dtype), compiled.slope_type(dtype), compiled.head_type(dtype),
            PENALTY_TYPE, types.int64,
        ),
    )  # fmt: skip


def batch_gradient(X, Y, scale, params, grads, widths, starts, pieces, work, activate, descend, head, penalty, step):
    """Gather all samples as one batch and fill `grads`."""
    rows = X.shape[0]
    samples, part = np.arange(rows), Part(0, rows, rows)
    gather_inputs(X, samples, part, 0, X.shape[1], scale, work.a, work.lists)
    gather_targets(Y, samples, part, work.targets)
    loss = there_and_back(params, widths, starts, work, rows, part, activate, descend, head, penalty, step, False)
    if work.lists.bits.shape[1] > 0:
        list_rows_of_features(work.lists, rows, 0, X.shape[1])
    for k in range(pieces.blocks.shape[0]):
        piece_gradient(params, grads, widths, work, rows, rows, pieces, k, 0, penalty)
    return loss + l2_penalty(params, pieces, penalty)
