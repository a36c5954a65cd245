"""Record the second half of the elementwise methods in PyTorch: ``python tests/golden/record_torch_b.py``.

Two files, for their size:

- `optimizers_authors_b.npz`, from the code of the methods' authors: the packages adabelief-pytorch, lion-pytorch (which
  follows the authors' listing), madgrad and qhoptim, and, from the authors' repositories, the files adan.py
  (sail-sg/Adan), adopt.py (iShohei220/adopt) and ademamix.py (apple/ml-ademamix), which must be on the path.
- `optimizers_torch_b.npz`, from PyTorch, pytorch_optimizer and torch_optimizer.

Where code differs from its paper, it is brought to the paper's form:

- AdaBelief's rectification is off;
- MADGRAD adds eps to the learning rate: it is given lr - eps;
- Yogi corrects a bias that the paper leaves alone: its count of steps is set to 10⁹, where the corrections are 1;
- Rprop reads its learning rate once: where that changes, the step sizes of its state are scaled by as much;
- AdEMAMix: the authors' warm-up adds 1e-8 to the betas, so warm-up is recorded from pytorch_optimizer.

The cases are described in `recording.py`.
"""

from __future__ import annotations

import warnings
from importlib.metadata import version

import adabelief_pytorch
import lion_pytorch
import madgrad
import numpy as np
import pytorch_optimizer
import qhoptim.pyt
import torch
import torch_optimizer
from adan import Adan
from ademamix import AdEMAMix
from adopt import ADOPT
from recording import Gradient, Recipe, record

LISTS = {"betas": ("beta1", "beta2", "beta3"), "nus": ("nu1", "nu2"), "etas": ("eta_minus", "eta_plus")}
LISTS["step_sizes"] = ("min_step", "max_step")
NAMES = {"rho": "alpha", "warmup": "t_alpha_beta3"}


def maker(kind, before_step=None, names=NAMES, **fixed):
    """Return ``make(p, lr, **hyper) -> (optimizer, before_step)`` that takes minnet's names of hyperparameters."""

    def make(p, lr, **hyper):
        renamed = {}
        for together, names_in_order in LISTS.items():
            values = tuple(hyper.pop(name) for name in names_in_order if name in hyper)
            if values:
                renamed[together] = values
        renamed |= {names.get(name, name): value for name, value in hyper.items()}
        return kind([p], lr=lr, **fixed, **renamed), before_step

    return make


def walk(recipe: Recipe, hyper: dict, lrs: np.ndarray, p0: np.ndarray, gradient: Gradient) -> np.ndarray:
    """Return the path."""
    p = torch.tensor(p0, requires_grad=True)
    optimizer, before_step = recipe.make(p, float(lrs[0]), **hyper)
    path = [p0]
    for t, lr in enumerate(lrs):
        optimizer.param_groups[0]["lr"] = float(lr)
        p.grad = torch.tensor(gradient(t, p.detach().numpy()))
        if before_step is not None:
            before_step(optimizer, p, lr, lrs[max(t - 1, 0)])
        optimizer.step()
        path.append(p.detach().numpy().copy())
    return np.array(path)


def lr_without_eps(optimizer, p, lr, last_lr):
    """MADGRAD's own code adds eps to the learning rate."""
    optimizer.param_groups[0]["lr"] = float(lr) - optimizer.param_groups[0]["eps"]


def late_count(optimizer, p, lr, last_lr):
    """Yogi's bias corrections are 1 after many steps."""
    state = optimizer.state[p]
    if not state:
        start = torch.full_like(p.detach(), 1e-6)
        state.update(exp_avg=start.clone(), exp_avg_sq=start.clone())
    state["step"] = 10**9


def scale_sizes(optimizer, p, lr, last_lr):
    """Rprop's step sizes follow the learning rate."""
    if "step_size" in optimizer.state[p]:
        optimizer.state[p]["step_size"].mul_(lr / last_lr)


