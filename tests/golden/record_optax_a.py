"""Record the lecture's methods and Adam's kin in optax: ``python tests/golden/record_optax_a.py``.

Two files, for their size. optax demands a learning rate: the cases defaults take minnet's. Its AMSGrad without the two
bias corrections is the paper's. The cases are described in `recording.py`.
"""

from __future__ import annotations

from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np
import optax
from recording import Gradient, Recipe, record

jax.config.update("jax_enable_x64", True)


def maker(kind, rho="decay", **fixed):
    """Return ``make(learning_rate, **hyper)`` that takes minnet's names of hyperparameters."""
    names = {"beta1": "b1", "beta2": "b2", "rho": rho}

    def make(learning_rate, **hyper):
        return kind(learning_rate, **fixed, **{names.get(name, name): value for name, value in hyper.items()})

    return make


def walk(recipe: Recipe, hyper: dict, lrs: np.ndarray, p0: np.ndarray, gradient: Gradient) -> np.ndarray:
    """Return the path."""
    p, rates = jnp.asarray(p0), jnp.asarray(lrs)
    optimizer = recipe.make(lambda count: rates[count], **hyper)
    state, path = optimizer.init(p), [p0]
    for t in range(len(lrs)):
        updates, state = optimizer.update(jnp.asarray(gradient(t, np.asarray(p))), state, p)
        p = optax.apply_updates(p, updates)
        path.append(np.asarray(p))
    return np.array(path)


OPTAX = ("optax",)
MU = {"momentum": 0.9}
BETAS = {"beta1": 0.8, "beta2": 0.97, "eps": 1e-3}
LECTURE = [
    Recipe("sgd", OPTAX, maker(optax.sgd), 0.01, (0.037, {}), 1e-3),
    Recipe("momentum", OPTAX, maker(optax.sgd), 0.01, (0.013, {"momentum": 0.73}), 5e-4, MU),
    Recipe("nesterov", OPTAX, maker(optax.sgd, nesterov=True), 0.01, (0.013, {"momentum": 0.73}), 5e-4, MU),
    Recipe("adagrad", OPTAX, maker(optax.adagrad), 0.01, (0.21, {"eps": 1e-2}), 0.1),
    Recipe("rmsprop", OPTAX, maker(optax.rmsprop), 1e-3, (2e-3, {"rho": 0.8, "eps": 1e-3}), 0.01),
    Recipe("adadelta", OPTAX, maker(optax.adadelta, rho="rho"), 1.0, (0.4, {"rho": 0.95, "eps": 1e-3}), 1.0),
    Recipe("adam", OPTAX, maker(optax.adam), 1e-3, (0.02, BETAS), 0.05),
]
RAW = {"bias_correction_mu": False, "bias_correction_nu": False}
KIN = [
    Recipe("adamw", OPTAX, maker(optax.adamw), 1e-3, (0.02, {**BETAS, "weight_decay": 0.4}), 0.05),
    Recipe("amsgrad", OPTAX, maker(optax.amsgrad), 1e-3, (0.02, BETAS), 0.05),
    Recipe("amsgrad", ("paper",), maker(optax.amsgrad, **RAW), 1e-3, (0.02, BETAS), 0.05, label="amsgrad raw"),
    Recipe("adamax", OPTAX, maker(optax.adamax), 2e-3, (0.02, BETAS), 0.05),
    Recipe("nadam", OPTAX, maker(optax.nadam), 2e-3, (0.02, BETAS), 0.05),
    Recipe("radam", OPTAX, maker(optax.radam), 1e-3, (0.02, BETAS), 5e-4),
]

if __name__ == "__main__":
    versions = {"optax": optax.__version__, "jax": version("jax")}
    record("optimizers_optax_lecture.npz", versions, LECTURE, walk)
    record("optimizers_optax_a.npz", versions, KIN, walk)
