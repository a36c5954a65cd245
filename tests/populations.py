"""A population on a GPU (or in Numba's simulator of one) beside the same runs on the CPU."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.testing import assert_allclose

from minnet.cuda.population import Population
from minnet.cuda.tiling import Block
from minnet.data import Split
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec
from minnet.training.run import Run

TOLERANCE = 1e-4
HISTORY = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "running_loss")
NORMS = ("grad_norms", "update_norms", "weight_norms")


def samples(n: int = 19, features: int = 6, classes: int = 3, dtype: str = "uint8") -> Split:
    """Return random samples that can be told apart, a few of them to validate."""
    rng = np.random.default_rng(7)
    y = rng.integers(0, classes, n)
    X = np.clip(rng.normal(90, 60, (n, features)) + 60 * (y[:, None] == np.arange(features) % classes), 0, 255)
    X = X.astype("uint8") if dtype == "uint8" else (X / 255).astype("float32")
    scale = 1 / 255 if dtype == "uint8" else 1.0
    names = tuple("abcdefghijklmnopqrstuvwxyz"[:classes])
    return Split(X[:-4], y[:-4], X[-4:], y[-4:], X[:2], y[:2], names, None, scale, "random")


def spec(optimizer: str = "sgd", style: str = "paper", seed: int = 1, hyper: dict | None = None, **settings) -> RunSpec:
    """Return a small run; settings of network and training by name."""
    of_network = {key: value for key, value in settings.items() if key in NetworkSpec.__dataclass_fields__}
    of_training = {key: value for key, value in settings.items() if key not in of_network}
    return RunSpec(
        network=NetworkSpec(**{"hidden": (5,), "activation": "tanh", **of_network}),
        training=TrainingSpec(**{"epochs": 2, "batch_size": 6, **of_training}),
        optimizer=OptimizerSpec(optimizer, style, hyper or {}),
        seed=seed,
    )


def trained(specs: list[RunSpec], split: Split, block: Block | None = None) -> Population:
    """Train a population to its end."""
    population = Population(specs, split, block)
    everyone = list(range(len(specs)))
    population.measure(everyone)
    for _ in range(specs[0].training.epochs):
        active = [run for run in everyone if not population.members[run].diverged]
        population.train_epoch(active)
        population.measure(active)
    return population


def on_cpu(run_spec: RunSpec, split: Split) -> Run:
    """Train one run to its end on the CPU."""
    run = Run(run_spec, split)
    run.measure()
    while run.epoch < run_spec.training.epochs and not run.diverged:
        run.train_epoch()
        run.measure()
    return run


def check(specs: list[RunSpec], split: Split, tolerance: float = TOLERANCE, block: Block | None = None) -> Population:
    """Train runs on both, and compare weights and histories."""
    population = trained(specs, split, block)
    for number, run_spec in enumerate(specs):
        run, member = on_cpu(run_spec, split), population.members[number]
        name = f"{run_spec.optimizer.name}/{run_spec.optimizer.style} (run {number})"
        assert (member.t, member.diverged_step) == (run.state.t, run.diverged_step), name
        if run.diverged:
            continue
        expected = run.evaluation_params
        near = tolerance * np.abs(expected).max()
        assert_allclose(population.params(number), expected, rtol=tolerance, atol=near, err_msg=name)
        for here, there in zip(member.history, run.history, strict=True):
            for column in HISTORY:
                compare(here[column], there[column], tolerance, f"{name}: {column}")
            for column in NORMS:
                for own, other in zip(here[column] or [], there[column] or [], strict=True):
                    compare(own, other, 10 * tolerance, f"{name}: {column}")
            assert {key: here[key] for key in ("epoch", "steps", "lr")} == {
                key: there[key] for key in ("epoch", "steps", "lr")
            }
    return population


def compare(here: float | None, there: float | None, tolerance: float, name: str) -> None:
    """Compare two numbers of a history."""
    assert (here is None) == (there is None), name
    if there is not None:
        assert_allclose(here, there, rtol=tolerance, atol=tolerance, err_msg=name)


def seeded(run_spec: RunSpec, seed: int) -> RunSpec:
    """Return a run with another seed."""
    return replace(run_spec, seed=seed)
