"""Slide 9: what is the dimension of Δw? Change the units of a parameter, and see whose path changes with them."""

import math

import numpy as np

import minnet
from minnet.gallery.drawing import looks, panels
from minnet.gallery.text import markdown

TITLE = "Metres and millimetres: whose step has the units of the weight"
QUESTION = "If a length is measured in millimetres instead of metres, does a method still walk the same path?"
SEE = (
    "The same prices are fitted to lengths in other units: the weights become so many times as large, and a path that "
    "respects units would become so too. Only Adadelta's does, and only if each of its two ε has the unit of what it "
    "is added to; with one ε for both, as in the paper, its path depends on the unit like the others'. Other units of "
    "the loss (euros and cents) matter only to the methods that do not divide by the size of the gradient."
)
ORDER = 90
QUICK = "five units instead of thirteen"

STEPS = 400
SCALES = tuple(float(f"{s:.6g}") for s in np.geomspace(1e-3, 1e3, 13))
FEW = (1e-3, 0.1, 1.0, 10.0, 1e3)
LECTURE = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam")
LR = {"sgd": 0.05, "momentum": 0.01, "nesterov": 0.01, "adagrad": 0.1, "rmsprop": 0.01, "adadelta": 1.0, "adam": 0.01}
SHOWN = (0.1, 1.0, 10.0)  # of the right picture
SAME = 1e-6  # a path that deviates less is the same, but for rounding
LOSS = 1000.0


def adadelta_of_units(w, g, v, u, lr=1.0, rho=0.95, eps_u=1e-6, eps_v=1e-6):
    """Adadelta with an ε for steps and an ε for gradients: they have different units."""
    v = rho * v + (1 - rho) * g * g
    step = math.sqrt(u + eps_u) / math.sqrt(v + eps_v) * g
    u = rho * u + (1 - rho) * step * step
    return w - lr * step, v, u


OWN = minnet.rule(adadelta_of_units)


def run(quick: bool = False) -> dict:
    """Fit a line to points with every method in many units; return how far paths are from the one in metres."""
    scales = FEW if quick else SCALES
    opts = {name: minnet.optimizers.create(name, lr=LR[name]) for name in LECTURE}
    found = {name: [deviation(opt, opt, s) for s in scales] for name, opt in opts.items()}
    found["two ε"] = [deviation(own(1.0), own(s), s) for s in scales]
    adadelta = {s: (opts["adadelta"], own(s)) for s in SHOWN}
    left = {f"{s:g}": [to_go(opt, s) for opt in both] for s, both in adadelta.items()}
    return {
        "scales": scales,
        "parameter": found,
        "loss": {name: deviation(opt, opt, 1.0, LOSS) for name, opt in opts.items()},
        "left": left,
    }


def own(scale: float):
    """Return Adadelta with an ε in the unit of squared weights and one in that of squared gradients."""
    return minnet.optimizers.create(OWN, eps_u=1e-6 * scale**2, eps_v=1e-6 / scale**2)


def to_go(opt, scale: float) -> list[float]:
    """Return the distance to the solution after every eighth step, over that of the start."""
    path = fit(opt, scale)
    distance = np.linalg.norm(path - solution(), axis=1)[::8]
    return [float(f"{d:.5g}") for d in distance / distance[0]]


def deviation(opt, scaled, scale: float, loss: float = 1.0) -> float | None:
    """Return the largest distance of the path in other units from the one in metres, over the latter's extent.

    None if the path in other units diverges.
    """
    path, other = fit(opt), fit(scaled, scale, loss)
    if not np.isfinite(other).all():
        return None
    return float(f"{np.abs(other - path).max() / np.abs(path - path[0]).max():.6g}")


def fit(opt, scale: float = 1.0, loss: float = 1.0) -> np.ndarray:
    """Return the path of two weights, back in metres: what a metre of length, and of width, adds to a price.

    With a unit of `scale` metres the numbers of lengths are `scale` times smaller, and the weights so much larger.
    """
    lengths, price = points()
    x = lengths / scale
    square, product, rest = x.T @ x / len(x), x.T @ price / len(x), price @ price / len(x)

    def fun(w):
        down = square @ w - product
        return loss * 0.5 * float(w @ (down - product) + rest), loss * down

    result = minnet.minimize(fun, np.array([1.0, -0.5]) * scale, opt, STEPS)
    return np.full((2, 2), np.nan) if result.diverged else result.x / scale


