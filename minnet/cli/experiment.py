"""``minnet experiment``: the questions of the lecture and the tables of papers, each run and checked by one command."""

from __future__ import annotations

import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minnet.cli.params import SectionedCommand, option
from minnet.cli.progress import columns, duration
from minnet.errors import InputError, check_name

if TYPE_CHECKING:
    from minnet.gallery.experiment import Experiment
    from minnet.gallery.record import Record

RUN, GALLERY = "Run", "The gallery of a checkout"
WIDTH = 110
REFUTED = 1


@click.command(cls=SectionedCommand)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@option(RUN, "--quick", is_flag=True, help="The smaller variant of a script, where it has one.")
@option(RUN, "--jobs", type=click.IntRange(1), help="Runs side by side.  [default: one per usable core]")
@option(RUN, "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for results, one folder per "
        "experiment in it.  [default: runs; with --gallery, none is kept]")  # fmt: skip
@option(GALLERY, "--gallery", is_flag=True, help="Keep results and pictures in experiments/, and write its README.md.")
@option(GALLERY, "--missing", is_flag=True, help="Run those that the gallery has no results of.")
@option(GALLERY, "--all", "everything", is_flag=True, help="Run all.")
def command(
    names: tuple[str, ...],
    quick: bool,
    jobs: int | None,
    out: Path | None,
    gallery: bool,
    missing: bool,
    everything: bool,
) -> int | None:
    """Run experiments and check what they claim; without a name, list them.

    NAME is one of those, or a .toml or .py file of your own.

    Each leaves results.json and figure.png in runs/NAME. Exit code 1 says that a claim did not come out.
    """
    from minnet.gallery import load

    chosen = _chosen(names, gallery, missing, everything)
    experiments = [load(name) for name in chosen]  # a wrong one stops all before the first is run
    if not experiments and not gallery:
        click.echo("\n".join(listed()))
        return None
    refuted = []
    for experiment in experiments:
        name = experiment.card.name
        with tempfile.TemporaryDirectory() if gallery and not out else nullcontext(out or Path("runs")) as folder:
            record = _run(experiment, Path(folder) / name, quick, jobs, kept=gallery)
        refuted += [name for _, holds in record.claims if not holds]
    if gallery:
        from minnet.gallery import page

        click.echo(f"page:    {page.write()}")
    return REFUTED if refuted else None


def listed() -> list[str]:
    """Return all experiments with their titles, part by part, as lines."""
    from minnet.gallery import PARTS, cards

    lines = []
    for part, heading in PARTS.items():
        rows = [(card.name, card.title, ", ".join(card.data)) for card in cards().values() if card.part == part]
        lines += ["", heading, *columns(rows, indent=2)] if rows else []
    return [*lines[1:], "", "run one:  minnet experiment NAME"]


def _chosen(names: tuple[str, ...], gallery: bool, missing: bool, everything: bool) -> list[str]:
    from minnet.gallery import cards, page

    if bool(names) + missing + everything > 1:
        raise InputError("give names, --missing or --all: one of the three")
    if missing and not gallery:
        raise InputError("--missing is about the gallery: add --gallery")
    if missing:
        return page.missing()
    if gallery:
        for name in names:
            check_name("experiment of the gallery", name, cards())
    return [card.name for card in cards().values() if not card.suite] if everything else list(dict.fromkeys(names))


def _run(experiment: Experiment, folder: Path, quick: bool, jobs: int | None, kept: bool = False) -> Record:
    """Run one experiment, tell what came out, and keep it."""
    from minnet.gallery import record

    card = experiment.card
    click.echo("\n".join([f"{card.name}: {card.title}", *textwrap.wrap(card.question, WIDTH)]))
    folder.mkdir(parents=True, exist_ok=True)
    with _watching(experiment, folder) as progress:
        found = record.measured(experiment, folder, quick=quick, jobs=jobs, progress=progress)
    results, picture = folder / "results.json", folder / "figure.png"
    experiment.draw(found.results, picture)
    found.write(results)
    if kept:
        record.keep(found, picture)
        results, picture = record.result_path(card.name), record.picture_path(card.name)
    click.echo("\n".join(["", *_told(experiment, found), "", f"results: {results}", f"picture: {picture}", ""]))
    return found


@contextmanager
def _watching(experiment: Experiment, folder: Path) -> Iterator[Any]:
    """Lend a view of the runs of a race, as `minnet compare` shows them; a script has none."""
    if not experiment.watched:
        yield None
        return
    from minnet.cli.compare import view_of
    from minnet.cli.compare_views import interrupts_of

    view = view_of(folder)
    try:
        with interrupts_of(view), view:
            yield view
    except KeyboardInterrupt:
        click.echo(view.farewell)
        raise


def _told(experiment: Experiment, found: Record) -> list[str]:
    from minnet.gallery.text import verdict

    facts = found.provenance
    return [
        *textwrap.wrap(experiment.card.see, WIDTH),
        *columns([(f"{verdict(holds)}:", text) for text, holds in found.claims] or [("", "")]),
        *experiment.table(found.results).splitlines(),
        f"{duration(facts['seconds'])}, of the processor {duration(facts['cpu_seconds'])}",
    ]
