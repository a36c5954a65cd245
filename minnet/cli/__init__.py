"""The command line: one file per command, each loaded only when it is called.

Here are the table of commands and what becomes of an error: one line on stderr and an exit code
(0 done, 2 bad input, 130 interrupted), never a traceback for what a user can put right.
"""

from __future__ import annotations

import errno
import importlib
import io
import signal
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from minnet import __version__
from minnet.cli.params import NearestGroup
from minnet.errors import InputError

__all__ = ["group", "main"]

# name: (module with a `command`, the line in `minnet --help`, which must not import that module)
COMMANDS = {
    "train": ("train", "Train one network and watch its epochs."),
    "compare": ("compare", "Let methods race: equal tuning, paired seeds, one page with the result."),
    "report": ("report", "Rebuild page, tables and figures of a comparison."),
    "show": ("show", "One optimizer or schedule: rule, formula, defaults, first steps."),
    "experiment": ("experiment", "The lecture's and the papers' questions: each run, drawn and checked."),
    "surface": ("surface", "Methods on a function of two variables: paths, steps needed, picture."),
    "landscape": ("landscape", "The loss around the paths of a training: plane, lines, sharpness."),
    "bench": ("bench", "Epoch seconds on this machine, beside other libraries."),
    "new-method": ("new_method", "Begin a method of your own: a file with a working one, explained."),
    "list": ("listing", "Optimizers, schedules, activations, losses, data sets, experiments."),
    "data": ("data", "Data sets: what is here, what is missing, where it comes from."),
}

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
DISK_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


class Commands(NearestGroup):
    """A group that imports a command when it is used and tells every error in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f"minnet.cli.{COMMANDS[cmd_name][0]}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]
        """Run the command line and leave with its exit code."""
        extra["standalone_mode"] = False
        try:
            code = super().main(args, prog_name or "minnet", **extra)
        except InputError as error:
            code = _complain(str(error))
        except click.UsageError as error:
            where = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
            code = _complain(error.format_message().rstrip(".") + where)
        except click.ClickException as error:
            code = _complain(error.format_message())
        except (click.Abort, KeyboardInterrupt):
            code = INTERRUPTED
        except OSError as error:
            if error.errno in DISK_FULL:
                code = _complain(
                    "the disk is full: make room and give the same command again; what is finished is kept"
                )
            elif error.filename is None:
                raise
            else:
                code = _complain(f"{error.filename}: {error.strerror}")
        except MemoryError as error:
            code = _complain(f"not enough memory: {error}")
        if code == INTERRUPTED and args is None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # this process is ending: another Ctrl-C is no news
        sys.exit(code if isinstance(code, int) else DONE)


def _warning_line(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """Return a warning as the one line that a user can use; others as Python writes them."""
    if category is UserWarning:
        return f"minnet: warning: {' '.join(str(message).split())}\n"
    return f"{category.__name__}: {message}\n"


def _complain(text: str) -> int:
    """Say on one line of stderr what is wrong."""
    click.echo(f"minnet: error: {' '.join(text.split())}", err=True)
    return BAD_INPUT


@click.group(
    "minnet",
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Start with:  minnet compare   (the lecture's race on the embedded digits)",
)
@click.version_option(__version__, prog_name="minnet", message="%(prog)s %(version)s")
@click.pass_context
def group(ctx: click.Context) -> None:
    """Train neural networks from scratch and compare optimization methods."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run ``minnet``, by default with the arguments of the process, and leave with its exit code.

    Examples
    --------
    >>> try:
    ...     main(["--version"])
    ... except SystemExit as end:
    ...     end.code
    minnet ...
    0
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a formula must not fail where the console knows no α
            stream.reconfigure(errors="replace")
    plain = warnings.formatwarning
    warnings.formatwarning = _warning_line
    try:
        group.main(args)
    finally:
        warnings.formatwarning = plain
