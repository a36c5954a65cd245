"""Zeiler (2012), ADADELTA: Tables 1 and 2, with the errors of the paper beside ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from minnet.gallery.drawing import looks, panels
from minnet.gallery.text import table as markdown
from minnet.gallery.text import verdict
from minnet.lab.runs import train_all
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

TITLE = "Zeiler 2012: methods that need a step size, and one that does not"
QUESTION = "Does Adadelta, without a step size, end as well as the other methods with their best one?"
SEE = (
    "The errors of gradient descent, momentum and Adagrad rise on both sides of one good step size, a different one "
    "for each. Adadelta's stay on one level, whatever its two constants are."
)
DATA = ("mnist",)
QUICK = "On the embedded digits, with 50 and 30 hidden units, for two epochs."

# Test errors in % after 6 epochs: arXiv:1212.5701, quoted from memory.
RATES = (1.0, 1e-1, 1e-2, 1e-3, 1e-4)
TABLE_1 = {
    "sgd": (2.26, 2.51, 7.02, 17.01, 58.10),
    "momentum": (89.68, 2.03, 2.68, 6.98, 16.98),
    "adagrad": (43.76, 2.82, 1.79, 5.21, 12.59),
}
EPSILONS = (1e-2, 1e-4, 1e-6, 1e-8)
TABLE_2 = {0.9: (2.59, 2.05, 1.90, 2.29), 0.95: (2.58, 1.99, 1.83, 2.13), 0.99: (2.32, 2.28, 2.05, 2.00)}
# A cell agrees if it is within so many points, or such a share of the paper's error, whichever is more.
POINTS, SHARE = 0.5, 0.25
FAILED, NEAR = 20.0, 0.3  # % of error that is no learning; points that make no difference


def cells() -> Iterator[tuple[str, str, dict[str, float], float]]:
    """Yield row, column, settings and published error of every cell."""
    for name, errors in TABLE_1.items():
        for lr, error in zip(RATES, errors, strict=True):
            yield name, f"{lr:g}", {"lr": lr, **({"momentum": 0.9} if name == "momentum" else {})}, error
    for rho, errors in TABLE_2.items():
        for eps, error in zip(EPSILONS, errors, strict=True):
            yield f"adadelta {rho:g}", f"{eps:g}", {"lr": 1.0, "rho": rho, "eps": eps}, error


def run(quick: bool = False, folder: Path | None = None, jobs: int | None = None) -> dict[str, Any]:
    """Train the network of the paper, as large and as long as there, once for every cell."""
    training = TrainingSpec(epochs=2 if quick else 6, batch_size=100, validation=0.0)
    data, network = ("digits", NetworkSpec(hidden=(50, 30))) if quick else ("mnist", NetworkSpec(hidden=(500, 300)))
    specs = {
        f"{row}/{column}": RunSpec(data, network, training, OptimizerSpec(row.split()[0], hyper=hyper))
        for row, column, hyper, _ in cells()
    }
    records = train_all(specs, folder, jobs, print)
    errors: dict[str, dict[str, float]] = {}
    for row, column, _, _ in cells():
        errors.setdefault(row, {})[column] = 100 * (1 - (records[f"{row}/{column}"]["test_accuracy"] or 0.0))
    return {
        "errors": errors,
        "epochs": training.epochs,
        "seeds": 1,
        "cpu_seconds": sum(record["cpu_s"] for record in records.values()),
    }
