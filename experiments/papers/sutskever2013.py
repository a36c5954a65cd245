"""Sutskever et al. (2013): a deep autoencoder, momentum that rises by a schedule, Nesterov's against the classical."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

import minnet
from minnet.gallery.drawing import panels
from minnet.gallery.text import markdown
from minnet.lab.runs import train_all
from minnet.lab.trials import load_split
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

TITLE = "Sutskever et al. 2013: momentum in a deep autoencoder"
QUESTION = "How large should momentum become, and is Nesterov's better than the classical one?"
SEE = (
    "Squared error of the reconstructed training images against the largest momentum: filled for ours, open for the "
    "paper's, on scales of their own. Both should fall from left to right, Nesterov's below the classical one."
)
DATA = ("mnist",)
ORDER = 30

# Table 1, row MNIST, quoted from memory: squared error per training image, by the largest momentum.
PAPER = {
    "none": {0.0: 2.1},
    "nesterov": {0.9: 1.0, 0.99: 0.73, 0.995: 0.75},
    "classical": {0.9: 1.0, 0.99: 0.77, 0.995: 0.84},
}
RATES = (0.003, 0.01, 0.03)
HIDDEN = (250, 125, 62, 30, 62, 125, 250)
BATCH, EPOCHS, SAMPLES, PERIOD = 50, 6, 10_000, 5


def momentum_at(step: np.ndarray, largest: float, period: float) -> np.ndarray:
    """Return μ of steps counted from 0: min(1 − 2^(−1 − log₂(⌊t / period⌋ + 1)), largest)."""
    return np.minimum(1 - 2.0 ** (-1 - np.log2(np.floor(step / period) + 1)), largest)


def rising(t, lr, momentum, period):
    """Return the step size, and μ of this step and of the next."""
    return {"lr": lr, "mu": momentum_at(t - 1, momentum, period), "mu_next": momentum_at(t, momentum, period)}


SETTINGS: dict[str, Any] = {
    "slots": ("v",),
    "defaults": {"lr": 0.01, "momentum": 0.99, "period": 250.0},
    "coefficients": rising,
}


@minnet.rule(name="rising_momentum", **SETTINGS)
def classical(w, g, v, lr, mu, mu_next):
    """Take the gradient where the weights are."""
    v = mu * v - lr * g
    return w + v, v


@minnet.rule(name="rising_nesterov", **SETTINGS)
def nesterov(w, g, v, lr, mu, mu_next):
    """Take the gradient at the point ahead, w + μ v, which is what is kept as the weights."""
    v = mu * v - lr * g
    return w - lr * g + mu_next * v, v


METHODS = {"none": classical, "nesterov": nesterov, "classical": classical}


def run(quick: bool = False, folder: Path | None = None, jobs: int | None = None) -> dict[str, Any]:
    """Train the autoencoder with every setting and step size.

    `quick` : one epoch of a small one on the embedded digits.
    """
    data, hidden = ("digits", (16, 8, 16)) if quick else ("mnist", HIDDEN)
    training = TrainingSpec(
        epochs=1 if quick else EPOCHS, batch_size=BATCH, validation=0.0 if quick else 1 - SAMPLES / 60_000
    )
    network = NetworkSpec(
        hidden=hidden, activation="sigmoid", loss="binary_cross_entropy", init="sparse:15" if not quick else "sparse:5",
        task="autoencoder",
    )  # fmt: skip
    specs = {
        f"{kind}/{largest:g}/{lr:g}": RunSpec(
            data, network, training,
            OptimizerSpec(METHODS[kind], hyper={"lr": lr, "momentum": largest, "period": float(PERIOD)}),
        )
        for kind, row in PAPER.items() for largest in row for lr in RATES
    }  # fmt: skip
    records = train_all(specs, folder, jobs, print, validate=False)
    split = load_split(next(iter(specs.values())))
    # What "accuracy" leaves unexplained of the variance is the squared error.
    spread = float(np.var(split.X_train * split.scale, axis=0).sum())
    errors: dict[str, dict[str, dict[str, float | None]]] = {}
    for label, record in records.items():
        kind, largest, lr = label.split("/")
        explained = record["history"][-1]["train_accuracy"]
        error = None if record["diverged"] or explained is None else spread * (1 - explained)
        errors.setdefault(kind, {}).setdefault(largest, {})[lr] = error
    return {
        "errors": errors,
        "steps": max(record["steps"] for record in records.values()),
        "cpu_seconds": round(sum(record["cpu_s"] for record in records.values())),
    }


def best(results: Mapping[str, Any], kind: str, largest: float) -> tuple[float, str]:
    """Return the lowest error over the step sizes, and the step size."""
    tried = results["errors"][kind][f"{largest:g}"]
    return min((float("inf") if error is None else error, lr) for lr, error in tried.items())


def ours(results: Mapping[str, Any]) -> dict[str, dict[float, float]]:
    """Return our errors in the form of the paper's."""
    return {kind: {largest: best(results, kind, largest)[0] for largest in row} for kind, row in PAPER.items()}


