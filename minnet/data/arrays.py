"""From anybody's arrays to a `Dataset`: types, labels and the test part."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minnet.data.dataset import Dataset, hold_out
from minnet.errors import InputError

TEST_PART = 0.2
_SEED = 0


def from_arrays(
    name: str,
    X: NDArray[Any],
    y: NDArray[Any],
    X_test: NDArray[Any] | None = None,
    y_test: NDArray[Any] | None = None,
    standardise: bool = False,
) -> Dataset:
    """Make a data set of arrays.

    Whole numbers from 0 to 255 become uint8 and are scaled to at most 1; all
    other values become float32.

    Parameters
    ----------
    name : str
        Stands in front of every error line.
    X, X_test : array of shape (n, n_features) or (n, height, width), numbers
    y, y_test : array of shape (n,): whole numbers, truth values or strings
    standardise : bool
        Give every column of float data mean 0 and deviation 1 over the training part.

    Without `X_test` a fifth of the samples, stratified, becomes the test part:
    always the same one.

    Raises
    ------
    InputError
        If shapes, values or labels do not make a classification data set.

    Examples
    --------
    >>> X = np.arange(40).reshape(20, 2) / 10
    >>> data = from_arrays("mine", X, np.array(["no", "yes"] * 10))
    >>> data.X_train.shape, data.X_train.dtype, data.classes
    ((16, 2), dtype('float32'), ('no', 'yes'))
    """
    X, image_shape = _rows(name, X)
    labels = _labels(name, "y", y, len(X))
    if X_test is None or y_test is None:
        classes, codes = np.unique(labels, return_inverse=True)
        try:
            kept, held = hold_out(codes, math.ceil(len(codes) * TEST_PART), _SEED)
        except InputError as error:
            raise InputError(f"{name}: no test part can be split off: {error}") from error
        X, X_test = X[kept], X[held]
        y_train, y_held = codes[kept], codes[held]
    else:
        X_test, test_shape = _rows(name, X_test)
        if X_test.shape[1] != X.shape[1] or test_shape != image_shape:
            raise InputError(
                f"{name}: train rows have {X.shape[1]} values, test rows {X_test.shape[1]}: they must agree"
            )
        test_labels = _labels(name, "y_test", y_test, len(X_test))
        if (test_labels.dtype.kind == "U") != (labels.dtype.kind == "U"):
            raise InputError(f"{name}: labels are numbers in one part and strings in the other")
        classes, y_train = np.unique(labels, return_inverse=True)
        unknown = np.setdiff1d(test_labels, classes)
        if len(unknown):
            raise InputError(f"{name}: label {str(unknown[0])!r} of the test part is not in the training part")
        y_held = np.searchsorted(classes, test_labels)
    X, X_test, scale = _typed(name, X, X_test, standardise)
    if image_shape is None and X.dtype == np.uint8:
        image_shape = _square(X.shape[1])
    return Dataset(
        name=name,
        X_train=X,
        y_train=y_train.astype(np.int64),
        X_test=X_test,
        y_test=y_held.astype(np.int64),
        classes=tuple(str(label) for label in classes),
        image_shape=image_shape,
        scale=scale,
    )


def _rows(name: str, X: Any) -> tuple[NDArray[Any], tuple[int, int] | None]:
    X = np.asarray(X)
    if X.dtype.kind not in "buif":
        raise InputError(f"{name}: the samples must be numbers, not {X.dtype}")
    if X.ndim not in (2, 3) or 0 in X.shape:
        raise InputError(f"{name}: the samples must have shape (n, n_features) or (n, height, width), not {X.shape}")
    if X.dtype.kind == "f" and not np.isfinite(X).all():
        raise InputError(f"{name}: the samples hold values that are missing or not finite")
    image_shape = (X.shape[1], X.shape[2]) if X.ndim == 3 else None
    return X.reshape(len(X), -1), image_shape


def _labels(name: str, key: str, y: Any, n: int) -> NDArray[Any]:
    """Return the labels as int64 or strings."""
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.shape != (n,):
        raise InputError(f"{name}: {n} samples, but {key} has shape {y.shape}; it must be ({n},)")
    if y.dtype.kind == "f":
        if not (np.isfinite(y) & (np.floor(y) == y) & (np.abs(y) < 2.0**53)).all():
            raise InputError(f"{name}: {key} must be whole numbers or strings: minnet classifies")
        y = y.astype(np.int64)
    if y.dtype.kind in "bi":
        return y.astype(np.int64)
    if y.dtype.kind == "u":
        if y.max(initial=0) > np.iinfo(np.int64).max:
            raise InputError(f"{name}: {key} holds numbers too large for labels")
        return y.astype(np.int64)
    if y.dtype.kind == "O" and all(isinstance(label, str) for label in y):
        return y.astype(str)
    if y.dtype.kind == "U":
        return y
    raise InputError(f"{name}: {key} must be whole numbers or strings, not {y.dtype}")


def _typed(
    name: str, X: NDArray[Any], X_test: NDArray[Any], standardise: bool
) -> tuple[NDArray[Any], NDArray[Any], float]:
    if _are_bytes(X) and _are_bytes(X_test):
        peak = int(X.max())
        return X.astype(np.uint8), X_test.astype(np.uint8), 1 / (255 if peak > 127 else max(peak, 1))
    if standardise:
        wide = X.astype(np.float64)
        mean, deviation = wide.mean(axis=0), wide.std(axis=0)
        deviation[deviation == 0] = 1.0
        X, X_test = (wide - mean) / deviation, (X_test - mean) / deviation
    with np.errstate(over="ignore"):
        X, X_test = X.astype(np.float32), X_test.astype(np.float32)
    if not (np.isfinite(X).all() and np.isfinite(X_test).all()):
        raise InputError(f"{name}: the samples hold values too large for float32")
    return X, X_test, 1.0


def _are_bytes(X: NDArray[Any]) -> bool:
    """Tell whole numbers from 0 to 255; floats between 0 and 1 count as a float image."""
    if X.dtype == np.uint8 or X.dtype == np.bool_:
        return True
    if X.min() < 0 or X.max() > 255:
        return False
    return X.dtype.kind in "iu" or (bool((np.floor(X) == X).all()) and X.max() > 1)


def _square(n_features: int) -> tuple[int, int] | None:
    side = math.isqrt(n_features)
    return (side, side) if side >= 8 and side * side == n_features else None
