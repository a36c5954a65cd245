"""A tiny problem, and its training by a slow loop in NumPy: what compiled training must agree with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import reference
from method_checks import REFERENCES

import minnet
from minnet.data import Split
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

WIDTHS = (6, 5, 4, 3)


def make_split(n=23, n_val=7, seed=0, dtype=np.float32, scale=0.5):
    rng = np.random.default_rng(seed)

    def part(rows):
        X = rng.integers(0, 5, (rows, WIDTHS[0])).astype(dtype)
        return X, rng.integers(0, WIDTHS[-1], rows)

    (X, y), (X_val, y_val), (X_test, y_test) = part(n), part(n_val), part(9)
    return Split(X, y, X_val, y_val, X_test, y_test, ("a", "b", "c"), None, scale, "tiny")


def spec(name="adam", hyper=None, network=None, **training):
    settings = {"epochs": 2, "batch_size": 5, "dtype": "float64", **training}
    return RunSpec(
        data="tiny",
        network=NetworkSpec(**{"hidden": WIDTHS[1:-1], "activation": "tanh", **(network or {})}),
        training=TrainingSpec(**settings),
        optimizer=OptimizerSpec(name, hyper=hyper or {}),
        seed=4,
    )


def slow_training(run, split, lrs, l2=0.0, decay=0.0, clip=lambda g: g, max_norm=0.0):
    """The same training by the reference: per-sample backpropagation, the paper's update, plain loops.

    Biases are treated like every other parameter, and t advances once per step.
    """
    weights, biases = reference.unflatten(first_params(run, split), WIDTHS)
    hyper = {k: v for k, v in run.optimizer.settings.items() if k != "lr"}
    p0, gradients = reference.flatten(weights, biases), []
    method = REFERENCES[run.optimizer.name]
    p, t = p0, 0
    size = run.training.batch_size
    for epoch in range(1, run.training.epochs + 1):
        order = np.random.default_rng([run.seed, 1, epoch]).permutation(len(split.X_train))
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            targets = reference.one_hot(split.y_train[rows], WIDTHS[-1])
            W, b = reference.unflatten(p, WIDTHS)
            _, dW, db = reference.mlp_loss_and_gradients(
                split.X_train[rows] * split.scale, targets, W, b,
                activation="tanh", loss="cross_entropy", output="softmax", l2=l2,
            )  # fmt: skip
            gradients.append(clip(reference.flatten(dW, db)))
            step = np.diff(method(p0, np.array(gradients), lrs[: t + 1], **hyper), axis=0)[-1]
            W = [w * (1 - lrs[t] * decay) for w in W]
            p = reference.flatten(W, b) + step
            if max_norm:
                W, b = reference.unflatten(p, WIDTHS)
                W = [w * np.minimum(1, max_norm / np.sqrt((w**2).sum(axis=0))) for w in W]
                p = reference.flatten(W, b)
            t += 1
    return p


def first_params(run, split):
    return minnet.train(replace(run, training=replace(run.training, epochs=0)), split).params


def clipped(value, norm):
    def clip(g):
        g = np.clip(g, -value, value) if value else g
        length = np.sqrt((g**2).sum())
        return g * (norm / length) if norm and length > norm else g

    return clip
