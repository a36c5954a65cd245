"""Tables as Parquet files, which keep the types of the columns and are read by most tools."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from minnet.errors import InputError
from minnet.files import whole

if TYPE_CHECKING:
    import pandas as pd


def write_parquet(tables: Mapping[str, pd.DataFrame], folder: str | os.PathLike) -> list[Path]:
    """Write every table as NAME.parquet into a folder, and return the files.

    Raises
    ------
    InputError
        If pyarrow is not installed.
    """
    if find_spec("pyarrow") is None:
        raise InputError('Parquet files need pyarrow: pip install "minnet[parquet]"')
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        with whole(folder / f"{name}.parquet") as part:
            table.to_parquet(part, index=False, engine="pyarrow")
    return [folder / f"{name}.parquet" for name in tables]
