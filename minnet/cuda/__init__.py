"""The same training on a GPU: a population of runs, each trained by one block of threads."""

from __future__ import annotations

__all__ = ["train"]


def __getattr__(name: str) -> object:
    # Numba's CUDA target is loaded when it is used.
    if name == "train":
        from minnet.cuda.train import train

        return train
    raise AttributeError(f"module 'minnet.cuda' has no attribute {name!r}")
