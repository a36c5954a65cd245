"""minnet: a from-scratch neural-net trainer for comparing optimization methods.

Importing it is quick and compiles nothing: names are loaded when first used.

Examples
--------
>>> import minnet
>>> minnet.optimizers.names("lecture")
['sgd', 'momentum', 'nesterov', 'adagrad', 'rmsprop', 'adadelta', 'adam']
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minnet import data, lab, network, optimizers, schedules, training
    from minnet.data import load_dataset
    from minnet.lab import compare
    from minnet.training import train

__version__ = "0.1.0"

_MODULES = ("data", "lab", "network", "optimizers", "schedules", "training")
_NAMES = {"load_dataset": "minnet.data", "compare": "minnet.lab", "train": "minnet.training"}

__all__ = [
    "__version__",
    "compare",
    "data",
    "lab",
    "load_dataset",
    "network",
    "optimizers",
    "schedules",
    "train",
    "training",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"minnet.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'minnet' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