def agreement(results: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many of the paper's pairs of settings, ties aside, stand in the same order here, of how many."""
    found = ours(results)
    flat = [(error, found[kind][largest]) for kind, row in PAPER.items() for largest, error in row.items()]
    pairs = [(a, b) for a, b in combinations(flat, 2) if a[0] != b[0]]
    return sum((a[0] < b[0]) == (a[1] < b[1]) for a, b in pairs), len(pairs)


def claims(results: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Check the order of the settings."""
    found = ours(results)
    same, pairs = agreement(results)
    with_momentum = [error for kind in ("nesterov", "classical") for error in found[kind].values()]
    return [
        ("Without momentum the error is the largest.", found["none"][0.0] > max(with_momentum)),
        (
            "Momentum up to 0.99 is better than up to 0.9, for both kinds.",
            all(found[kind][0.99] < found[kind][0.9] for kind in ("nesterov", "classical")),
        ),
        (
            "Nesterov's is better than the classical one at 0.99 and at 0.995.",
            all(found["nesterov"][largest] < found["classical"][largest] for largest in (0.99, 0.995)),
        ),
        ("Most pairs of settings stand in the order of the paper.", 2 * same > pairs),
    ]


def table(results: Mapping[str, Any]) -> str:
    """Return the errors beside those of the paper."""
    rows = [("momentum", "up to", "squared error, paper", "ours", "best step size")]
    for kind, row in PAPER.items():
        for largest, error in row.items():
            here, lr = best(results, kind, largest)
            rows.append((kind, f"{largest:g}", f"{error:g}", f"{here:.2f}", lr))
    same, pairs = agreement(results)
    layers = f"784-{'-'.join(map(str, HIDDEN))}-784"
    return (
        f"{markdown(rows)}\n\n{same} of the {pairs} pairs of settings that differ in the paper are in its order here. "
        f"The paper's numbers (Table 1, MNIST) are quoted from memory. Scaled down: hidden layers a quarter as wide, "
        f"{layers}; {SAMPLES:,} of 60,000 images; {results['steps']:,} steps of {BATCH} images instead of 750,000 of "
        f"200; μ rises every {PERIOD} steps instead of every 250; {len(RATES)} step sizes instead of six. Not the "
        f"errors, only their order can be compared. One seed; {results['cpu_seconds']} s of processor time."
    )


def draw(results: Mapping[str, Any], path: Path) -> None:
    """Draw our errors and the paper's, each on its own scale."""
    found, places = ours(results), [0.0, 0.9, 0.99, 0.995]
    with panels(path) as (axis,):
        other = axis.twinx()
        for kind, shade in (("classical", "#b5400a"), ("nesterov", "#2e86c8")):
            for each, of, form in ((axis, found, "o-"), (other, PAPER, "o:")):
                row = {**of["none"], **of[kind]}
                face = shade if of is found else "none"
                label = f"{kind}, {'ours' if of is found else 'paper'}"
                each.plot([places.index(at) for at in row], row.values(), form, color=shade, mfc=face, label=label)
        axis.set(title="Squared error per training image", xlabel="largest momentum", ylabel="ours")
        axis.set_xticks(range(len(places)), [f"{each:g}" for each in places])
        other.set_ylabel("paper")
        lines = [*axis.get_lines(), *other.get_lines()]
        axis.legend(lines, [str(line.get_label()) for line in lines])
