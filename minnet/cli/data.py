"""``minnet data``: the data sets, what of them is here, and fetching the rest."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from minnet.cli.params import NearestGroup
from minnet.cli.progress import columns

if TYPE_CHECKING:
    from minnet.data import Status


data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="Folder to look in first, before MINNET_DATA and the user's cache.",
)


@click.group(cls=NearestGroup, invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Say which data sets are here, where they come from, and fetch them."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_data)


@command.command("list")
@data_dir_option
def list_data(data_dir: Path | None = None) -> None:
    """List the data sets: what is here, what is missing."""
    from minnet import data

    click.echo("\n".join(overview(data_dir)))
    click.echo("\nlooked in " + ", ".join(map(str, data.search_folders(data_dir))))


@command.command("info")
@click.argument("name")
@data_dir_option
def show_info(name: str, data_dir: Path | None) -> None:
    """Say what a data set is, where it comes from, and whether its files are here and whole."""
    from minnet import data

    card = data.info(name)
    found = data.status(name, data_dir, hashes=True)
    facts = [
        ("samples", f"{card.train:,} to train, {card.test:,} to test"),
        ("shape", " × ".join(map(str, card.shape))),
        ("classes", ", ".join(card.classes)),
        ("licence", card.licence),
        ("homepage", card.homepage),
        ("citation", card.citation),
    ]
    click.echo(f"{card.title}  ({card.name})")
    click.echo("\n".join(textwrap.wrap(card.description, 100)))
    click.echo()
    click.echo("\n".join(columns(facts)))
    click.echo()
    if not card.files:
        click.echo("files: none needed")
        return
    click.echo(f"files: {'in ' + str(found.folder) if found.folder else 'none here'}")
    for part, file in card.files.items():
        click.echo(f"  {file.name}: {_condition(found, part)}")
        click.echo(f"    sha256 (uncompressed) {file.sha256}")
        for url in file.urls:
            click.echo(f"    from {url}")
    if not found.complete:
        click.echo("looked in " + ", ".join(map(str, found.looked_in)))
        click.echo(f"to get what is missing: minnet data fetch {name}")


@command.command("fetch")
@click.argument("name")
@data_dir_option
def fetch(name: str, data_dir: Path | None) -> None:
    """Download what is missing of a data set, verify it, and say where it lies."""
    from minnet import data

    if not data.info(name).files:
        click.echo(f"{name}: needs no files")
        return
    click.echo(f"{name}: complete and verified in {data.fetch(name, data_dir)}")


def overview(data_dir: Path | None, indent: int = 0) -> list[str]:
    """Return one line for every data set: name, size, whether it is here."""
    from minnet import data

    rows = []
    for name in data.names():
        card, found = data.info(name), data.status(name, data_dir)
        shape = "×".join(map(str, card.shape))
        rows.append((name, card.title, f"{card.train:,} + {card.test:,}", shape, _presence(found)))
    rows.append(("openml:NAME", "any classification data set of openml.org", "", "", "fetched when used"))
    rows.append(("PATH", "a folder of IDX files, or an .npz file", "", "", ""))
    return columns(rows, indent=indent)


def _presence(found: Status) -> str:
    if found.folder is None:
        return "built in" if found.complete else f"missing: minnet data fetch {found.name}"
    if found.complete:
        return f"here: {found.folder}"
    return f"incomplete: {', '.join(found.missing)} not in {found.folder}"


def _condition(found: Status, part: str) -> str:
    if part not in found.present:
        return "missing"
    if found.hashes_ok is None:
        return "here"
    return f"here, {'verified' if found.hashes_ok[part] else 'but its content is not the one on the card'}"
