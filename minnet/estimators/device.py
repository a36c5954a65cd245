"""A fit on a GPU: a population of one, which starts from given weights and hands them back after every epoch."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np

from minnet.cuda import devices
from minnet.cuda.member import Member
from minnet.cuda.population import Population, shape_of
from minnet.data import Split
from minnet.estimators.fit import Fit
from minnet.training.spec import RunSpec


class Led(Member):
    """A run of a population that goes on from a fit, whose learning rate is known only when an epoch begins."""

    def __init__(self, fit: Fit) -> None:
        training = replace(fit.spec.training, epochs=fit.epoch + fit.spec.training.epochs)
        super().__init__(replace(fit.spec, training=training), fit.n, validated=False)
        self.optimizer = fit.optimizer
        self.epoch, self.t, self.shuffle = fit.epoch, fit.state.t, fit.shuffle

    @property
    def listens(self) -> bool:
        """Always: whoever fits may change the rate after every epoch."""
        return True

    def steps(self, epoch: int) -> np.ndarray:
        """Return the steps of the next epoch: those before may have had other samples."""
        return self.t + np.arange(self.steps_per_epoch)

    def order(self, epoch: int) -> np.ndarray:
        """Return the samples in their order of an epoch."""
        return super().order(epoch) if self.shuffle else np.arange(self.n)


class DeviceFit(Fit):
    """A fit that trains on a GPU, in float32; weights and memory are those of the CPU but for rounding.

    Raises
    ------
    InputError
        If there is no GPU, or it cannot train this network with this method.
    """

    def __init__(self, spec: RunSpec, split: Split, threads: int, shuffle: bool) -> None:
        devices.require()
        shape_of([spec], split)
        super().__init__(spec, split, threads, shuffle)

    def _compile(self) -> None:
        """Compile what evaluates; what trains is compiled for the GPU."""
        self.network.compile(str(self.split.X_train.dtype))

    @functools.cached_property
    def population(self) -> Population:
        """The population, with the weights and the memory of now."""
        population = Population([self.spec], self.split, member=lambda *_: Led(self))
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
