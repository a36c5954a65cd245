"""Slide 5: Nesterov's momentum brakes where the slope is steep, and diverges where plain momentum does not."""

import numpy as np

import minnet
from minnet.gallery.drawing import looks, panels
from minnet.gallery.text import markdown

TITLE = "Nesterov against momentum: less overshoot, and an earlier end"
QUESTION = "What does the look-ahead improve, and what does it cost?"
SEE = (
    "With a small step Nesterov's momentum overshoots less: on a curvature λ it is momentum with μ (1 − lr λ), so it "
    "brakes where the slope is steep. But as soon as lr λ passes 2 (1 + μ) / (1 + 2 μ), 1.36 at μ = 0.9, it diverges, "
    "where plain momentum goes on converging up to 2 (1 + μ) = 3.8."
)
ORDER = 50

MU = 0.9
SMALL, BETWEEN = 0.05, 2.0  # lr λ: both converge; only momentum does
MOMENTA = (0.0, 0.3, 0.5, 0.7, 0.9, 0.95)
STEPS = 600
METHODS = ("momentum", "nesterov")


def run() -> dict:
    """Walk down ½ x² from 1 with both; search the step size at which each begins to diverge."""
    paths = {
        name: {
            "small": walk(name, SMALL, MU, 120).round(6).tolist(),
            "between": walk(name, BETWEEN, MU, 25).round(6).tolist(),
        }
        for name in METHODS
    }
    return {"paths": paths, "limits": {name: [limit(name, mu) for mu in MOMENTA] for name in METHODS}}


def walk(name: str, lr: float, mu: float, steps: int) -> np.ndarray:
    """Return the points of a walk down ½ x²; its curvature is 1, so lr is lr λ."""

    def bowl(x):
        return 0.5 * float(x @ x), x

    return minnet.minimize(bowl, [1.0], minnet.optimizers.create(name, lr=lr, momentum=mu), steps).x[:, 0]


def converges(name: str, lr: float, mu: float) -> bool:
    """Say whether the second half of a walk stays below the first."""
    size = np.abs(walk(name, lr, mu, STEPS))
    return bool(np.isfinite(size).all() and size[STEPS // 2 :].max() < size[: STEPS // 2].max())


def limit(name: str, mu: float) -> float:
    """Return the largest lr λ at which a method converges, by bisection."""
    low, high = 0.1, 5.0
    while high - low > 2e-3:
        middle = (low + high) / 2
        low, high = (middle, high) if converges(name, middle, mu) else (low, middle)
    return round((low + high) / 2, 4)


def theory(name: str, mu: float) -> float:
    """Return where the larger root of the recursion reaches −1.

    Momentum: z² − (1 + μ − a) z + μ. Nesterov: z² − (1 + μ)(1 − a) z + μ (1 − a), with a = lr λ.
    """
    return 2 * (1 + mu) if name == "momentum" else 2 * (1 + mu) / (1 + 2 * mu)


def claims(results: dict) -> list[tuple[str, bool]]:
    """Check overshoot, and both bounds."""
    paths, limits = results["paths"], results["limits"]
    lowest = {name: min(paths[name]["small"]) for name in METHODS}
    near = {
        name: all(abs(found - theory(name, mu)) < 0.02 for mu, found in zip(MOMENTA, limits[name])) for name in METHODS
    }
    return [
        ("Momentum converges up to lr λ = 2 (1 + μ), for every μ tried, within 0.02.", near["momentum"]),
        ("Nesterov's converges up to 2 (1 + μ) / (1 + 2 μ), within 0.02.", near["nesterov"]),
        (
            f"At lr λ = {BETWEEN:g} and μ = {MU:g} Nesterov's diverges and momentum does not.",
            abs(paths["nesterov"]["between"][-1]) > 1000 and max(map(abs, paths["momentum"]["between"])) < 2,
        ),
        (
            f"At lr λ = {SMALL:g} both overshoot the minimum, Nesterov's by less.",
            lowest["momentum"] < lowest["nesterov"] < 0,
        ),
        (
            "and it has calmed down sooner: its last ten points lie closer.",
            max(map(abs, paths["nesterov"]["small"][-10:])) < max(map(abs, paths["momentum"]["small"][-10:])),
        ),
    ]


def table(results: dict) -> str:
    """Return the limits beside the formulas."""
    rows = [("largest stable lr λ", *(f"μ = {mu:g}" for mu in MOMENTA))]
    for name in METHODS:
        rows.append((f"{name}, measured", *(f"{found:.3f}" for found in results["limits"][name])))
        rows.append((f"{name}, formula", *(f"{theory(name, mu):.3f}" for mu in MOMENTA)))
    return markdown(rows)


def draw(results: dict, path) -> None:
    """Draw a small step, a step between the limits, and the limits."""
    with panels(path, columns=3) as (left, middle, right):
        for name, look in looks(METHODS).items():
            plain = {**look, "marker": ""}
            left.plot(results["paths"][name]["small"], label=name, **plain)
            middle.plot(results["paths"][name]["between"], label=name, **{**look, "markersize": 3})
            mu = np.linspace(0, 1, 60)
            right.plot(mu, [theory(name, each) for each in mu], **plain)
            right.plot(MOMENTA, results["limits"][name], label=name, **{**look, "linestyle": "none"})
        for axes in (left, middle):
            axes.axhline(0, color="0.75", linewidth=0.6, zorder=0)
            axes.set(xlabel="step", ylabel="x")
        left.set_title(f"lr λ = {SMALL:g}, μ = {MU:g}: overshoot")
        middle.set_title(f"lr λ = {BETWEEN:g}, μ = {MU:g}")
        middle.set_yscale("symlog", linthresh=1)
        right.set(title="Largest stable step (line: formula)", xlabel="μ", ylabel="lr λ", ylim=(0, 4.2))
        right.fill_between(mu, [theory("nesterov", m) for m in mu], [theory("momentum", m) for m in mu], color="0.93")
        right.annotate("only momentum\nconverges", (0.62, 2.0), ha="center", fontsize=8, color="0.35")
        right.legend(loc="upper left")
