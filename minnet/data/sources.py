"""`load_dataset`: from a name to a `Dataset`."""

from __future__ import annotations

import functools
import gzip
import importlib.util
import threading
from pathlib import Path

import numpy as np

from minnet.data import idx, places
from minnet.data.cards import Card, info, names
from minnet.data.dataset import Dataset, hold_out
from minnet.data.download import Progress, fetch_missing, missing_line
from minnet.errors import InputError, suggest

_DIGITS_TEST = 360
_LOCK = threading.RLock()

_Stamp = tuple[str, int, int]


def load_dataset(
    name: str,
    data_dir: str | Path | None = None,
    *,
    download: bool = True,
    progress: Progress | None = None,
) -> Dataset:
    """Load a data set.

    The same data set is loaded once per process: trials that run side by side
    share its read-only arrays.

    Parameters
    ----------
    name : str
        `digits`, `mnist`, `fashion-mnist`, `synthetic` or ``synthetic:N[,SEED]``,
        ``openml:NAME``, or the path of a folder of IDX files or of an .npz file.
    data_dir : str, Path or None
        Searched before the variable MINNET_DATA and the user's cache.
    download : bool
        Fetch what is missing.
    progress : callable or None
        See `minnet.data.fetch`.

    Returns
    -------
    Dataset

    Raises
    ------
    InputError
        If the name is unknown, files are missing and cannot be fetched, or are damaged.

    Examples
    --------
    >>> import minnet
    >>> data = minnet.load_dataset("synthetic:600,7")
    >>> data.X_train.shape, data.X_test.shape, data.classes[:3]
    ((600, 784), (100, 784), ('0', '1', '2'))
    """
    name = str(name)
    head, colon, rest = name.partition(":")
    with _LOCK:
        if name == "digits":
            return _digits()
        if name == "synthetic":
            return _synthetic(name, 60_000, 0)
        if colon and head == "synthetic":
            return _synthetic(name, *_synthetic_options(name, rest))
        if colon and head == "openml":
            return _openml(rest, None if data_dir is None else str(data_dir))
        if name in names():
            return _carded(info(name), data_dir, download, progress)
        return _from_path(name)


@functools.cache
def _digits() -> Dataset:
    X, y = _digits_of_sklearn()
    train, test = hold_out(y, _DIGITS_TEST, seed=0)
    return Dataset(
        name="digits",
        X_train=X[train],
        y_train=y[train],
        X_test=X[test],
        y_test=y[test],
        classes=tuple("0123456789"),
        image_shape=(8, 8),
        scale=1 / 16,
    )


def _digits_of_sklearn() -> tuple[np.ndarray, np.ndarray]:
    """Return images (1797, 64) and labels of `sklearn.datasets.load_digits`.

    They are read from the library's file if it lies where it always lay: importing the library takes half a second.
    """
    library = importlib.util.find_spec("sklearn")
    for place in (library.submodule_search_locations or ()) if library else ():
        path = Path(place) / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            with gzip.open(path, "rt", encoding="ascii") as file:
                table = np.loadtxt(file, delimiter=",", dtype=np.int64)
            return table[:, :-1].astype(np.uint8), table[:, -1]
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return bunch.data.astype(np.uint8), bunch.target.astype(np.int64)


