"""One small study for all tests of the landscape."""

from __future__ import annotations

import pytest

import minnet
from minnet.landscape import study
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

NETWORK = NetworkSpec(hidden=(6,), activation="tanh")
RATES = {"sgd": 0.3, "momentum": 0.1, "adam": 0.02}


def runs_of(rates=RATES, epochs=4, **training):
    spec = TrainingSpec(epochs=epochs, **training)
    return {
        name: RunSpec("digits", NETWORK, spec, OptimizerSpec(name, hyper={"lr": lr}), seed=3)
        for name, lr in rates.items()
    }


@pytest.fixture(scope="session")
def split():
    return minnet.load_dataset("digits").split()


@pytest.fixture(scope="session")
def told():
    """What the study said while it worked."""
    return []


@pytest.fixture(scope="session")
def found(split, told):
    return study(runs_of(), split, cells=5, samples=5000, progress=told.append)


@pytest.fixture
def runs():
    return runs_of
