"""Slide 10: the anatomy of Adam's steps: g, m, v, m̂, v̂ and Δw of one real weight."""

import numpy as np

from minnet import optimizers
from minnet.gallery.drawing import panels
from minnet.gallery.text import markdown
from minnet.lab.anatomy import anatomy

TITLE = "Anatomy of Adam's steps"
QUESTION = "What does each part of Adam's formula do to a weight of a network in training?"
SEE = (
    "The gradient of a single weight is noisy; m is its mean over some ten steps, and the signs that cancel no "
    "longer move the weight. v grows for hundreds of steps from its start at zero, while v̂, corrected, has the right "
    "size at once; Δw is m̂ measured in √v̂, and never much longer than lr."
)
ORDER = 105

STEPS = 200
LR, BETA1, BETA2, EPS = 0.001, 0.9, 0.999, 1e-8
NAMES = ("t", "w", "g", "m", "v", "m_hat", "v_hat", "Δw")
TOLERANCE = 2e-4  # the network trains in float32, and Δw is a difference of weights


def run() -> dict:
    """Train a small network on the digits and follow one of its weights."""
    found = anatomy(optimizers.get("adam"), steps=STEPS, hyper={"lr": LR, "beta1": BETA1, "beta2": BETA2, "eps": EPS})
    return {"place": found.place, "rows": [[float(f"{row[name]:.8g}") for name in NAMES] for row in found.rows]}


def column(results: dict, name: str) -> np.ndarray:
    """Return one quantity over the steps."""
    return np.array(results["rows"])[:, NAMES.index(name)]


def means(g: np.ndarray, beta: float) -> np.ndarray:
    """Return the exponential mean of a sequence after every step, written as the sum that it is."""
    t = np.arange(len(g))
    weights = np.tril((1 - beta) * beta ** (t[:, None] - t[None, :]).clip(0))
    return weights @ g


def close(a: np.ndarray, b: np.ndarray, tolerance: float = TOLERANCE) -> bool:
    """Say whether two sequences differ by no more than a share of the larger one's greatest value."""
    return bool(np.abs(a - b).max() <= tolerance * np.abs(b).max())


def claims(results: dict) -> list[tuple[str, bool]]:
    """Recompute every quantity from the gradients alone, by another formula."""
    g, m, v = (column(results, name) for name in ("g", "m", "v"))
    m_hat, v_hat, step = (column(results, name) for name in ("m_hat", "v_hat", "Δw"))
    turns = [int((np.diff(np.sign(each)) != 0).sum()) for each in (g, step)]
    return [
        ("m is Σ (1 − β₁) β₁ᵗ⁻ⁱ gᵢ, summed from the gradients.", close(m, means(g, BETA1))),
        ("v is Σ (1 − β₂) β₂ᵗ⁻ⁱ gᵢ².", close(v, means(g * g, BETA2))),
        (
            "m̂ and v̂ are what the sums would be if their weights added up to one.",
            close(m_hat, means(g, BETA1) / means(np.ones_like(g), BETA1))
            and close(v_hat, means(g * g, BETA2) / means(np.ones_like(g), BETA2)),
        ),
        ("Δw is −lr m̂ / (√v̂ + ε).", close(step, -LR * m_hat / (np.sqrt(v_hat) + EPS), 2e-3)),
        ("The first step is lr long.", abs(abs(step[0]) / LR - 1) < 1e-3),
        ("No step is longer than lr (1 − β₁) / √(1 − β₂).", np.abs(step).max() < LR * (1 - BETA1) / np.sqrt(1 - BETA2)),
        ("The step changes its sign less than half as often as the gradient.", 2 * turns[1] < turns[0]),
    ]  # fmt: skip


def table(results: dict) -> str:
    """Return some of the steps."""
    rows = [row for row in results["rows"] if row[0] in (1, 2, 3, 10, 50, 100, 200)]
    return markdown([NAMES, *((f"{row[0]:g}", *(f"{each:.3e}" for each in row[1:])) for row in rows)])


def draw(results: dict, path) -> None:
    """Draw the gradient with its mean, the squares with theirs, and the steps."""
    t = column(results, "t")
    with panels(path, columns=2, rows=2, height=2.5, sharex=True) as (slope, square, step, weight):
        slope.vlines(t, 0, column(results, "g"), color="0.75", linewidth=1, label="g")
        slope.plot(t, column(results, "m"), color="#0064a8", label="m")
        slope.plot(t, column(results, "m_hat"), color="#bd3a00", linestyle="--", label="m̂")
        square.plot(t, column(results, "v"), color="#0064a8", label="v")
        square.plot(t, column(results, "v_hat"), color="#bd3a00", linestyle="--", label="v̂")
        step.vlines(t, 0, column(results, "Δw") / LR, color="#bd3a00", linewidth=1)
        weight.plot(t, column(results, "w"), color="#1b1b1b")
        slope.set(title="The gradient and its mean")
        square.set(title="The mean of its squares")
        square.set_yscale("log")
        step.set(title="Δw / lr", xlabel="step")
        weight.set(title="The weight", xlabel="step")
        slope.legend(ncols=3)
        square.legend()