PAPER, TORCH = ("paper",), ("torch",)
BETAS = {"beta1": 0.8, "beta2": 0.97}
THREE = {**BETAS, "beta3": 0.9}
EPS = {"eps": 1e-3}
DECAY = {"weight_decay": 0.4}
ADVISED = {"beta1": 0.995, "beta2": 0.999, "nu1": 0.7, "nu2": 1.0}
# What pytorch_optimizer decays by itself is L2: the paper's is decoupled.
MIXED = maker(pytorch_optimizer.AdEMAMix, weight_decouple=True, foreach=False)
AUTHORS = [
    Recipe(
        "adabelief",
        PAPER,
        maker(adabelief_pytorch.AdaBelief, rectify=False, print_change_log=False),
        1e-3,
        (0.02, {**BETAS, **EPS}),
        0.05,
    ),
    Recipe("lion", PAPER, maker(lion_pytorch.Lion), 1e-4, (0.02, {**BETAS, **DECAY}), 0.01),
    Recipe("adan", PAPER, maker(Adan, foreach=False), 1e-3, (0.02, {**THREE, **EPS, **DECAY}), 0.05),
    Recipe("adopt", PAPER, maker(ADOPT, foreach=False), 1e-3, (0.02, {**BETAS, "eps": 0.03}), 0.05),
    Recipe(
        "ademamix",
        PAPER,
        maker(AdEMAMix),
        1e-3,
        (0.02, {**THREE, **EPS, **DECAY, "alpha": 3.0}),
        0.01,
        {"alpha": 5.0},
    ),
    Recipe("qhm", PAPER, maker(qhoptim.pyt.QHM), 1.0, (0.037, {"momentum": 0.8, "nu": 0.4}), 1e-3,
           {"momentum": 0.999, "nu": 0.7}),
    Recipe("qhadam", PAPER, maker(qhoptim.pyt.QHAdam), 1e-3,
           (0.02, {**BETAS, **EPS, "nu1": 0.4, "nu2": 0.6}), 0.05, ADVISED),
    Recipe("madgrad", PAPER, maker(madgrad.MADGRAD, lr_without_eps), 1e-2, (0.1, {"momentum": 0.6, **EPS}), 0.1),
]  # fmt: skip
BOUNDS = {"min_step": 5e-3, "max_step": 0.3}
OTHERS = [
    Recipe("yogi", PAPER, maker(torch_optimizer.Yogi, late_count), 1e-2, (0.2, {**BETAS, "eps": 0.03}), 0.05),
    Recipe("signum", PAPER, maker(pytorch_optimizer.SignSGD, foreach=False), 1e-4, (0.02, {"momentum": 0.6}), 0.01),
    Recipe("ademamix", PAPER, MIXED, 1e-3, (0.02, {**THREE, **EPS, **DECAY, "alpha": 3.0, "warmup": 25.0}), 0.01),
    Recipe("aggmo", PAPER, maker(pytorch_optimizer.AggMo), 0.01,
           (0.037, {"beta1": 0.3, "beta2": 0.7, "beta3": 0.95}), 5e-4),
    Recipe("rprop", TORCH, maker(torch.optim.Rprop, scale_sizes, foreach=False), 0.01,
           (0.1, {"eta_minus": 0.6, "eta_plus": 1.4, **BOUNDS}), 0.1),
    Recipe("rmsprop_graves", TORCH, maker(torch.optim.RMSprop, centered=True, foreach=False), 0.01,
           (0.02, {"rho": 0.8, "momentum": 0.6, **EPS}), 0.01),
]  # fmt: skip

if __name__ == "__main__":
    # Their code still calls torch as it was called years ago.
    warnings.simplefilter("ignore")
    packages = ("adabelief_pytorch", "lion_pytorch", "madgrad", "qhoptim")
    record("optimizers_authors_b.npz", {"torch": torch.__version__} | {p: version(p) for p in packages}, AUTHORS, walk)
    packages = ("pytorch_optimizer", "torch_optimizer")
    record("optimizers_torch_b.npz", {"torch": torch.__version__} | {p: version(p) for p in packages}, OTHERS, walk)
