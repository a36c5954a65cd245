"""Option types that several commands share: what a user types, turned into plain Python values."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from typing import Any

import click

from minnet.errors import InputError, suggest

NO_LAYERS = ("", "none")
NETWORK, TRAINING, LIMITS = "Network", "Training", "Regularisation and limits (0: off)"
DATA_HELP = "A name (minnet list data), synthetic[:N[,SEED]], openml:NAME, a folder of IDX files or an .npz file."
DATA_DIR_HELP = "Folder to look in first, before MINNET_DATA and the user's cache."
STYLE_HELP = "Whose form and defaults of the method: paper, torch, ... (see minnet show NAME)."
DEVICE_HELP = "What to train on: cpu, or cuda: the first GPU (see minnet list --devices)."


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


class Targets(click.ParamType):
    """Validation accuracies to reach: ``0.95`` or ``0.9,0.95``, the first for the leaderboard.

    Examples
    --------
    >>> Targets().convert("0.9, 0.95", None, None)
    [0.9, 0.95]
    """

    name = "accuracies"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[float]:
        """Return the accuracies."""
        if not isinstance(value, str):
            return value
        try:
            return [float(part) for part in value.split(",")]
        except ValueError:
            raise InputError(f"--target {value!r} is no accuracy: write 0.95, or 0.9,0.95 for several") from None


class Vary(click.ParamType):
    """Values of one field of network or training: ``batch_size=32,128``.

    Examples
    --------
    >>> Vary().convert("batch_size=32,128", None, None)
    ('batch_size', [32, 128])
    >>> Vary().convert("schedule=constant,step:drop=0.5,every=5,cosine", None, None)
    ('schedule', ['constant', 'step:drop=0.5,every=5', 'cosine'])
    """

    name = "field=values"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, list[Any]]:
        """Return the field and its values."""
        if not isinstance(value, str):
            return value
        name, equals, text = (part.strip() for part in value.partition("="))
        if not (name and equals and text):
            raise InputError(f"--vary {value!r} is not FIELD=A,B: write for example --vary batch_size=32,128")
        name = name.replace("-", "_")
        between = ","
        if name == "schedule":  # whose parameters have commas between them, too
            from minnet import schedules

            between = rf",(?=\s*(?:{'|'.join(schedules.names())})\b(?!=))"
        return name, [_literal(part.strip()) for part in re.split(between, text)]


def _literal(text: str) -> int | float | bool | str:
    """Return the number or truth value that a text spells, else the text."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return {"true": True, "false": False}.get(text, text)


def varied(pairs: Sequence[tuple[str, list[Any]]]) -> dict[str, list[Any]]:
    """Return the fields given with ``--vary`` as a dict.

    Raises
    ------
    InputError
        If a field was given twice.
    """
    found: dict[str, list[Any]] = {}
    for name, values in pairs:
        if name in found:
            raise InputError(f"--vary {name} is given twice: write all its values in one, as {name}=A,B,C")
        found[name] = values
    return found


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


def _spec_table() -> dict[str, dict[str, dict[str, Any]]]:
    """Return the options of network and training: under which heading, with which settings."""
    share, amount = click.FloatRange(0, 1, max_open=True), click.FloatRange(0)
    of_share = {"default": 0.0, "type": share}
    of_amount = {"default": 0.0, "type": amount}
    return {
        NETWORK: {
            "--hidden": {
                "default": "128",
                "type": HiddenLayers(),
                "help": "Widths of the hidden layers, as 128,64; none: logistic regression.",
            },
            "--activation": {"default": "relu", "help": "Of the hidden units; see minnet list activations."},
            "--output": {
                "default": "auto",
                "help": "Activation of the output units; auto: what belongs to the loss.",
            },
            "--loss": {"default": "cross_entropy", "help": "See minnet list losses."},
            "--task": {
                "default": "classification",
                "type": click.Choice(["classification", "autoencoder"]),
                "help": "What the outputs are: the classes, or (autoencoder) the inputs again; accuracy is then the "
                "share of their variance explained.",
            },
            "--label-smoothing": {**of_share, "help": "Share of every target spread over all classes."},
            "--init": {
                "default": "auto",
                "help": "Initial weights, as he_normal or normal:0.05 (see minnet list initialisations); "
                "auto: what suits the activation.",
            },
            "--init-bias": {"default": "auto", "help": "Initial biases: zeros, normal:0.1, torch; auto: zeros."},
            "--dropout": {**of_share, "help": "Share of the hidden units dropped in every step."},
            "--input-dropout": {**of_share, "help": "Share of the inputs dropped in every step."},
            "--dtype": {
                "default": "float32",
                "type": click.Choice(["float32", "float64"]),
                "help": "Numbers of the network.",
            },
        },
        TRAINING: {
            "--epochs": {"default": 10, "type": click.IntRange(0), "help": "Passes over the training set."},
            "--batch-size": {"default": 128, "type": click.IntRange(1), "help": "Samples per step."},
            "--schedule": {
                "default": "constant",
                "help": "Step size over the run, as cosine or step:drop=0.5,every=5,per=epoch; "
                "see minnet list schedules.",
            },
            "--validation": {
                "default": 0.1,
                "type": share,
                "help": "Part of the training set that is held out to validate and to select on.",
            },
        },
        LIMITS: {
            "--l2": {**of_amount, "help": "Penalty l2/2 · |w|² in the loss."},
            "--weight-decay": {
                **of_amount,
                "help": "Decoupled decay: every step shrinks the weights by lr · weight-decay.",
            },
            "--decay-biases": {"is_flag": True, "default": False, "help": "Let both act on biases as well."},
            "--max-norm": {**of_amount, "help": "Largest norm of the weights into one unit."},
            "--clip-norm": {**of_amount, "help": "Largest norm of the whole gradient."},
            "--clip-value": {**of_amount, "help": "Largest size of one entry of the gradient."},
            "--augment": {
                "default": "none",
                "help": "Distort the training images anew in every epoch, as elastic or "
                "elastic:sigma=6,alpha=36,rotate=15,scale=0.15.",
            },
        },
    }


def spec_options(*sections: str, defaults: bool = True) -> Callable[[Callable], Callable]:
    """Return a decorator that adds the options of network and training that stand under these headings.

    Without `defaults`, an option that is not given is None.

    Examples
    --------
    >>> @click.command()
    ... @spec_options(NETWORK, defaults=False)
    ... def command(**options): ...
    >>> command.make_context("", ["--hidden", "16"]).params["hidden"]
    (16,)
    """
    table = _spec_table()
    rows = [(section, flag, settings) for section in sections for flag, settings in table[section].items()]

    def add(function: Callable) -> Callable:
        for section, flag, settings in reversed(rows):
            given = settings if defaults else {**settings, "default": None}
            function = option(section, flag, **given)(function)
        return function

    return add
