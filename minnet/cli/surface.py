"""``minnet surface``: methods on a function of two variables, where one can watch them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minnet.cli.params import SectionedCommand, option
from minnet.cli.progress import columns
from minnet.errors import InputError

if TYPE_CHECKING:
    from minnet.optimizers import Range
    from minnet.surfaces import Surface, Track
    from minnet.surfaces.surface import Box, Point

WHERE, WHO, RESULT = "The surface", "The methods", "Result"
STEPS = 500


class Numbers(click.ParamType):
    """Numbers with commas between.

    Examples
    --------
    >>> Numbers().convert("1, 10,1e2", None, None)
    (1.0, 10.0, 100.0)
    """

    name = "numbers"

    def __init__(self, example: str = "1,10,100", count: int | None = None) -> None:
        self.example, self.count = example, count

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Return the numbers."""
        if not isinstance(value, str):
            return tuple(value)
        name = param.opts[0] if param else "numbers"
        try:
            numbers = tuple(float(part) for part in value.split(","))
        except ValueError:
            numbers = (math.nan,)
        if not all(map(math.isfinite, numbers)):
            raise InputError(f"{name} {value!r} is not a list of numbers: write for example {self.example}")
        if self.count and len(numbers) != self.count:
            raise InputError(f"{name} needs {self.count} numbers, as {self.example}, not {len(numbers)}")
        return numbers


class Rate(click.ParamType):
    """A step size, or a range of them: ``0.01`` or ``1e-4:1``.

    Examples
    --------
    >>> Rate().convert("0.01", None, None)
    0.01
    >>> Rate().convert("1e-4:1", None, None)
    Range(low=0.0001, high=1.0, scale='log')
    """

    name = "number or low:high"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | Range:
        """Return the number or the range."""
        from minnet.optimizers import Range

        if not isinstance(value, str):
            return value
        low, colon, high = value.partition(":")
        try:
            ends = (float(low), float(high)) if colon else (float(low),)
        except ValueError:
            ends = (math.nan,)
        fit = all(map(math.isfinite, ends)) and (ends[0] >= 0 if len(ends) == 1 else 0 < ends[0] < ends[1])
        if not fit:
            raise InputError(f"--lr {value!r} is neither a number from 0 nor a range: write 0.01, or 1e-4:1")
        return Range(*ends) if colon else ends[0]


@click.command(cls=SectionedCommand)
@click.argument("name", metavar="SURFACE", default="ravine")
@option(WHERE, "--condition", type=Numbers(), help="How many times steeper the ravine (or the noisy quadratic) is "
        "across than along (κ); several, as 1,10,100, print the steps needed against κ.  "
        "[default: 100; noisy: 10]")  # fmt: skip
@option(WHERE, "--angle", type=float, help="Degrees by which the ravine is turned.  [default: 0]")
@option(WHERE, "--noise", type=float, help="Of the noisy quadratic: standard deviation of the noise in its gradients "
        "along the gentle direction.  [default: 0.3]")  # fmt: skip
@option(WHERE, "--start", multiple=True, type=Numbers("-1,2", 2), help="Where to start, as -1,2; several times for "
        "several starts, of which medians count.  [default: the surface's own]")  # fmt: skip
@option(WHERE, "--starts", type=click.IntRange(1), help="So many random starts in the box, the same for all methods.")
@option(WHERE, "--box", type=Numbers("-3,3,-2,2", 4), help="What the picture shows: x low, x high, y low, y high, as "
        "-3,3,-2,2.  [default: the surface's own; for one of yours -3,3,-3,3]")  # fmt: skip
@option(WHERE, "--seed", default=0, type=click.IntRange(0), help="Of random starts and of noise.")
@option(WHO, "--optimizers", default="lecture", help="Names with commas between, lecture (its seven) or all.")
@option(WHO, "--steps", type=click.IntRange(1), help=f"Steps of every method.  [default: {STEPS}; against κ: "
        "20 κ, at least 500]")  # fmt: skip
@option(WHO, "--trials", default=20, type=click.IntRange(1), help="Step sizes that every method tries.")
@option(WHO, "--lr", type=Rate(), help="One step size for all instead of tuning; or, as 1e-4:1, one range to "
        "tune in instead of the declared ones.")  # fmt: skip
@option(RESULT, "--out", type=click.Path(path_type=Path, dir_okay=False), help="Picture: a .png or .svg file; "
        "animation: .gif, or .html with play, step and scrub.")  # fmt: skip
