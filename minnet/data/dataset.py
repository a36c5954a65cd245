"""A data set, and its split into training, validation and test parts."""

from __future__ import annotations

import functools
import math
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minnet.errors import InputError

_LOCK = threading.Lock()


@dataclass(frozen=True, eq=False)
class Split:
    """Training, validation and test arrays, ready to train on.

    Attributes
    ----------
    X_train, X_val, X_test : ndarray of shape (n, n_features), uint8 or float32
        C-contiguous and read-only. The network sees ``X * scale``. Estimators take float64 as well.
    y_train, y_val, y_test : ndarray of shape (n,), int64
        Labels ``0 .. n_classes - 1``. Estimators give targets instead, of shape (n, n_outputs).
    classes : tuple of str
    image_shape : (height, width) or None
    scale : float
    name : str
    weights : ndarray of shape (n,), optional
        How much each training sample counts.
    """

    X_train: NDArray[Any]
    y_train: NDArray[np.int64]
    X_val: NDArray[Any]
    y_val: NDArray[np.int64]
    X_test: NDArray[Any]
    y_test: NDArray[np.int64]
    classes: tuple[str, ...]
    image_shape: tuple[int, int] | None
    scale: float
    name: str
    weights: NDArray[Any] | None = None

    @property
    def n_features(self) -> int:
        """Number of inputs of the network."""
        return int(self.X_train.shape[1])

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A classification data set with a fixed test part.

    The arrays are stored as C-contiguous, read-only views, so that trials that
    run side by side share one copy. Pixels stay uint8: 60,000 MNIST images take
    47 MB, and the scaling happens when a batch is gathered.

    Parameters
    ----------
    name : str
    X_train, X_test : array of shape (n, n_features), uint8 or float32
    y_train, y_test : int array of shape (n,), values ``0 .. len(classes) - 1``
    classes : sequence of str
    image_shape : (height, width) or None
        With ``height * width == n_features``; None if the rows are not images.
    scale : float
        The network sees ``X * scale``.

    Raises
    ------
    InputError
        If shapes, types, lengths or labels do not fit together.

    Examples
    --------
    >>> import minnet
    >>> digits = minnet.load_dataset("digits")
    >>> digits.X_train.shape, digits.X_train.dtype, digits.image_shape
    ((1437, 64), dtype('uint8'), (8, 8))
    """

    name: str
    X_train: NDArray[Any]
    y_train: NDArray[np.int64]
    X_test: NDArray[Any]
    y_test: NDArray[np.int64]
    classes: tuple[str, ...]
    image_shape: tuple[int, int] | None = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        classes = tuple(str(label) for label in self.classes)
        if len(classes) < 2:
            raise InputError(f"{self.name}: {len(classes)} class; classification needs at least 2")
        object.__setattr__(self, "classes", classes)
        for part in ("train", "test"):
            X, y = _checked_part(self.name, part, getattr(self, f"X_{part}"), getattr(self, f"y_{part}"), len(classes))
            object.__setattr__(self, f"X_{part}", X)
            object.__setattr__(self, f"y_{part}", y)
        if self.X_train.shape[1] != self.X_test.shape[1] or self.X_train.dtype != self.X_test.dtype:
            raise InputError(
                f"{self.name}: training rows have {_row(self.X_train)}, test rows {_row(self.X_test)}; "
                "both parts must agree"
            )
        if len(self.X_train) == 0:
            raise InputError(f"{self.name}: the training part is empty")
        if self.image_shape is not None:
            shape = tuple(int(side) for side in self.image_shape)
            if len(shape) != 2 or math.prod(shape) != self.n_features:
                raise InputError(f"{self.name}: image_shape {shape} does not fit {self.n_features} values per row")
            object.__setattr__(self, "image_shape", shape)
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise InputError(f"{self.name}: scale must be a positive number, not {self.scale!r}")

    @property
    def n_features(self) -> int:
        """Number of inputs of the network."""
        return int(self.X_train.shape[1])

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    def split(self, validation: float = 0.1, seed: int = 0) -> Split:
        """Set a stratified validation part of the training data aside.

        Parameters
        ----------
        validation : float, 0 <= validation < 1
            The part of the training data; 0 gives an empty validation part.
        seed : int
            Same seed, same split. A class keeps at least one training sample.

        Returns
        -------
        Split
            Within each part the samples keep their order.

        Raises
        ------
        InputError
            If `validation` is out of range or the classes are too small for it.

        Examples
        --------
        >>> import minnet
        >>> split = minnet.load_dataset("digits").split(validation=0.1, seed=0)
        >>> split.X_train.shape, split.X_val.shape, split.X_test.shape
        ((1293, 64), (144, 64), (360, 64))
        """
        if isinstance(validation, bool) or not isinstance(validation, (int, float, np.integer, np.floating)):
            raise InputError(f"validation must be a number in [0, 1), not {validation!r}")
        if not 0 <= validation < 1:
            raise InputError(f"validation must be in [0, 1), not {validation!r}; the default is 0.1")
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
            raise InputError(f"the seed of a split must be a whole number >= 0, not {seed!r}")
        with _LOCK:
            return _split(self, float(validation), int(seed))


def hold_out(y: NDArray[np.int64], count: int, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose `count` samples, stratified by class, to be held out.

    Each class gives its share, rounded by largest remainder so that the total is
    exact, and keeps at least one sample. The choice rests on the raw stream of
    PCG64, which NumPy keeps unchanged between versions.

    Parameters
    ----------
    y : int64 array of shape (n,), labels >= 0
    count : int, 0 <= count
    seed : int

    Returns
    -------
    kept, held : intp arrays, sorted, disjoint, together ``0 .. n - 1``

    Raises
    ------
    InputError
        If the classes are too small to give `count` samples and keep one each.

    Examples
    --------
    >>> kept, held = hold_out(np.array([0, 0, 0, 0, 1, 1, 1, 1, 2]), 2, seed=0)
    >>> len(kept), len(held), 8 in held
    (7, 2, False)
    """
    sizes = np.bincount(y)
    spare = np.maximum(sizes - 1, 0)
    if count > spare.sum():
        raise InputError(
            f"cannot hold out {count} of {len(y)} samples: each of the {np.count_nonzero(sizes)} classes "
            "must keep at least one; hold out less or give more data"
        )
    share = sizes * (count / max(len(y), 1))
    take = np.minimum(np.floor(share).astype(np.int64), spare)
    while take.sum() < count:
        want = np.where(take < spare, share - take, -np.inf)
        take[np.argmax(want)] += 1
    order = np.argsort(np.random.PCG64(seed).random_raw(len(y)), kind="stable")
    by_class = order[np.argsort(y[order], kind="stable")]
    starts = np.cumsum(sizes) - sizes
    rank = np.arange(len(y)) - np.repeat(starts, sizes)
    is_held = np.zeros(len(y), dtype=bool)
    is_held[by_class[rank < np.repeat(take, sizes)]] = True
    return np.flatnonzero(~is_held), np.flatnonzero(is_held)


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return a C-contiguous view (a copy only if needed) that cannot be written to."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


