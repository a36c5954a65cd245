"""Record averaging, parameter-free and wrapping methods in optax: ``python tests/golden/record_optax_averaging.py``.

A changing learning rate is given as the number it is at that step: optax's schedule-free methods read a schedule at
one count for the step and at the next for the mean. Their warm-up is optax's own, with the count of steps as an int64
(JAX divides an int32 in float32). `optax.contrib.sam` steps as minnet does, two calls for a step; its learning rates
are those of the full steps. D-Adapt AdamW and Prodigy divide by zero while all gradients are zero, which does not occur
here.
"""

from __future__ import annotations

from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np
import optax
from optax import contrib
from recording import Gradient, Recipe, record

jax.config.update("jax_enable_x64", True)

NAMES = {"beta1": "b1", "beta2": "b2", "d0": "estim_lr0"}


def maker(kind):
    """Return ``make(lr, **hyper)`` that takes minnet's names of hyperparameters."""

    def make(lr, **hyper):
        return kind(lr, **{NAMES.get(key, key): value for key, value in hyper.items()})

    return make


def with_betas(kind):
    """Return the same for a method that takes its betas as a pair."""

    def make(lr, **hyper):
        if "beta2" in hyper:
            hyper["betas"] = (hyper.pop("beta1"), hyper.pop("beta2"))
        return maker(kind)(lr, **hyper)

    return make


def dog(lr, **hyper):
    """DoG, with r_eps as its pair."""
    if "r_eps" in hyper:
        hyper["init_step"] = ("heuristic", hyper.pop("r_eps"))
    return contrib.dog(lr, **hyper)


def lookahead(lr, momentum, k, alpha):
    """Lookahead around momentum."""
    return optax.lookahead(optax.sgd(lr, momentum), int(k), alpha)


def sam(lr, momentum, rho):
    """SAM around momentum."""
    climb = optax.chain(contrib.normalize(), optax.sgd(rho))
    return contrib.sam(optax.sgd(lr, momentum), climb, sync_period=2)


def walk(recipe: Recipe, hyper: dict, lrs: np.ndarray, p0: np.ndarray, gradient: Gradient):
    """Return the path, and that of the points to evaluate where there is one."""
    slow, averages = recipe.method == "lookahead", recipe.method.startswith("schedulefree")
    p = optax.LookaheadParams.init_synced(jnp.asarray(p0)) if slow else jnp.asarray(p0)
    optimizer, path, means = recipe.make(float(lrs[0]), **hyper), [p0], [p0]
    state = optimizer.init(p)
    for t in range(len(lrs)):
        lr = lrs[t // 2] if recipe.method == "sam" else lrs[t]
        optimizer = recipe.make(float(lr), **hyper)
        state = jax.tree.map(lambda x: x.astype(jnp.int64) if x.dtype == jnp.int32 else x, state)
        fast = p.fast if slow else p
        updates, state = optimizer.update(jnp.asarray(gradient(t, np.asarray(fast))), state, p)
        p = optax.apply_updates(p, updates)
        path.append(np.asarray(p.fast if slow else p))
        if averages:
            means.append(np.asarray(contrib.schedule_free_eval_params(state, p)))
        if slow:
            means.append(np.asarray(p.slow))
    return (np.array(path), np.array(means)) if slow or averages else np.array(path)


BETAS = {"beta1": 0.8, "beta2": 0.97}
DECAY = {"weight_decay": 0.4}
WARM = {"warmup_steps": 7}
D0 = {"eps": 0.03, "d0": 0.01}
OPTAX, PAPER = ("optax",), ("paper",)
HEAVY = {"momentum": 0.9}
AVERAGING = [
    Recipe(
        "schedulefree_sgd", OPTAX, maker(contrib.schedule_free_sgd), 1.0, (0.03, {"beta1": 0.7, **WARM, **DECAY}), 1e-3
    ),
    Recipe(
        "schedulefree_adamw",
        OPTAX,
        maker(contrib.schedule_free_adamw),
        0.0025,
        (0.02, {**BETAS, "eps": 0.03, **WARM, **DECAY}),
        0.05,
    ),
]
FREE = [
    Recipe("prodigy", OPTAX, with_betas(contrib.prodigy), 1.0, (0.5, {**BETAS, **D0, **DECAY}), 1.0),
    Recipe("prodigy", OPTAX, with_betas(contrib.prodigy), 1.0, (0.9, D0), 1.0, {"eps": 0.03}, "prodigy_eps"),
    Recipe("dadapt_adam", OPTAX, with_betas(contrib.dadapt_adamw), 1.0, (0.5, {**BETAS, **D0, **DECAY}), 1.0),
    Recipe("dog", OPTAX, dog, 1.0, (0.5, {"r_eps": 0.05, "eps": 1e3, **DECAY}), 1.0),
]
WRAPPERS = [
    Recipe("lookahead", PAPER, lookahead, 0.01, (0.037, {"momentum": 0.6, "k": 3.0, "alpha": 0.8}), 1e-3,
           {**HEAVY, "k": 5.0, "alpha": 0.5}),
    Recipe("sam", PAPER, sam, 0.01, (0.037, {"momentum": 0.6, "rho": 0.3}), 1e-3, {**HEAVY, "rho": 0.05}),
]  # fmt: skip

if __name__ == "__main__":
    versions = {name: version(name) for name in ("optax", "jax")}
    record("optimizers_optax_averaging.npz", versions, [*AVERAGING, *WRAPPERS], walk)
    record("optimizers_optax_free.npz", versions, FREE, walk)
