"""Record the lecture's methods and Adam's kin in Keras: ``python tests/golden/record_keras_a.py``.

Two files, for their size. Keras runs on JAX in float64. Its SGD has no momentum by itself: momentum and nesterov are
recorded with 0.9. The cases are described in `recording.py`.
"""

from __future__ import annotations

import os
from importlib.metadata import version

import jax
import numpy as np
from recording import Gradient, Recipe, record

os.environ["KERAS_BACKEND"] = "jax"  # before Keras is imported
jax.config.update("jax_enable_x64", True)

import keras  # noqa: E402

keras.config.set_floatx("float64")
NAMES = {"eps": "epsilon", "beta1": "beta_1", "beta2": "beta_2"}


def maker(kind, **fixed):
    """Return ``make(**hyper)`` that takes minnet's names of hyperparameters."""
    return lambda **hyper: kind(**fixed, **{NAMES.get(name, name): value for name, value in hyper.items()})


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


O = keras.optimizers
KERAS = ("keras",)
MU = {"momentum": 0.9}
BETAS = {"beta1": 0.8, "beta2": 0.97, "eps": 1e-3}
LECTURE = [
    Recipe("sgd", KERAS, maker(O.SGD), 0.01, (0.037, {}), 1e-3),
    Recipe("momentum", KERAS, maker(O.SGD), 0.01, (0.013, {"momentum": 0.73}), 5e-4, MU),
    Recipe("nesterov", KERAS, maker(O.SGD, nesterov=True), 0.01, (0.013, {"momentum": 0.73}), 5e-4, MU),
    Recipe("adagrad", KERAS, maker(O.Adagrad), 1e-3, (0.21, {"eps": 1e-2}), 0.1),
    Recipe("rmsprop", KERAS, maker(O.RMSprop), 1e-3, (2e-3, {"rho": 0.8, "eps": 1e-3}), 0.01),
    Recipe("adadelta", KERAS, maker(O.Adadelta), 1e-3, (0.4, {"rho": 0.9, "eps": 1e-3}), 1.0),
    Recipe("adam", KERAS, maker(O.Adam), 1e-3, (0.02, BETAS), 0.05),
]
KIN = [
    Recipe("adamw", KERAS, maker(O.AdamW), 1e-3, (0.02, {**BETAS, "weight_decay": 0.4}), 0.05),
    Recipe("amsgrad", KERAS, maker(O.Adam, amsgrad=True), 1e-3, (0.02, BETAS), 0.05),
    Recipe("adamax", KERAS, maker(O.Adamax), 1e-3, (0.02, BETAS), 0.05),
    Recipe("nadam", KERAS, maker(O.Nadam), 1e-3, (0.02, BETAS), 0.05),
]

if __name__ == "__main__":
    versions = {"keras": keras.__version__, "jax": version("jax")}
    record("optimizers_keras_lecture.npz", versions, LECTURE, walk)
    record("optimizers_keras_a.npz", versions, KIN, walk)
