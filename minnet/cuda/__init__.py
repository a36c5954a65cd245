"""The same training on a GPU: a population of runs, each trained by one block of threads."""

from __future__ import annotations

from typing import Any

__all__ = ["train"]


def __getattr__(name: str) -> Any:
    # Numba's CUDA target is loaded when it is used.
    if name == "train":
        from minnet.cuda.training import train

        return train
    raise AttributeError(f"module 'minnet.cuda' has no attribute {name!r}")