def points() -> tuple[np.ndarray, np.ndarray]:
    """Return lengths and widths in metres, centred, and prices."""
    random = np.random.default_rng(0)
    lengths = random.standard_normal((50, 2)) * [1.0, 0.5]
    return lengths, lengths @ [2.0, 1.0] + 0.1 * random.standard_normal(50)


def solution() -> np.ndarray:
    """Return the weights that fit best, in metres."""
    return np.linalg.lstsq(*points())[0]


def at(results: dict, name: str, scale: float) -> float:
    """Return a deviation; infinite for a path that diverged."""
    value = results["parameter"][name][results["scales"].index(scale)]
    return math.inf if value is None else value


def claims(results: dict) -> list[tuple[str, bool]]:
    """Check whose path is the same."""
    loss = {name: math.inf if value is None else value for name, value in results["loss"].items()}
    return [
        (
            "With an ε of the right unit in each place Adadelta's path is the same in all units, but for rounding.",
            all(at(results, "two ε", s) < SAME for s in results["scales"]),
        ),
        (
            "With one ε = 1e-6 for both it is not: it deviates by more than a tenth in millimetres.",
            at(results, "adadelta", 1e3) > 0.1,
        ),
        (
            "None of the other six is the same in millimetres or kilometres: more than a tenth away, or diverging.",
            all(at(results, name, s) > 0.1 for name in LECTURE if name != "adadelta" for s in (1e-3, 1e3)),
        ),
        (
            "A loss a thousand times as large changes the paths of gradient descent, momentum and Nesterov's,",
            all(loss[name] > 0.1 for name in LECTURE[:3]),
        ),
        (
            "but not, apart from ε, those of the four that divide by the size of the gradient (within a twentieth).",
            all(loss[name] < 0.05 for name in LECTURE[3:]),
        ),
    ]


def table(results: dict) -> str:
    """Return deviations in three units of length and one of the loss."""
    shown = (1e-3, 0.1, 10.0, 1e3)
    head = ("path's deviation", *(f"weight × {s:g}" for s in shown), f"loss × {LOSS:g}")
    rows = []
    for name in (*LECTURE, "two ε"):
        cells = [at(results, name, s) for s in shown]
        loss = results["loss"].get(name, "")
        rows.append((
            "adadelta, two ε with units" if name == "two ε" else name,
            *("diverges" if math.isinf(each) else f"{each:.2g}" for each in cells),
            "diverges" if loss is None else loss if isinstance(loss, str) else f"{loss:.2g}",
        ))  # fmt: skip
    return markdown([head, *rows])


def draw(results: dict, path) -> None:
    """Draw deviations against the unit, and Adadelta's way to the solution in three units."""
    away = [k for k, s in enumerate(results["scales"]) if s != 1]
    other = [results["scales"][k] for k in away]

    def line(values, **look):
        left.loglog(other, [np.nan if values[k] is None else values[k] for k in away], **look)

    with panels(path, columns=2) as (left, right):
        for name, look in looks(LECTURE).items():
            line(results["parameter"][name], label=name, **{**look, "markersize": 3})
        line(results["parameter"]["two ε"], label="adadelta, two ε with units", color="#6b1f4d", linewidth=2.5)
        left.set(title="How far the path is from the one in metres", ylabel="deviation over extent")
        left.set_xlabel("weights × (left: kilometres; right: millimetres)")
        left.legend(loc="center right", ncols=2, bbox_to_anchor=(1, 0.45))
        t = 8 * np.arange(STEPS // 8 + 1)
        for colour, (scale, (one, _)) in zip(("#cc9200", "#1b1b1b", "#0064a8"), results["left"].items()):
            right.semilogy(t, one, color=colour, label=f"weights × {scale}")
        right.semilogy(
            t,
            results["left"]["1"][1],
            color="#6b1f4d",
            linewidth=4,
            alpha=0.4,
            zorder=0,
            label="two ε with units: all three",
        )
        right.set(
            title="Adadelta, ε = 1e-6: distance to the solution",
            xlabel="step",
            ylabel="share still to go",
            ylim=(1e-6, 2),
        )
        right.legend(loc="center right")
