"""Option types that several commands share: what a user types, turned into plain Python values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from minnet.errors import InputError, suggest

NO_LAYERS = ("", "none")


class HiddenLayers(click.ParamType):
    """Widths of the hidden layers: ``128,64``, or ``none`` for no hidden layer.

    Examples
    --------
    >>> HiddenLayers().convert("128, 64", None, None)
    (128, 64)
    >>> HiddenLayers().convert("none", None, None)
    ()
    """

    name = "widths"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Return the widths."""
        if not isinstance(value, str):
            return tuple(value)
        if value.strip().lower() in NO_LAYERS:
            return ()
        try:
            widths = tuple(int(width) for width in value.split(","))
        except ValueError:
            widths = (0,)
        if min(widths) < 1:
            raise InputError(
                f"--hidden {value!r} is not a list of layer widths: write 128,64, or none for no hidden layer"
            )
        return widths


class Setting(click.ParamType):
    """A hyperparameter: ``name=value``.

    Examples
    --------
    >>> Setting().convert("beta1=0.9", None, None)
    ('beta1', 0.9)
    """

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        """Return the pair."""
        if not isinstance(value, str):
            return value
        name, equals, number = value.partition("=")
        try:
            if not (name.strip() and equals):
                raise ValueError
            return name.strip(), float(number)
        except ValueError:
            raise InputError(f"--set {value!r} is not name=value: write for example --set beta1=0.9") from None


def settings(pairs: tuple[tuple[str, float], ...]) -> dict[str, float]:
    """Return the hyperparameters given with ``--set`` as a dict.

    Raises
    ------
    InputError
        If a name was given twice.

    Examples
    --------
    >>> settings((("beta1", 0.9), ("eps", 1e-8)))
    {'beta1': 0.9, 'eps': 1e-08}
    """
    found: dict[str, float] = {}
    for name, value in pairs:
        if name in found:
            raise InputError(f"--set {name} is given twice: {found[name]:g} and {value:g}")
        found[name] = value
    return found


class NearestGroup(click.Group):
    """A group that names the nearest command when there is none of that name."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return name, command and the arguments left for it."""
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-"):
            path = f"{ctx.command_path} {args[0]}"
            raise InputError(f"there is no command {path!r}: {suggest(args[0], known)}")
        return super().resolve_command(ctx, args)


class SectionOption(click.Option):
    """An option that stands under a heading of its command's help."""

    def __init__(self, *args: Any, section: str, **settings: Any) -> None:
        self.section = section
        super().__init__(*args, **settings)


class SectionedCommand(click.Command):
    """A command whose help groups its options under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, heading by heading."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                sections.setdefault(getattr(param, "section", "Other"), []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def option(section: str, *names: str, **settings: Any) -> Callable[[Callable], Callable]:
    """Return a `click.option` under a heading, with its default shown unless that says nothing."""
    shown = settings.get("default") not in (None, ())
    return click.option(*names, **{"cls": SectionOption, "section": section, "show_default": shown, **settings})
