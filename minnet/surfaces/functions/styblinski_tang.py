"""Four minima of different depths."""

from __future__ import annotations

import math

from minnet.surfaces.surface import Surface


def styblinski_tang() -> Surface:
    """Return the function of Styblinski and Tang: one deep minimum and three that are less deep."""

    def value(x, y):
        return 0.5 * sum(z * z * z * z - 16 * z * z + 5 * z for z in (x, y))

    def slope(z):
        return 2 * z * z * z - 16 * z + 2.5

    # The least root of z³ − 8z + 5/4 = 0, by the formula for three real roots.
    size = 2 * math.sqrt(8 / 3)
    deepest = size * math.cos((math.acos(-15 / 64 * math.sqrt(3 / 8)) - 4 * math.pi) / 3)
    return Surface(
        name="styblinski_tang",
        title="The function of Styblinski and Tang",
        formula="½ (x⁴ − 16x² + 5x + y⁴ − 16y² + 5y)",
        value=value,
        gradient=lambda x, y: (slope(x), slope(y)),
        start=(0.6, 4.2),
        minima=((deepest, deepest),),
        lowest=float(value(deepest, deepest)),
        box=(-5.0, 5.0, -4.6, 4.8),
        notes="Four minima of three depths: −78.3, −64.2 twice and −50.1. Downhill from the start lies the shallowest. "
        "Styblinski and Tang (1990), Experiments in nonconvex optimization, Neural Networks 3.",
    )
