"""Initial weights: one small function per scheme, always drawn in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from minnet.errors import InputError, check_name
from minnet.network.layout import Layout

Draw = Callable[[np.random.Generator, tuple[int, int], float], np.ndarray]


@dataclass(frozen=True)
class Scheme:
    """How the weights of one layer are drawn.

    `draw(rng, (fan_in, fan_out), value)` returns the matrix; `value` is the number after the colon in a name
    such as ``normal:0.05``, or `default`; a scheme with default None takes no number.
    """

    draw: Draw
    formula: str
    source: str
    default: float | None = None


def uniform(variance: Callable[[int, int], float]) -> Draw:
    """Return a draw from the uniform distribution of a given variance."""

    def draw(rng: np.random.Generator, shape: tuple[int, int], value: float) -> np.ndarray:
        bound = math.sqrt(3 * variance(*shape))
        return rng.uniform(-bound, bound, shape)

    return draw


def normal(variance: Callable[[int, int], float]) -> Draw:
    """Return a draw from the normal distribution of a given variance."""
    return lambda rng, shape, value: rng.normal(0.0, math.sqrt(variance(*shape)), shape)


def glorot(fan_in: int, fan_out: int) -> float:
    """Return the variance that keeps activations and gradients alike in size."""
    return 2 / (fan_in + fan_out)


def he(fan_in: int, fan_out: int) -> float:
    """Return the variance that makes up for the half of the units that relu silences."""
    return 2 / fan_in


def lecun(fan_in: int, fan_out: int) -> float:
    """Return the variance that keeps the size of activations."""
    return 1 / fan_in


def truncated_normal(rng: np.random.Generator, shape: tuple[int, int], value: float) -> np.ndarray:
    """Draw from a normal of deviation `value`, anew for whatever lies beyond two deviations."""
    weights = rng.normal(0.0, 1.0, shape)
    while (outside := np.abs(weights) > 2).any():
        weights[outside] = rng.normal(0.0, 1.0, int(outside.sum()))
    return weights * value


def sparse(rng: np.random.Generator, shape: tuple[int, int], value: float) -> np.ndarray:
    """Give every unit `value` incoming weights from a standard normal; the others are 0."""
    fan_in, fan_out = shape
    weights = np.zeros(shape)
    k = min(int(value), fan_in)
    for unit in range(fan_out):
        weights[rng.choice(fan_in, k, replace=False), unit] = rng.normal(0.0, 1.0, k)
    return weights


SCHEMES: dict[str, Scheme] = {
    "glorot_uniform": Scheme(uniform(glorot), "U(±√(6 / (in + out)))", "Glorot and Bengio 2010"),
    "glorot_normal": Scheme(normal(glorot), "N(0, 2 / (in + out))", "Glorot and Bengio 2010"),
    "he_uniform": Scheme(uniform(he), "U(±√(6 / in))", "He et al. 2015"),
    "he_normal": Scheme(normal(he), "N(0, 2 / in)", "He et al. 2015"),
    "lecun_uniform": Scheme(uniform(lecun), "U(±√(3 / in))", "LeCun et al. 1998"),
    "lecun_normal": Scheme(normal(lecun), "N(0, 1 / in)", "LeCun et al. 1998"),
    "normal": Scheme(lambda rng, shape, value: rng.normal(0.0, value, shape), "N(0, σ²), normal:σ", "", 1.0),
    "truncated_normal": Scheme(truncated_normal, "N(0, σ²) cut at 2σ (before the cut), truncated_normal:σ", "", 0.05),
    "torch": Scheme(
        uniform(lambda fan_in, fan_out: 1 / (3 * fan_in)), "U(±1 / √in), biases too", "PyTorch's nn.Linear"
    ),
    "sparse": Scheme(sparse, "k weights N(0, 1) per unit, others 0, sparse:k", "Martens 2010", 15),
    "zeros": Scheme(lambda rng, shape, value: np.zeros(shape), "0", ""),
}
BIASES = ("zeros", "normal", "truncated_normal", "torch")


def parse(kind: str, text: str, allowed: list[str]) -> tuple[str, float]:
    """Return the name of a scheme and its number from text such as ``normal:0.05``.

    Raises
    ------
    InputError
        For an unknown name, a number where none belongs, or one that is not positive.

    Examples
    --------
    >>> parse("init", "normal:0.05", list(SCHEMES))
    ('normal', 0.05)
    """
    name, colon, number = str(text).partition(":")
    check_name(kind, name, allowed)
    default = SCHEMES[name].default if name in SCHEMES else None
    if not colon:
        return name, default or 0.0
    if default is None:
        raise InputError(f"{kind} {name!r} takes no number: write {name!r} instead of {text!r}")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf or (name == "sparse" and value != int(value)):
        wanted = "a positive whole number" if name == "sparse" else "a positive number"
        raise InputError(f"{kind} {text!r}: {wanted} must follow the colon, as in '{name}:{default:g}'")
    return name, value


def initial_params(
    layout: Layout, init: str, bias_init: str, rng: np.random.Generator, dtype: str = "float32"
) -> np.ndarray:
    """Draw the initial parameters.

    Parameters
    ----------
    layout : Layout
    init : str
        One of `SCHEMES`, with a number after a colon where the scheme takes one.
    bias_init : str
        "auto" (zeros, but PyTorch's for ``init="torch"``) or one of `BIASES`.
    rng : numpy.random.Generator
    dtype : {"float32", "float64"}
        Both come from the same float64 draw.

    Returns
    -------
    array of shape (layout.size,)

    Examples
    --------
    >>> params = initial_params(Layout((2, 1)), "zeros", "zeros", np.random.default_rng(0))
    >>> params
    array([0., 0., 0.], dtype=float32)
    """
    name, value = parse("init", init, list(SCHEMES))
    bias_name, bias_value = parse("bias init", bias_init, ["auto", *BIASES])
    if bias_name == "auto":
        bias_name = "torch" if name == "torch" else "zeros"
    params = np.empty(layout.size)
    for W, b in layout.layers(params):
        W[:] = SCHEMES[name].draw(rng, W.shape, value)
        bound_shape = (W.shape[0], b.size)
        if bias_name == "torch":
            b[:] = SCHEMES["torch"].draw(rng, bound_shape, 0.0)[0]
        else:
            b[:] = SCHEMES[bias_name].draw(rng, (1, b.size), bias_value)[0]
    return params.astype(dtype)
