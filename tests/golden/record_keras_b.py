"""Record Lion and the centred RMSprop in Keras: ``python tests/golden/record_keras_b.py``.

The cases are described in `recording.py`.
"""

from __future__ import annotations

from importlib.metadata import version

from record_keras_a import O, keras, maker, walk
from recording import Recipe, record

KERAS = ("keras",)
LION = {"beta1": 0.8, "beta2": 0.97, "weight_decay": 0.4}
GRAVES = {"rho": 0.8, "momentum": 0.6, "eps": 1e-3}
RECIPES = [
    Recipe("lion", KERAS, maker(O.Lion), 1e-3, (0.02, LION), 0.01),
    Recipe("rmsprop_graves", KERAS, maker(O.RMSprop, centered=True), 1e-3, (0.02, GRAVES), 0.01),
]

if __name__ == "__main__":
    record("optimizers_keras_b.npz", {"keras": keras.__version__, "jax": version("jax")}, RECIPES, walk)
