"""Four minima of the same depth."""

from __future__ import annotations

from minnet.surfaces.surface import Surface


def himmelblau() -> Surface:
    """Return Himmelblau's function: four minima; which one a method finds depends on its steps."""

    def value(x, y):
        a, b = x * x + y - 11, x + y * y - 7
        return a * a + b * b

    def gradient(x, y):
        a, b = x * x + y - 11, x + y * y - 7
        return 4 * x * a + 2 * b, 2 * a + 4 * y * b

    return Surface(
        name="himmelblau",
        title="Himmelblau's function",
        formula="(x² + y − 11)² + (x + y² − 7)²",
        value=value,
        gradient=gradient,
        start=(-0.4, -1.0),
        minima=(
            (3.0, 2.0),
            (-2.805118086952745, 3.131312518250573),
            (-3.779310253377747, -3.283185991286170),
            (3.584428340330492, -1.848126526964404),
        ),
        lowest=0.0,
        box=(-5.5, 5.5, -5.0, 5.0),
        notes="Four minima of value 0 around a hill: methods from one point may end in different ones. Himmelblau "
        "(1972), Applied nonlinear programming.",
    )
