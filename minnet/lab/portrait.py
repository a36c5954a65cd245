"""The portrait of a run: what a trained network confuses, what its first layer looks at, how far its weights move.

One final run of every method is portrayed, with the first seed. The run itself is not touched: the numbers come
from copies, so that a run with a portrait has the bits of one without.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from minnet.data import Split
    from minnet.training import RunResult
    from minnet.training.run import Run

SEED = 1  # of the final run that is portrayed
UNITS, MISTAKES = 16, 10  # as many as can be told apart in a row of small images
PIXELS = 64 * 64  # larger images are not kept
QUANTILES = (0.1, 0.5, 0.9)


class Sitter:
    """Watches a run from epoch to epoch, and then portrays it."""

    def __init__(self) -> None:
        self.steps: list[list[float]] = []

    def observe(self, run: Run) -> None:
        """Note the effective step of the parameters after an epoch."""
        if run.epoch == 0 or run.diverged or run.full_batch is not None:
            return
        sizes = effective_steps(run)
        if sizes.size:
            self.steps.append([run.epoch, run.state.t, run.train_s, *np.quantile(sizes, QUANTILES).tolist()])

    def portrait(self, result: RunResult, split: Split) -> dict[str, Any]:
        """Return the portrait of a finished run on the test data, in plain types.

        Returns
        -------
        dict
            ``classes``, ``confusion`` (counts, a row per true class), ``steps`` (rows of epoch, steps, seconds and
            the quantiles of |Δw| / |g| over the parameters); of images also ``shape``, ``units`` (weights of
            first-layer units, uint8 in base64, 128 being zero), ``limit`` (the weight that 255 stands for) and
            ``mistakes``: index in the test set, true and predicted class, probability of the true one, and the image.
        """
        X, y, shape = split.X_test, split.y_test, split.image_shape
        outputs = result.network.predict(result.params, X)
        guesses = outputs.argmax(axis=1)
        classes = outputs.shape[1]
        counts = np.bincount(y * classes + guesses, minlength=classes**2).reshape(classes, classes)
        portrait: dict[str, Any] = {
            "classes": list(split.classes),
            "confusion": counts.tolist(),
            "steps": self.steps,
        }
        if shape is None or shape[0] * shape[1] > PIXELS:
            return portrait
        weights, _ = result.network.layout.layers(result.params)[0]
        units, limit = _units(weights)
        return {
            **portrait,
            "shape": list(shape),
            "units": units,
            "limit": limit,
            "mistakes": _mistakes(outputs, guesses, X, y),
        }


def effective_steps(run: Run) -> np.ndarray:
    """Return |Δw| / |g| of every parameter with a gradient, for one more step that is taken on copies.

    The gradient is the last one of the epoch. With plain gradient descent this is the step size everywhere; the
    methods that adapt give every parameter its own.
    """
    state = run.state
    weights, gradient = run.params.copy(), run.grads.copy()
    coefficients = run.optimizer.table(np.array([state.t]), run.spec.training.decay_biases)[0]
    run.update(weights, gradient, state.slots.copy(), state.memory.copy(), state.blocks, coefficients.astype(run.dtype))
    moved = np.abs(weights.astype(np.float64) - run.params)
    size = np.abs(run.grads.astype(np.float64))
    ratios = moved[size > 0] / size[size > 0]
    return ratios[np.isfinite(ratios)]


def _units(weights: np.ndarray) -> tuple[list[str], float]:
    """Return the weights of the units with the longest vectors, and the largest of them all."""
    chosen = np.sort(np.argsort(-np.linalg.norm(weights, axis=0), kind="stable")[:UNITS])
    limit = float(np.abs(weights[:, chosen]).max()) or 1.0
    shades = np.rint(128 + 127 * weights[:, chosen] / limit).astype(np.uint8)
    return [_text(shades[:, unit]) for unit in range(chosen.size)], limit


def _mistakes(outputs: np.ndarray, guesses: np.ndarray, X: np.ndarray, y: np.ndarray) -> list[dict[str, Any]]:
    """Return the wrong answers that left the least to the true class, the worst first."""
    wrong = np.flatnonzero(guesses != y)
    truth = outputs[wrong, y[wrong]]
    worst = wrong[np.argsort(truth, kind="stable")[:MISTAKES]]
    low, high = float(X.min(initial=0)), float(X.max(initial=0)) or 1.0
    return [
        {
            "index": int(i),
            "true": int(y[i]),
            "predicted": int(guesses[i]),
            "probability": float(outputs[i, y[i]]),
            "image": _text(np.rint(255 * (X[i] - low) / (high - low)).astype(np.uint8)),
        }
        for i in worst
    ]


def _text(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
