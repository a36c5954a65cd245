"""The plateau and the cliff of a recurrent network."""

from __future__ import annotations

import math

import numpy as np

from minnet.surfaces.surface import Surface

STEPS, STATE, TARGET = 50, 0.5, 0.7


def cliff() -> Surface:
    """Return the error of one recurrent unit after 50 steps: flat plateaus, and cliffs between them.

    The unit forgets its start where ``w`` is small, and is driven to one of two ends where it is large; where it
    falls to one or to the other, the gradient is enormous.
    """

    def end(w, b):
        """Return the output after the last step, and its derivatives by w and b."""
        state, by_w, by_b = STATE, 0.0, 0.0
        for _ in range(STEPS):
            out, slope = _sigmoid(state)
            state, by_w, by_b = w * out + b, out + w * slope * by_w, 1 + w * slope * by_b
        out, slope = _sigmoid(state)
        return out, slope * by_w, slope * by_b

    def value(w, b):
        error = end(w, b)[0] - TARGET
        return error * error

    def gradient(w, b):
        out, by_w, by_b = end(w, b)
        return 2 * (out - TARGET) * by_w, 2 * (out - TARGET) * by_b

    level = math.log(TARGET / (1 - TARGET))  # a state that stays: w · 0.7 + b
    return Surface(
        name="cliff",
        title="A plateau with a cliff",
        formula="(σ(x₅₀) − 0.7)²,  xₜ = w σ(xₜ₋₁) + b,  x₀ = ½",
        value=value,
        gradient=gradient,
        start=(4.6, -3.8),
        minima=tuple((w, level - TARGET * w) for w in (0.5, 1.25, 2.0)),
        lowest=0.0,
        box=(0.0, 7.0, -4.5, 1.5),
        notes="One recurrent unit, its weight w to the right, its bias b upwards: two plateaus, a cliff between them, "
        "and a valley of minima (three are marked) that ends in the cliff. Pascanu, Mikolov and Bengio (2013), On the "
        "difficulty of training recurrent neural networks, arXiv:1211.5063.",
    )


def _sigmoid(x):
    """Return the logistic function and its derivative."""
    out = 0.5 + 0.5 * np.tanh(0.5 * x)
    return out, out * (1 - out)
