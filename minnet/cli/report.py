"""``minnet report``: everything that can be rebuilt from a store, and several stores on one page."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from minnet.errors import InputError

if TYPE_CHECKING:
    from minnet.lab import Comparison

KINDS = ("png", "svg", "pdf")
FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)  # a folder that can only be read still has a page, with --out


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Where to write the page [FOLDER/report.html].")
@click.option("--plain", is_flag=True, help="Print verdict, leaderboard and small curves; write nothing.")
@click.option(
    "--figures", metavar="KINDS", help="Also write all charts as files: png, svg, pdf, or several with commas."
)
@click.option(
    "--width",
    type=click.Choice(["one", "two"]),
    default="one",
    show_default=True,
    help="Columns of a paper that a figure takes.",
)
@click.option("--tex", type=click.Path(path_type=Path), help="Also write the leaderboard as a LaTeX table.")
@click.option("--parquet", is_flag=True, help="Write the tables as Parquet files, too.")
@click.option("--recover", is_flag=True, help="Save all readable runs of a damaged store; it is kept beside them.")
def command(folders: Sequence[Path], out: Path | None, plain: bool, figures: str | None, width: str, tex: Path | None,
            parquet: bool, recover: bool) -> None:  # fmt: skip
    """Rebuild page, tables and figures of the comparison in FOLDER, or of all those of a suite, from the store.

    Several folders are put on one page, report.html or where --out says.
    """
    kinds = _kinds(figures)
    if recover:
        _recover(_only(folders, "--recover"))
    elif plain:
        _print(folders)
    elif len(folders) > 1:
        for option, given in (("--figures", figures), ("--tex", tex), ("--parquet", parquet)):
            if given:
                _only(folders, option)
        _together(folders, out or Path("report.html"))
    else:
        _rebuild(folders[0], out, kinds, width, tex, parquet)


def _kinds(figures: str | None) -> list[str]:
    """Return the formats that were asked for."""
    kinds = [each.strip().lower() for each in (figures or "").split(",") if each.strip()]
    for kind in kinds:
        if kind not in KINDS:
            raise InputError(f"--figures {kind}: a figure can be {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    if figures is not None and not kinds:
        raise InputError(f"--figures says no format: give some of {', '.join(KINDS)}, separated by commas")
    return list(dict.fromkeys(kinds))


def _only(folders: Sequence[Path], option: str) -> Path:
    """Return the one folder that an option is for."""
    if len(folders) > 1:
        raise InputError(f"{option} is for one folder, not {len(folders)}: run it for each of them")
    return folders[0]


def _recover(folder: Path) -> None:
    from minnet.lab.recovery import recover as save

    kept, damaged = save(folder)
    click.echo(f"{kept} runs are saved, the damaged file is kept as {damaged}")
    click.echo("the command that began the comparison trains what is missing")


def _rebuild(folder: Path, out: Path | None, kinds: list[str], width: str, tex: Path | None, parquet: bool) -> None:
    from minnet.lab.suite import FILE, load_suite

    if (folder / FILE).is_file():
        from minnet.cli.suite import summary

        for option, given in (("--out", out), ("--tex", tex)):
            if given:
                raise InputError(
                    f"{option} is for one comparison, and {folder} is a suite: give the folder of a problem"
                )
        suite = load_suite(folder)
        for name, comparison in suite.comparisons.items():
            _save(comparison, folder / suite.folders[name], kinds, width, parquet)
        suite.save(folder)
        if parquet:
            from minnet.lab.export import write_parquet

            write_parquet(suite.tables(), folder)
        click.echo("\n".join(summary(suite, folder)))
        return
    from minnet.cli import compare
    from minnet.lab import load

    result = load(folder)
    try:
        _save(result, folder, kinds, width, parquet)
    except OSError as error:
        if error.errno not in FORBIDDEN:
            raise
        if out is None:
            raise InputError(f"cannot write to {folder} ({error.strerror}): --out says where else to write") from None
    click.echo("\n".join(compare.summary(result, folder)))
    if out is not None:
        click.echo(f"page:    {_page(result, out)}")
    if tex is not None:
        from minnet.report.latex import table

        _writing(tex, lambda: tex.write_text(table(result), encoding="utf-8"))
        click.echo(f"table:   {tex}")


def _save(comparison: Comparison, folder: Path, kinds: list[str], width: str, parquet: bool) -> None:
    comparison.save(folder)
    if kinds:
        from minnet.report.figures import write_figures

        write_figures(comparison, folder / "figures", kinds, width, everything=True)
    if parquet:
        from minnet.lab.export import write_parquet

        write_parquet(comparison.tables(), folder)


def _comparisons(folders: Sequence[Path]) -> dict[str, Comparison]:
    """Return the comparisons of some folders, those of a suite one by one, by names that tell them apart."""
    from minnet.lab import load
    from minnet.lab.suite import FILE, load_suite

    found: dict[str, Comparison] = {}
    for folder in folders:
        name = folder.name or folder.resolve().name
        name = name if sum((f.name or f.resolve().name) == name for f in folders) == 1 else str(folder)
        if (folder / FILE).is_file():
            found |= {f"{name}: {problem}": each for problem, each in load_suite(folder).comparisons.items()}
        else:
            found[name] = load(folder)
    return found


def _together(folders: Sequence[Path], out: Path) -> None:
    found = _comparisons(folders)
    click.echo(f"page:    {_page(found, out)}")


def _page(shown: Comparison | dict[str, Comparison], out: Path) -> Path:
    from minnet.report.page import write_page

    path = out / "report.html" if out.is_dir() else out
    _writing(path, lambda: write_page(shown, path))
    return path


def _writing(path: Path, write: Callable[[], object]) -> None:
    """Write a file, or say in one line why not."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write()
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; choose another place") from None


def _print(folders: Sequence[Path]) -> None:
    from minnet.report.plain import text

    shown = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if shown else None
    found = _comparisons(folders)
    for name, comparison in found.items():
        if len(found) > 1:
            click.echo(f"== {name}")
        click.echo(text(comparison, width, plain=not shown or "NO_COLOR" in os.environ))
        if len(found) > 1:
            click.echo()
