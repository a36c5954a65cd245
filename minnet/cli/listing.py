"""``minnet list``: everything that can be named on the command line."""

from __future__ import annotations

from collections.abc import Callable

import click

from minnet.cli.progress import columns
from minnet.cli.show import describe_range
from minnet.errors import InputError, check_name

INDENT = 2


def _optimizers(full: bool) -> list[str]:
    from minnet import optimizers

    methods = [optimizers.get(name) for name in optimizers.names()]
    rows = [(m.name, m.title, f"{m.defaults['lr']:g}", describe_range(m.space["lr"])) for m in methods]
    head, *lines = columns([("", "", "default lr", "tuned in"), *rows], indent=INDENT)
    if not full:
        return [head, *lines]
    return [head, *(text for m, line in zip(methods, lines)
                    for text in (line, *_indented([*m.formula.splitlines(), m.paper])))]  # fmt: skip


def _schedules(full: bool) -> list[str]:
    from minnet import schedules

    kinds = [schedules.get(name) for name in schedules.names()]
    lines = columns([(kind.name, kind.title) for kind in kinds], indent=INDENT)
    if not full:
        return lines
    return [text for kind, line in zip(kinds, lines) for text in (line, *_indented([kind.describe()]))]


def _activations(full: bool) -> list[str]:
    from minnet.network.activations import ACTIVATIONS

    rows = [(name, a.formula, f"--init {a.init}") for name, a in ACTIVATIONS.items()]
    return columns([("", "", "initialisation with auto"), *rows], indent=INDENT)


def _losses(full: bool) -> list[str]:
    from minnet.network.losses import LOSSES

    return columns([*LOSSES.items()], indent=INDENT)


def _initialisations(full: bool) -> list[str]:
    from minnet.network.init import SCHEMES

    return columns([(name, s.formula, s.source) for name, s in SCHEMES.items()], indent=INDENT)


def _data(full: bool) -> list[str]:
    from minnet.cli.data import overview

    return overview(None, indent=INDENT)


def _experiments(full: bool) -> list[str]:
    from minnet.gallery.card import cards

    lines = []
    for card in cards().values():
        lines.append((card.name, card.part, card.title))
        if full:
            lines.append(("", "", card.question))
    return columns(lines, indent=INDENT)


def _surfaces(full: bool) -> list[str]:
    from minnet import surfaces

    found = [surfaces.create(name) for name in surfaces.names()]
    lines = columns([(surface.name, surface.formula) for surface in found], indent=INDENT)
    if not full:
        return lines
    return [text for surface, line in zip(found, lines) for text in (line, *_indented([surface.notes]))]


# section: (how to use its names, its lines)
SECTIONS: dict[str, tuple[str, Callable[[bool], list[str]]]] = {
    "optimizers": ("--optimizer NAME, minnet show NAME", _optimizers),
    "schedules": ("--schedule NAME:parameter=value,..., minnet show NAME", _schedules),
    "activations": ("--activation NAME", _activations),
    "losses": ("--loss NAME", _losses),
    "initialisations": ("--init NAME", _initialisations),
    "data": ("--data NAME, minnet data info NAME", _data),
    "surfaces": ("minnet surface NAME", _surfaces),
    "experiments": ("minnet experiment NAME; a TOML file also: minnet compare NAME", _experiments),
}


def markdown_table() -> str:
    """Return the methods as a table in Markdown: what stands in the README, between its markers."""
    from minnet import optimizers

    rows = [("name", "method", "remembers", "α", "tuned in", "written as in", "source")]
    for m in (optimizers.get(name) for name in optimizers.names()):
        tuned = f"lr {describe_range(m.space['lr'])}"
        rows.append((f"`{m.name}`", m.title, ", ".join(m.slots) or "-", f"{m.defaults['lr']:g}", tuned,
                     ", ".join(m.style_names), m.paper))  # fmt: skip
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


@click.command()
@click.argument("section", required=False)
@click.option("--devices", is_flag=True, help="The GPUs that --device cuda can use here, or why there is none.")
@click.option("--markdown", is_flag=True, help="The methods as a table in Markdown (the one of the README).")
def command(section: str | None, markdown: bool, devices: bool) -> None:
    """List optimizers, schedules, activations, losses, initialisations, data sets, surfaces and experiments.

    SECTION restricts the list to one of them and says more: minnet list optimizers
    """
    if section is not None:
        check_name("section", section, SECTIONS)
    if devices:
        from minnet.cuda.devices import found

        click.echo("\n".join(device.describe() for device in found()))
        return
    if markdown:
        if section != "optimizers":
            raise InputError("--markdown is for the methods: minnet list optimizers --markdown")
        click.echo(markdown_table())
        return
    chosen = [section] if section else [*SECTIONS]
    blocks = []
    for name in chosen:
        usage, lines = SECTIONS[name]
        blocks.append("\n".join([f"{name}  ({usage})", *(lines(section is not None) or ["  none"])]))
    click.echo("\n\n".join(blocks))


def _indented(lines: list[str]) -> list[str]:
    return [f"{'':{3 * INDENT}}{line}" for line in lines]
