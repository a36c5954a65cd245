"""Sharpness: the largest eigenvalue of the Hessian, and how sharp a place a method can stand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from minnet.training import OptimizerSpec

TOLERANCE = 1e-3
VECTORS = 20  # that Lanczos' method keeps


def largest_eigenvalue(
    multiply: Callable[[np.ndarray], np.ndarray], start: np.ndarray, tolerance: float = TOLERANCE
) -> tuple[float, np.ndarray]:
    """Return the largest eigenvalue of a symmetric matrix that is known by its products, and its eigenvector.

    By Lanczos' method with restarts (ARPACK, through SciPy).

    Parameters
    ----------
    multiply : callable
        From a vector to the matrix times it.
    start : array of shape (n,)
        Where to begin: the closer to the eigenvector, the quicker. Not 0.
    tolerance : float
        Relative error of the eigenvalue.

    Examples
    --------
    >>> matrix = np.diag([1.0, -9.0, 3.0, 0.5])
    >>> value, vector = largest_eigenvalue(lambda v: matrix @ v, np.ones(4))
    >>> round(value, 3), np.abs(vector).round(3)
    (3.0, array([0., 0., 1., 0.]))
    """
    matrix = LinearOperator((start.size, start.size), matvec=multiply, dtype=np.float64)
    kept = min(VECTORS, start.size)
    values, vectors = eigsh(matrix, k=1, which="LA", v0=start, tol=tolerance, ncv=kept)
    return float(values[0]), vectors[:, 0]


def stability_limit(optimizer: OptimizerSpec, lr: float) -> float | None:
    """Return the sharpness above which a method can not stand still; None where no such formula is known.

    On a quadratic of curvature λ, gradient descent diverges if λ > 2/α, momentum if λ > 2 (1 + μ)/α, Nesterov's
    method if λ > 2 (1 + μ)/(α (1 + 2 μ)). With the whole training set as a batch, training drives the sharpness up to
    that limit and keeps it there (Cohen et al. 2021, Gradient descent on neural networks typically occurs at the edge
    of stability, arXiv:2103.00065, where the limits are derived too); with cross-entropy it falls again once
    the samples are fitted. With small batches it mostly stays below.

    Examples
    --------
    >>> stability_limit(OptimizerSpec("sgd"), lr=0.1)
    20.0
    >>> stability_limit(OptimizerSpec("momentum", hyper={"momentum": 0.5}), lr=0.1)
    30.0
    >>> stability_limit(OptimizerSpec("adam"), lr=0.1) is None
    True
    """
    if optimizer.name not in ("sgd", "momentum", "nesterov") or lr <= 0:
        return None
    mu = optimizer.settings.get("momentum", 0.0)
    ahead = 1 + 2 * mu if optimizer.name == "nesterov" else 1.0
    return 2 * (1 + mu) / (lr * ahead)
