"""A fit on a GPU: a population of one, which starts from given weights and hands them back after every epoch."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np

from minnet.cuda import devices
from minnet.cuda.member import Member
from minnet.cuda.population import Population, shape_of
from minnet.data import Split
from minnet.errors import InputError
from minnet.estimators.fit import Fit
from minnet.training.spec import RunSpec


class Led(Member):
    """A run of a population that goes on from a fit, whose learning rate is known only when an epoch begins."""

    def __init__(self, fit: Fit) -> None:
        training = replace(fit.spec.training, epochs=fit.epoch + fit.spec.training.epochs)
        super().__init__(replace(fit.spec, training=training), fit.n, validated=False)
        self.optimizer = fit.optimizer
        self.epoch, self.t = fit.epoch, fit.state.t

    @property
    def listens(self) -> bool:
        """Always: whoever fits may change the rate after every epoch."""
        return True

    def steps(self, epoch: int) -> np.ndarray:
        """Return the steps of the next epoch: those before may have had other samples."""
        return self.t + np.arange(self.steps_per_epoch)


class DeviceFit(Fit):
    """A fit that trains on a GPU, in float32; weights and memory are those of the CPU but for rounding.

    Raises
    ------
    InputError
        If there is no GPU, or it cannot train this network with this method.
    """

    def __init__(self, spec: RunSpec, split: Split, threads: int, shuffle: bool) -> None:
        if not shuffle:
            raise InputError("device = 'cuda' shuffles the samples: set shuffle = True, or device = 'cpu'")
        devices.require()
        self.labelled = labelled(spec, split)
        shape_of([spec], self.labelled)
        super().__init__(spec, split, threads, shuffle)

    def _compile(self) -> None:
        """Compile what evaluates; what trains is compiled for the GPU."""
        self.network.compile(str(self.split.X_train.dtype))

    @functools.cached_property
    def population(self) -> Population:
        """The population, with the weights and the memory of now."""
        population = Population([self.spec], self.labelled, member=lambda *_: Led(self))
        rows = population.state[0].copy_to_host()
        rows[0], rows[1 : 1 + len(self.state.slots)] = self.params, self.state.slots
        population.state[0].copy_to_device(rows)
        return population

    def train_epoch(self) -> None:
        """Train for one epoch, or until the loss is no longer finite."""
        population, [member] = self.population, self.population.members
        population.train_epoch([0])
        rows = population.state[0].copy_to_host()
        self.params[:], self.state.slots[:] = rows[0], rows[1 : 1 + len(self.state.slots)]
        self.epoch, self.state.t = member.epoch, member.t
        self.running_loss, self.diverged_step = member.running_loss, member.diverged_step


def labelled(spec: RunSpec, split: Split) -> Split:
    """Return the samples with the number of the output unit that should be on, as a GPU takes them.

    Examples
    --------
    >>> from minnet.training import NetworkSpec
    >>> X, y = np.zeros((3, 2), np.float32), np.array([[0], [1], [0]])
    >>> split = Split(X, y, X[:0], y[:0], X[:0], y[:0], ("0",), None, 1.0, "two classes", None)
    >>> one = RunSpec(network=NetworkSpec(loss="binary_cross_entropy", output="sigmoid"))
    >>> labelled(one, split).y_train  # there is no unit 1: the one there is should be off
    array([1, 0, 1])
    """
    Y, loss = split.y_train, spec.network.loss
    if loss == "cross_entropy":
        return replace(split, y_train=Y.argmax(axis=1))
    if loss == "binary_cross_entropy" and Y.shape[1] == 1:
        return replace(split, y_train=1 - Y[:, 0])
    raise InputError("device = 'cuda' learns one class per sample, not several labels or numbers: use the CPU")
