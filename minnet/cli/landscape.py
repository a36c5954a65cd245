"""``minnet landscape``: the loss around the paths of a real training."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minnet.cli.params import (
    DATA_DIR_HELP,
    DATA_HELP,
    LIMITS,
    NETWORK,
    STYLE_HELP,
    TRAINING,
    SectionedCommand,
    option,
    spec_options,
)
from minnet.cli.progress import Live, columns, number, percent
from minnet.errors import InputError, check_name

if TYPE_CHECKING:
    from minnet.lab import Experiment
    from minnet.landscape import Landscape
    from minnet.training import RunSpec

DATA, METHODS, VIEW = "Data", "Methods", "The view"
OPTIMIZERS, TRIALS, SEED, WIDTH = "sgd,momentum,adam", 5, 1, 100


class Rates(click.ParamType):
    """Step sizes: ``0.1`` for all methods, or ``sgd=0.5,adam=0.01``.

    Examples
    --------
    >>> Rates().convert("0.1", None, None)
    0.1
    >>> Rates().convert("sgd=0.5, adam=0.01", None, None)
    {'sgd': 0.5, 'adam': 0.01}
    """

    name = "number or method=number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | dict[str, float]:
        """Return the step size of all, or those of some."""
        if not isinstance(value, str):
            return value
        pairs = [part.rpartition("=") for part in value.split(",")]
        try:
            rates = {name.strip(): float(rate) for name, _, rate in pairs}
        except ValueError:
            rates = {}
        alone = set(rates) == {""} and len(pairs) == 1
        if not rates or not all(0 <= rate < math.inf for rate in rates.values()) or ("" in rates and not alone):
            raise InputError(f"--lr {value!r} is no step size: write 0.1 for all methods, or sgd=0.5,adam=0.01")
        return rates[""] if alone else rates


@click.command(cls=SectionedCommand)
@click.argument("experiment", required=False)
@option(DATA, "--data", help=f"{DATA_HELP}  [default: digits]")
@option(DATA, "--data-dir", type=click.Path(path_type=Path), help=DATA_DIR_HELP)
@option(METHODS, "--optimizers", help="Names with commas between, lecture (its seven) or all.  "
        f"[default: {OPTIMIZERS}, or the experiment's]")  # fmt: skip
@option(METHODS, "--style", help=STYLE_HELP)
@option(METHODS, "--lr", type=Rates(), help="Step sizes instead of tuned ones: 0.1 for all methods, or "
        "sgd=0.5,adam=0.01 for some.")  # fmt: skip
@option(METHODS, "--trials", type=click.IntRange(1), help="Step sizes that each of the others tries.  "
        f"[default: {TRIALS}, or the experiment's]")  # fmt: skip
@option(METHODS, "--seed", default=SEED, type=click.IntRange(0), help="Of initial weights and order of batches.")
@option(METHODS, "--jobs", type=click.IntRange(1), help="Trials side by side.  [default: one per usable core]")
@spec_options(NETWORK, TRAINING, LIMITS, defaults=False)
@option(VIEW, "--points", default=21, type=click.IntRange(2), help="Points of each path, over all epochs, with their "
        "sharpness.")  # fmt: skip
@option(VIEW, "--cells", default=41, type=click.IntRange(2), help="Of the map, along each side.")
@option(VIEW, "--samples", default=2000, type=click.IntRange(1), help="Training samples that are evaluated, at most.")
@option(VIEW, "--out", type=click.Path(path_type=Path, dir_okay=False), help="Picture: a .png, .svg or .pdf file.")
def command(
    experiment: str | None,
    data_dir: Path | None,
    optimizers: str | None,
    lr: float | Mapping[str, float] | None,
    seed: int,
    jobs: int | None,
    points: int,
    cells: int,
    samples: int,
    out: Path | None,
    **options: Any,
) -> None:
    """Look at the loss around the paths of a training.

    Methods start from the same weights. Their paths are drawn on the plane of their two principal directions, with
    the training loss there as contours; training and validation loss are followed along the straight lines between
    their solutions, and the sharpness (the largest eigenvalue of the Hessian) along each path.

    EXPERIMENT is the folder of a finished comparison, whose selected step sizes are taken; or an experiment file, or
    the name of one that comes with minnet, whose methods are tuned first, with equal budgets.

    At the edge of stability:  minnet landscape --optimizers sgd --lr 0.5 --activation tanh --hidden 32,32,32
    --batch-size 100000 --epochs 240 --points 61
    """
    from minnet import landscape
    from minnet.lab.trials import load_split

    if out is not None:
        from minnet.report.landscape_figure import check_ending

        check_ending(out)
    if experiment is not None and Path(experiment).is_dir():
        runs = compared_runs(Path(experiment), optimizers, lr, seed, options)
    else:
        spec = with_rates(_resolve(experiment, optimizers, options), lr)
        runs = tuned_runs(spec, seed, data_dir, jobs)
    split = load_split(next(iter(runs.values())), data_dir)
    with Live(landscape.parts(runs, points, cells), "parts") as live:
        found = landscape.study(runs, split, points, cells, samples, lambda what: live.advance(note=what))
    click.echo("\n".join(summary(found)))
    if out is None:
        click.echo("picture: add --out landscape.png (or .svg, .pdf)")
    else:
        from minnet.report.landscape_figure import write_landscape

        click.echo(f"picture: {write_landscape(found, title(found), out)}")


def _resolve(source: str | None, optimizers: str | None, options: Mapping[str, Any]) -> Experiment:
    from minnet.lab import resolve

    given = {"optimizers": optimizers, **options}
    if source is None:
        own = {"name": "landscape", "data": "digits", "optimizers": OPTIMIZERS, "trials": TRIALS}
        return resolve({}, **{**own, **{key: value for key, value in given.items() if value is not None}}, seeds=1)
    return resolve(source, **given, seeds=1)


def with_rates(spec: Experiment, lr: float | Mapping[str, float] | None) -> Experiment:
    """Return an experiment with given step sizes, for all methods or for some."""
    if lr is None:
        return spec
    labels = [entry.label for entry in spec.entries]
    rates = lr if isinstance(lr, Mapping) else dict.fromkeys(labels, lr)
    for label in rates:
        check_name("method in --lr", label, labels)
    entries = []
    for entry in spec.entries:
        if entry.label in rates:
            searched = {name: axis for name, axis in entry.searched.items() if name != "lr"}
            entry = replace(entry, fixed={**entry.fixed, "lr": rates[entry.label]}, searched=searched)
        entries.append(entry)
    return replace(spec, entries=tuple(entries))


def tuned_runs(spec: Experiment, seed: int, data_dir: Path | None, jobs: int | None) -> dict[str, RunSpec]:
    """Return one run of every method of an experiment, tuned where something is left open."""
    hyper: dict[str, Mapping[str, float]] = {entry.label: entry.fixed for entry in spec.entries}
    if any(entry.searched for entry in spec.entries):
        from minnet.lab import compare

        with Live(1, "tuning") as live, live.notice(f"tuning {len(hyper)} methods ..."):
            rules = compare(spec, jobs=jobs, data_dir=data_dir).rules
        hyper = {label: rules[label]["hyperparameters"] for label in hyper}
    return {entry.label: spec.run_spec(entry, hyper[entry.label], seed) for entry in spec.entries}


def compared_runs(
    folder: Path,
    optimizers: str | None,
    lr: float | Mapping[str, float] | None,
    seed: int,
    options: Mapping[str, Any],
) -> dict[str, RunSpec]:
    """Return one run of every method of a finished comparison, as it was selected there."""
    from minnet.lab import load, resolve

    for name, value in {"lr": lr, **options}.items():
        if value is not None:
            raise InputError(f"{folder} holds a comparison with settings of its own: drop --{name.replace('_', '-')}")
    loaded = load(folder)
    spec = resolve(loaded.experiment)
    labels = [entry.label for entry in spec.entries if entry.label in loaded.rules]
    wanted = labels if optimizers is None else [name.strip() for name in optimizers.split(",")]
    for label in wanted:
        check_name("method of the comparison", label, labels)
    entries = {entry.label: entry for entry in spec.entries}
    return {label: spec.run_spec(entries[label], loaded.rules[label]["hyperparameters"], seed) for label in wanted}


def title(found: Landscape) -> str:
    """Return what stands above the picture.

    Its numbers are those of the runs: data, network, batch.
    """
    result = found.walks[0].result
    spec, widths = result.spec, "-".join(map(str, result.network.layout.widths))
    units = f" {spec.network.activation}" if spec.network.hidden else ""
    batch = "the whole training set" if found.full_batch else f"{spec.training.batch_size}"
    return f"{spec.data}, {widths}{units}, {spec.network.loss}; batch: {batch}"


def summary(found: Landscape) -> list[str]:
    """Return tables and sentences as lines."""
    from minnet.report.landscape_text import sentences

    head = f"{title(found)}; seed {found.walks[0].result.spec.seed}, {found.samples:,} training samples"
    lines = [head, "", *_methods(found)]
    if found.lines:
        lines += ["", *_pairs(found)]
    for sentence in sentences(found):
        lines += ["", *textwrap.wrap(sentence, WIDTH)]
    return [*lines, ""]


def _methods(found: Landscape) -> list[str]:
    rows = [("", "step size", "train loss", "validation", "way", "in the plane", "its loss there",
             "sharpness: start", "highest", "end", "bears")]  # fmt: skip
    for walk in found.walks:
        label, sharp = walk.label, found.sharpness[walk.label]
        limit = f"{found.limits[label][-1]:.3g}" if label in found.limits else "-"
        last = walk.result.history[-1]
        ended = f"  diverged at step {walk.result.diverged_step}" if walk.result.diverged else ""
        way = float(((walk.points[-1] - walk.points[0]) ** 2).sum() ** 0.5)
        rows.append((
            label, f"{walk.result.spec.optimizer.settings['lr']:.4g}", number(float(found.losses[label][-1])),
            percent(None if walk.result.diverged or math.isnan(last["val_accuracy"]) else last["val_accuracy"]),
            f"{way:.3g}", f"{100 * found.plane.share(walk.points):.0f} %", number(found.shadow_losses[label]),
            f"{sharp[0]:.3g}", f"{sharp.max():.3g}", f"{sharp[-1]:.3g}", limit + ended,
        ))  # fmt: skip
    return columns(rows)


def _pairs(found: Landscape) -> list[str]:
    rows = [("on the line between", "", "barrier", "at t", "train accuracy lost")]
    for line in found.lines:
        rows.append((line.first, line.second, f"{line.barrier:.3g}", f"{line.top:.2f}", percent(line.accuracy_lost)))
    return columns(rows)
