"""Kingma and Ba (2014), Adam: training cost of logistic regression and of a network with dropout, on MNIST."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minnet.gallery.drawing import looks, panels
from minnet.gallery.text import markdown
from minnet.lab.runs import train_all
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

TITLE = "Kingma and Ba 2014: Adam against the others"
QUESTION = "Does Adam, tuned like the others, bring the training cost down furthest?"
SEE = (
    "Each curve is a method with the best of its step sizes. On logistic regression Adam and Nesterov momentum should "
    "lie together, below Adagrad; on the network with dropout Adam should be the lowest of all."
)
DATA = ("mnist",)
ORDER = 20

# What Figures 1 and 2 of arXiv:1412.6980 show and the text says, quoted from memory; they have no numbers to read off.
NESTEROV, NEAR = {"momentum": 0.9}, 0.02
PARTS: dict[str, dict[str, Any]] = {
    "logistic regression": {
        "network": {"hidden": (), "init": "zeros"},
        "training": {"epochs": 10, "l2": 1e-4, "validation": 0.0},
        "decays": ("adam", "nesterov"),  # α / √t; Adagrad's steps fall so by themselves
        "rates": {
            "adam": (0.01, 0.03, 0.1, 0.3, 1.0), "nesterov": (0.03, 0.1, 0.3, 1.0, 3.0),
            "adagrad": (0.01, 0.03, 0.1, 0.3, 1.0),
        },
        "paper": {"adam": "lowest, as Nesterov", "nesterov": "lowest, as Adam", "adagrad": "highest"},
        "scale": "784-10 as in the paper, all 60,000 images; 10 epochs instead of 45",
    },
    "network with dropout": {
        "network": {"hidden": (250, 250), "dropout": 0.5},
        "training": {"epochs": 8, "validation": 2 / 3},
        "decays": (),
        "rates": {
            "adam": (3e-4, 1e-3, 3e-3, 0.01), "nesterov": (0.01, 0.03, 0.1, 0.3), "adagrad": (3e-3, 0.01, 0.03, 0.1),
            "rmsprop": (1e-4, 3e-4, 1e-3, 3e-3), "adadelta": (0.3, 1.0, 3.0, 10.0),
        },
        "paper": {"adam": "lowest"},
        "scale": "784-250-250-10, a quarter of the paper's width; 20,000 of 60,000 images; 8 epochs instead of 200",
    },
}  # fmt: skip


def run(quick: bool = False, folder: Path | None = None, jobs: int | None = None) -> dict[str, Any]:
    """Train every method with each of its step sizes; batches of 128 as in the paper.

    `quick` : one epoch on the embedded digits.
    """
    specs = {}
    for part, of in PARTS.items():
        for name, rates in of["rates"].items():
            for lr in rates:
                schedule = "inverse_sqrt" if name in of["decays"] else "constant"
                training = {**of["training"], "schedule": schedule, **({"epochs": 1} if quick else {})}
                specs[f"{part}/{name}/{lr:g}"] = RunSpec(
                    "digits" if quick else "mnist",
                    NetworkSpec(**{**of["network"], **({"hidden": (8,)} if quick else {})}),
                    TrainingSpec(**training),
                    OptimizerSpec(name, hyper={"lr": lr, **(NESTEROV if name == "nesterov" else {})}),
                )
    records = train_all(specs, folder, jobs, print, validate=False)
    costs: dict[str, dict[str, dict[str, list[float | None]]]] = {}
    for label, record in records.items():
        part, name, lr = label.split("/")
        of_method = costs.setdefault(part, {}).setdefault(name, {})
        of_method[lr] = [row["running_loss"] for row in record["history"][1:]]
    return {"costs": costs, "cpu_seconds": round(sum(record["cpu_s"] for record in records.values()))}


def best(results: Mapping[str, Any], part: str) -> dict[str, tuple[str, list[float]]]:
    """Return every method's best step size and its costs, the method with the lowest cost at the end first."""

    def end(costs: list[float | None]) -> float:
        return math.inf if costs[-1] is None else costs[-1]

    chosen = {
        name: min(of_rates.items(), key=lambda item: end(item[1])) for name, of_rates in results["costs"][part].items()
    }
    return dict(sorted(chosen.items(), key=lambda item: end(item[1][1])))


def claims(results: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Check the order of the methods."""
    linear, deep = (best(results, part) for part in PARTS)
    ends = {name: costs[-1] for name, (_, costs) in linear.items()}
    return [
        (
            f"Logistic regression: Adam and Nesterov momentum end within {100 * NEAR:g} % of each other.",
            abs(ends["adam"] - ends["nesterov"]) <= NEAR * min(ends["adam"], ends["nesterov"]),
        ),
        ("Logistic regression: both end below Adagrad.", max(ends["adam"], ends["nesterov"]) < ends["adagrad"]),
        ("Network with dropout: Adam ends lowest.", next(iter(deep)) == "adam"),
    ]


def table(results: Mapping[str, Any]) -> str:
    """Return the order of the methods beside that of the paper."""
    blocks = []
    for part, of in PARTS.items():
        rows = [(part, "place, paper", "place, ours", "cost after epoch 1", "at the end", "step size, of those tried")]
        for place, (name, (lr, costs)) in enumerate(best(results, part).items(), 1):
            tried = [f"{rate:g}" for rate in of["rates"][name]]
            edge = ", the last on its side" if lr in (tried[0], tried[-1]) else ""
            first, last = (f"{cost:.4f}" for cost in (costs[0], costs[-1]))
            said = of["paper"].get(name, "not the lowest")
            rows.append((name, said, str(place), first, last, f"{lr} of {', '.join(tried)}{edge}"))
        blocks.append(f"{markdown(rows)}\n\nScale: {of['scale']}.")
    note = (
        "Training cost is the mean over the steps of an epoch, dropout and penalty included. The paper shows curves "
        f"without numbers; what is said of them is quoted from memory. One seed; {results['cpu_seconds']} s of "
        "processor time."
    )
    return "\n\n".join([*blocks, note])


def draw(results: Mapping[str, Any], path: Path) -> None:
    """Draw the costs of every method with its best step size."""
    with panels(path, columns=2) as axes:
        for axis, part in zip(axes, PARTS, strict=True):
            curves = best(results, part)
            for name, look in looks([*curves]).items():
                lr, costs = curves[name]
                axis.semilogy(range(1, 1 + len(costs)), costs, **look, label=f"{name}, {lr}")
            axis.set(title=f"{part[:1].upper()}{part[1:]}: training cost", xlabel="epoch")
            axis.legend()
