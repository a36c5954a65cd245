"""Slide 4: inertia. Under a constant slope momentum gathers speed, up to lr · g / (1 − μ)."""

import numpy as np

import minnet
from minnet.gallery.drawing import panels
from minnet.gallery.text import markdown

TITLE = "Inertia: the terminal speed of momentum"
QUESTION = "How fast does momentum become where the slope always points the same way?"
SEE = (
    "On a constant slope the speed grows from step to step and levels off at lr · g / (1 − μ): with μ = 0.9 ten "
    "times, with μ = 0.99 a hundred times the step of gradient descent. The larger μ, the longer it takes to get "
    "there: some 1 / (1 − μ) steps, in which the gap shrinks by a factor of e."
)
ORDER = 40

LR, SLOPE, STEPS = 0.01, 2.0, 1000
MOMENTA = (0.0, 0.5, 0.9, 0.99)


def run() -> dict:
    """Walk down a straight slope; return the speed (length of the step over time) for every μ."""

    def slope(x):
        return SLOPE * float(x[0]), np.array([SLOPE])

    speeds = {}
    for mu in MOMENTA:
        path = minnet.minimize(slope, [0.0], minnet.optimizers.create("momentum", lr=LR, momentum=mu), STEPS).x[:, 0]
        speeds[f"{mu:g}"] = np.abs(np.diff(path)).round(6).tolist()
    return {"speed": speeds}


def rows(results: dict) -> list[tuple[float, float, float, int]]:
    """Return μ, the speed at the end, the formula's, and the steps until the gap is 1/e of what it was at the start."""
    found = []
    for mu, speed in results["speed"].items():
        limit = LR * SLOPE / (1 - float(mu))
        gap = limit - np.array(speed)
        near = int((gap > limit / np.e).sum()) + 1
        found.append((float(mu), speed[-1], limit, near))
    return found


def claims(results: dict) -> list[tuple[str, bool]]:
    """Check terminal speed and the time to it."""
    found = rows(results)
    return [
        (
            "After 1000 steps every speed is lr · g / (1 − μ), to a thousandth.",
            all(abs(end - limit) <= 1e-3 * limit for _, end, limit, _ in found),
        ),
        (
            "The gap to it falls by a factor of e within 1 / (1 − μ) steps.",
            all(near <= np.ceil(1 / (1 - mu)) for mu, _, _, near in found),
        ),
        (
            "With μ = 0.99 it is a hundred times as fast as gradient descent on the same slope.",
            abs(found[-1][1] / found[0][1] - 100) < 0.1,
        ),
    ]


def table(results: dict) -> str:
    """Return the numbers as text."""
    head = ("μ", "speed after 1000 steps", "lr · g / (1 − μ)", "steps until the gap is 1/e")
    body = [(f"{mu:g}", f"{end:.5f}", f"{limit:.5f}", str(near)) for mu, end, limit, near in rows(results)]
    return markdown([head, *body])


def draw(results: dict, path) -> None:
    """Draw speed and distance against steps."""
    with panels(path, columns=2) as (left, right):
        for shade, (mu, speed) in zip(("0.6", "#7fb6e0", "#2e86c8", "#004a80"), results["speed"].items()):
            t = np.arange(1, len(speed) + 1)
            left.loglog(t, speed, color=shade, label=f"μ = {mu}")
            left.axhline(LR * SLOPE / (1 - float(mu)), color=shade, linestyle=":", linewidth=1)
            right.loglog(t, np.cumsum(speed), color=shade, label=f"μ = {mu}")
        left.set(title="Speed (dotted: lr · g / (1 − μ))", xlabel="step", ylabel="length of the step")
        right.set(title="Distance gone", xlabel="step", ylabel="distance")
        right.legend()
