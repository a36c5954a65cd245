"""``minnet bench``: this machine, now, against the libraries that are installed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minnet.cli.params import (
    DATA_DIR_HELP,
    DATA_HELP,
    DEVICE_HELP,
    HiddenLayers,
    SectionedCommand,
    Setting,
    option,
    settings,
)
from minnet.cli.progress import Live, columns, on_terminal
from minnet.errors import InputError, check_name

if TYPE_CHECKING:
    from minnet.bench.race import Outcome
    from minnet.bench.task import Task

TRAINING, RACE, RESULT = "The training", "The race", "Result"
PEERS = {
    "cpu": "minnet,jax,torch,torch-fused,torch-compile,sklearn,roof",
    "cuda": "minnet-cuda,jax-vmap,torch-vmap,minnet",
}


class Counts(click.ParamType):
    """Whole numbers from 1 with commas between.

    Examples
    --------
    >>> Counts().convert("32,128", None, None)
    (32, 128)
    """

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Return the numbers."""
        if not isinstance(value, str):
            return tuple(value)
        parts = [part.strip() for part in value.split(",")]
        if not all(part.isdecimal() and int(part) > 0 for part in parts):
            name = param.opts[0] if param else "numbers"
            raise InputError(f"{name} {value!r} is not a list of whole numbers from 1: write for example 32,128,512")
        return tuple(int(part) for part in parts)


@click.command(cls=SectionedCommand)
@option(TRAINING, "--data", default="mnist", help=DATA_HELP)
@option(TRAINING, "--data-dir", type=click.Path(path_type=Path), help=DATA_DIR_HELP)
@option(TRAINING, "--samples", type=click.IntRange(1), help="Training samples to use.  [default: all]")
@option(TRAINING, "--hidden", default="128", type=HiddenLayers(), help="Widths of the hidden layers.")
@option(TRAINING, "--activation", default="relu", help="Of the hidden units.")
@option(TRAINING, "--optimizer", default="adam", help="One that the peers have too: the lecture's seven.")
@option(TRAINING, "--set", "pairs", multiple=True, type=Setting(), help="A hyperparameter, as lr=0.01.")
@option(TRAINING, "--batch-size", default="32,128,512", type=Counts(), help="Samples per step; each is a race.")
@option(TRAINING, "--dtype", default="float32", type=click.Choice(["float32", "float64"]), help="Of the numbers.")
@option(RACE, "--peers", help="Who takes part; NAME@2: with two threads, whatever --threads says.  [default: "
        f"{PEERS['cpu']}; on a GPU {PEERS['cuda']}]")  # fmt: skip
@option(RACE, "--threads", default="1", type=Counts(), help="Cores that each may use; each number is a race.")
@option(RACE, "--rounds", default=9, type=click.IntRange(1), help="Timed epochs of each.")
@option(RACE, "--seed", default=0, type=click.IntRange(0), help="Of initial weights and order of samples.")
@option(RACE, "--device", default="cpu", help=DEVICE_HELP)
@option(RACE, "--runs", default="1,132,528,1056", type=Counts(), help="Trainings side by side on a GPU; each number is "
        "a race.")  # fmt: skip
