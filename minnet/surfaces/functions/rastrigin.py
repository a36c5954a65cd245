"""A bowl full of dents."""

from __future__ import annotations

import math

import numpy as np

from minnet.surfaces.surface import Surface


def rastrigin() -> Surface:
    """Return Rastrigin's function: a wide bowl with a local minimum near every pair of whole numbers."""
    turn = 2 * math.pi

    def value(x, y):
        # 1 − cos(2πx) = 2 sin²(πx), which does not cancel near the minimum
        return x * x + y * y + 20 * (np.sin(math.pi * x) ** 2 + np.sin(math.pi * y) ** 2)

    def gradient(x, y):
        return 2 * x + 10 * turn * np.sin(turn * x), 2 * y + 10 * turn * np.sin(turn * y)

    return Surface(
        name="rastrigin",
        title="Rastrigin's function",
        formula="20 + x² + y² − 10 cos 2πx − 10 cos 2πy",
        value=value,
        gradient=gradient,
        start=(-2.2, 1.7),
        minima=((0.0, 0.0),),
        lowest=0.0,
        box=(-3.6, 3.6, -2.8, 2.8),
        notes="A bowl with a dent near every pair of whole numbers: only what carries a method out of a dent (inertia, "
        "or long steps) brings it to the lowest one. Rastrigin (1974), Systems of extremal control.",
    )
