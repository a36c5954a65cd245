"""The tables of a comparison as Parquet files, which keep the types of the columns and are read by most tools."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from minnet.errors import InputError

if TYPE_CHECKING:
    from minnet.lab.comparison import Comparison


def write_parquet(comparison: Comparison, folder: str | os.PathLike) -> list[Path]:
    """Write every table of a comparison as NAME.parquet into a folder, and return the files.

    Raises
    ------
    InputError
        If pyarrow is not installed.
    """
    import pandas as pd

    if find_spec("pyarrow") is None:
        raise InputError('Parquet files need pyarrow: pip install "minnet[parquet]"')
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tables = {name: table for name, table in vars(comparison).items() if isinstance(table, pd.DataFrame)}
    for name, table in tables.items():
        part = folder / f"{name}.parquet.part"
        table.to_parquet(part, index=False, engine="pyarrow")
        part.replace(folder / f"{name}.parquet")
    return [folder / f"{name}.parquet" for name in tables]
