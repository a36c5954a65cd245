"""A plateau between steep corners."""

from __future__ import annotations

from minnet.surfaces.surface import Surface


def beale() -> Surface:
    """Return Beale's function: a plateau with steep corners and one narrow minimum."""
    parts = ((1.5, 1), (2.25, 2), (2.625, 3))

    def value(x, y):
        return sum((c - x + x * y**k) ** 2 for c, k in parts)

    def gradient(x, y):
        errors = [(c - x + x * y**k, k) for c, k in parts]
        return (
            sum(2 * e * (y**k - 1) for e, k in errors),
            sum(2 * e * x * k * y ** (k - 1) for e, k in errors),
        )

    return Surface(
        name="beale",
        title="Beale's function",
        formula="(1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²",
        value=value,
        gradient=gradient,
        start=(1.0, 1.0),
        minima=((3.0, 0.5),),
        lowest=0.0,
        box=(-0.5, 4.2, -0.9, 1.6),
        notes="A plateau between steep corners: gradients of very different size on one path. Beale "
        "(1958), On an iterative method for finding a local minimum of a function of more than one variable.",
    )