@option(RESULT, "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="All that was measured.")
@option(RESULT, "--figure", type=click.Path(path_type=Path, dir_okay=False), help="Picture: a .png or .svg file.")
@option(RESULT, "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for bench.json and bench.png.")
def command(
    peers: str | None,
    threads: tuple[int, ...],
    rounds: int,
    device: str,
    json_file: Path | None,
    figure: Path | None,
    out: Path | None,
    **options: Any,
) -> int | None:
    """Time an epoch here, of minnet and of every peer that is installed.

    Each contestant runs in a process of its own and trains the same network from the same weights on the same
    samples; they take turns, one epoch each, and never compute at once. Compilation and the first epochs do not
    count. The peers come with  pip install "minnet[bench]".
    """
    check_name("device", device, ("cpu", "cuda"))
    if device != "cpu":
        from minnet.cuda import devices

        devices.require()
    if device != "cpu" and figure:
        raise InputError("--figure shows races on the CPU; drop it with --device cuda")

    from minnet.bench import device_table
    from minnet.bench.figure import check_picture, write_figure
    from minnet.bench.race import WARM_UP, race
    from minnet.bench.table import EXPLANATION

    json_file, figure = json_file or (out and out / "bench.json"), figure or (out and out / "bench.png")
    figure = figure if device == "cpu" else None
    for target in filter(None, (json_file, figure)):
        target.parent.mkdir(parents=True, exist_ok=True)
    if figure:
        check_picture(figure)
    labels = list(dict.fromkeys(label.strip() for label in (peers or PEERS[device]).split(",")))
    outcomes = []
    runs = options.pop("runs")
    for task in on_device(tasks(threads, options), device, runs):
        with Live(rounds + WARM_UP, "rounds") as live:
            outcome = race(task, labels, rounds, tell=live._describe, tick=live.advance)
        show(outcome)
        outcomes.append(outcome)
    click.echo(EXPLANATION if device == "cpu" else device_table.EXPLANATION)
    if json_file:
        json_file.write_text(json.dumps(record(outcomes), indent=1) + "\n", encoding="utf-8")
    if figure:
        write_figure(outcomes, figure)
    for target in filter(None, (json_file, figure)):
        click.echo(f"saved {target}")
    wrong = [f"{label}: {reason}" for outcome in outcomes for label, reason in outcome.strangers().items()]
    for line in wrong:
        click.echo(f"minnet: error: trained something else: {line}", err=True)
    return 1 if wrong else None


def tasks(threads: Sequence[int], options: dict[str, Any]) -> list[Task]:
    """Return a task for every number of threads and every batch size."""
    from minnet.bench.task import Task
    from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

    data_dir = options["data_dir"]
    return [
        Task(
            RunSpec(
                data=options["data"],
                network=NetworkSpec(options["hidden"], options["activation"]),
                training=TrainingSpec(batch_size=batch, validation=0.0, dtype=options["dtype"]),
                optimizer=OptimizerSpec(options["optimizer"], hyper=settings(options["pairs"])),
                seed=options["seed"],
            ),
            cores,
            options["samples"],
            str(data_dir) if data_dir else None,
        )
        for cores in threads
        for batch in options["batch_size"]
    ]


def on_device(tasks: Sequence[Task], device: str, runs: Sequence[int]) -> list[Task]:
    """Return the tasks for a device: on a GPU, one for every number of runs."""
    from dataclasses import replace

    if device == "cpu":
        return [*tasks]
    return [replace(task, device=device, runs=count) for task in tasks for count in runs]


def show(outcome: Outcome) -> None:
    """Print a race: as a rich table on a terminal, in plain columns elsewhere."""
    from minnet.bench import device_table, table

    click.echo(table.title(outcome))
    rows = table.rows(outcome) if outcome.task.device == "cpu" else device_table.rows(outcome)
    if on_terminal():
        from rich.console import Console
        from rich.table import Table

        drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for place, head in enumerate(rows[0]):
            drawn.add_column(head, justify="right" if place else "left", no_wrap=True)
        for row in rows[1:]:
            drawn.add_row(*row, style="bold" if row[0].startswith("minnet") else None)
        Console().print(drawn)
    else:
        click.echo("\n".join(columns(rows)))
    for line in table.notes(outcome):
        click.echo(line)
    click.echo()


def record(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the races and what they were measured with, as plain types."""
    from datetime import UTC, datetime

    from minnet import machine
    from minnet.bench import facts
    from minnet.lab import provenance

    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": provenance.command(),
        "versions": machine.versions() | facts.peer_versions(),
        "hardware": machine.hardware(),
        "environment": facts.environment(),
        "races": [outcome.to_dict() for outcome in outcomes],
    }
