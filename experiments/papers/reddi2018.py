"""Reddi, Kale and Kumar (2018): functions on which Adam goes to the worst point, and AMSGrad to the best."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minnet import optimizers, schedules
from minnet.gallery.drawing import looks, panels
from minnet.gallery.text import markdown

TITLE = "Reddi et al. 2018: where Adam fails and AMSGrad does not"
QUESTION = "Does Adam find the minimum of a convex function whose rare gradients are large?"
SEE = (
    "Now and then a large gradient points to the minimum at -1; all others, small, point away from it. Adam divides "
    "the large ones by their own size and walks to +1, the worst point; AMSGrad remembers how large they were."
)
ORDER = 40

# The paper's claims (arXiv:1904.09237, Theorem 1 and section 5, quoted from memory): Adam ends at +1, AMSGrad at -1.
PAPER = {"adam": 1.0, "amsgrad": -1.0}
BEST, NEAR = -1.0, 0.1
PROBLEMS: dict[str, dict[str, Any]] = {
    "1010 x every 101 steps, else -10 x": {
        "large": 1010.0, "small": -10.0, "period": 101, "steps": 100_000, "alpha": 0.5, "beta1": 0.9, "beta2": 0.99,
    },
    "4 x every 3 steps, else -x (Theorem 1)": {
        "large": 4.0, "small": -1.0, "period": 3, "steps": 10_000, "alpha": 0.5, "beta1": 0.0, "beta2": 1 / 17,
    },
}  # fmt: skip
POINTS = 200  # that are kept of a path


def run(quick: bool = False) -> dict[str, Any]:
    """Let both methods walk over each sequence of functions; after every step, the point is put back into [-1, 1]."""
    found: dict[str, Any] = {}
    for problem, settings in PROBLEMS.items():
        steps = 3000 if quick else settings["steps"]
        kept = np.unique(np.geomspace(1, steps, POINTS).astype(int))
        found[problem] = {"steps": kept.tolist(), "paths": {}}
        for name in PAPER:
            slopes, path = walk(name, settings, steps)
            # What was lost, per step, against staying at the best point all the time.
            regret = np.cumsum(slopes * (path[:-1] - BEST)) / np.arange(1, steps + 1)
            found[problem]["paths"][name] = {
                "x": path[kept].round(5).tolist(), "regret": regret[kept - 1].round(5).tolist()
            }  # fmt: skip
    return found


def walk(name: str, settings: Mapping[str, Any], steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the slope of every step and the points before and after it."""
    slopes = np.full(steps, settings["small"])
    slopes[:: settings["period"]] = settings["large"]
    lr = schedules.create("inverse_sqrt", lr=settings["alpha"])
    method = optimizers.create(name, lr=lr, beta1=settings["beta1"], beta2=settings["beta2"], eps=1e-12)
    x, g = np.zeros(1), np.zeros(1)
    update, state, table = method.update("float64"), method.init(x), method.table(np.arange(steps))
    path = np.zeros(steps + 1)
    for t in range(steps):
        g[0] = slopes[t]
        update(x, g, state.slots, state.memory, state.blocks, table[t])
        x[0] = path[t + 1] = min(max(x[0], -1.0), 1.0)
    return slopes, path


def ends(results: Mapping[str, Any], name: str) -> list[float]:
    """Return where a method ended on each problem."""
    return [problem["paths"][name]["x"][-1] for problem in results.values()]


def claims(results: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Check where both end, and whether the loss per step vanishes."""
    losses = {name: [problem["paths"][name]["regret"] for problem in results.values()] for name in PAPER}
    return [
        ("Adam ends at the worst point, +1, on both.", all(abs(x - 1) < NEAR for x in ends(results, "adam"))),
        ("AMSGrad ends at the best one, -1, on both.", all(abs(x + 1) < NEAR for x in ends(results, "amsgrad"))),
        (
            "AMSGrad loses ever less per step against the best point; Adam at the end still more than it.",
            all(ours[-1] < ours[len(ours) // 2] for ours in losses["amsgrad"])
            and all(adam[-1] > ours[-1] for adam, ours in zip(losses["adam"], losses["amsgrad"], strict=True)),
        ),
    ]


def table(results: Mapping[str, Any]) -> str:
    """Return where both methods end."""
    rows = [("sequence of functions on [-1, 1]", "method", "ends at, paper", "ours", "loss per step, ours", "agrees")]
    for problem, of in results.items():
        for name, paper in PAPER.items():
            x, regret = of["paths"][name]["x"][-1], of["paths"][name]["regret"][-1]
            agrees = "yes" if abs(x - paper) < NEAR else "no"
            rows.append((problem, name, f"{paper:+g}", f"{x:+.3f}", f"{regret:.3f}", agrees))
    steps = [problem["steps"][-1] for problem in results.values()]
    return (
        f"{markdown(rows)}\n\nα = 0.5 / √t. Scaled down: {steps[0]:,} and {steps[1]:,} steps, where the paper's figure "
        "has millions; the paper's ends are those of its theorems, quoted from memory."
    )


def draw(results: Mapping[str, Any], path: Path) -> None:
    """Draw the points and the losses per step."""
    with panels(path, columns=2, rows=2, height=2.6, sharex="row") as axes:
        for row, (problem, of) in enumerate(results.items()):
            left, right = axes[2 * row : 2 * row + 2]
            for name, look in looks([*PAPER]).items():
                look = {**look, "marker": ""}
                left.semilogx(of["steps"], of["paths"][name]["x"], **look, label=name)
                right.semilogx(of["steps"], of["paths"][name]["regret"], **look, label=name)
            left.set(title=problem, xlabel="step", ylabel="x", ylim=(-1.1, 1.1))
            right.set_yscale("symlog", linthresh=0.1)
            right.set(title="Lost per step against x = -1", xlabel="step")
            right.axhline(0, color="0.7", linewidth=1)
        axes[0].legend()
