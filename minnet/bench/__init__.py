"""Epoch seconds of minnet and of other libraries on one machine: same data, network, batches, method and threads."""

from minnet.bench.task import Task

__all__ = ["Task"]
