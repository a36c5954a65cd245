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
    from minnet import data, estimators, lab, landscape, network, optimizers, schedules, surfaces, training
    from minnet.data import load_dataset
    from minnet.estimators import MLPClassifier, MLPRegressor
    from minnet.lab import compare
    from minnet.optimizers import rule
    from minnet.surfaces import minimize
    from minnet.training import train

__version__ = "0.1.0"

_MODULES = ("data", "estimators", "lab", "landscape", "network", "optimizers", "schedules", "surfaces", "training")
_NAMES = {
    "load_dataset": "minnet.data",
    "compare": "minnet.lab",
    "minimize": "minnet.surfaces",
    "rule": "minnet.optimizers",
    "train": "minnet.training",
    "MLPClassifier": "minnet.estimators",
    "MLPRegressor": "minnet.estimators",
}

__all__ = [
    "MLPClassifier",
    "MLPRegressor",
    "__version__",
    "compare",
    "data",
    "estimators",
    "lab",
    "landscape",
    "load_dataset",
    "minimize",
    "network",
    "optimizers",
    "rule",
    "schedules",
    "surfaces",
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
