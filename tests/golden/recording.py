"""What every recorder of optimizers shares: the problems, the four cases of a recipe, and the form of the file.

A recorder writes `optimizers_LIBRARY_GROUP.npz`:

meta : JSON text: versions; cases, a list of {key, method, style, problem, hyper}; key is "LABEL/CASE" with CASE
    defaults, others (both on the given gradients), halving (others, lr halved every 10 steps), quadratic.
    An empty `hyper` means the library's own defaults. One recording may prove several styles.
p0 (12,)
grads (40, 12): for problem "given"
matrix (12, 12): for "quadratic", where the gradient at p is matrix @ p
lrs/KEY (40,); params/KEY (41, 12), row 0 being p0
evaluated/KEY (41, 12): the points to evaluate, for methods that train at others

The recorders of layers write p0, grads and params as matrices (4, 3) as well, with a matrix (4, 4).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
STEPS, SIZE = 40, 12
Gradient = Callable[[int, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Recipe:
    """One form of one method, as a library has it.

    Parameters
    ----------
    method : str
        Name in minnet's registry.
    styles : tuple of str
        Styles of minnet that this form and these defaults are.
    make : callable
        Whatever the recorder's `walk` steps with; called by it with minnet's names of hyperparameters.
    lr : float
        Learning rate of the cases defaults: the library's, or where it demands one, minnet's.
    others : (lr, hyper)
        Another set: every hyperparameter far from its default.
    quadratic_lr : float
    defaults : dict
        Hyperparameters that the library does not have at minnet's value by itself (a momentum of 0, say).
    label : str
        Name in the keys; by default that of the method.
    factor : float
        What the learning rate of the case halving is multiplied by every 10 steps (the case is "rising" if that is
        more than 1).
    """

    method: str
    styles: tuple[str, ...]
    make: Callable[..., Any]
    lr: float
    others: tuple[float, dict[str, float]]
    quadratic_lr: float
    defaults: dict[str, float] = field(default_factory=dict)
    label: str = ""
    factor: float = 0.5


def given_gradients(rng: np.random.Generator) -> np.ndarray:
    """Return (STEPS, SIZE) gradients: changing signs, sizes 1e-6 to 1e3, exact zeros, one column all zero."""
    size = 10.0 ** rng.uniform(-6.0, 3.0, (STEPS, SIZE))
    size[:, :4] = 10.0 ** (np.array([-6.0, -3.0, 0.0, 3.0]) + rng.uniform(-0.3, 0.3, (STEPS, 4)))
    grads = size * rng.choice([-1.0, 1.0], (STEPS, SIZE))
    grads[rng.random((STEPS, SIZE)) < 0.1] = 0.0
    grads[:3, 4] = 0.0
    grads[:, 5] = 0.0
    grads[:, 6] = 0.5
    return grads


def ill_conditioned(rng: np.random.Generator) -> np.ndarray:
    """Return a symmetric (SIZE, SIZE) matrix with eigenvalues from 0.1 to 1000."""
    basis, _ = np.linalg.qr(rng.standard_normal((SIZE, SIZE)))
    matrix = (basis * np.geomspace(0.1, 1e3, SIZE)) @ basis.T
    return (matrix + matrix.T) / 2


def problems() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return start, given gradients and matrix: the same for every recorder."""
    rng = np.random.default_rng(20260702)
    return rng.standard_normal(SIZE), given_gradients(rng), ill_conditioned(rng)


def rows(recipe: Recipe) -> dict[str, tuple[str, dict[str, float], np.ndarray]]:
    """Return problem, hyperparameters and learning rates of every case."""
    constant, (other_lr, other) = np.ones(STEPS), recipe.others
    changing = "rising" if recipe.factor > 1 else "halving"
    return {
        "defaults": ("given", recipe.defaults, recipe.lr * constant),
        "others": ("given", other, other_lr * constant),
        changing: ("given", other, other_lr * recipe.factor ** (np.arange(STEPS) // 10)),
        "quadratic": ("quadratic", recipe.defaults, recipe.quadratic_lr * constant),
    }


def record(
    name: str,
    versions: dict[str, str],
    recipes: Sequence[Recipe],
    walk: Callable[[Recipe, dict[str, float], np.ndarray, np.ndarray, Gradient], np.ndarray],
    shape: tuple[int, ...] = (SIZE,),
    power: float = 1.0,
    start: float = 1.0,
) -> None:
    """Walk every case of every recipe and write the file `name`.

    Parameters
    ----------
    name : str
        File beside this module.
    versions : dict
        Of the library and what it stands on; NumPy's and the date are added.
    recipes : sequence of Recipe
    walk : callable
        ``walk(recipe, hyper, lrs, p0, gradient)`` returns the path, (STEPS + 1, SIZE) float64, row 0 being p0, or
        a pair: the path, and that of the points to evaluate;
        ``gradient(t, p)`` is the gradient at step t (from 0) in p.
    shape : tuple of int
        In which p0 and the gradients are given to the library: SIZE numbers.
    power : float
        To which the sizes of the given gradients and the eigenvalues of the matrix are taken: below 1 they lie closer
        together.
    start : float
        Factor of p0.
    """
    p0, grads, matrix = problems()
    p0, grads = start * p0.reshape(shape), (np.sign(grads) * np.abs(grads) ** power).reshape(STEPS, *shape)
    values, vectors = np.linalg.eigh(matrix[: shape[0], : shape[0]])
    matrix = matrix if shape == (SIZE,) and power == 1 else (vectors * values**power) @ vectors.T
    gradients: dict[str, Gradient] = {"given": lambda t, p: grads[t], "quadratic": lambda t, p: matrix @ p}
    arrays: dict[str, np.ndarray] = {"p0": p0, "grads": grads, "matrix": matrix}
    cases = []
    for recipe in recipes:
        for case, (problem, hyper, lrs) in rows(recipe).items():
            key = f"{recipe.label or recipe.method}/{case}"
            if f"lrs/{key}" in arrays:
                raise ValueError(f"{key} is recorded twice: give the recipes labels")
            walked: Any = walk(recipe, hyper, lrs, p0.copy(), gradients[problem])
            path = np.asarray(walked[0] if isinstance(walked, tuple) else walked)
            if isinstance(walked, tuple):
                arrays[f"evaluated/{key}"] = np.asarray(walked[1])
            if path.dtype != np.float64 or path.shape != (STEPS + 1, *shape) or not np.isfinite(path).all():
                raise ValueError(f"{key}: {path.dtype} {path.shape}, or not finite")
            arrays[f"lrs/{key}"], arrays[f"params/{key}"] = lrs, path
            cases += [
                {"key": key, "method": recipe.method, "style": style, "problem": problem, "hyper": hyper}
                for style in recipe.styles
            ]
    meta = {**versions, "numpy": np.__version__, "date": datetime.now(UTC).date().isoformat(), "cases": cases}
    np.savez_compressed(HERE / name, meta=np.array(json.dumps(meta)), **arrays)
    print(f"{name}: {len(cases)} cases, {(HERE / name).stat().st_size / 1024:.0f} KiB")
