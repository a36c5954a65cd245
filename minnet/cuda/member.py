"""One run of a population, as the host sees it: its method, its schedule, its history."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minnet import schedules
from minnet.cuda import table
from minnet.cuda.shape import Kind
from minnet.data import augment
from minnet.errors import InputError
from minnet.optimizers import Method, Optimizer
from minnet.optimizers.wrapping import PULL
from minnet.training.spec import RunSpec


class Member:
    """A run: what it asks the kernel to do in an epoch, and what came out so far."""

    def __init__(self, spec: RunSpec, n: int, validated: bool) -> None:
        self.spec, self.n, self.validated = spec, n, validated
        self.batch = min(spec.training.batch_size, n)
        self.steps_per_epoch = -(-n // self.batch)
        hyper = dict(spec.optimizer.settings)
        schedule = schedules.parse(spec.training.schedule, lr=hyper.pop("lr"))
        self.schedule = schedule.bind(max(1, spec.training.epochs * self.steps_per_epoch), self.steps_per_epoch)
        self.method = spec.optimizer.method
        self.optimizer = Optimizer(self.method, spec.optimizer.style, hyper, self.schedule)
        self.kind = kind_of(self.method)

        self.t = self.epoch = 0
        self.history: list[dict[str, Any]] = []
        self.running_loss: float | None = None
        self.train_s = self.eval_s = 0.0
        self.diverged_step: int | None = None

    @property
    def diverged(self) -> bool:
        """Whether the loss has stopped being finite."""
        return self.diverged_step is not None

    @property
    def evaluated(self) -> int:
        """Where in its state to evaluate: 0 for the weights, or the number of a slot."""
        return len(self.method.slots) if self.kind.slow else 0

    @property
    def listens(self) -> bool:
        """Whether the schedule decides by what is measured after every epoch."""
        return self.schedule.name == "plateau"

    def table(self, epoch: int, width: int) -> np.ndarray:
        """Return the rows of the table for an epoch, counted from 1."""
        return table.rows(self.optimizer, self.spec.training, self.steps(epoch), width)

    def steps(self, epoch: int) -> np.ndarray:
        """Return the steps of an epoch, counted from 0."""
        return np.arange((epoch - 1) * self.steps_per_epoch, epoch * self.steps_per_epoch)

    def order(self, epoch: int) -> np.ndarray:
        """Return the samples in their order of an epoch: the same as on the CPU."""
        return np.random.default_rng([self.spec.seed, 1, epoch]).permutation(self.n)

    def trained(self, steps: int, loss: float, seconds: float) -> None:
        """Note that an epoch is done, or ended by divergence."""
        self.epoch += 1
        self.t += steps
        self.running_loss = loss
        self.train_s += seconds
        if steps < self.steps_per_epoch:
            self.diverged_step = self.t + 1

    def measured(
        self, train: Sequence[float], validation: Sequence[float], norms: np.ndarray, seconds: float
    ) -> dict[str, Any]:
        """Add a row to the history: loss and accuracy on training and validation data, norms of the last step."""
        self.eval_s += seconds
        if not math.isfinite(train[0]) and not self.diverged:
            self.diverged_step = self.t
        if self.epoch > 0:
            self.schedule.observe(validation[0] if self.validated else train[0])
        rows = norms.tolist() if self.epoch > 0 and not self.diverged else [None] * 3
        row = {
            "epoch": self.epoch,
            "steps": self.t,
            "lr": float(self.schedule(max(self.t - 1, 0))),
            "train_loss": train[0],
            "train_accuracy": train[1],
            "val_loss": validation[0],
            "val_accuracy": validation[1],
            "train_s": self.train_s,
            "eval_s": self.eval_s,
            "running_loss": self.running_loss,
            "grad_norms": rows[0],
            "update_norms": rows[1],
            "weight_norms": rows[2],
        }
        self.history.append(row)
        return row


def innermost(method: Method) -> Method:
    """Return the method that wrappers are around, or the method itself."""
    return method if method.base is None else innermost(method.base)


def kind_of(method: Method) -> Kind:
    """Return a method as the kernel knows it."""
    inner = innermost(method)
    assert inner.rule is not None
    return Kind(inner.rule, len(inner.slots), len(inner.columns), PULL in method.columns)


def check(specs: Sequence[RunSpec]) -> None:
    """Raise an `InputError` unless a GPU can train all of these runs.

    Examples
    --------
    >>> from minnet.training import OptimizerSpec
    >>> check([RunSpec(optimizer=OptimizerSpec(name)) for name in ("adam", "lookahead", "muon", "lars")])
    Traceback (most recent call last):
        ...
    minnet.errors.InputError: device 'cuda' moves every weight by itself, and lars, muon must see a layer ...
    """
    layered = sorted({spec.optimizer.name for spec in specs if innermost(spec.optimizer.method).rule is None})
    if layered:
        raise InputError(
            f"device 'cuda' moves every weight by itself, and {', '.join(layered)} must see a layer or all weights at "
            "once: train with others, or use --device cpu"
        )
    doubles = sorted({spec.training.dtype for spec in specs} - {"float32"})
    if doubles:
        raise InputError(f"device 'cuda' computes in float32, not {doubles[0]}: use --device cpu")
    if any(augment.parse(spec.training.augment) for spec in specs):
        raise InputError(
            "device 'cuda' keeps the training images as they are: set augment = 'none', or use --device cpu"
        )
