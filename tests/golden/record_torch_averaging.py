"""Record averaging and parameter-free methods in PyTorch: ``python tests/golden/record_torch_averaging.py``.

From the code of the methods' authors (packages schedulefree, prodigyopt, dadaptation, dog-optimizer) and from PyTorch:

- schedule-free: the authors weigh the mean by the largest rate so far, the paper by the newest: recorded with a rate
  that rises, where both are the same; schedule-free SGD's x is computed from y and z as its `eval` does;
- D-Adapt Adam with decoupled weight decay (decouple=True);
- averaged SGD in the paper's form is `torch.optim.swa_utils.AveragedModel` beside plain SGD, which starts its mean
  after the first step; the style torch is `torch.optim.ASGD`, its `ax` the point to evaluate.

The cases are described in `recording.py`.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import schedulefree
import torch
from dadaptation import DAdaptAdam
from dog import DoG
from prodigyopt import Prodigy
from recording import Gradient, Recipe, record
from torch.optim.swa_utils import AveragedModel

NAMES = {"r_eps": "reps_rel", "power": "alpha"}


def maker(kind, **fixed):
    """Return ``make(p, lr, **hyper)`` that takes minnet's names of hyperparameters."""

    def make(p, lr, **hyper):
        renamed = {NAMES.get(key, key): value for key, value in hyper.items()}
        if "beta2" in renamed:
            renamed["betas"] = (renamed.pop("beta1"), renamed.pop("beta2"))
        if "beta1" in renamed:
            renamed["momentum"] = renamed.pop("beta1")
        return kind([p], lr=lr, **fixed, **renamed)

    return make


class Weights(torch.nn.Module):
    """A vector as a model, for `AveragedModel`."""

    def __init__(self, p):
        super().__init__()
        self.p = torch.nn.Parameter(p.detach())


def evaluated(optimizer, p, averaged):
    """Return where the library evaluates, or None."""
    if averaged is not None:
        return averaged.module.p.detach().numpy().copy()
    if isinstance(optimizer, torch.optim.ASGD):
        return optimizer.state[p]["ax"].numpy().copy()
    if hasattr(optimizer, "eval"):
        optimizer.eval()
        x = p.detach().numpy().copy()
        optimizer.train()
        return x
    return None


def walk(recipe: Recipe, hyper: dict, lrs: np.ndarray, p0: np.ndarray, gradient: Gradient):
    """Return the path, and that of the points to evaluate where there is one."""
    p = torch.tensor(p0, requires_grad=True)
    optimizer = recipe.make(p, float(lrs[0]), **hyper)
    averaged = AveragedModel(Weights(p)) if recipe.label == "averaged_sgd" else None
    if hasattr(optimizer, "train"):
        optimizer.train()
    path, means = [p0], [p0]
    for t, lr in enumerate(lrs):
        optimizer.param_groups[0]["lr"] = float(lr)
        p.grad = torch.tensor(gradient(t, p.detach().numpy()))
        optimizer.step()
        path.append(p.detach().numpy().copy())
        if averaged is not None:
            averaged.update_parameters(Weights(p))
        # Schedule-free: back to y exactly as it was, not as `train` computes it from x and z.
        means.append(evaluated(optimizer, p, averaged))
        if means[-1] is not None:
            p.data.copy_(torch.tensor(path[-1]))
    return (np.array(path), np.array(means)) if means[-1] is not None else np.array(path)


BETAS = {"beta1": 0.8, "beta2": 0.97}
DECAY = {"weight_decay": 0.4}
WARM = {"warmup_steps": 7}
D0 = {"eps": 0.03, "d0": 0.01}
ASGD = {"lambd": 0.02, "power": 0.4, "t0": 6.0, "weight_decay": 0.3}
PAPER, TORCH = ("paper",), ("torch",)
AVERAGING = [
    Recipe(
        "schedulefree_sgd",
        PAPER,
        maker(schedulefree.SGDScheduleFree),
        1.0,
        (0.03, {"beta1": 0.7, **WARM, **DECAY}),
        1e-3,
        factor=2.0,
    ),
    Recipe(
        "schedulefree_adamw",
        PAPER,
        maker(schedulefree.AdamWScheduleFree),
        0.0025,
        (0.02, {**BETAS, "eps": 0.03, **WARM, **DECAY}),
        0.05,
        factor=2.0,
    ),
    Recipe("averaged_sgd", PAPER, maker(torch.optim.SGD), 0.01, (0.037, {}), 1e-3, label="averaged_sgd"),
    Recipe("averaged_sgd", TORCH, maker(torch.optim.ASGD), 0.01, (0.037, ASGD), 1e-3, label="asgd"),
]
FREE = [
    Recipe("prodigy", PAPER, maker(Prodigy), 1.0, (0.5, {**BETAS, **D0, **DECAY}), 1.0),
    Recipe("dadapt_adam", PAPER, maker(DAdaptAdam, decouple=True), 1.0, (0.5, {**BETAS, **D0, **DECAY}), 1.0),
    Recipe("dog", PAPER, maker(DoG), 1.0, (0.5, {"r_eps": 0.05, "eps": 1e3, **DECAY}), 1.0),
]  # fmt: skip

if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)  # or else ASGD keeps its rates in float32
    packages = ("torch", "schedulefree", "prodigyopt", "dadaptation", "dog-optimizer")
    versions = {name: version(name) for name in packages}
    record("optimizers_torch_averaging.npz", versions, AVERAGING, walk)
    record("optimizers_torch_free.npz", versions, FREE, walk)
