"""Record AdamW, AMSGrad, Adamax, NAdam and RAdam in PyTorch: ``python tests/golden/record_torch_a.py``.

AdamW, Adamax and NAdam are the papers' forms with the papers' defaults, so they prove both styles. The paper's RAdam,
which rectifies from rho > 4, is recorded from pytorch_optimizer, which lets one choose. The cases are described in
`recording.py`.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import pytorch_optimizer
import torch
from recording import Gradient, Recipe, record


def maker(kind, **fixed):
    """Return ``make(p, **hyper)`` that takes minnet's names of hyperparameters."""

    def make(p, **hyper):
        if "beta1" in hyper:
            hyper["betas"] = (hyper.pop("beta1"), hyper.pop("beta2"))
        return kind([p], foreach=False, **fixed, **hyper)

    return make


def walk(recipe: Recipe, hyper: dict, lrs: np.ndarray, p0: np.ndarray, gradient: Gradient) -> np.ndarray:
    """Return the path; the defaults must be the library's own."""
    p = torch.tensor(p0, requires_grad=True)
    optimizer = recipe.make(p, **hyper)
    if not hyper and optimizer.param_groups[0]["lr"] != recipe.lr:
        raise ValueError(f"{recipe.method}: the library's lr is {optimizer.param_groups[0]['lr']}")
    path = [p0]
    for t, lr in enumerate(lrs):
        optimizer.param_groups[0]["lr"] = float(lr)
        p.grad = torch.tensor(gradient(t, p.detach().numpy()))
        optimizer.step()
        path.append(p.detach().numpy().copy())
    return np.array(path)


# NAdam keeps the product of its momenta in the default type: in float32 it would cost nine digits.
torch.set_default_dtype(torch.float64)
BETAS = {"beta1": 0.8, "beta2": 0.97, "eps": 1e-3}
BOTH = ("paper", "torch")
RECIPES = [
    Recipe("adamw", BOTH, maker(torch.optim.AdamW), 1e-3, (0.02, {**BETAS, "weight_decay": 0.4}), 0.05),
    Recipe("amsgrad", ("torch",), maker(torch.optim.Adam, amsgrad=True), 1e-3, (0.02, BETAS), 0.05),
    Recipe("adamax", BOTH, maker(torch.optim.Adamax), 2e-3, (0.02, BETAS), 0.05),
    Recipe("nadam", BOTH, maker(torch.optim.NAdam), 2e-3, (0.02, {**BETAS, "momentum_decay": 0.2}), 0.05),
    Recipe("radam", ("torch",), maker(torch.optim.RAdam), 1e-3, (0.02, BETAS), 5e-4),
    Recipe(
        "radam",
        ("paper",),
        maker(pytorch_optimizer.RAdam, n_sma_threshold=4, degenerated_to_sgd=True),
        1e-3,
        (0.02, BETAS),
        5e-4,
        label="radam from 4",
    ),
]

if __name__ == "__main__":
    versions = {"torch": torch.__version__, "pytorch_optimizer": version("pytorch_optimizer")}
    record("optimizers_torch_a.npz", versions, RECIPES, walk)
