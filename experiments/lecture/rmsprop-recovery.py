"""Slide 8: RMSProp forgets, and so its rate recovers when the gradient calms down."""

import numpy as np

import minnet
from minnet.gallery.drawing import looks, panels
from minnet.gallery.text import markdown

TITLE = "RMSProp recovers when the gradient calms"
QUESTION = "What becomes of the rate after a time of large gradients?"
SEE = (
    "For 300 steps the gradients are a hundred times as large as before, then they calm. RMSProp's rate dips and is "
    "back after some 100 steps, as many as ρ = 0.9 needs to forget a factor of 10,000 in the squares. Adagrad never "
    "forgets: 1000 steps later its rate is still what the storm has left, and what it moves per step is next to "
    "nothing."
)
ORDER = 80

CALM, STORM, AFTER = 200, 300, 1000
SMALL, LARGE = 0.1, 10.0
LR = 0.01
METHODS = ("adagrad", "rmsprop")
RHO = 0.9


def run() -> dict:
    """Give both the same gradients, small, large, and small again; return the effective rate after every step."""
    size = np.concatenate([np.full(CALM, SMALL), np.full(STORM, LARGE), np.full(AFTER, SMALL)])
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size.size)
    rates = {}
    for name in METHODS:
        opt = minnet.optimizers.create(name, lr=LR)
        w, rates[name] = np.zeros(1), []
        state = opt.init(w)
        for g in size * signs:
            before = float(w[0])
            opt.step(w, np.array([g]), state)
            rates[name].append(float(f"{(before - float(w[0])) / g:.8g}"))
    return {"rate": rates}


def recovery(results: dict, name: str) -> int | None:
    """Return after how many calm steps the rate is back at nine tenths of what it was before the storm."""
    rate = np.array(results["rate"][name])
    back = np.flatnonzero(rate[CALM + STORM :] >= 0.9 * rate[CALM - 1])
    return int(back[0]) + 1 if back.size else None


def forgets() -> int:
    """Return when ρᵗ (large² − small²) + small² has come down to small² / 0.81."""
    return int(np.ceil(np.log((1 / 0.81 - 1) * SMALL**2 / (LARGE**2 - SMALL**2)) / np.log(RHO)))


def claims(results: dict) -> list[tuple[str, bool]]:
    """Check both rates before, during and after the storm."""
    rate = {name: np.array(results["rate"][name]) for name in METHODS}
    found = recovery(results, "rmsprop")
    return [
        (
            f"RMSProp's rate is back at nine tenths after {forgets()} calm steps, as ρᵗ says; one more or less.",
            found is not None and abs(found - forgets()) <= 1,
        ),
        (
            "In the storm it had fallen to a hundredth.",
            abs(rate["rmsprop"][CALM + STORM - 1] / rate["rmsprop"][CALM - 1] - 0.01) < 1e-4,
        ),
        ("Adagrad's rate never rises again.", bool((np.diff(rate["adagrad"]) <= 0).all())),
        (
            "After 1000 calm steps it is still less than a tenth of what it was.",
            rate["adagrad"][-1] < 0.1 * rate["adagrad"][CALM - 1],
        ),
    ]


def table(results: dict) -> str:
    """Return the rates at four times."""
    head = ("effective rate", "before the storm", "at its end", "100 steps later", "1000 steps later", "back after")
    ends = (CALM - 1, CALM + STORM - 1, CALM + STORM + 99, -1)
    rows = [
        (name, *(f"{results['rate'][name][t]:.2e}" for t in ends), str(recovery(results, name) or "never"))
        for name in METHODS
    ]
    return markdown([head, *rows])


def draw(results: dict, path) -> None:
    """Draw the rates over time."""
    with panels(path) as (axes,):
        for name, look in looks(METHODS).items():
            axes.semilogy(
                np.arange(1, CALM + STORM + AFTER + 1), results["rate"][name], label=name, **{**look, "marker": ""}
            )
        axes.axvspan(CALM, CALM + STORM, color="0.92", zorder=0)
        axes.annotate(
            "gradients a hundred\ntimes as large", (CALM + STORM / 2, 0.04), ha="center", va="top", fontsize=8
        )
        axes.set(title="Effective rate, Δw over g", xlabel="step", ylabel="rate")
        axes.legend(loc="center right")
