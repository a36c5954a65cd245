"""The lecture's question: what if the slope differs between dimensions?"""

from __future__ import annotations

import math

from minnet.errors import InputError
from minnet.surfaces.surface import Surface


def ravine(condition: float = 100.0, angle: float = 0.0) -> Surface:
    """Return a quadratic that is `condition` times as steep across as along.

    It starts where neither direction can be neglected: the gentle one holds about 1/√κ of the value.

    Parameters
    ----------
    condition : float
        κ, from 1.
    angle : float
        Degrees by which the ravine is turned; at 0 its axes are those of the parameters.

    Raises
    ------
    InputError
        For a condition number below 1, or what is no finite number.
    """
    if not (math.isfinite(condition) and condition >= 1):
        raise InputError(f"condition = {condition!r} must be a finite number from 1 (1 is a round bowl)")
    if not math.isfinite(angle):
        raise InputError(f"angle = {angle!r} must be a finite number of degrees")
    quarters = angle / 90
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    if quarters == round(quarters):
        c, s = float(round(c)), float(round(s))

    def value(x, y):
        u, v = c * x + s * y, c * y - s * x
        return 0.5 * (u * u + condition * v * v)

    def gradient(x, y):
        u, v = c * x + s * y, condition * (c * y - s * x)
        return c * u - s * v, s * u + c * v

    length = condition**0.25
    start = (-c * length - s, -s * length + c)
    corners = [(c * u - s * v, s * u + c * v) for u in (-1.2 * length, 0.7 * length) for v in (-1.3, 1.3)]
    xs, ys = zip(*corners)
    turned = f", turned by {angle:g}°" if angle else ""
    return Surface(
        name="ravine",
        title=f"A ravine, κ = {condition:g}{turned}",
        formula="½ (x² + κ y²)" + (f", x and y turned by {angle:g}°" if angle else ""),
        value=value,
        gradient=gradient,
        start=start,
        minima=((0.0, 0.0),),
        lowest=0.0,
        box=(min(xs), max(xs), min(ys), max(ys)),
        notes="The slope differs between dimensions: curvature 1 along the ravine, κ across it. Polyak (1964), Some "
        "methods of speeding up the convergence of iteration methods.",
    )
