"""What every contestant is given: the run, the cores it may use, and where the data are."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from minnet.errors import InputError
from minnet.network.init import initial_params
from minnet.network.layout import Layout
from minnet.training import RunSpec

if TYPE_CHECKING:
    from minnet.data import Split


@dataclass(frozen=True)
class Task:
    """One training, the same for every contestant: same samples, initial weights, and order of samples.

    The training set is cut to whole batches, so that nobody has to treat a smaller last one.

    Parameters
    ----------
    spec : RunSpec
        Softmax and cross-entropy at the output, no regulariser, no schedule.
    threads : int
        Cores that a contestant may use.
    samples : int, optional
        How many training samples to use; all by default.
    data_dir : str, optional
    device : {"cpu", "cuda"}
    runs : int
        Trainings side by side on a GPU: they differ in their seed, and so in initial weights and orders.

    Examples
    --------
    >>> from minnet.training import TrainingSpec
    >>> task = Task(RunSpec(training=TrainingSpec(batch_size=100)))
    >>> task.split.X_train.shape, task.steps
    ((1400, 64), 14)
    >>> Task.from_dict(task.to_dict()) == task
    True
    """

    spec: RunSpec
    threads: int = 1
    samples: int | None = None
    data_dir: str | None = None
    device: str = "cpu"
    runs: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, as JSON holds them."""
        return {
            "spec": self.spec.to_dict(),
            "threads": self.threads,
            "samples": self.samples,
            "data_dir": self.data_dir,
            "device": self.device,
            "runs": self.runs,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Task:
        """Return the task that `to_dict` wrote."""
        return cls(**{**values, "spec": RunSpec.from_dict(values["spec"])})

    @functools.cached_property
    def split(self) -> Split:
        """The data: training samples in whole batches, nothing held out."""
        from minnet import data

        whole = data.load_dataset(self.spec.data, self.data_dir).split(0.0)
        available = len(whole.y_train)
        wanted = available if self.samples is None else self.samples
        if wanted > available:
            raise InputError(f"samples = {wanted}: {whole.name} has {available} to train on")
        n = wanted // self.batch * self.batch
        if n == 0:
            raise InputError(f"batch size {self.batch}: larger than the {wanted} training samples of {whole.name}")
        rows = np.sort(np.random.default_rng(self.spec.seed).permutation(available)[:n])
        return replace(whole, X_train=whole.X_train[rows], y_train=whole.y_train[rows])

    @property
    def batch(self) -> int:
        """Samples per step."""
        return self.spec.training.batch_size

    @property
    def steps(self) -> int:
        """Steps per epoch."""
        return len(self.split.y_train) // self.batch

    @property
    def dtype(self) -> str:
        """Numbers of the network."""
        return self.spec.training.dtype

    @property
    def layout(self) -> Layout:
        """The network's layers."""
        return Layout(self.spec.network.widths(self.split.n_features, self.split.n_classes))

    @property
    def hyper(self) -> dict[str, float]:
        """Every hyperparameter of the method, `lr` included."""
        return self.spec.optimizer.settings

    def inputs(self) -> np.ndarray:
        """Return the training samples as the network sees them."""
        return np.multiply(self.split.X_train, self.split.scale, dtype=self.dtype)

    def order(self, epoch: int) -> np.ndarray:
        """Return the order of the samples in an epoch."""
        return np.random.default_rng([self.spec.seed, 1, epoch]).permutation(len(self.split.y_train))

    @property
    def specs(self) -> list[RunSpec]:
        """The runs."""
        return [replace(self.spec, seed=self.spec.seed + run) for run in range(self.runs)]

    def orders(self, epoch: int) -> np.ndarray:
        """Return the order of the samples in an epoch for every run, a row each."""
        n = len(self.split.y_train)
        return np.stack([np.random.default_rng([spec.seed, 1, epoch]).permutation(n) for spec in self.specs])

    def layers(self, run: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return initial weights (fan_in, fan_out) and biases of every layer of a run, in arrays of their own."""
        network = self.spec.network.resolved()
        rng = np.random.default_rng([self.spec.seed + run, 0])
        params = initial_params(self.layout, network.init, network.bias_init, rng, self.dtype)
        return [(W.copy(), b.copy()) for W, b in self.layout.layers(params)]
