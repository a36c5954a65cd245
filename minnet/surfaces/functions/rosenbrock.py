"""A valley whose floor bends."""

from __future__ import annotations

from minnet.surfaces.surface import Surface


def rosenbrock() -> Surface:
    """Return Rosenbrock's curved valley."""

    def value(x, y):
        a, b = 1 - x, y - x * x
        return a * a + 100 * b * b

    def gradient(x, y):
        b = y - x * x
        return -2 * (1 - x) - 400 * x * b, 200 * b

    return Surface(
        name="rosenbrock",
        title="Rosenbrock's valley",
        formula="(1 − x)² + 100 (y − x²)²",
        value=value,
        gradient=gradient,
        start=(-1.2, 1.0),
        minima=((1.0, 1.0),),
        lowest=0.0,
        box=(-1.9, 1.9, -0.9, 2.6),
        notes="The valley is found at once; its floor bends and is nearly flat. Rosenbrock (1960), An "
        "automatic method for finding the greatest or least value of a function, The Computer Journal 3.",
    )
