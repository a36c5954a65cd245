"""``minnet train``: one run, watched."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minnet.cli.params import (
    DATA_DIR_HELP,
    DATA_HELP,
    DEVICE_HELP,
    LIMITS,
    NETWORK,
    STYLE_HELP,
    TRAINING,
    SectionedCommand,
    Setting,
    option,
    settings,
    spec_options,
)
from minnet.cli.progress import EpochTable, Live, columns, duration, number, percent
from minnet.errors import InputError

if TYPE_CHECKING:
    from minnet.data import Split
    from minnet.training import RunResult, RunSpec

NETWORK_EXTRAS = ("label_smoothing", "dropout", "input_dropout")
TRAINING_EXTRAS = ("l2", "weight_decay", "decay_biases", "max_norm", "clip_norm", "clip_value")
DATA, METHOD, RUN = "Data", "Method", "Run"


@click.command(cls=SectionedCommand)
@option(DATA, "--data", default="digits", help=DATA_HELP)
@option(DATA, "--data-dir", type=click.Path(path_type=Path), help=DATA_DIR_HELP)
@spec_options(NETWORK)
@option(METHOD, "--optimizer", default="adam", help="See minnet list optimizers; your own: FILE.py:FUNCTION.")
@option(METHOD, "--style", default="paper", help=STYLE_HELP)
@option(METHOD, "--lr", type=click.FloatRange(0), help="Step size.  [default: the method's own]")
@option(
    METHOD,
    "--set",
    "pairs",
    multiple=True,
    type=Setting(),
    help="Another hyperparameter, as beta1=0.8; may be repeated.  [default: the method's own]",
)
@spec_options(TRAINING, LIMITS)
@option(RUN, "--seed", default=0, type=click.IntRange(0), help="Of initial weights, order of batches and dropout.")
@option(RUN, "--device", default="cpu", help=DEVICE_HELP)
@option(RUN, "--threads", default=1, type=click.IntRange(1), help="Threads of the matrix products.")
@option(
    RUN,
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for history.jsonl, result.json and model.safetensors.",
)
def command(data_dir: Path | None, device: str, threads: int, out: Path | None, **options: Any) -> int | None:
    """Train one network and watch its epochs.

    A run that diverges is a result as well: it says at which step. Ctrl-C stops after the epoch that runs and
    keeps what is there; Ctrl-C again stops at once.
    """
    spec = build_spec(options)
    if device != "cpu":  # what else there is takes a moment to load
        from minnet.lab.engine import check_device

        check_device(device, runs=[spec])
    if out is not None:
        _prepare(out)

    from minnet import data

    with Live(spec.training.epochs, "epochs") as live:
        with live.notice(f"loading {spec.data} ..."):
            dataset = data.load_dataset(spec.data, data_dir)
            split = dataset.split(spec.training.validation, spec.training.split_seed)
        for line in describe(spec, split, threads, device):
            live.print(line)
        result, interrupted = _train(spec, split, threads, device, live)
    for line in outcome(result, interrupted):
        click.echo(line)
    if out is not None:
        result.save(out)
        click.echo(f"saved {'what is there' if interrupted else 'history, result and model'} in {out}")
    return 130 if interrupted else None


def build_spec(options: Mapping[str, Any]) -> RunSpec:
    """Return the run that the options describe.

    Raises
    ------
    InputError
        For an unknown name (the nearest is named) or a value out of range.

    Examples
    --------
    >>> context = command.make_context("train", ["--hidden", "32", "--lr", "0.01", "--set", "beta1=0.8"])
    >>> spec = build_spec(context.params)
    >>> spec.network.hidden, spec.optimizer.hyper
    ((32,), {'beta1': 0.8, 'lr': 0.01})
    """
    from minnet import schedules
    from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

    hyper = settings(options["pairs"])
    if options["lr"] is not None:
        if "lr" in hyper:
            raise InputError("the step size is given twice, by --lr and by --set lr: drop one")
        hyper["lr"] = options["lr"]
    network = (
        "hidden",
        "activation",
        "output",
        "loss",
        "label_smoothing",
        "init",
        "dropout",
        "input_dropout",
        "task",
    )
    training = (
        "epochs",
        "batch_size",
        "validation",
        "schedule",
        "l2",
        "weight_decay",
        "decay_biases",
        "max_norm",
        "clip_norm",
        "clip_value",
        "augment",
        "dtype",
    )
    spec = RunSpec(
        data=options["data"],
        network=NetworkSpec(bias_init=options["init_bias"], **{name: options[name] for name in network}),
        training=TrainingSpec(**{name: options[name] for name in training}),
        optimizer=OptimizerSpec(options["optimizer"], options["style"], hyper),
        seed=options["seed"],
    )
    schedules.parse(spec.training.schedule, spec.optimizer.settings["lr"])  # which may be set only once
    return spec


def describe(spec: RunSpec, split: Split, threads: int, device: str = "cpu") -> list[str]:
    """Return the header of a run: data, network, method with its rule, schedule."""
    from minnet import schedules
    from minnet.data import augment
    from minnet.network import Layout
    from minnet.network.spec import TASKS

    network, training, optimizer = spec.network.resolved(), spec.training, spec.optimizer
    method = optimizer.method
    schedule = schedules.parse(training.schedule, optimizer.settings["lr"])
    widths = network.widths(split.n_features, split.n_classes)
    units = f"{network.activation}, " if network.hidden else ""
    samples = f"{len(split.y_train):,} to train, {len(split.y_val):,} to validate, {len(split.y_test):,} to test"
    rows = [
        ("data", f"{split.name}: {samples}"),
        ("network", f"{'-'.join(map(str, widths))}, {Layout(widths).size:,} parameters, from {network.init}"),
        ("", f"{units}{network.output} output, {network.loss}{_switched_on(network, NETWORK_EXTRAS)}"),
        *([("task", f"autoencoder: {TASKS['autoencoder']}")] if network.task == "autoencoder" else []),
        ("method", f"{method.title} ({optimizer.style}), {_assignments(optimizer.settings)}"),
        *[("", line) for line in method.formula.splitlines()],
        ("schedule", schedule.describe()),
        ("run", f"{training.epochs} epochs, batches of {training.batch_size}, {training.dtype}"),
        ("", f"seed {spec.seed}, {_where(device, threads)}"),
    ]
    extras = _switched_on(training, TRAINING_EXTRAS).removeprefix(", ")
    rows += [("limits", extras)] if extras else []
    elastic = augment.parse(training.augment)
    rows += [("images", elastic.describe())] if elastic else []
    return [*columns(rows), ""]


def _where(device: str, threads: int) -> str:
    """Return what trains."""
    if device == "cpu":
        return f"{threads} thread{'s' if threads > 1 else ''}"
    from minnet.cuda import devices

    return devices.require().name


def _switched_on(spec: object, names: tuple[str, ...]) -> str:
    """Return those settings that are not off."""
    return "".join(f", {name} = {getattr(spec, name):g}" for name in names if getattr(spec, name))


def _assignments(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} = {value:g}" for name, value in values.items())


def outcome(result: RunResult, interrupted: bool) -> list[str]:
    """Return the last lines of a run: how it ended, its test accuracy, its times."""
    lines = [""]
    if result.diverged:
        lr = result.spec.optimizer.settings["lr"]
        lines.append(
            f"diverged at step {result.diverged_step}: the loss is no longer finite. "
            f"Try a smaller step size, for example --lr {lr / 10:.2g} instead of {lr:.4g}."
        )
    if interrupted:
        lines.append(f"interrupted after epoch {result.history[-1]['epoch']} of {result.spec.training.epochs}")
    if result.test_accuracy is not None:
        lines.append(f"test accuracy {percent(result.test_accuracy)}  (loss {number(result.test_loss)})")
    times = (("compile", result.compile_s), ("train", result.train_s), ("evaluate", result.eval_s))
    lines.append("time: " + ", ".join(f"{what} {duration(seconds)}" for what, seconds in times))
    return lines


def _train(spec: RunSpec, split: Split, threads: int, device: str, live: Live) -> tuple[RunResult, bool]:
    """Train, show every epoch, and say whether it was stopped before its end."""
    from minnet import cuda, training

    table = EpochTable(validated=len(split.y_val) > 0)

    def show(row: Mapping[str, Any]) -> None:
        compiling.end()
        if row["epoch"] == 0:
            live.print(table.header())
        live.print(table.line(row))
        live.advance(1 if row["epoch"] else 0)

    with live.notice("compiling ...") as compiling, stop_on_interrupt(lambda: compiling.ended) as stop:
        if device == "cpu":
            result = training.train(spec, split, on_epoch=show, test=True, should_stop=stop.is_set, threads=threads)
        else:
            result = cuda.train(spec, split, on_epoch=show, test=True, should_stop=stop.is_set)
    finished = result.diverged or result.history[-1]["epoch"] == spec.training.epochs
    return result, not finished


@contextlib.contextmanager
def stop_on_interrupt(ready: Callable[[], bool]) -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into a request to stop after the epoch; the second one interrupts at once.

    Before `ready`, when there is nothing to keep, the first one does so too.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def request(number: int, frame: Any) -> None:
        if stop.is_set() or not ready():
            raise KeyboardInterrupt
        stop.set()
        click.echo("stopping after this epoch (Ctrl-C again: at once)", err=True)

    before = signal.signal(signal.SIGINT, request)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def _prepare(folder: Path) -> None:
    """Find out before the training whether its result can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {folder}: cannot make this folder ({error.strerror})") from error
    if not os.access(folder, os.W_OK):
        raise InputError(f"--out {folder}: cannot write into this folder")
