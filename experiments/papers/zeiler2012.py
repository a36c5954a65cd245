"""Zeiler (2012), ADADELTA: Tables 1 and 2, with the errors of the paper beside ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from minnet.gallery.drawing import looks, panels
from minnet.gallery.text import markdown
from minnet.lab.runs import train_all
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

TITLE = "Zeiler 2012: methods that need a step size, and one that does not"
QUESTION = "Does Adadelta, without a step size, end as well as the other methods with their best one?"
SEE = (
    "The errors of gradient descent, momentum and Adagrad rise on both sides of one good step size, a different one "
    "for each. Adadelta's stay on one level, whatever its two constants are."
)
DATA = ("mnist",)
ORDER = 10

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
    """Train the network of the paper, as large and as long as there, once for every cell.

    `quick` : two epochs of a tenth of the network on the embedded digits.
    """
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
        "samples": records["sgd/1"]["train_size"],
        "cpu_seconds": round(sum(record["cpu_s"] for record in records.values())),
    }


def agrees(ours: float, paper: float) -> bool:
    """Say whether an error counts as that of the paper."""
    return abs(ours - paper) <= max(POINTS, SHARE * paper)


def claims(results: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Check the shape of both tables."""
    errors = {row: list(of_row.values()) for row, of_row in results["errors"].items()}
    adadelta = [error for row, of_row in errors.items() if row not in TABLE_1 for error in of_row]
    best = {name: min(errors[name]) for name in TABLE_1}
    place = {name: errors[name].index(best[name]) for name in TABLE_1}
    cell_by_cell = [agrees(results["errors"][row][column], error) for row, column, _, error in cells()]
    return [
        (
            "Gradient descent, momentum and Adagrad are best at the paper's step sizes: 1, 0.1 and 0.01.",
            all(place[name] == min(range(5), key=TABLE_1[name].__getitem__) for name in TABLE_1),
        ),
        (
            "Below its best step size, each of the three gets worse with every decade.",
            all(errors[name][place[name] :] == sorted(errors[name][place[name] :]) for name in TABLE_1),
        ),
        (
            f"With a step size of 1 momentum and Adagrad fail: more than {FAILED:g} % error.",
            errors["momentum"][0] > FAILED and errors["adagrad"][0] > FAILED,
        ),
        ("Adadelta's twelve errors lie within one point.", max(adadelta) - min(adadelta) <= 1),
        (
            f"Adadelta's best error is at most {NEAR:g} points above the best of all others.",
            min(adadelta) <= min(best.values()) + NEAR,
        ),
        (
            "For each ρ, Adadelta is worst with the largest ε.",
            all(max(errors[f"adadelta {rho:g}"]) == errors[f"adadelta {rho:g}"][0] for rho in TABLE_2),
        ),
        ("Most cells agree with the paper's.", 2 * sum(cell_by_cell) > len(cell_by_cell)),
    ]


def table(results: Mapping[str, Any]) -> str:
    """Return both tables, ours beside the paper's."""
    errors = results["errors"]

    def cell(row: str, column: str, paper: float) -> str:
        ours = errors[row][column]
        return f"{paper:.2f} / {ours:.2f} {'' if agrees(ours, paper) else '✗'}".strip()

    first = [("step size", *TABLE_1)]
    for k, lr in enumerate(RATES):
        first.append((f"{lr:g}", *(cell(name, f"{lr:g}", paper[k]) for name, paper in TABLE_1.items())))
    second = [("Adadelta, ε", *(f"ρ = {rho:g}" for rho in TABLE_2))]
    for k, eps in enumerate(EPSILONS):
        row = (cell(f"adadelta {rho:g}", f"{eps:g}", paper[k]) for rho, paper in TABLE_2.items())
        second.append((f"{eps:g}", *row))
    agreeing = sum(agrees(errors[row][column], error) for row, column, _, error in cells())
    return (
        f"Test errors in %, paper / ours; the paper's (Tables 1 and 2 of arXiv:1212.5701) are quoted from memory.\n\n"
        f"{markdown(first)}\n\n{markdown(second)}\n\n"
        f"Scale: that of the paper (784-500-300-10, ReLU, batches of 100, {results['epochs']} epochs of "
        f"{results['samples']:,} images); one seed. {agreeing} of 27 cells lie within {POINTS:g} points or "
        f"{100 * SHARE:g} % of the paper's; ✗ marks the others. A cell is one run: tenths of a "
        f"point are noise. {results['cpu_seconds']} s of processor time."
    )


def draw(results: Mapping[str, Any], path: Path) -> None:
    """Draw both tables: ours as lines, the paper's as open circles."""
    with panels(path, columns=2) as (left, right):
        for name, look in looks([*TABLE_1]).items():
            left.loglog(RATES, results["errors"][name].values(), **look, label=name)
            left.loglog(RATES, TABLE_1[name], "o", mfc="none", mec=look["color"], ms=8)
        for rho, shade in zip(TABLE_2, ("#7fb6e0", "#2e86c8", "#004a80")):
            right.loglog(
                EPSILONS, results["errors"][f"adadelta {rho:g}"].values(), "o-", color=shade, label=f"ρ = {rho:g}"
            )
            right.loglog(EPSILONS, TABLE_2[rho], "o", mfc="none", mec=shade, ms=8)
        left.set(title="Table 1: test error after 6 epochs", xlabel="step size", ylabel="%")
        right.set(title="Table 2: Adadelta", xlabel="ε", ylim=left.get_ylim())
        left.legend(title="filled: ours; open: paper")
        right.legend()
