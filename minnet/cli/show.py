"""``minnet show``: one optimizer or one schedule, as it runs here."""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from minnet import optimizers, schedules
from minnet.cli.progress import Live, columns
from minnet.errors import InputError, suggest

if TYPE_CHECKING:
    import numpy as np

    from minnet.optimizers import Method, Range
    from minnet.schedules import Schedule

GRADIENTS = (1e-4, 1.0)
STEPS = 5
SHOWN = (1, 2, 3, 5, 10, 20, 50)  # steps of the anatomy, and the last one
SAME = 1e-9
PLOT_WIDTH, PLOT_HEIGHT = 64, 4
BLOCKS = " ▁▂▃▄▅▆▇█"
EPOCHS = 10


@click.command()
@click.argument("name")
@click.option("--style", default="paper", show_default=True, help="Whose form and defaults: paper, torch, ...")
@click.option("--anatomy/--no-anatomy", default=True, help="Follow a real weight of a network in training.")
@click.option("--figure", type=click.Path(path_type=Path), help="Draw that weight's steps: a PNG, SVG or PDF file.")
@click.option(
    "--lr", type=click.FloatRange(0), help="Step size to show it with.  [default: the method's; 1 for a schedule]"
)
@click.option(
    "--steps",
    default=1000,
    show_default=True,
    type=click.IntRange(EPOCHS),
    help="Length of the run over which a schedule is drawn, a tenth of it being an epoch.",
)
def command(name: str, style: str, anatomy: bool, figure: Path | None, lr: float | None, steps: int) -> None:
    """Show an optimizer or a schedule: formula, rule, defaults, source, and what it does.

    NAME is one of those in `minnet list`, or a method of your own, FILE.py:FUNCTION. A schedule may bring its
    parameters: minnet show step:drop=0.5,every=100
    """
    if name.partition(":")[0] in schedules.names():
        click.echo("\n".join(_schedule(schedules.parse(name, lr), steps)))
    elif optimizers.known(name):
        click.echo("\n".join(_optimizer(name, style, lr)))
        method = optimizers.get(name, style)
        if method.full_batch or not (anatomy or figure):
            return
        with Live(1, "steps") as live, live.notice("compiling and training a small network ..."):
            lines = anatomy_lines(method, style, lr, figure)
        click.echo("\n".join(_section("Anatomy of a step", lines)))
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
    title = "Rule, for one weight" if method.rule or method.base else "Update, for all weights"
    lines += _section(title, method.source.rstrip().splitlines())
    lines += _section("Its coefficients, for every step t", _coefficients(method))
    lines += _section("Defaults", _defaults(name))
    lines += _section("Tuned in", columns([(key, describe_range(r)) for key, r in method.space.items()]))
    lines += _section("Remembered per weight", [", ".join(method.slots) or "nothing"])
    rate = method.settings({} if lr is None else {"lr": lr})["lr"]
    for gradient in () if method.full_batch else GRADIENTS:
        title = f"First steps under a constant gradient {gradient:g}, step size α = {rate:g}"
        lines += _section(title, _first_steps(method, gradient, rate))
    if len(optimizers.get(name).style_names) > 1:
        other = _other_rules(name, style)
        lines += _section("Written otherwise by", other) if other else []
        if rate and not method.full_batch:
            lines += _section(f"Styles side by side, each with its own defaults but α = {rate:g}",
                              _side_by_side(name, style, rate))  # fmt: skip
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
    """Run the method itself on one weight."""
    from minnet.optimizers.steps import first_steps

    rows = [("t", *method.slots, "w", "step", "step/α")]
    for row in first_steps(method, gradient, lr, STEPS):
        values = (*(row[name] for name in (*method.slots, "w", "step")), row["step"] / lr if lr else 0.0)
        rows.append((str(row["t"]), *(f"{value:.5g}" for value in values)))
    return columns(rows, gap=3)


def _side_by_side(name: str, style: str, lr: float) -> list[str]:
    """Let all styles take the same steps."""
    from minnet.optimizers.steps import deviation, side_by_side

    methods = {each: optimizers.get(name, each) for each in (style, *optimizers.get(name).style_names)}
    lines = []
    for gradient in GRADIENTS:
        rows = side_by_side(methods, gradient, lr, STEPS)
        ratios = {each: deviation(rows, style, each) for each in methods}
        lines.append(f"gradient {gradient:g}: way so far, in units of α")
        table = [("  t", *methods), *[(f"  {row['t']}", *(f"{row[each]:.5g}" for each in methods)) for row in rows]]
        table.append(("  differs by", *("" if each == style else _factor(ratios[each]) for each in methods)))
        lines += columns(table, gap=3)
    return lines


def _factor(ratio: float) -> str:
    if ratio < 1 + SAME:
        return "nothing"
    return f"factor {ratio:.3g}" if ratio >= 1.1 else f"{100 * (ratio - 1):.1g} %"


def _other_rules(name: str, style: str) -> list[str]:
    """Return the formulas of those styles that have another one."""
    here = optimizers.get(name, style)
    groups: dict[str, list[str]] = {}
    for each in optimizers.get(name).style_names:
        method = optimizers.get(name, each)
        if (method.formula, method.source) != (here.formula, here.source):
            groups.setdefault(method.formula, []).append(each)
    lines = []
    for formula, styles in groups.items():
        lines += [f"{', '.join(styles)}:", *(f"  {line}" for line in formula.splitlines())]
    return lines


def anatomy_lines(method: Method, style: str, lr: float | None, figure: Path | None) -> list[str]:
    """Return the anatomy of a step as a table; draw it if asked to."""
    from minnet.lab.anatomy import STEPS as LAST
    from minnet.lab.anatomy import anatomy

    found = anatomy(method, style, {} if lr is None else {"lr": lr})
    rows = found.at((*SHOWN, LAST))
    cells = [tuple(rows[0]), *[(str(row["t"]), *(f"{v:.4g}" for k, v in row.items() if k != "t")) for row in rows]]
    lines = textwrap.wrap(found.place, 100) + columns(cells, gap=3)
    if figure is not None:
        from minnet.report.anatomy_figure import write_anatomy

        write_anatomy(found.rows, f"{method.title} ({style})", found.place, figure)
        lines += [f"drawn in {figure}"]
    return lines


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
