"""Slide 2: decrease the step with time. Noise keeps gradient descent at a height that is proportional to its step."""

from itertools import pairwise

import numpy as np

import minnet
from minnet import schedules
from minnet.gallery.drawing import panels
from minnet.gallery.text import markdown

TITLE = "The noise floor falls with the step"
QUESTION = "Why should the step decrease, if a smaller one gets to the same minimum anyway, only later?"
SEE = (
    "With noisy gradients a constant step comes down to a floor and stays there: half the step, half the floor, and "
    "twice the time to reach it. A step that falls like 1/t comes down as fast as the largest one and has no floor; "
    "it ends below every one of them."
)
ORDER = 20

RATES = (0.4, 0.2, 0.1, 0.05, 0.025)
FALLING, DECAY = 0.4, 0.1  # α₀/(1 + k t)
CURVATURE, NOISE, START = 1.0, 1.0, 10.0
STEPS, WALKERS = 2000, 4000
TAIL = 500  # steps over which a floor is measured
KEPT = np.unique(np.geomspace(1, STEPS + 1, 160).astype(int)) - 1


def run() -> dict:
    """Let many walkers go down ½ λ x² with noise on every gradient; return their mean height against steps."""
    heights = {f"{lr:g}": walk(lr) for lr in RATES}
    heights["falling"] = walk(schedules.create("inverse_time", lr=FALLING, k=DECAY))
    return {
        "steps": KEPT.tolist(),
        "height": {name: [float(f"{h[t]:.6g}") for t in KEPT] for name, h in heights.items()},
        "floor": {name: float(h[-TAIL:].mean()) for name, h in heights.items()},
        "arrival": {name: arrival(h, h[-TAIL:].mean()) for name, h in heights.items()},
    }


def walk(lr) -> np.ndarray:
    """Return the mean height of independent walkers after every step."""
    noise = np.random.default_rng(0)

    def fun(x):
        return 0.5 * CURVATURE * float(x @ x) / WALKERS, CURVATURE * x + NOISE * noise.standard_normal(WALKERS)

    return minnet.minimize(fun, np.full(WALKERS, START), minnet.optimizers.create("sgd", lr=lr), STEPS).f


def arrival(height: np.ndarray, floor: float) -> int:
    """Return the first step at no more than twice the floor."""
    return int(np.flatnonzero(height <= 2 * floor)[0])


def theory(lr: float) -> float:
    """Return the floor: x is multiplied by 1 − lr·λ and gets noise of size lr·σ, so E f → lr σ² / (2 (2 − lr λ))."""
    return lr * NOISE**2 / (2 * (2 - lr * CURVATURE))


def claims(results: dict) -> list[tuple[str, bool]]:
    """Check floors and arrivals."""
    floor, arrival = results["floor"], results["arrival"]
    constant = [f"{lr:g}" for lr in RATES]
    halves = [(floor[a] / floor[b], arrival[b] / arrival[a]) for a, b in pairwise(constant)]
    at_100 = {name: h[results["steps"].index(max(t for t in results["steps"] if t <= 100))] for name, h in
              results["height"].items()}  # fmt: skip
    return [
        (
            "Every floor is lr σ² / (2 (2 − lr λ)), within two per cent.",
            all(abs(floor[name] / theory(float(name)) - 1) < 0.02 for name in constant),
        ),
        ("Half the step has about half the floor (1.8 to 2.6 times lower).", all(1.8 < f < 2.6 for f, _ in halves)),
        ("and takes about twice as long to get there (1.6 to 3 times).", all(1.6 < t < 3 for _, t in halves)),
        (
            "The falling step is lower after 100 steps than all constant ones.",
            all(at_100["falling"] <= at_100[name] for name in constant),
        ),
        (
            "It ends below the floor of the smallest constant step, a sixteenth of its own start.",
            results["height"]["falling"][-1] < floor[constant[-1]],
        ),
    ]


def table(results: dict) -> str:
    """Return floors beside the formula."""
    rows = [
        (f"{lr:g}", f"{results['floor'][f'{lr:g}']:.5f}", f"{theory(lr):.5f}", str(results["arrival"][f"{lr:g}"]))
        for lr in RATES
    ]
    last = (f"{FALLING:g}/(1 + {DECAY:g} t)", f"{results['floor']['falling']:.5f}, and falling", "none", "")
    return markdown([("step size", "floor, last 500 steps", "formula", "steps to twice the floor"), *rows, last])


def draw(results: dict, path) -> None:
    """Draw height against steps, and floor against step size."""
    with panels(path, columns=2) as (left, right):
        shades = ("#08306b", "#2171b5", "#4a98c9", "#7fb6e0", "#a9cfe5")
        for shade, lr in zip(shades, RATES):
            t = np.array(results["steps"])
            left.loglog(t + 1, results["height"][f"{lr:g}"], color=shade, label=f"{lr:g}")
        left.loglog(
            t + 1, results["height"]["falling"], color="#bd3a00", linewidth=2, label=f"{FALLING:g}, falling like 1/t"
        )
        left.set(title="Height above the minimum (mean of 4000 walks)", xlabel="step + 1", ylabel="f")
        left.legend(title="step size")
        lrs = np.geomspace(0.02, 0.5, 50)
        right.loglog(lrs, [theory(lr) for lr in lrs], color="0.6", label="lr σ² / (2 (2 − lr λ))")
        right.loglog(RATES, [results["floor"][f"{lr:g}"] for lr in RATES], "o", color="#2171b5", label="measured")
        right.set(title="Floor against step size", xlabel="step size", ylabel="f in the end")
        right.set_xticks(RATES, [f"{lr:g}" for lr in RATES], minor=False)
        right.minorticks_off()
        right.legend()
