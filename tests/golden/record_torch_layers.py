"""Record the methods that see a whole layer in PyTorch: ``python tests/golden/record_torch_layers.py``.

Needs pytorch_optimizer beside torch. Matrices and vectors have a file each; the cases are described in `recording.py`.
What was changed in the libraries, for the recording only:

- Muon: no rounding to bfloat16; the matrix is transposed, PyTorch's is (outputs, inputs). Under "muon paper" the norm
  is increased by 1e-7 as in the author's code, where PyTorch bounds it by 1e-7.
- SOAP: the QR decomposition is not rounded to float32.
- LARS: the learning rate is moved into the velocity by way of the trust coefficient.
- Shampoo: its count of steps starts so that the roots are there at the first step. On vectors it is Adagrad from
  h = ε.

Shampoo and SOAP have a file of their own for matrices, with gradients and eigenvalues to the power 1/8. They stand on
eigenvalues of G Gᵀ, and with sizes from 1e-6 to 1e3 the smallest of those, as well as ε in ε I + G Gᵀ, are rounding
errors beside the largest: two ways to add the same numbers would part at 1e-6. For the same reason SOAP hardly moves
in the case quadratic, whose gradients have rank 3: the fourth direction holds rounding errors, which Adam's division
makes large. "soap damped" moves, its ε is larger than they are.
"""

from __future__ import annotations

from importlib.metadata import version
from types import SimpleNamespace

import numpy as np
import pytorch_optimizer
import torch
from pytorch_optimizer.optimizer import soap as soap_module
from recording import Gradient, Recipe, record
from torch.optim import _muon as muon_module

torch.set_default_dtype(torch.float64)
torch.Tensor.bfloat16 = lambda x: x.clone()
soap_module.torch = SimpleNamespace(**{**vars(torch), "float32": torch.float64})
bounded = torch.Tensor.clamp


def muon(norm_plus=False):
    """Return ``make(p, lr, **hyper)``."""

    def make(p, lr, momentum=0.95, weight_decay=0.1, **adam):
        # The only call of clamp in there is that of the norm.
        torch.Tensor.clamp = (lambda x, min: x + min) if norm_plus else bounded
        return muon_module.Muon([p], lr=lr, momentum=momentum, weight_decay=weight_decay)

    return make


def beside_muon(beta2, eps, adam_ratio, weight_decay):
    """Return ``make(p, lr, **hyper)`` of the AdamW that goes with Muon; `make.ratio` is that of the learning rates."""
    own = {"beta1": 0.9, "beta2": beta2, "eps": eps, "adam_ratio": adam_ratio, "weight_decay": weight_decay}

    def make(p, lr, **hyper):
        h = {**own, **hyper}
        make.ratio = h["adam_ratio"]
        return torch.optim.AdamW(
            [p], lr=lr, betas=(h["beta1"], h["beta2"]), eps=h["eps"], weight_decay=h["weight_decay"], foreach=False
        )

    return make


def adafactor(p, lr, decay_rate=0.8, eps=None, min_scale=1e-3, clip=1.0, weight_decay=0.0):
    return torch.optim.Adafactor(
        [p], lr=lr, beta2_decay=-decay_rate, eps=(eps, min_scale), d=clip, weight_decay=weight_decay, foreach=False
    )


def lars(p, lr, momentum=0.9, trust=1e-3, weight_decay=5e-4):
    lars.trust = trust
    return pytorch_optimizer.LARS(
        [p], lr=1.0, momentum=momentum, trust_coefficient=trust, weight_decay=weight_decay, foreach=False
    )


def soap(p, lr, beta1=0.95, beta2=0.95, eps=1e-8, weight_decay=0.01, refresh=10):
    return pytorch_optimizer.SOAP(
        [p], lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=weight_decay, precondition_frequency=int(refresh)
    )


def shampoo(p, lr, eps=1e-4, refresh=20):
    optimizer = pytorch_optimizer.Shampoo([p], lr=lr, matrix_eps=eps, preconditioning_compute_steps=int(refresh))
    optimizer.param_groups[0]["step"] = int(refresh) - 1
    return optimizer


