"""Data sets of OpenML, fetched and cached by scikit-learn."""

from __future__ import annotations

import contextlib
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from minnet.data import places
from minnet.data.arrays import from_arrays
from minnet.data.dataset import Dataset
from minnet.errors import InputError


def load_openml(name: str, data_dir: str | Path | None = None) -> Dataset:
    """Load a classification data set of OpenML by name.

    Numeric features only. Whole numbers from 0 to 255 stay uint8; anything else
    is standardised with the statistics of the training part. A stratified fifth
    becomes the test part.

    Parameters
    ----------
    name : str
        As on openml.org; ``NAME@VERSION`` asks for a version.
    data_dir : str, Path or None
        scikit-learn keeps its downloads in its folder `openml` (default: the user's cache).

    Raises
    ------
    InputError
        If it cannot be fetched, or is not a numeric classification data set.
    """
    match = re.fullmatch(r"([^\s@/]+)(?:@([1-9][0-9]*))?", name)
    if match is None:
        raise InputError(f"data set 'openml:{name}': write openml:NAME or openml:NAME@VERSION")
    title = f"openml:{name}"
    bunch = _fetch(title, match[1], int(match[2]) if match[2] else "active", data_dir)
    X, y = bunch.data, bunch.target
    if hasattr(X, "toarray"):
        raise InputError(f"{title}: its samples are a sparse matrix, which minnet does not read")
    nominal = [key for key in (bunch.get("categories") or {}) if key in bunch.feature_names]
    if nominal:
        raise InputError(f"{title}: only numeric features are read, but {_some(nominal)} are nominal")
    if y is None or np.ndim(y) != 1:
        raise InputError(f"{title}: has no single target column to classify by")
    try:
        X = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{title}: only numeric features are read, and some of its are text") from None
    if np.isnan(X).any():
        holes = [str(bunch.feature_names[column]) for column in np.flatnonzero(np.isnan(X).any(axis=0))]
        raise InputError(f"{title}: values are missing in {_some(holes)}")
    return from_arrays(title, X, y, standardise=True)


def _fetch(title: str, name: str, version: int | str, data_dir: str | Path | None) -> Any:
    from sklearn.datasets import fetch_openml

    home = (Path(data_dir).expanduser() if data_dir else places.cache_folder()) / "openml"
    new = [folder for folder in (home, *home.parents) if not folder.exists()]
    try:
        with warnings.catch_warnings():
            # It tries again by itself, and how that ends is said below.
            warnings.filterwarnings("ignore", "A network error occurred|Downloaded file could|Invalid cache")
            return fetch_openml(name, version=version, as_frame=False, data_home=str(home), parser="auto")
    except (OSError, ValueError, KeyError, ImportError) as error:
        _remove_empty([*sorted(home.rglob("*"), reverse=True), *new])
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise InputError(
            f"{title} cannot be fetched ({reason}); check the name on openml.org and the network, or use --data digits"
        ) from error


def _remove_empty(folders: list[Path]) -> None:
    """Remove those folders that are empty, the inner ones first."""
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
