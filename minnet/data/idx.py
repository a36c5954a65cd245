"""The IDX format of MNIST: a header of big-endian sizes, then unsigned bytes; plain or gzipped.

Nothing is allocated on the word of a header: bytes are read in pieces until the
promised number is there, and one more must not be.
"""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from minnet.errors import InputError

PARTS = ("train_images", "train_labels", "test_images", "test_labels")
MAX_BYTES = 2**31
REMEDY = "move it away, and fetch or copy it again"

_STEMS = {
    "train_images": ("train-images", 3),
    "train_labels": ("train-labels", 1),
    "test_images": ("t10k-images", 3),
    "test_labels": ("t10k-labels", 1),
}
_TYPES = {
    0x08: "unsigned bytes",
    0x09: "signed bytes",
    0x0B: "16-bit integers",
    0x0C: "32-bit integers",
    0x0D: "32-bit floats",
    0x0E: "64-bit floats",
}
_GZIP_MAGIC = b"\x1f\x8b"
_PIECE = 1 << 20
_DEFLATE_LIMIT = 1032  # no byte of a deflate stream can stand for more


def file_names(part: str) -> tuple[str, ...]:
    """Return the names under which a part of a data set may lie, the usual one first.

    Examples
    --------
    >>> file_names("train_labels")[:2]
    ('train-labels-idx1-ubyte', 'train-labels-idx1-ubyte.gz')
    """
    stem, ndim = _STEMS[part]
    return tuple(f"{stem}{sep}idx{ndim}-ubyte{end}" for sep in "-." for end in ("", ".gz"))


def find_files(folder: Path) -> dict[str, Path]:
    """Return the IDX files found in `folder`, by part."""
    found = {}
    for part in PARTS:
        there = (folder / name for name in file_names(part))
        path = next((path for path in there if path.is_file()), None)
        if path is not None:
            found[part] = path
    return found


@contextmanager
def open_content(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for its uncompressed content; whether it is gzipped is seen from its first bytes.

    Raises
    ------
    InputError
        If the file cannot be read or its gzip stream is damaged, also while reading.
    """
    try:
        with path.open("rb") as raw:
            gzipped = raw.read(2) == _GZIP_MAGIC
            raw.seek(0)
            if not gzipped:
                yield raw
                return
            with gzip.GzipFile(fileobj=raw) as content:
                yield content  # type: ignore[misc]
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: damaged gzip file ({_one_line(error)}); {REMEDY}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({_one_line(error)})") from error


def read_idx(path: Path | str, ndim: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes.

    Parameters
    ----------
    path : Path or str
        Plain or gzipped, whatever its name.
    ndim : int
        3 for images, 1 for labels.

    Returns
    -------
    ndarray of `ndim` dimensions, uint8, C-contiguous, read-only

    Raises
    ------
    InputError
        One line that names the file, what was found and what was expected.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "labels"
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3]) + bytes([7, 2, 1]))
    ...     read_idx(path, ndim=1)
    array([7, 2, 1], dtype=uint8)
    """
    path = Path(path)
    with open_content(path) as content:
        shape = _read_header(path, content, ndim)
        size = math.prod(shape)
        _check_plausible(path, shape, size)
        data = bytearray()
        while len(data) < size:
            piece = content.read(min(_PIECE, size - len(data)))
            if not piece:
                raise InputError(
                    f"{path}: truncated data, {len(data)} bytes; its header {_times(shape)} promises {size}: {REMEDY}"
                )
            data += piece
        if content.read(1):
            raise InputError(f"{path}: trailing bytes after the {size} that its header {_times(shape)} promises")
    array = np.frombuffer(data, dtype=np.uint8).reshape(shape)
    array.flags.writeable = False
    return array


def read_part(images: Path, labels: Path, n_classes: int | None = None) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read images and their labels, and check that they belong together.

    Parameters
    ----------
    images, labels : Path
    n_classes : int or None
        Labels must be below it; None allows all of 0 to 255.

    Returns
    -------
    X : uint8 array of shape (n, height, width)
    y : uint8 array of shape (n,)

    Raises
    ------
    InputError
        If a file is damaged, the counts differ or a label is out of range.
    """
    X = read_idx(images, ndim=3)
    y = read_idx(labels, ndim=1)
    if len(X) != len(y):
        raise InputError(f"{images} holds {len(X)} images, but {labels} holds {len(y)} labels; they must agree")
    if n_classes is not None and y.max() >= n_classes:
        where = int(np.argmax(y >= n_classes))
        raise InputError(f"{labels}: label {y[where]} at position {where}; allowed are 0 to {n_classes - 1}")
    return X, y


def _read_header(path: Path, content: IO[bytes], ndim: int) -> tuple[int, ...]:
    magic = content.read(4)
    if len(magic) < 4:
        raise InputError(f"{path}: truncated header, {len(magic)} of its 4 + {4 * ndim} bytes")
    if magic[:2] != b"\0\0":
        raise InputError(f"{path}: not an IDX file, starts with 0x{magic.hex()} instead of 0x000008{ndim:02x}")
    if magic[2] != 0x08:
        kind = _TYPES.get(magic[2], "an unknown type")
        raise InputError(f"{path}: holds {kind} (code 0x{magic[2]:02x}), not unsigned bytes (code 0x08)")
    if magic[3] != ndim:
        wanted = "images have 3" if ndim == 3 else "labels have 1"
        raise InputError(f"{path}: has {magic[3]} dimensions, {wanted}")
    sizes = content.read(4 * ndim)
    if len(sizes) < 4 * ndim:
        raise InputError(f"{path}: truncated header, {4 + len(sizes)} of its 4 + {4 * ndim} bytes")
    return tuple(int(side) for side in np.frombuffer(sizes, dtype=">u4"))


def _check_plausible(path: Path, shape: tuple[int, ...], size: int) -> None:
    if size == 0:
        raise InputError(f"{path}: empty, its header says {_times(shape)}")
    held = path.stat().st_size * _DEFLATE_LIMIT
    if size > held:
        raise InputError(f"{path}: truncated data, its header {_times(shape)} promises more than it can hold")
    if size > MAX_BYTES:
        raise InputError(f"{path}: its header {_times(shape)} promises {size} bytes, more than {MAX_BYTES}")


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _one_line(error: BaseException) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
