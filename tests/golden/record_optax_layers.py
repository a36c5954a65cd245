"""Record the methods that see a whole layer in optax: ``python tests/golden/record_optax_layers.py``.

Matrices, vectors, and vectors that start at zero have a file each; the cases are described
in `recording.py`. optax demands a learning rate: the
cases defaults take minnet's. Its forms that are the paper's:

- LARS without weight decay;
- LAMB with the paper's weight decay;
- Adafactor whose rate is min(lr, 1 / √t), and which factors small matrices, too. The smallest scale is no argument of
  `optax.adafactor`: the cases others put together the parts that it is made of.

optax computes Adafactor's decay 1 − t^(−.8) in float32 whatever the type; for the recording in float64.
"""

from __future__ import annotations

from importlib.metadata import version
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
from optax._src import factorized
from recording import Gradient, Recipe, record

jax.config.update("jax_enable_x64", True)
factorized.jnp = SimpleNamespace(**{**vars(jnp), "float32": jnp.float64})


def maker(kind, **names):
    """Return ``make(learning_rate, **hyper)`` that takes minnet's names of hyperparameters."""
    names = {"beta1": "b1", "beta2": "b2", **names}

    def make(rate, **hyper):
        return kind(rate, **{names.get(name, name): value for name, value in hyper.items()})

    return make


def adafactor(factor_from, relative=False):
    """Return ``make(rate, **hyper)``."""

    def make(rate, decay_rate=0.8, eps=1e-30, min_scale=None, clip=1.0):
        def bounded(count):
            return jnp.minimum(rate(count), 1 / jnp.sqrt(count + 1.0)) if relative else rate(count)

        if min_scale is None:
            return optax.adafactor(bounded, factor_from, decay_rate, clipping_threshold=clip, eps=eps)
        return optax.chain(
            optax.scale_by_factored_rms(True, decay_rate, 0, factor_from, eps),
            optax.clip_by_block_rms(clip),
            optax.scale_by_learning_rate(bounded, flip_sign=False),
            optax.scale_by_param_block_rms(min_scale),
            optax.scale(-1),
        )

    return make


def muon(rate, adam_ratio=1.0, weight_decay=0.0, **hyper):
    names = {"beta1": "adam_b1", "beta2": "adam_b2", "momentum": "beta"}
    return optax.contrib.muon(
        rate,
        adam_learning_rate=lambda count: adam_ratio * rate(count),
        weight_decay=weight_decay,
        adam_weight_decay=weight_decay,
        **{names.get(name, name): value for name, value in hyper.items()},
    )


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


PAPER, OPTAX = ("paper",), ("optax",)
BETAS = {"beta1": 0.8, "beta2": 0.97, "eps": 1e-3}
DECAY = {"weight_decay": 0.4}
LARS = maker(optax.lars, trust="trust_coefficient")
BARE = {"weight_decay": 0.0}
FACTOR = (0.3, {"decay_rate": 0.6, "eps": 0.03, "min_scale": 2.0, "clip": 0.6})
EITHER = [
    Recipe("lars", OPTAX, LARS, 1.0, (2.0, {"momentum": 0.7, "trust": 0.01, "weight_decay": 0.3}), 1.0),
    Recipe("lars", PAPER, LARS, 1.0, (2.0, {"momentum": 0.7, "trust": 0.01, **BARE}), 1.0, BARE, label="lars bare"),
    Recipe("lamb", OPTAX, maker(optax.lamb), 1e-3, (0.03, {**BETAS, **DECAY}), 0.03),
    Recipe("lamb", PAPER, maker(optax.lamb), 1e-3, (0.03, {**BETAS, **DECAY}), 0.03, {"weight_decay": 0.01},
           label="lamb paper"),
    Recipe("adafactor", OPTAX, adafactor(128), 0.01, FACTOR, 0.1),
    Recipe("adafactor", PAPER, adafactor(2, relative=True), 0.01, FACTOR, 0.3, label="adafactor paper"),
]  # fmt: skip
MATRICES = [*EITHER, Recipe("muon", OPTAX, muon, 0.02, (0.03, {"momentum": 0.7, "eps": 1e-8, **DECAY}), 0.01)]
VECTORS = [*EITHER, Recipe("muon", OPTAX, muon, 0.02, (0.03, {**BETAS, "adam_ratio": 0.3, **DECAY}), 0.01)]

if __name__ == "__main__":
    versions = {"optax": optax.__version__, "jax": version("jax")}
    record("optimizers_optax_layers.npz", versions, MATRICES, walk, (4, 3))
    record("optimizers_optax_layers_vectors.npz", versions, VECTORS, walk)
    record("optimizers_optax_layers_zero.npz", versions, EITHER[:4], walk, start=0.0)
