"""Slide 6: adaptation. Adagrad gives every weight a rate of its own, and so rare features learn faster."""

import numpy as np

import minnet
from minnet.gallery.drawing import looks, panels
from minnet.gallery.text import markdown

TITLE = "A rate per weight: rare features learn faster"
QUESTION = "If a feature is seen once in two hundred samples, why should its weight move with the rate of the others?"
SEE = (
    "Features appear as words do, the j-th with probability 1/j, and every weight should become 1. One rate for all "
    "is too large for the common weights, which the noise then shakes, or too small for the rare ones, which stay "
    "behind. Adagrad's rate falls with what a weight has seen: the rarest keep one many times that of the commonest, "
    "and their errors end lower."
)
ORDER = 60
QUICK = "one seed instead of three, and five step sizes instead of nine"

FEATURES, STEPS, NOISE = 200, 6000, 0.5
RATES = tuple(float(f"{lr:.3g}") for lr in np.geomspace(0.01, 1.0, 9))
METHODS = ("sgd", "adagrad")
RARE = slice(FEATURES // 2, None)  # the rarer half
SEEDS = 3


def run(quick: bool = False) -> dict:
    """Fit a linear model to samples of rare features, one by one, with the best of nine step sizes for each method."""
    best, tried = {}, {}
    rates, seeds = (RATES[::2], 1) if quick else (RATES, SEEDS)
    for name in METHODS:
        errors = {lr: np.mean([walk(name, lr, seed)[0] ** 2 for seed in range(seeds)]) for lr in rates}
        tried[name] = [float(f"{errors[lr]:.5g}") for lr in rates]
        best[name] = min(errors, key=errors.get)
    walks = {name: [walk(name, best[name], seed) for seed in range(seeds)] for name in METHODS}
    return {
        "lr": best,
        "tried": tried,
        "error": {name: np.mean([np.abs(w) for w, _ in walks[name]], axis=0).round(6).tolist() for name in METHODS},
        "rate": {name: np.mean([rate for _, rate in walks[name]], axis=0).round(8).tolist() for name in METHODS},
    }


def walk(name: str, lr: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the error of every weight in the end, the mean over the last tenth, and its rate there."""
    random = np.random.default_rng(seed)
    seen = random.random((STEPS, FEATURES)) < 1 / np.arange(1, FEATURES + 1)
    noise = NOISE * random.standard_normal(STEPS)
    opt = minnet.optimizers.create(name, lr=lr)
    w = np.zeros(FEATURES)
    state = opt.init(w)
    update, table = opt.update("float64"), opt.table(np.arange(STEPS))
    square = np.zeros(FEATURES)
    for t in range(STEPS):
        x = seen[t].astype(float)
        g = (x @ (w - 1) - noise[t]) * x
        update(w, g, state.slots, state.memory, state.blocks, table[t])
        if not np.isfinite(w).all() or np.abs(w).max() > 1e6:
            return np.full(FEATURES, 1e6), np.full(FEATURES, lr)
        if t >= STEPS - STEPS // 10:
            square += (w - 1) ** 2 / (STEPS // 10)
    rate = lr / np.sqrt(state.slots[0]) if name == "adagrad" else np.full(FEATURES, lr)
    return np.sqrt(square), rate


def claims(results: dict) -> list[tuple[str, bool]]:
    """Check rates and errors."""
    rate, error = np.array(results["rate"]["adagrad"]), {n: np.array(results["error"][n]) for n in METHODS}
    exponent = np.polyfit(-np.log(np.arange(1, FEATURES + 1)), np.log(rate), 1)[0]
    edges = [results["tried"][name].index(min(results["tried"][name])) for name in METHODS]
    return [
        ("Both have their best step size inside the range that was tried.",
         all(0 < edge < len(results["tried"]["sgd"]) - 1 for edge in edges)),
        ("In the end the ten rarest have on average more than ten times the rate of the commonest.",
         rate[-10:].mean() > 10 * rate[0]),
        ("Adagrad's rate falls like one over the root of how often a feature appears (exponent −0.6 to −0.4).",
         -0.6 < exponent < -0.4),
        ("The rarer half ends nearer to its values than with the best single rate.",
         error["adagrad"][RARE].mean() < error["sgd"][RARE].mean()),
        ("So does the whole: the mean squared error is smaller.",
         float((error["adagrad"] ** 2).mean()) < float((error["sgd"] ** 2).mean())),
    ]  # fmt: skip


def table(results: dict) -> str:
    """Return errors and rates of three groups of features."""
    groups = {"the 10 commonest": slice(0, 10), "the middle": slice(10, 100), "the 100 rarest": RARE}
    head = ("method", "best step size", *(f"error, {name}" for name in groups), *(f"rate, {name}" for name in groups))
    rows = [
        (
            name,
            f"{results['lr'][name]:g}",
            *(f"{np.mean(results['error'][name][part]):.3f}" for part in groups.values()),
            *(f"{np.mean(results['rate'][name][part]):.4f}" for part in groups.values()),
        )
        for name in METHODS
    ]
    return markdown([head, *rows])


def draw(results: dict, path) -> None:
    """Draw error and rate against how often a feature appears."""
    often = 1 / np.arange(1, FEATURES + 1)
    with panels(path, columns=2) as (left, right):
        for name, look in looks(METHODS).items():
            dots = {**look, "linestyle": "none", "markersize": 3.5}
            left.loglog(often, results["error"][name], label=f"{name}, step size {results['lr'][name]:g}", **dots)
            right.loglog(often, results["rate"][name], label=name, **dots)
        left.set(title="Error of every weight in the end", xlabel="how often the feature appears", ylabel="|w − 1|")
        right.set(title="Its rate in the end", xlabel="how often the feature appears", ylabel="lr, or lr / √G")
        left.legend()
