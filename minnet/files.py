"""Files that are whole or not there: a kill or a full disk leaves what was there before."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Lend a name to write to, which becomes `path` when the block has come to its end.

    Every process has a name of its own: two may write the same file at the same time.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all, with the same bytes on every system.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_text(Path(folder) / "a.txt", "α")
    ...     [path.name for path in Path(folder).iterdir()]
    ['a.txt']
    """
    with whole(path) as part:
        part.write_text(text, encoding="utf-8", errors="replace", newline="\n")
