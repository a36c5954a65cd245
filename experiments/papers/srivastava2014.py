"""Srivastava et al. (2014): dropout, and dropout with a bound on the weights into each unit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minnet.gallery.drawing import panels
from minnet.gallery.text import markdown
from minnet.lab.runs import train_all
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

TITLE = "Srivastava et al. 2014: dropout and max-norm"
QUESTION = "How much does a network gain from dropout, and from a bound on its weights besides?"
SEE = (
    "Left, dropout keeps the training error higher. Right, the test error should be lower with it all the same, and "
    "lowest with the bound on the weights."
)
DATA = ("mnist",)
ORDER = 70

# Table 2 (permutation-invariant MNIST), quoted from memory: those with dropout have three layers of 1024 rectified
# units; the standard network is another one, that of Simard et al. 2003, two layers of 800 logistic units.
PAPER = {"standard": 1.60, "dropout": 1.25, "dropout and max-norm": 1.06}
DROPOUT = {"dropout": 0.5, "input_dropout": 0.2}
KINDS: dict[str, tuple[dict[str, float], dict[str, float]]] = {
    "standard": ({}, {}),
    "dropout": (DROPOUT, {}),
    "dropout and max-norm": (DROPOUT, {"max_norm": 2.0}),
}
NEAR = 0.2  # points within which an error agrees
UNITS, EPOCHS = 1024, 100


def run(quick: bool = False, folder: Path | None = None, jobs: int | None = None) -> dict[str, Any]:
    """Train the network with and without dropout.

    `quick` : one epoch of a small one on the embedded digits.
    """
    specs = {
        kind: RunSpec(
            "digits" if quick else "mnist",
            NetworkSpec(hidden=(16, 16, 16) if quick else (UNITS,) * 3, **network),
            TrainingSpec(epochs=1 if quick else EPOCHS, batch_size=100, schedule="cosine", validation=0.0, **training),
            OptimizerSpec("nesterov", hyper={"lr": 0.05, "momentum": 0.9}),
        )
        for kind, (network, training) in KINDS.items()
    }
    records = train_all(specs, folder, jobs, print)
    return {
        "errors": {kind: 100 * (1 - (record["test_accuracy"] or 0.0)) for kind, record in records.items()},
        "train_errors": {
            kind: [100 * (1 - row["train_accuracy"]) for row in record["history"]] for kind, record in records.items()
        },
        "epochs": specs["standard"].training.epochs,
        "cpu_seconds": round(sum(record["cpu_s"] for record in records.values())),
    }


def claims(results: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Check order and size of the errors."""
    errors = results["errors"]
    return [
        ("Dropout lowers the test error.", errors["dropout"] < errors["standard"]),
        ("Max-norm lowers it further.", errors["dropout and max-norm"] < errors["dropout"]),
        ("The best is between 1 and 1.3 %.", 1.0 <= min(errors.values()) <= 1.3),
        (
            f"Each error is within {NEAR:g} points of the paper's.",
            all(abs(errors[kind] - error) <= NEAR for kind, error in PAPER.items()),
        ),
    ]


def table(results: Mapping[str, Any]) -> str:
    """Return the errors beside those of the paper."""
    rows = [("network", "test error, paper", "ours", "agrees", "training error, ours")]
    for kind, error in results["errors"].items():
        agrees = "yes" if abs(error - PAPER[kind]) <= NEAR else "no"
        rows.append(
            (kind, f"{PAPER[kind]:.2f} %", f"{error:.2f} %", agrees, f"{results['train_errors'][kind][-1]:.2f} %")
        )
    return (
        f"{markdown(rows)}\n\nThe paper's numbers (Table 2) are quoted from memory. Three layers of "
        f"{UNITS} units, also without dropout, where the paper's network is another one (two of 800 logistic units). "
        f"Scaled down: {results['epochs']} epochs of 600 steps, where the paper trains for up to a million. Half of "
        "the hidden units and a fifth of the inputs are dropped, as there; weights are bounded by 2. One seed; "
        f"{results['cpu_seconds']} s of processor time."
    )


def draw(results: Mapping[str, Any], path: Path) -> None:
    """Draw training errors against epochs, and the test errors."""
    with panels(path, columns=2) as (left, right):
        for place, (kind, shade) in enumerate(zip(KINDS, ("0.5", "#7fb6e0", "#004a80"), strict=True)):
            errors = results["train_errors"][kind]
            left.semilogy(
                range(1, len(errors)), [max(error, 0.005) for error in errors[1:]], "o-", color=shade, label=kind
            )
            right.bar(place, results["errors"][kind], 0.5, color=shade)
        right.plot(range(len(PAPER)), PAPER.values(), "o", mfc="none", mec="black", ms=9, label="paper")
        right.set_xticks(range(len(KINDS)), [*KINDS])
        left.set(title="Training error, dropout off, %", xlabel="epoch")
        right.set(title="Test error at the end, %")
        left.legend()
        right.legend()