def command(
    name: str,
    condition: tuple[float, ...] | None,
    angle: float | None,
    noise: float | None,
    start: tuple[Point, ...],
    starts: int | None,
    box: Box | None,
    seed: int,
    optimizers: str,
    steps: int | None,
    trials: int,
    lr: float | Range | None,
    out: Path | None,
) -> None:
    """Let methods walk down a surface: table of steps, picture of the paths, animation.

    SURFACE is a name (minnet list surfaces), a function in a file as mine.py:f, or an expression in x and y as
    "x**2 + 3*sin(y)**2" (with + - * / ** and sin, exp, sqrt ...; one that begins with - goes into brackets). The
    function is f(x, y) -> value, differentiated by minnet, or f(point) -> (value, gradient).

    Every method starts at the same points, with the best of equally many step sizes from its declared range: the one
    with the fewest steps to 1e-6 of the height of the start above the minimum, or, where none gets there, with the
    lowest end. Where the minimum is not known, the lowest value that any method found in the box stands for it.

    What if the slope differs between dimensions?  minnet surface ravine --out ravine.png
    """
    from minnet import surfaces
    from minnet.lab.experiment import parse_optimizers
    from minnet.report.surface_figure import check_ending, write_surface

    entries = parse_optimizers(optimizers)
    if out is not None:
        check_ending(out)
    if start and starts:
        raise InputError("--start and --starts exclude one another: name the points, or how many")
    if condition is not None and len(condition) > 1:
        if out is not None or start or starts or box:
            raise InputError("--out, --start, --starts and --box need one condition number, not several")
        _against_condition(name, condition, angle or 0.0, entries, trials, steps, lr)
        return
    given = {"condition": condition[0] if condition else None, "angle": angle, "noise": noise}
    options: dict[str, float] = {option: value for option, value in given.items() if value is not None}
    if name == "noisy_quadratic":
        options["seed"] = seed
    surface = surfaces.find(name, start[0] if start else None, box, **options)
    points = surfaces.random_starts(surface, starts, seed) if starts else start or [surface.start]
    tracks = surfaces.race(surface, entries, steps or STEPS, trials, lr, points)
    click.echo("\n".join(table(surface, tracks)))
    if out is None:
        click.echo("picture: add --out race.png (or .svg; .gif and .html move)")
    else:
        click.echo(f"picture: {write_surface(surface, tracks, out)}")


def table(surface: Surface, tracks: Sequence[Track]) -> list[str]:
    """Return the race as lines."""
    first = tracks[0]
    several = len(first.results) > 1
    x, y = first.result.x[0]
    heights = sorted(float(result.f[0]) for result in first.results)
    start = (
        f"{len(heights)} points, f = {heights[0]:.4g} to {heights[-1]:.4g}"
        if several
        else f"({x:.3g}, {y:.3g}), f = {heights[0]:.4g}"
    )
    lowest = (
        f"down to {first.lowest:g}"
        if surface.lowest is not None
        else f"down to the lowest value found in the box, {first.lowest:.6g}"
    )
    lines = [
        f"{surface.title}:  f = {surface.formula}",
        f"from {start}, {lowest}; {len(first.result.f) - 1} steps",
        f"step size: the best of {first.trials}" if first.trials else "step size: as given, the same for all",
        "",
    ]
    rows = [("", "step size", "steps to 1e-2", "to 1e-6", "f at the end", *(["arrived"] if several else []), "")]
    for track in tracks:
        rows.append(
            (
                track.label,
                f"{track.lr:.4g}{'*' if track.edge else ''}",
                _count(track.near),
                _count(track.exact),
                "-" if math.isnan(track.final) else f"{track.final:.4g}",
                *([f"{track.arrived} of {len(track.results)}"] if several else []),
                _divergence(track),
            )
        )
    lines += columns(rows)
    lines += ["", "steps to 1e-2: until (f − lowest) / (f₀ − lowest) stays at or below 1e-2; not: it never does"]
    if several:
        lines += ["medians over the starts (of an even number, the larger of the middle two); arrived: at 1e-6"]
    return lines + _edge_note(tracks)


def _divergence(track: Track) -> str:
    diverged = [result for result in track.results if result.diverged]
    if not diverged:
        return ""
    return f"diverged from {len(diverged)}" if len(track.results) > 1 else f"diverged at step {diverged[0].steps + 1}"


def _count(steps: int | None) -> str:
    return "not" if steps is None else str(steps)


def _edge_note(tracks: Sequence[Track]) -> list[str]:
    note = "*: an end of the range searched, a better one may lie outside; --lr LOW:HIGH searches another range"
    return [note] if any(track.edge for track in tracks) else []


def _against_condition(
    name: str,
    conditions: tuple[float, ...],
    angle: float,
    entries: list[Any],
    trials: int,
    steps: int | None,
    lr: float | Range | None,
) -> None:
    """Print the steps needed against the condition number."""
    from minnet import surfaces

    if name != "ravine":
        raise InputError(f"{name} has no condition number: --condition belongs to ravine")
    conditions = tuple(sorted(set(conditions)))
    found = surfaces.scaling(conditions, entries, trials, angle, steps, lr)
    rows = [("", *(f"κ = {k:g}" for k in conditions), "grows like")]
    for label, tracks in found.items():
        power = surfaces.growth(conditions, [track.exact for track in tracks])
        cells = [_count(track.exact) + ("*" if track.edge else "") for track in tracks]
        rows.append((label, *cells, "" if math.isnan(power) else f"κ^{power:.2f}"))
    turned = f" turned by {angle:g}°" if angle else ""
    tuned = "as given" if isinstance(lr, int | float) else f"the best of {trials}"
    click.echo(f"steps to 1e-6 on ½ (x² + κ y²){turned}; step size: {tuned}")
    click.echo()
    click.echo("\n".join(columns(rows)))
    click.echo()
    click.echo("in theory: step size (and momentum) that are best when κ is known; growth: between the last two κ")
    for line in _edge_note([track for tracks in found.values() for track in tracks]):
        click.echo(line)
