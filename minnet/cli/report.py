"""``minnet report``: everything that can be rebuilt from a store."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--parquet", is_flag=True, help="Write the tables as Parquet files, too.")
@click.option("--recover", is_flag=True, help="Save all readable runs of a damaged store; it is kept beside them.")
def command(folder: Path, parquet: bool, recover: bool) -> None:
    """Rebuild page, tables and figures of the comparison in FOLDER from its store."""
    from minnet.cli.compare import summary
    from minnet.lab import load

    if recover:
        from minnet.lab.recovery import recover as save

        kept, damaged = save(folder)
        click.echo(f"{kept} runs are saved, the damaged file is kept as {damaged}")
        click.echo("the command that began the comparison trains what is missing")
        return
    result = load(folder)
    result.save(folder)
    if parquet:
        from minnet.lab.export import write_parquet

        write_parquet(result, folder)
    click.echo("\n".join(summary(result, folder)))
