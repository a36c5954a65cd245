"""``minnet show``: one optimizer or one schedule, as it runs here."""

from __future__ import annotations

import inspect
import textwrap
from typing import TYPE_CHECKING

import click

from minnet import optimizers, schedules
from minnet.cli.progress import columns
from minnet.errors import InputError, suggest

if TYPE_CHECKING:
    import numpy as np

    from minnet.optimizers import Method, Range
    from minnet.schedules import Schedule

GRADIENTS = (1e-4, 1.0)
STEPS = 5
PLOT_WIDTH, PLOT_HEIGHT = 64, 4
BLOCKS = " ▁▂▃▄▅▆▇█"
EPOCHS = 10


@click.command()
@click.argument("name")
@click.option("--style", default="paper", show_default=True, help="Whose form and defaults: paper, torch, ...")
@click.option("--lr", type=float, help="Step size to show it with.  [default: the method's; 1 for a schedule]")
@click.option(
    "--steps",
    default=1000,
    show_default=True,
    type=click.IntRange(EPOCHS),
    help="Length of the run over which a schedule is drawn, a tenth of it being an epoch.",
)
def command(name: str, style: str, lr: float | None, steps: int) -> None:
    """Show an optimizer or a schedule: formula, rule, defaults, source, and what it does.

    NAME is one of those in `minnet list`. A schedule may bring its parameters:
    minnet show step:drop=0.5,every=100
    """
    if name in optimizers.names():
        click.echo("\n".join(_optimizer(name, style, lr)))
    elif name.partition(":")[0] in schedules.names():
        click.echo("\n".join(_schedule(schedules.parse(name, lr), steps)))
    else:
        known = [*optimizers.names(), *schedules.names()]
        raise InputError(f"no optimizer or schedule {name!r}: {suggest(name.partition(':')[0], known)}")


def describe_range(space: Range) -> str:
    """Return a search range as text.

    Examples
    --------
    >>> from minnet.optimizers import Range
    >>> describe_range(Range(1e-5, 0.1))
    '1e-05 .. 0.1 (log)'
    """
    return f"{space.low:g} .. {space.high:g} ({space.scale})"


def _optimizer(name: str, style: str, lr: float | None) -> list[str]:
    method = optimizers.get(name, style)
    lines = [f"{method.title}  ({name}, as in {'the paper' if style == 'paper' else style})"]
    if method.purpose:
        lines += textwrap.wrap(method.purpose, 100)
    lines += _section("Update", method.formula.splitlines())
    lines += _section("Rule, for one weight", method.source.rstrip().splitlines())
    lines += _section("Its coefficients, for every step t", _coefficients(method))
    lines += _section("Defaults", _defaults(name))
    lines += _section("Tuned in", columns([(key, describe_range(r)) for key, r in method.space.items()]))
    lines += _section("Remembered per weight", [", ".join(method.slots) or "nothing"])
    for gradient in GRADIENTS:
        rate = method.settings({} if lr is None else {"lr": lr})["lr"]
        title = f"First steps under a constant gradient {gradient:g}, step size α = {rate:g}"
        lines += _section(title, _first_steps(method, gradient, rate))
    lines += _section("Source", textwrap.wrap(method.paper, 100))
    lines += _section("Elsewhere", textwrap.wrap(method.notes, 100)) if method.notes else []
    return lines


def _section(title: str, body: list[str]) -> list[str]:
    return ["", title, *(f"  {line}".rstrip() for line in body)]


def _coefficients(method: Method) -> list[str]:
    from minnet.optimizers.base import given

    names = [", ".join(method.columns)]
    if method.coefficients is given:
        return names
    return [*names, *inspect.getsource(method.coefficients).rstrip().splitlines()]


def _defaults(name: str) -> list[str]:
    """One column per style."""
    styles = optimizers.get(name).style_names
    defaults = {style: optimizers.get(name, style).defaults for style in styles}
    rows = [("", *styles)]
    rows += [(key, *(f"{defaults[style][key]:g}" for style in styles)) for key in defaults["paper"]]
    return columns(rows)


def _first_steps(method: Method, gradient: float, lr: float) -> list[str]:
    """Run the rule itself on one weight that starts at 0."""
    import numpy as np

    if method.rule is None:
        return ["(moves whole layers: see its rule)"]
    hyper = {key: value for key, value in method.defaults.items() if key != "lr"}
    table = method.table(np.arange(STEPS), np.full(STEPS, lr), hyper)
    rows = [("t", *method.slots, "w", "step", "step/α")]
    w, slots = 0.0, [0.0] * len(method.slots)
    for t, row in enumerate(table, start=1):
        before, moved = w, method.rule(w, gradient, *slots, *row.tolist())
        w, *slots = moved if isinstance(moved, tuple) else (moved,)
        values = (*slots, w, w - before, (w - before) / lr if lr else 0.0)
        rows.append((str(t), *(f"{value:.5g}" for value in values)))
    return columns(rows, gap=3)


def _schedule(schedule: Schedule, steps: int) -> list[str]:
    import numpy as np

    kind = schedule.kind
    bound = schedule.bind(total_steps=steps, steps_per_epoch=max(1, steps // EPOCHS))
    parameters = [
        (name, p.default_text or f"{p.default:g}", f"{p.low:g} .. {p.high:g}", p.meaning)
        for name, p in kind.parameters.items()
    ]
    lines = [f"{kind.name}: {kind.title}"]
    lines += _section("Step size", [kind.formula, "t: steps (per=epoch: epochs) since the warm-up, T: all of them"])
    if parameters:
        lines += _section("Parameters", columns([("", "default", "range", ""), *parameters]))
    lines += _section("Here", [schedule.describe()])
    points = np.linspace(0, steps - 1, PLOT_WIDTH).round().astype(int)
    lines += _section(f"Over a run of {steps} steps", plot(bound(points)))
    if kind.name == "plateau":
        lines.append("  (drawn for a validation loss that keeps falling; it shrinks when that stops)")
    return lines + (_section("Source", [kind.reference]) if kind.reference else [])


def plot(values: np.ndarray, height: int = PLOT_HEIGHT) -> list[str]:
    """Return a bar chart in text: one character per value, from 0 to the largest.

    Parameters
    ----------
    values : array of shape (n,)
        Not negative.
    height : int
        Lines.

    Examples
    --------
    >>> import numpy as np
    >>> plot(np.array([0.25, 0.5, 1.0]), height=2)
    ['1 ┤  █', '0 ┤▄██']
    """
    top = float(values.max()) or 1.0
    fine = len(BLOCKS) - 1
    eighths = [round(float(value) / top * height * fine) for value in values]
    label = f"{top:.3g}"
    lines = []
    for level in reversed(range(height)):
        text = label if level == height - 1 else "0" if level == 0 else ""
        bar = "".join(BLOCKS[min(max(e - level * fine, 0), fine)] for e in eighths)
        lines.append(f"{text:>{len(label)}} ┤{bar}".rstrip())
    return lines
