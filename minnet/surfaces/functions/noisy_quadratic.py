"""A quadratic of which only noisy gradients are seen, as in training by batches."""

from __future__ import annotations

import math

import numpy as np

from minnet.errors import InputError
from minnet.surfaces.surface import Surface


def noisy_quadratic(condition: float = 10.0, noise: float = 0.3, seed: int = 0) -> Surface:
    """Return a quadratic whose gradients carry noise that is as large as it would be with batches.

    The covariance of the noise is ``noise²`` times the Hessian. A constant step size then leads no further down than
    to a floor that is the higher the longer the steps.

    Parameters
    ----------
    condition : float
        κ, from 1: how many times steeper it is across than along.
    noise : float
        Standard deviation of the noise along the gentle direction, from 0.
    seed : int
        The same seed gives the same noise at every step, whatever the method.

    Raises
    ------
    InputError
        For a condition number below 1, a negative noise, or what is no finite number.

    Examples
    --------
    >>> surface = noisy_quadratic()
    >>> surface.noise(3).shape, bool((surface.noise(3) == surface.noise(5)[:3]).all())
    ((3, 2), True)
    """
    if not (math.isfinite(condition) and condition >= 1):
        raise InputError(f"condition = {condition!r} must be a finite number from 1 (1 is a round bowl)")
    if not (math.isfinite(noise) and noise >= 0):
        raise InputError(f"noise = {noise!r} must be a finite number from 0")

    def value(x, y):
        return 0.5 * (x * x + condition * y * y)

    def rows(steps, draw=0):
        drawn = np.random.default_rng([int(seed), draw]).standard_normal((steps, 2))
        return noise * np.array([1.0, math.sqrt(condition)]) * drawn

    return Surface(
        name="noisy_quadratic",
        title=f"A noisy quadratic, κ = {condition:g}, noise {noise:g}",
        formula="½ (x² + κ y²), gradients with noise",
        value=value,
        gradient=lambda x, y: (x, condition * y),
        start=(-2.0, 1.0),
        minima=((0.0, 0.0),),
        lowest=0.0,
        box=(-2.6, 1.4, -1.3, 1.3),
        noise=rows,
        notes="Every gradient carries noise, its covariance in proportion to the Hessian; every method meets the same. "
        "Values are without it. Schaul, Zhang and LeCun (2013), No more pesky learning rates, arXiv:1206.1106; Zhang "
        "et al. (2019), Which algorithmic choices matter at which batch sizes?, arXiv:1907.04164.",
    )
