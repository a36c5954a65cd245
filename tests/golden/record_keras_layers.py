"""Record the methods that see a whole layer in Keras: ``python tests/golden/record_keras_layers.py``.

Keras runs on JAX in float64. Matrices, vectors, and vectors that start at zero have a file each; the cases are
described in `recording.py`. Keras takes means and norms in float32 whatever the type; for the recording in
float64.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from types import SimpleNamespace

os.environ["KERAS_BACKEND"] = "jax"

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras.src.optimizers import adafactor as adafactor_module  # noqa: E402
from keras.src.optimizers import muon as muon_module  # noqa: E402
from recording import Gradient, Recipe, record  # noqa: E402

keras.config.set_floatx("float64")


def norm(x, axis, keepdims):
    return jnp.linalg.norm(x, axis=axis, keepdims=keepdims)


def mean(x, axis=None, keepdims=False):
    return jnp.mean(keras.ops.convert_to_tensor(x), axis=axis, keepdims=keepdims)


adafactor_module.ops = muon_module.ops = SimpleNamespace(**{**vars(keras.ops), "norm": norm, "mean": mean})
O = keras.optimizers


def lamb(beta1=0.9, beta2=0.999, eps=1e-7, weight_decay=None):
    return O.Lamb(beta_1=beta1, beta_2=beta2, epsilon=eps, weight_decay=weight_decay)


def muon(beta1=0.9, beta2=0.999, eps=1e-7, adam_ratio=1, momentum=0.95, weight_decay=0.004):
    return O.Muon(
        adam_beta_1=beta1, adam_beta_2=beta2, epsilon=eps, adam_lr_ratio=adam_ratio, momentum=momentum,
        weight_decay=weight_decay, adam_weight_decay=weight_decay,
    )  # fmt: skip


def adafactor(decay_rate=0.8, eps=1e-30, min_scale=1e-3, clip=1.0):
    return O.Adafactor(beta_2_decay=-decay_rate, epsilon_1=eps, epsilon_2=min_scale, clip_threshold=clip)


def walk(recipe: Recipe, hyper: dict, lrs: np.ndarray, p0: np.ndarray, gradient: Gradient) -> np.ndarray:
    """Return the path; the defaults must be the library's own."""
    p = keras.Variable(p0, dtype="float64")
    optimizer = recipe.make(**hyper)
    optimizer.build([p])
    own = float(optimizer.learning_rate)
    if hyper == recipe.defaults and own != recipe.lr:
        raise ValueError(f"{recipe.method}: the library's lr is {own}")
    path = [p0]
    for t, lr in enumerate(lrs):
        optimizer.learning_rate = float(lr)
        optimizer.apply([keras.ops.convert_to_tensor(gradient(t, keras.ops.convert_to_numpy(p)), dtype="float64")])
        path.append(keras.ops.convert_to_numpy(p))
    return np.array(path)


KERAS = ("keras",)
BETAS = {"beta1": 0.8, "beta2": 0.97, "eps": 1e-3}
DECAY = {"weight_decay": 0.4}
FACTOR = (0.3, {"decay_rate": 0.6, "eps": 0.03, "min_scale": 2.0, "clip": 0.6})
EITHER = [
    Recipe("lamb", KERAS, lamb, 1e-3, (0.03, {**BETAS, **DECAY}), 0.03),
    Recipe("adafactor", ("keras", "paper"), adafactor, 1e-3, FACTOR, 0.1),
]
MATRICES = [*EITHER, Recipe("muon", KERAS, muon, 1e-3, (0.03, {"momentum": 0.7, **DECAY}), 0.01)]
VECTORS = [*EITHER, Recipe("muon", KERAS, muon, 1e-3, (0.03, {**BETAS, "adam_ratio": 0.3, **DECAY}), 0.01)]

if __name__ == "__main__":
    versions = {"keras": keras.__version__, "jax": version("jax")}
    record("optimizers_keras_layers.npz", versions, MATRICES, walk, (4, 3))
    record("optimizers_keras_layers_vectors.npz", versions, VECTORS, walk)
    record("optimizers_keras_layers_zero.npz", versions, [EITHER[0]], walk, start=0.0)
