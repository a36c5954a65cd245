"""Record the second half of the elementwise methods in optax: ``python tests/golden/record_optax_b.py``.

Two files, for their size. optax demands a learning rate: the cases defaults take minnet's. With Graves's own numbers
its centred RMSProp is the paper's. Its Rprop takes no schedule: where the learning rate changes, the step sizes of its
state, and the step that it holds back, are scaled by as much. Its MADGRAD takes the root of an integer count, which JAX
computes in float32: it is given the count as a float64. The cases are described in `recording.py`.
"""

from __future__ import annotations

from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np
import optax
from record_optax_a import walk as walk_schedule  # turns JAX's float64 on
from recording import Gradient, Recipe, record

NAMES = {"beta1": "b1", "beta2": "b2", "beta3": "b3", "rho": "decay", "min_step": "min_step_size"}
NAMES["max_step"] = "max_step_size"


def maker(kind, names=NAMES, **fixed):
    """Return ``make(learning_rate, **hyper)`` that takes minnet's names of hyperparameters."""

    def make(learning_rate, **hyper):
        return kind(learning_rate, **fixed, **{names.get(name, name): value for name, value in hyper.items()})

    return make


def walk(recipe: Recipe, hyper: dict, lrs: np.ndarray, p0: np.ndarray, gradient: Gradient) -> np.ndarray:
    """Return the path."""
    prepare = PREPARE.get(recipe.method)
    if prepare is None:
        return walk_schedule(recipe, hyper, lrs, p0, gradient)
    rates = jnp.asarray(lrs)
    scheduled = recipe.method != "rprop"
    optimizer = recipe.make((lambda count: rates[count.astype(int)]) if scheduled else float(lrs[0]), **hyper)
    p = jnp.asarray(p0)
    state, path = optimizer.init(p), [p0]
    for t, lr in enumerate(lrs):
        state = prepare(state, lr / lrs[max(t - 1, 0)])
        updates, state = optimizer.update(jnp.asarray(gradient(t, np.asarray(p))), state, p)
        p = optax.apply_updates(p, updates)
        path.append(np.asarray(p))
    return np.array(path)


# What is done to a state before a step, given the learning rate over the last one.
PREPARE = {
    "rprop": lambda state, factor: jax.tree.map(lambda x: x * factor, state),
    "madgrad": lambda state, factor: jax.tree.map(lambda x: x.astype(jnp.float64), state),
}
OPTAX, PAPER = ("optax",), ("paper",)
BETAS = {"beta1": 0.8, "beta2": 0.97}
THREE = {**BETAS, "beta3": 0.9}
EPS = {"eps": 1e-3}
ROOT = {"eps_root": 2e-3}
DECAY = {"weight_decay": 0.4}
RPROP = {"eta_minus": 0.6, "eta_plus": 1.4, "min_step": 5e-3, "max_step": 0.3}
GRAVES = {"rho": 0.95, "momentum": 0.9, "eps": 1e-4}
OTHER_CENTRED = {"rho": 0.8, "momentum": 0.6, **EPS}
CENTRED = maker(optax.rmsprop, centered=True)
C = optax.contrib
FIRST = [
    Recipe("adabelief", OPTAX, maker(optax.adabelief), 1e-3, (0.02, {**BETAS, **EPS, **ROOT}), 0.05),
    Recipe("yogi", OPTAX, maker(optax.yogi), 1e-2, (0.2, {**BETAS, "eps": 0.03}), 0.05),
    Recipe("lion", OPTAX, maker(optax.lion), 1e-4, (0.02, {**BETAS, **DECAY}), 0.01),
    Recipe("signum", OPTAX, maker(optax.signum, {"momentum": "beta"}), 1e-4, (0.02, {"momentum": 0.6}), 0.01),
    Recipe("adan", OPTAX, maker(optax.adan), 1e-3, (0.02, {**THREE, **EPS, **ROOT, **DECAY}), 0.05),
    Recipe("rprop", OPTAX, maker(optax.rprop), 0.1, (0.07, RPROP), 0.1),
]
SECOND = [
    Recipe("adopt", OPTAX, maker(C.adopt), 1e-3, (0.02, {**BETAS, "eps": 0.03}), 0.05),
    Recipe("ademamix", OPTAX, maker(C.ademamix), 1e-3, (0.02, {**THREE, **EPS, **DECAY, "alpha": 3.0}), 0.01),
    Recipe("madgrad", OPTAX, maker(C.madgrad), 1e-2, (0.1, {"momentum": 0.6, **EPS}), 0.1),
    Recipe("rmsprop_graves", OPTAX, CENTRED, 1e-4, (0.02, OTHER_CENTRED), 0.01),
    Recipe("rmsprop_graves", PAPER, CENTRED, 1e-4, (0.02, OTHER_CENTRED), 0.01, GRAVES, "graves"),
]

if __name__ == "__main__":
    versions = {"optax": optax.__version__, "jax": version("jax")}
    record("optimizers_optax_b.npz", versions, FIRST, walk)
    record("optimizers_optax_b2.npz", versions, SECOND, walk)