def shampoo_of_vectors(p, lr, eps=1e-4, refresh=20):
    return torch.optim.Adagrad([p], lr=lr, initial_accumulator_value=eps, eps=0.0, foreach=False)


def set_rate(recipe: Recipe, optimizer, lr: float) -> None:
    """Give one step its learning rate."""
    group = optimizer.param_groups[0]
    if recipe.make is lars:
        group["trust_coefficient"] = lars.trust * lr
    else:
        group["lr"] = lr * getattr(recipe.make, "ratio", 1.0)


def walk(recipe: Recipe, hyper: dict, lrs: np.ndarray, p0: np.ndarray, gradient: Gradient) -> np.ndarray:
    """Return the path; Muon sees the transposed matrix."""
    p = torch.tensor(p0.T.copy(), requires_grad=True)
    optimizer = recipe.make(p, float(lrs[0]), **hyper)
    path = [p0]
    for t, lr in enumerate(lrs):
        set_rate(recipe, optimizer, float(lr))
        p.grad = torch.tensor(gradient(t, path[-1]).T.copy())
        optimizer.step()
        path.append(p.detach().numpy().T.copy())
    return np.array(path)


PAPER, TORCH = ("paper",), ("torch",)
BETAS = {"beta1": 0.8, "beta2": 0.97, "eps": 1e-3}
MUON_PAPER = {"momentum": 0.95, "weight_decay": 0.0}
MUON_OTHERS = (0.03, {"momentum": 0.7, "weight_decay": 0.4})
ADAM_OTHERS = (0.03, {**BETAS, "adam_ratio": 0.3, "weight_decay": 0.4})
ADAFACTOR = (0.3, {"decay_rate": 0.6, "eps": 0.03, "min_scale": 2.0, "clip": 1.5, "weight_decay": 0.4})
SOAP_OTHERS = (0.03, {**BETAS, "weight_decay": 0.4, "refresh": 3})
SOAP = Recipe("soap", PAPER, soap, 3e-3, SOAP_OTHERS, 1e-6)
DAMPED = Recipe("soap", PAPER, soap, 3e-3, SOAP_OTHERS, 0.03, {"eps": 0.1}, label="soap damped")
MATRICES = [
    Recipe("lars", PAPER, lars, 1.0, (2.0, {"momentum": 0.7, "trust": 0.01, "weight_decay": 0.3}), 1.0),
    Recipe("muon", TORCH, muon(), 1e-3, MUON_OTHERS, 0.01),
    Recipe("muon", PAPER, muon(norm_plus=True), 0.02, MUON_OTHERS, 0.01, MUON_PAPER, label="muon paper"),
    Recipe("adafactor", TORCH, adafactor, 0.01, ADAFACTOR, 0.1),
]
VECTORS = [
    Recipe("muon", TORCH, beside_muon(0.999, 1e-8, 1.0, 0.1), 1e-3, ADAM_OTHERS, 0.01),
    Recipe("muon", PAPER, beside_muon(0.95, 1e-10, 0.015, 0.0), 0.02, ADAM_OTHERS, 0.5, label="muon paper"),
    Recipe("adafactor", TORCH, adafactor, 0.01, ADAFACTOR, 0.1),
    SOAP,
    Recipe("shampoo", PAPER, shampoo_of_vectors, 0.1, (0.03, {"eps": 0.5}), 0.1),
]
EIGEN = [SOAP, DAMPED, Recipe("shampoo", PAPER, shampoo, 1e-3, (0.03, {"eps": 0.02, "refresh": 3}), 0.02)]

if __name__ == "__main__":
    versions = {name: version(name) for name in ("torch", "pytorch_optimizer")}
    record("optimizers_torch_layers.npz", versions, MATRICES, walk, (4, 3))
    record("optimizers_torch_layers_vectors.npz", versions, VECTORS, walk)
    record("optimizers_torch_layers_eigen.npz", versions, EIGEN, walk, (4, 3), 0.125)
