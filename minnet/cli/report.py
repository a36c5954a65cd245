"""``minnet report``: everything that can be rebuilt from a store."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Rebuild page, tables and figures of the comparison in FOLDER from its store."""
    from minnet.cli.compare import summary
    from minnet.lab import load

    result = load(folder)
    result.save(folder)
    click.echo("\n".join(summary(result, folder)))
