"""Slide 10: Adam's bias correction, and the first steps without it."""

import math

import numpy as np

import minnet
from minnet import optimizers
from minnet.gallery.drawing import panels
from minnet.gallery.text import markdown
from minnet.lab.trials import load_split
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec
from minnet.training.run import Run

TITLE = "Adam's first steps, with and without bias correction"
QUESTION = "Both means start at zero: what happens if nobody corrects for that?"
SEE = (
    "Under a constant gradient Adam's steps have the length lr from the first on. Without the corrections the mean of "
    "squares, which forgets slowly, is too small for hundreds of steps and its root with it: the first step is 3.16 "
    "times too long, and the worst more than six times. The weights of a real network are thrown about likewise."
)
ORDER = 100

LR, BETA1, BETA2, EPS = 0.001, 0.9, 0.999, 1e-8
STEPS, REAL, BATCH = 5000, 200, 32
KEPT = np.unique([1, 3, 10, 20, 30, 100, 300, 1000, 3000, *np.geomspace(1, STEPS, 150).astype(int)])


def adam_uncorrected(w, g, m, v, lr=LR, beta1=BETA1, beta2=BETA2, eps=EPS):
    """Adam as it would be if its means were taken as they are."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return w - lr * m / (math.sqrt(v) + eps), m, v


OWN = minnet.rule(adam_uncorrected)
KINDS = {"corrected": "adam", "uncorrected": OWN}


def run() -> dict:
    """Step under a constant gradient, and train a small network on the digits."""

    def slope(x):
        return float(x[0]), np.ones(1)

    constant, worst, real = {}, {}, {}
    for kind, method in KINDS.items():
        path = minnet.minimize(slope, [0.0], optimizers.create(method, lr=LR), STEPS).x[:, 0]
        length = -np.diff(path) / LR
        constant[kind] = {int(t): float(f"{length[t - 1]:.9g}") for t in KEPT}
        worst[kind] = [float(length.min()), float(length.max())]
        real[kind] = lengths(optimizers.get(method))
    return {"constant": constant, "shortest and longest": worst, "real": real}


def lengths(method: optimizers.Method) -> list[float]:
    """Train a small network on the digits; return the root mean square of all steps of its weights, over lr."""
    spec = RunSpec(
        data="digits",
        network=NetworkSpec(hidden=(16,)),
        training=TrainingSpec(batch_size=BATCH),
        optimizer=OptimizerSpec(method.name, "paper", {"lr": LR}, method.digest),
        seed=0,
    )
    run = Run(spec, load_split(spec))
    order = np.concatenate([np.random.default_rng(e).permutation(run.n) for e in range(1 + REAL * BATCH // run.n)])
    found = []
    for k in range(REAL):
        before = run.params.copy()
        run.steps(order[k * BATCH : (k + 1) * BATCH])
        step = (run.params - before)[run.state.slots[1] > 0]  # a pixel that was always empty has no gradient
        found.append(float(f"{np.sqrt(np.mean(step.astype(float) ** 2)) / LR:.6g}"))
    return found


def theory(t: int) -> float:
    """Return the length of step t under a constant gradient without correction, over lr."""
    return (1 - BETA1**t) / math.sqrt(1 - BETA2**t)


def claims(results: dict) -> list[tuple[str, bool]]:
    """Check the lengths of steps."""
    (low, high), (_, longest) = (results["shortest and longest"][kind] for kind in KINDS)
    bare = {int(t): length for t, length in results["constant"]["uncorrected"].items()}
    real = {kind: np.array(results["real"][kind]) for kind in KINDS}
    return [
        (
            "Corrected, every step under a constant gradient is lr, to a millionth.",
            max(abs(low - 1), abs(high - 1)) < 1e-6,
        ),
        (
            "Uncorrected, step t is lr (1 − β₁ᵗ) / √(1 − β₂ᵗ), to a millionth.",
            all(abs(bare[t] - theory(t)) < 1e-6 * theory(t) for t in (1, 10, 20, 100, 1000)),
        ),
        ("The longest is more than six times too long.", longest > 6),
        ("After a thousand steps they are still a quarter too long.", bare[1000] > 1.25),
        (
            "The first step of a real network's weights is lr with the corrections, √10 lr without (to a hundredth).",
            abs(real["corrected"][0] - 1) < 0.01 and abs(real["uncorrected"][0] / math.sqrt(10) - 1) < 0.01,
        ),
        (
            "In their first 50 steps its weights go more than twice as far without them.",
            real["uncorrected"][:50].sum() > 2 * real["corrected"][:50].sum(),
        ),
    ]


def table(results: dict) -> str:
    """Return some lengths."""
    shown = (1, 3, 10, 30, 100, 300, 1000, 3000)
    head = ("length of step t over lr", *(f"t = {t}" for t in shown))
    return markdown([head, *((kind, *(f"{results['constant'][kind][str(t)]:.2f}" for t in shown)) for kind in KINDS)])


def draw(results: dict, path) -> None:
    """Draw lengths of steps, and the real weight."""
    colours = {"corrected": "#bd3a00", "uncorrected": "0.4"}
    with panels(path, columns=2) as (left, right):
        for kind, colour in colours.items():
            left.semilogx(KEPT, list(results["constant"][kind].values()), color=colour, label=kind)
            right.semilogx(np.arange(1, REAL + 1), results["real"][kind], color=colour, label=kind)
        left.set(
            title="Length of the steps under a constant gradient", xlabel="step", ylabel="length / lr", ylim=(0, None)
        )
        right.set(
            title="Weights of a small network on the digits",
            xlabel="step",
            ylabel="root mean square / lr",
            ylim=(0, None),
        )
        left.legend()
