"""Training: what a run is, the compiled epoch, and the history that comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minnet.network.spec import NetworkSpec
from minnet.training.spec import OptimizerSpec, RunSpec, TrainingSpec

if TYPE_CHECKING:
    from minnet.training.result import RunResult
    from minnet.training.run import train

__all__ = ["NetworkSpec", "OptimizerSpec", "RunResult", "RunSpec", "TrainingSpec", "train"]


def __getattr__(name: str) -> Any:
    # Specs are plain data; what needs Numba is loaded when it is used.
    if name == "train":
        from minnet.training.run import train

        return train
    if name == "RunResult":
        from minnet.training.result import RunResult

        return RunResult
    raise AttributeError(f"module 'minnet.training' has no attribute {name!r}")
