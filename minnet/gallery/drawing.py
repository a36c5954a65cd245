"""Pictures of the gallery: one size, one style, one look per method."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minnet.report.figures import looks, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["looks", "panels"]

DPI = 110
WIDTH = 9.0  # inches
SIZE: Any = {"font.size": 9, "axes.titlesize": 10, "axes.labelsize": 9, "xtick.labelsize": 8, "ytick.labelsize": 8,
        "legend.fontsize": 8}  # fmt: skip


@contextmanager
def panels(path: Path, columns: int = 1, rows: int = 1, height: float = 3.4, **options: Any) -> Iterator[list[Axes]]:
    """Lend the panels of a picture, row by row, and write it as PNG at the end.

    Parameters
    ----------
    path : Path
    columns, rows : int
    height : float
        Of a row, in inches; the picture is 9 inches wide.
    **options
        For `Figure.subplots`, as ``sharey=True``.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, panels(Path(folder, "picture.png"), columns=2) as (left, right):
    ...     lines = left.plot([1, 2], [3, 4], **looks(["adam"])["adam"])
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with style(), matplotlib.rc_context(SIZE):
        figure = Figure(figsize=(WIDTH, height * rows), layout="constrained")
        FigureCanvasAgg(figure)
        yield list(figure.subplots(rows, columns, squeeze=False, **options).flat)
        figure.savefig(path, dpi=DPI)
