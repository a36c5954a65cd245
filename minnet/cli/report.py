"""``minnet report``: everything that can be rebuilt from a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from minnet.lab import Comparison


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--parquet", is_flag=True, help="Write the tables as Parquet files, too.")
@click.option("--recover", is_flag=True, help="Save all readable runs of a damaged store; it is kept beside them.")
def command(folder: Path, parquet: bool, recover: bool) -> None:
    """Rebuild page, tables and figures of the comparison in FOLDER, or of all those of a suite, from the store."""
    from minnet.lab.suite import FILE, load_suite

    if recover:
        from minnet.lab.recovery import recover as save

        kept, damaged = save(folder)
        click.echo(f"{kept} runs are saved, the damaged file is kept as {damaged}")
        click.echo("the command that began the comparison trains what is missing")
        return
    if (folder / FILE).is_file():
        from minnet.cli.suite import summary

        suite = load_suite(folder)
        for name, comparison in suite.comparisons.items():
            _save(comparison, folder / suite.folders[name], parquet)
        suite.save(folder)
        click.echo("\n".join(summary(suite, folder)))
        return
    from minnet.cli import compare
    from minnet.lab import load

    result = load(folder)
    _save(result, folder, parquet)
    click.echo("\n".join(compare.summary(result, folder)))


def _save(comparison: Comparison, folder: Path, parquet: bool) -> None:
    comparison.save(folder)
    if parquet:
        from minnet.lab.export import write_parquet

        write_parquet(comparison, folder)
