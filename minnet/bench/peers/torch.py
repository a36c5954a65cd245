"""PyTorch: eager with the optimizer's default, with the fused one, or with the network compiled.

As its performance guide asks: the data are resident tensors, no DataLoader, gradients are set to None, nothing is
read back to Python before the epoch's end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from minnet.bench.task import Task

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
}


class Contestant:
    """A Sequential of Linear layers and a loop over batches."""

    def __init__(self, task: Task, variant: str) -> None:
        torch.set_num_threads(task.threads)
        self.X = torch.from_numpy(task.inputs())
        self.y = torch.from_numpy(task.split.y_train.copy())
        self.batch = task.batch
        network = nn.Sequential(*modules(task))
        # Fused kernels are the fastest that PyTorch has for the CPU, where the method has them.
        fused = {"fused": True} if variant and task.spec.optimizer.name in FUSED else {}
        self.optimizer = optimizer(task, network.parameters(), fused)
        self.loss: Any = LossOf(network)
        if variant == "compile":
            self.loss = torch.compile(self.loss)

    def epoch(self, order: np.ndarray) -> float:
        """Train for one epoch."""
        total = torch.zeros(())
        batches = torch.from_numpy(order).split(self.batch)
        for rows in batches:
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss(self.X.index_select(0, rows), self.y.index_select(0, rows))
            loss.backward()
            self.optimizer.step()
            total += loss.detach()
        return total.item() / len(batches)


class LossOf(nn.Module):
    """The network and its loss as one module, so that both are compiled together."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the mean cross-entropy of a batch."""
        return nn.functional.cross_entropy(self.network(X), y)


def modules(task: Task) -> list[nn.Module]:
    """Return layers and activations, with the common initial weights."""
    found: list[nn.Module] = []
    for W, b in task.layers():
        layer = nn.Linear(*W.shape, dtype=getattr(torch, task.dtype))
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(W.T))
            layer.bias.copy_(torch.from_numpy(b))
        found += [layer, ACTIVATIONS[task.spec.network.activation]()]
    return found[:-1]


FUSED = ("sgd", "momentum", "nesterov", "adagrad", "adam")


def optimizer(task: Task, params: Any, extra: dict[str, bool]) -> torch.optim.Optimizer:
    """Return PyTorch's form of the method."""
    hyper = dict(task.hyper)
    name = task.spec.optimizer.name
    if name == "adam":
        betas = (hyper.pop("beta1"), hyper.pop("beta2"))
        return torch.optim.Adam(params, betas=betas, **hyper, **extra)
    if name == "rmsprop":
        return torch.optim.RMSprop(params, alpha=hyper.pop("rho"), **hyper, **extra)
    if name == "adagrad":
        return torch.optim.Adagrad(params, **hyper, **extra)
    if name == "adadelta":
        return torch.optim.Adadelta(params, **hyper, **extra)
    return torch.optim.SGD(params, nesterov=name == "nesterov", **hyper, **extra)
