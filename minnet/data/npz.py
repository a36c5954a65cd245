"""A data set from a NumPy archive."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minnet.data.arrays import from_arrays
from minnet.data.dataset import Dataset
from minnet.errors import InputError

_WHOLE = ("X_train", "y_train", "X_test", "y_test")
_TO_SPLIT = ("X", "y")
_NAMES = (_WHOLE, ("x_train", "y_train", "x_test", "y_test"), _TO_SPLIT, ("x", "y"))


def read_npz(path: Path) -> Dataset:
    """Read a data set from an .npz file.

    Parameters
    ----------
    path : Path
        Holds `X_train`, `y_train`, `X_test`, `y_test`, or `X` and `y`, from which a
        stratified fifth becomes the test part; `X` may be lower-case. Samples: uint8 or float, of shape
        (n, n_features) or (n, height, width). Labels: whole numbers or strings.

    Raises
    ------
    InputError
        If the archive is damaged, holds Python objects, or its arrays do not fit.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            keys = _keys(path, [name.removesuffix(".npy") for name in archive.namelist()])
            for key in keys:
                _check_promise(archive, f"{key}.npy")
        with np.load(path, allow_pickle=False) as arrays:
            values: list[NDArray[Any]] = [arrays[key] for key in keys]
    except InputError:
        raise
    # Readers of zip and npy raise a dozen kinds of errors on damaged files.
    except Exception as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"{path}: not a readable .npz file ({reason})") from error
    if len(values) == 2:
        return from_arrays(str(path), X=values[0], y=values[1])
    X_train, y_train, X_test, y_test = values
    return from_arrays(str(path), X_train, y_train, X_test, y_test)


def _keys(path: Path, there: list[str]) -> tuple[str, ...]:
    for keys in _NAMES:
        if set(keys) <= set(there):
            return keys
    found = ", ".join(sorted(there)[:8]) or "nothing"
    raise InputError(f"{path}: holds {found}; needed are {', '.join(_WHOLE)}, or {', '.join(_TO_SPLIT)}")


def _check_promise(archive: zipfile.ZipFile, member: str) -> None:
    """Refuse an array whose header promises more than the archive holds, before NumPy allocates it."""
    entry = archive.getinfo(member)
    with archive.open(entry) as stream:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(stream)
        held = entry.file_size - stream.tell()
    if dtype.hasobject:
        raise ValueError(f"{member} holds Python objects, which are not loaded")
    if math.prod(shape) * dtype.itemsize != held:
        raise ValueError(f"{member} promises {shape} of {dtype}, but holds {held} bytes")
    if held > entry.compress_size * 1032 + 4096:
        raise ValueError(f"{member} cannot hold the {held} bytes that it promises")