@functools.lru_cache(maxsize=4)
def _synthetic(name: str, n_train: int, seed: int) -> Dataset:
    from minnet.data.synthetic import SIDE, draw_digits

    X_train, y_train = draw_digits(n_train, seed, part=0)
    X_test, y_test = draw_digits(n_train // 6, seed, part=1)
    return Dataset(
        name=name,
        X_train=X_train,
        y_train=y_train,
        X_test=X_test,
        y_test=y_test,
        classes=tuple("0123456789"),
        image_shape=(SIDE, SIDE),
        scale=1 / 255,
    )


def _synthetic_options(name: str, rest: str) -> tuple[int, int]:
    count, comma, seed = rest.partition(",")
    digits_only = count.isascii() and count.isdigit() and len(count) < 9
    seed_only = not comma or (seed.isascii() and seed.isdigit() and len(seed) < 19)
    if not (digits_only and seed_only):
        raise InputError(f"data set {name!r}: write synthetic:N or synthetic:N,SEED, such as synthetic:6000,1")
    n_train = int(count)
    if not 60 <= n_train <= 1_000_000:
        raise InputError(f"data set {name!r}: the number of images must be from 60 to 1000000, not {n_train}")
    return n_train, int(seed) if comma else 0


@functools.lru_cache(maxsize=4)
def _openml(name: str, data_dir: str | None) -> Dataset:
    from minnet.data.openml import load_openml

    return load_openml(name, data_dir)


def _carded(card: Card, data_dir: str | Path | None, download: bool, progress: Progress | None) -> Dataset:
    found = places.status(card.name, data_dir)
    folder = found.folder
    if folder is None or not found.complete:
        if not download:
            raise InputError(missing_line(card, data_dir, "downloading is switched off"))
        folder = fetch_missing(card, data_dir, progress)
    return _idx_folder(card.name, _stamps(idx.find_files(folder)), card.classes)


def _from_path(name: str) -> Dataset:
    path = Path(name).expanduser()
    if name and path.is_dir():
        found = idx.find_files(path)
        missing = [idx.file_names(part)[0] for part in idx.PARTS if part not in found]
        if missing:
            raise InputError(f"{path}: no {', '.join(missing)} (plain or .gz) in this folder of IDX files")
        return _idx_folder(path.name or str(path), _stamps(found), None)
    if path.is_file():
        if path.suffix != ".npz":
            raise InputError(f"{path}: a data set file must be an .npz, or give a folder of IDX files")
        return _npz(*_stamp(path))
    if path.suffix == ".npz" or any(sep in name for sep in "/\\"):
        raise InputError(f"data set {name!r}: no such file or folder")
    allowed = [*names(), "synthetic:N[,SEED]", "openml:NAME", "a path"]
    raise InputError(f"unknown data set {name!r}: {suggest(name, allowed)}")


@functools.lru_cache(maxsize=4)
def _idx_folder(name: str, stamps: tuple[_Stamp, ...], classes: tuple[str, ...] | None) -> Dataset:
    train_images, train_labels, test_images, test_labels = (Path(stamp[0]) for stamp in stamps)
    n_classes = None if classes is None else len(classes)
    X_train, y_train = idx.read_part(train_images, train_labels, n_classes)
    if n_classes is None:
        n_classes = int(y_train.max()) + 1
        classes = tuple(map(str, range(n_classes)))
    X_test, y_test = idx.read_part(test_images, test_labels, n_classes)
    if X_train.shape[1:] != X_test.shape[1:]:
        raise InputError(
            f"{train_images} holds images of {X_train.shape[1:]}, {test_images} of {X_test.shape[1:]}; they must agree"
        )
    return Dataset(
        name=name,
        X_train=X_train.reshape(len(X_train), -1),
        y_train=y_train.astype(np.int64),
        X_test=X_test.reshape(len(X_test), -1),
        y_test=y_test.astype(np.int64),
        classes=classes or (),
        image_shape=(X_train.shape[1], X_train.shape[2]),
        scale=1 / 255,
    )


@functools.lru_cache(maxsize=4)
def _npz(path: str, mtime: int, size: int) -> Dataset:
    from minnet.data.npz import read_npz

    return read_npz(Path(path))


def _stamps(found: dict[str, Path]) -> tuple[_Stamp, ...]:
    """Identify the files' content for the cache, so that changed files are read anew."""
    return tuple(_stamp(found[part]) for part in idx.PARTS)


def _stamp(path: Path) -> _Stamp:
    facts = path.stat()
    return str(path.resolve()), facts.st_mtime_ns, facts.st_size
