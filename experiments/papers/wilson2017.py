"""Wilson et al. (2017): a least-squares problem that adaptive methods fit, and do not understand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import minnet
from minnet import optimizers
from minnet.gallery.drawing import looks, panels
from minnet.gallery.text import markdown

TITLE = "Wilson et al. 2017: a fit that does not generalise"
QUESTION = "Do all methods that reach zero training loss find equally good solutions?"
SEE = (
    "All methods fit the training data. Gradient descent, momentum and Nesterov then trust the "
    "one feature that is the label; Adagrad, RMSProp and Adam give all three common features the same weight, so "
    "that the two constant ones outvote it and every new point is called positive."
)
ORDER = 50

# Section 3.3 of arXiv:1705.08292, quoted from memory: adaptive methods never get a negative point right.
SHARE = 0.6  # of positive points
PLAIN, ADAPTIVE = ("sgd", "momentum", "nesterov"), ("adagrad", "rmsprop", "adam")
SETTINGS: dict[str, dict[str, float]] = {
    "sgd": {"lr": 0.3},
    "momentum": {"lr": 0.1, "momentum": 0.9},
    "nesterov": {"lr": 0.1, "momentum": 0.9},
    "adagrad": {"lr": 0.1, "eps": 1e-12},
    "rmsprop": {"lr": 0.001, "eps": 1e-12},
    "adam": {"lr": 0.001, "eps": 1e-12},
}
POINTS, STEPS, NEW, DRAWS = 100, 1000, 1000, 3
KEPT = 60  # points of a curve


def problem(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return X and y of the construction.

    The first feature is the label, two more are always 1, and every point has features that no other has: one that
    is 1 if it is positive, five if it is negative.
    """
    y = np.where(np.arange(n) < round(SHARE * n), 1.0, -1.0)
    rng.shuffle(y)
    X = np.zeros((n, 3 + 5 * n))
    X[:, 0], X[:, 1:3] = y, 1.0
    for i in range(n):
        X[i, 3 + 5 * i : 3 + 5 * i + (1 if y[i] > 0 else 5)] = 1.0
    return X, y


def run(quick: bool = False) -> dict[str, Any]:
    """Fit the data with every method from w = 0; look at training loss and test error on the way."""
    steps, kept = 300 if quick else STEPS, {}
    at = np.unique(np.geomspace(1, steps, KEPT).astype(int))
    curves: dict[str, dict[str, list[list[float]]]] = {
        name: {"loss": [], "error": [], "weights": []} for name in SETTINGS
    }
    for draw_ in range(DRAWS):
        rng = np.random.default_rng(draw_)
        X, y = problem(POINTS, rng)
        y_new = np.where(rng.random(NEW) < SHARE, 1.0, -1.0)
        X_new = np.column_stack([y_new, np.ones((NEW, 2))])  # their own features are those of no training point

        def loss(w: np.ndarray, X: np.ndarray = X, y: np.ndarray = y) -> tuple[float, np.ndarray]:
            residual = X @ w - y
            return float(residual @ residual) / 2 / len(y), X.T @ residual / len(y)

        for name, hyper in SETTINGS.items():
            path = minnet.minimize(loss, np.zeros(X.shape[1]), optimizers.create(name, **hyper), steps)
            wrong = np.sign(path.x[at, :3] @ X_new.T) != y_new
            curves[name]["loss"].append(path.f[at].tolist())
            curves[name]["error"].append((100 * wrong.mean(axis=1)).tolist())
            curves[name]["weights"].append(path.x[-1, :3].tolist())
        kept[draw_] = 100 * float((y_new < 0).mean())
    return {"steps": at.tolist(), "curves": curves, "negative": [kept[each] for each in range(DRAWS)]}


def claims(results: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Check fits and errors at the end."""
    last = {name: [each[-1] for each in of["error"]] for name, of in results["curves"].items()}
    first = {name: [each[0] for each in of["loss"]] for name, of in results["curves"].items()}
    losses = {name: [each[-1] for each in of["loss"]] for name, of in results["curves"].items()}
    return [
        (
            "Every method fits: its training loss falls to less than a hundredth.",
            all(end < start / 100 for name in SETTINGS for start, end in zip(first[name], losses[name], strict=True)),
        ),
        (
            "Gradient descent, momentum and Nesterov make no error on new points.",
            all(error == 0 for name in PLAIN for error in last[name]),
        ),
        (
            "Adagrad, RMSProp and Adam get every negative point wrong.",
            all(last[name] == results["negative"] for name in ADAPTIVE),
        ),
    ]


def table(results: Mapping[str, Any]) -> str:
    """Return errors at the end, beside those of the paper."""
    rows = [("method", "test error, paper", "ours", "training loss, ours", "agrees")]
    negative = float(np.mean(results["negative"]))
    for name, of in results["curves"].items():
        ours, loss = (float(np.mean([each[-1] for each in of[key]])) for key in ("error", "loss"))
        paper = 0.0 if name in PLAIN else negative
        said = "0 %" if name in PLAIN else f"the share of negative points, {negative:.1f} %"
        rows.append((name, said, f"{ours:.1f} %", f"{loss:.1e}", "yes" if abs(ours - paper) < 1e-9 else "no"))
    return (
        f"{markdown(rows)}\n\n{POINTS} points, {STEPS:,} steps of the whole batch, means over {DRAWS} draws. What the "
        "paper says are its theorems, quoted from memory; it has no table of this problem."
    )


def draw(results: Mapping[str, Any], path: Path) -> None:
    """Draw training losses and the weights that decide about a new point, for the first draw."""
    with panels(path, columns=2) as (left, right):
        for place, (name, look) in enumerate(looks([*SETTINGS]).items()):
            of = results["curves"][name]
            left.loglog(results["steps"], of["loss"][0], **look, markevery=8, label=name)
            at = [feature + 0.13 * (place - 2.5) for feature in range(3)]
            right.bar(
                at, of["weights"][0], 0.12, color=look["color"], label=f"{name}: {of['error'][0][-1]:.0f} % wrong"
            )
        left.set(title="Training loss", xlabel="step", ylim=(1e-12, 1))
        right.set(title="Weights of the features that new points have", xticks=range(3))
        right.set_xticklabels(["the label", "always 1", "always 1"])
        left.legend()
        right.legend()
