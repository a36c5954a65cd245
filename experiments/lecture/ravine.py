"""Slides 3 and 4: the slope differs between dimensions; inertia straightens the path."""

import math

import numpy as np

import minnet
from minnet import surfaces
from minnet.gallery.drawing import looks, panels
from minnet.gallery.text import markdown
from minnet.surfaces.race import best_for

TITLE = "The ravine: what the condition number costs"
QUESTION = "What if the slope differs between dimensions?"
SEE = (
    "Gradient descent jumps from one wall of the ravine to the other: the step that is safe across is far too short "
    "along, and the number of steps grows like κ. Momentum cancels the jumps and adds up what goes along: a "
    "straighter path, and steps that grow like √κ."
)
ORDER = 30

CONDITIONS = (3, 10, 30, 100, 300, 1000)
SHOWN = 30  # of the picture on the left
TOLERANCE = 1e-6
METHODS = ("sgd", "momentum", "nesterov")
MU = 0.7
PATHS = {  # of the pictures: the best step of gradient descent; the smallest that leaves momentum its full speed along
    "sgd": best_for("sgd", SHOWN),
    "momentum": {"lr": (1 - math.sqrt(MU)) ** 2, "momentum": MU},
}


def run() -> dict:
    """Walk down ravines of growing condition number with what theory says is best; return steps, and two paths."""
    steps: dict = {name: [] for name in METHODS}
    for condition in CONDITIONS:
        surface = surfaces.ravine(condition)
        for name in METHODS:
            opt = minnet.optimizers.create(name, **best_for(name, condition))
            result = minnet.minimize(surface, surface.start, opt, 10 * condition + 100)
            steps[name].append(surfaces.steps_to(result, 0.0, TOLERANCE))
    surface = surfaces.ravine(SHOWN)
    paths = {
        name: minnet.minimize(surface, surface.start, minnet.optimizers.create(name, **hyper), 40).x.round(5).tolist()
        for name, hyper in PATHS.items()
    }
    return {"conditions": CONDITIONS, "steps": steps, "paths": paths}


def predicted(condition: float) -> int:
    """Return the steps of gradient descent: each shrinks f by ((κ − 1) / (κ + 1))²."""
    return math.ceil(math.log(TOLERANCE) / (2 * math.log((condition - 1) / (condition + 1))))


def growth(results: dict, name: str) -> float:
    """Return the exponent p of steps ≈ κᵖ from 30 on."""
    last = slice(CONDITIONS.index(30), None)
    if None in results["steps"][name]:
        return math.nan
    return float(np.polyfit(np.log(CONDITIONS[last]), np.log(results["steps"][name][last]), 1)[0])


def claims(results: dict) -> list[tuple[str, bool]]:
    """Check growth, and the shape of the paths."""
    steps = {name: [math.inf if n is None else n for n in counts] for name, counts in results["steps"].items()}
    path = {name: np.array(points) for name, points in results["paths"].items()}
    across = path["sgd"][:, 1]
    gone = {name: np.abs(np.diff(points[:, 1])).sum() for name, points in path.items()}
    return [
        (
            "Every step of gradient descent shrinks f by ((κ − 1)/(κ + 1))²: so many steps, one more or less.",
            all(abs(n - predicted(k)) <= 1 for k, n in zip(CONDITIONS, steps["sgd"])),
        ),
        ("Its steps grow like κ (exponent 0.95 to 1.05).", 0.95 < growth(results, "sgd") < 1.05),
        ("Those of momentum grow like √κ (exponent 0.4 to 0.65).", 0.4 < growth(results, "momentum") < 0.65),
        ("So do those of Nesterov's method.", 0.4 < growth(results, "nesterov") < 0.65),
        ("At κ = 1000 momentum needs less than a tenth of the steps.", 10 * steps["momentum"][-1] < steps["sgd"][-1]),
        ("Gradient descent changes sides of the ravine at every step.", bool((across[1:] * across[:-1] < 0).all())),
        (
            f"In 40 steps at κ = {SHOWN} momentum goes less than a fifth as far across, and ends nearer.",
            5 * gone["momentum"] < gone["sgd"]
            and np.linalg.norm(path["momentum"][-1]) < np.linalg.norm(path["sgd"][-1]),
        ),
    ]


def table(results: dict) -> str:
    """Return steps against the condition number."""
    head = ("steps to 1e-6 of the height", *(f"κ = {k}" for k in CONDITIONS), "grows like")
    rows = [
        (name, *("not" if n is None else str(n) for n in results["steps"][name]), f"κ^{growth(results, name):.2f}")
        for name in METHODS
    ]
    return markdown([head, *rows])


def draw(results: dict, path) -> None:
    """Draw two paths and the growth of steps."""
    surface = surfaces.ravine(SHOWN)
    with panels(path, columns=3) as (left, middle, right):
        for axes, name in ((left, "sgd"), (middle, "momentum")):
            low_x, high_x, low_y, high_y = surface.box
            x, y = np.meshgrid(np.linspace(low_x, high_x, 120), np.linspace(low_y, high_y, 120))
            levels = surface.value(*surface.start) * np.geomspace(0.002, 2.5, 9)
            axes.contour(x, y, surface.value(x, y), levels=levels, colors="0.8", linewidths=0.7)
            points = np.array(results["paths"][name])
            axes.plot(*points.T, **{**looks(METHODS)[name], "markersize": 3})
            axes.plot(0, 0, "+", color="0.3")
            settings = ", ".join(f"{key} {value:.3g}" for key, value in PATHS[name].items())
            axes.set(title=f"{name}: 40 steps at κ = {SHOWN}\n{settings}", xlabel="x (gentle)", ylabel="y (steep)")
            axes.set(xlim=(low_x, high_x), ylim=(low_y, high_y))
            axes.grid(False)
        for name, look in looks(METHODS).items():
            right.loglog(CONDITIONS, results["steps"][name], label=name, **look)
        right.set(
            title="Steps to 1e-6 of the height,\nlr and momentum as theory says",
            xlabel="condition number κ",
            ylabel="steps",
        )
        right.legend()
