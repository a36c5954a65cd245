"""PyTorch on a GPU: gradients by `torch.func.vmap` over runs, the fused optimizer, a step as one CUDA graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.func import grad_and_value, vmap

from minnet.bench.peers.torch import ACTIVATIONS, FUSED, optimizer
from minnet.bench.task import Task

WARM_UP = 3  # steps before a graph is recorded, as its guide asks
CAPTURABLE = ("rmsprop", "adadelta", "adam")  # whose number of steps must be on the GPU to be recorded


class Contestant:
    """The parameters of all runs side by side in each tensor."""

    def __init__(self, task: Task, variant: str) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.X = torch.from_numpy(task.inputs()).to(self.device)
        self.y = torch.from_numpy(task.split.y_train.copy()).to(self.device)
        self.shape = (task.runs, task.steps, task.batch)
        runs = [[array for layer in task.layers(run) for array in layer] for run in range(task.runs)]
        self.params = [torch.from_numpy(np.stack(arrays)).to(self.device) for arrays in zip(*runs, strict=True)]
        activate = ACTIVATIONS[task.spec.network.activation]()

        def loss(params: list[torch.Tensor], X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            layers = list(zip(params[::2], params[1::2], strict=True))
            for W, b in layers[:-1]:
                X = activate(X @ W + b)
            W, b = layers[-1]
            return torch.nn.functional.cross_entropy(X @ W + b, y)

        self.gradients = vmap(grad_and_value(loss))
        extra: dict[str, bool] = {"fused": True} if task.spec.optimizer.name in FUSED else {}
        if self.device.type == "cuda" and task.spec.optimizer.name in CAPTURABLE:
            extra["capturable"] = True
        self.optimizer = optimizer(task, self.params, extra)
        self.rows = torch.zeros((task.runs, task.batch), dtype=torch.int64, device=self.device)
        self.total = torch.zeros((), device=self.device)
        self.graph = self._graph() if self.device.type == "cuda" else None

    def facts(self) -> dict[str, float]:
        """Return how many runs there are."""
        return {"runs": self.shape[0]}

    def step(self) -> None:
        """Take one step of every run on the samples `rows`."""
        flat = self.rows.reshape(-1)
        X = self.X.index_select(0, flat).reshape(*self.rows.shape, -1)
        y = self.y.index_select(0, flat).reshape(self.rows.shape)
        grads, losses = self.gradients(self.params, X, y)
        for param, gradient in zip(self.params, grads, strict=True):
            param.grad = gradient
        self.optimizer.step()
        self.total += losses[0]

    def _graph(self) -> Any:
        """Record a step, and take back what the steps before it did."""
        start = [param.clone() for param in self.params]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                self.step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step()
        for param, before in zip(self.params, start, strict=True):
            param.copy_(before)
        for state in self.optimizer.state.values():
            for tensor in state.values():
                if isinstance(tensor, torch.Tensor):
                    tensor.zero_()
        return graph

    def epoch(self, orders: np.ndarray) -> float:
        """Train every run for one epoch, and return the first one's loss."""
        batches = torch.from_numpy(orders.reshape(self.shape)).to(self.device)
        self.total.zero_()
        for step in range(self.shape[1]):
            self.rows.copy_(batches[:, step])
            if self.graph is None:
                self.step()
            else:
                self.graph.replay()
        return self.total.item() / self.shape[1]