@functools.lru_cache(maxsize=4)
def _split(data: Dataset, validation: float, seed: int) -> Split:
    n = len(data.y_train)
    count = 0 if validation == 0 else max(1, int(n * validation + 0.5))
    if count:
        try:
            train, val = hold_out(data.y_train, count, seed)
        except InputError as error:
            raise InputError(f"{data.name}: validation = {validation:g} does not work: {error}") from error
        X_train, y_train = data.X_train[train], data.y_train[train]
    else:
        val = np.arange(0)
        X_train, y_train = data.X_train, data.y_train
    return Split(
        X_train=read_only(X_train),
        y_train=read_only(y_train),
        X_val=read_only(data.X_train[val]),
        y_val=read_only(data.y_train[val]),
        X_test=data.X_test,
        y_test=data.y_test,
        classes=data.classes,
        image_shape=data.image_shape,
        scale=data.scale,
        name=data.name,
    )


def _checked_part(
    name: str, part: str, X: ArrayLike, y: ArrayLike, n_classes: int
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    X, y = np.asarray(X), np.asarray(y)
    if X.ndim != 2 or X.shape[1] == 0 or X.dtype not in (np.uint8, np.float32):
        raise InputError(
            f"{name}: X_{part} must be a uint8 or float32 array of shape (n, n_features), "
            f"not {X.dtype} of shape {X.shape}"
        )
    if y.ndim != 1 or y.dtype.kind not in "iu":
        raise InputError(f"{name}: y_{part} must be whole numbers of shape (n,), not {y.dtype} of shape {y.shape}")
    if len(X) != len(y):
        raise InputError(f"{name}: {len(X)} rows in X_{part}, but {len(y)} labels in y_{part}")
    if len(y) and not (y.min() >= 0 and y.max() < n_classes):
        bad = y.min() if y.min() < 0 else y.max()
        raise InputError(f"{name}: label {bad} in y_{part}; allowed are 0 to {n_classes - 1}")
    return read_only(X), read_only(y.astype(np.int64, copy=False))


def _row(X: NDArray[Any]) -> str:
    return f"{X.shape[1]} {X.dtype} values"
