"""A saddle between two minima."""

from __future__ import annotations

from minnet.surfaces.surface import Surface


def saddle() -> Surface:
    """Return a saddle between two minima, entered almost on its ridge."""

    def value(x, y):
        return 0.5 * x * x - 0.5 * y * y + 0.25 * y * y * y * y

    def gradient(x, y):
        return x, y * y * y - y

    return Surface(
        name="saddle",
        title="A saddle",
        formula="½ x² − ½ y² + ¼ y⁴",
        value=value,
        gradient=gradient,
        start=(-1.5, 1e-3),
        minima=((0.0, 1.0), (0.0, -1.0)),
        lowest=-0.25,
        box=(-2.1, 2.1, -1.6, 1.6),
        notes="The saddle ½ (x² − y²) has no minimum; ¼ y⁴ gives it two, at (0, ±1), and bounds it below. At the "
        "start the gradient leads to the saddle at (0, 0); only 0.001 of it leads away. Dauphin et al. "
        "(2014), Identifying and attacking the saddle point problem in high-dimensional non-convex optimization, "
        "arXiv:1406.2572.",
    )
