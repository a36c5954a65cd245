"""The contestants: one file each, with a class that prepares itself for a task and then trains epoch by epoch.

Every class is built with a `Task` and a variant (what stands after the dash in its name), does all loading and
compiling there or in its first epochs, and has ``epoch(order) -> mean training loss``. Nothing of it is imported before
its worker has set the threads and the cores.
"""

from __future__ import annotations

import importlib
import importlib.util
import shutil
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from minnet.bench.task import Task
from minnet.errors import InputError, suggest


class Peer(Protocol):
    """A contestant, ready to train."""

    def __init__(self, task: Task, variant: str) -> None: ...

    def epoch(self, order: np.ndarray) -> float | None:
        """Train for one epoch on the samples in this order; return the mean loss over its steps if there is one."""
        ...


class Kind(NamedTuple):
    """What is known of a contestant without importing it.

    module : here; package : what must be installed; methods, activations : what it has (empty: whatever minnet has);
    needs_compiler : of C++; device : where it trains.
    """

    module: str
    package: str = "minnet"
    methods: frozenset[str] = frozenset()
    activations: frozenset[str] = frozenset()
    needs_compiler: bool = False
    device: str = "cpu"


SEVEN = frozenset({"sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam"})
COMMON = frozenset({"identity", "relu", "leaky_relu", "elu", "gelu", "sigmoid", "silu", "softplus", "tanh"})
FUSED = frozenset({"sgd", "momentum", "nesterov", "adagrad", "adam"})

KINDS = {
    "minnet": Kind("minnet"),
    "minnet-runs": Kind("minnet"),
    "jax": Kind("jax", "jax", SEVEN, COMMON),
    "torch": Kind("torch", "torch", SEVEN, COMMON),
    "torch-fused": Kind("torch", "torch", FUSED, COMMON),
    "torch-compile": Kind("torch", "torch", SEVEN, COMMON, needs_compiler=True),
    "sklearn": Kind(
        "sklearn",
        "sklearn",
        frozenset({"sgd", "momentum", "nesterov", "adam"}),
        frozenset({"identity", "relu", "sigmoid", "tanh"}),
    ),
    "roof": Kind("roof"),
    "minnet-cuda": Kind("minnet_cuda", device="cuda"),
    "jax-vmap": Kind("jax_vmap", "jax", SEVEN, COMMON, device="cuda"),
    "torch-vmap": Kind("torch_vmap", "torch", SEVEN, COMMON, device="cuda"),
}
COMPILERS = ("c++", "g++", "clang++", "cl")


class Label(NamedTuple):
    """A contestant as it is written: ``jax``, or ``minnet@2`` for a number of threads of its own."""

    kind: str
    threads: int | None

    @classmethod
    def parse(cls, text: str) -> Label:
        """Return what `text` names.

        Examples
        --------
        >>> Label.parse("minnet@2")
        Label(kind='minnet', threads=2)
        """
        kind, at, threads = text.partition("@")
        if kind not in KINDS:
            raise InputError(f"unknown peer {kind!r}: {suggest(kind, KINDS)}")
        if at and not (threads.isdecimal() and int(threads) > 0):
            raise InputError(f"peer {text!r}: write {kind}@2 for two threads")
        return cls(kind, int(threads) if at else None)

    def task(self, task: Task) -> Task:
        """Return what the contestant trains: with threads of its own, and one run if it trains beside a GPU's."""
        runs = task.runs if KINDS[self.kind].device == task.device else 1
        return replace(task, threads=self.threads or task.threads, device=KINDS[self.kind].device, runs=runs)


def refusal(name: str, task: Task) -> str | None:
    """Return why a contestant cannot take part, in one line, or None if it can."""
    kind, spec = KINDS[name], task.spec
    if importlib.util.find_spec(kind.package) is None:
        return 'not installed: pip install "minnet[bench]"'
    if kind.methods and spec.optimizer.name not in kind.methods:
        return f"has no {spec.optimizer.name} of this form"
    if kind.activations and spec.network.activation not in kind.activations:
        return f"has no activation {spec.network.activation}"
    if kind.needs_compiler and not any(map(shutil.which, COMPILERS)):
        return f"needs a C++ compiler ({', '.join(COMPILERS)}), and there is none"
    return None


def create(name: str, task: Task) -> Peer:
    """Import a contestant and prepare it."""
    module: Any = importlib.import_module(f"minnet.bench.peers.{KINDS[name].module}")
    return module.Contestant(task, name.partition("-")[2])
