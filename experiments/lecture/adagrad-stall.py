"""Slide 7: Adagrad's sum only ever grows, so its rate only ever falls, and it stalls."""

import numpy as np

import minnet
from minnet.gallery.drawing import looks, panels
from minnet.gallery.text import markdown

TITLE = "Adagrad stalls: its rate only ever falls"
QUESTION = "The increment of G is always above zero: what becomes of a method whose rate cannot recover?"
SEE = (
    "Under gradients of a steady size Adagrad's rate falls like 1/√t, a straight line of slope −½ on these axes. When "
    "the minimum moves away by one, the later it does so, the longer Adagrad takes to follow; RMSProp, which forgets, "
    "follows equally fast at any time. (What counts is how the steps grow, not who needs fewer: that depends on the "
    "two step sizes.)"
)
ORDER = 70

LR = {"adagrad": 0.5, "rmsprop": 0.01}
SHIFTS = (100, 1000, 10_000)
STEPS, NOISE, WALKERS = 10_000, 0.5, 200
KEPT = np.unique(np.geomspace(1, STEPS, 120).astype(int)) - 1
METHODS = ("adagrad", "rmsprop")


def run() -> dict:
    """Walk on ½ (x − c)² with noisy gradients; move c after some steps and count those to half the way."""
    found = {name: follow(name) for name in METHODS}
    return {
        "steps": (KEPT + 1).tolist(),
        "rate": {name: [float(f"{each:.6g}") for each in found[name][0][KEPT]] for name in METHODS},
        "half": {name: found[name][1] for name in METHODS},
    }


def follow(name: str) -> tuple[np.ndarray, list[int | None]]:
    """Return the mean rate of many walkers at every step, and for each shift the steps until half of it is made up."""
    opt = minnet.optimizers.create(name, lr=LR[name])
    update, table = opt.update("float64"), opt.table(np.arange(3))  # neither depends on t
    random = np.random.default_rng(0)
    w = np.zeros(WALKERS)
    state, rates, half = opt.init(w), np.empty(STEPS), []
    for t in range(STEPS):
        update(w, w + NOISE * random.standard_normal(WALKERS), state.slots, state.memory, state.blocks, table[0])
        rates[t] = np.mean(LR[name] / np.sqrt(state.slots[0]))
        if t + 1 in SHIFTS:
            half.append(halfway(update, table[0], w.copy(), state, np.random.default_rng(1)))
    return rates, half


def halfway(update, row, w, state, random) -> int | None:
    """Move the minimum to 1 and return after how many steps the mean walker is half way there."""
    slots, start = state.slots.copy(), w.mean()
    for t in range(1, STEPS):
        update(w, w - 1 + NOISE * random.standard_normal(WALKERS), slots, state.memory, state.blocks, row)
        if w.mean() - start >= 0.5:
            return t
    return None


def slope(results: dict, name: str) -> float:
    """Return the slope of the rate on log-log axes from step 100 on."""
    t, rate = np.array(results["steps"]), np.array(results["rate"][name])
    return float(np.polyfit(np.log(t[t >= 100]), np.log(rate[t >= 100]), 1)[0])


def claims(results: dict) -> list[tuple[str, bool]]:
    """Check slopes, and who follows."""
    half = {name: [STEPS if n is None else n for n in results["half"][name]] for name in METHODS}
    rate = np.array(results["rate"]["adagrad"])
    return [
        ("Adagrad's rate falls with the slope −½ (−0.55 to −0.45) from step 100 on.",
         -0.55 < slope(results, "adagrad") < -0.45),
        ("It never rises.", bool((np.diff(rate) <= 0).all())),
        ("RMSProp's neither falls nor rises (slope −0.02 to 0.02).", abs(slope(results, "rmsprop")) < 0.02),
        ("A hundred times later, Adagrad takes more than five times as long to follow.",
         half["adagrad"][-1] > 5 * half["adagrad"][0]),
        ("RMSProp takes equally long, within a fifth.", max(half["rmsprop"]) < 1.2 * min(half["rmsprop"])),
    ]  # fmt: skip


def table(results: dict) -> str:
    """Return the steps to half the way."""
    head = ("steps until half of the shift is made up", *(f"shift after {t:,}" for t in SHIFTS), "slope of the rate")
    rows = [
        (name, *("more" if n is None else str(n) for n in results["half"][name]), f"{slope(results, name):.3f}")
        for name in METHODS
    ]
    return markdown([head, *rows])


def draw(results: dict, path) -> None:
    """Draw the rates, and the steps to follow."""
    with panels(path, columns=2) as (left, right):
        for name, look in looks(METHODS).items():
            left.loglog(results["steps"], results["rate"][name], label=name, **{**look, "marker": ""})
            right.loglog(SHIFTS, [n or np.nan for n in results["half"][name]], label=name, **look)
        t = np.array([100, STEPS])
        left.loglog(t, 1.3 * results["rate"]["adagrad"][0] / np.sqrt(t), color="0.6", linestyle=":", label="slope −½")
        left.set(title="Effective rate, lr over the root", xlabel="step", ylabel="rate")
        right.set(title="Steps until half of a shift is made up", xlabel="when the minimum moves", ylabel="steps")
        left.legend()
