"""Record scikit-learn's solvers sgd and adam: ``python tests/golden/record_sklearn_a.py``.

Stepped are the classes that `MLPClassifier` uses inside. The defaults are the classifier's own: lr 0.001, momentum 0.9
with Nesterov's; sgd is recorded with momentum=0, momentum with nesterovs_momentum=False. The cases are described in
`recording.py`.
"""

from __future__ import annotations

import numpy as np
import sklearn
from recording import Gradient, Recipe, record
from sklearn.neural_network import MLPClassifier
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

DEFAULTS = MLPClassifier().get_params()
NAMES = {"beta1": "beta_1", "beta2": "beta_2", "eps": "epsilon"}


def sgd(p, momentum=DEFAULTS["momentum"], nesterov=DEFAULTS["nesterovs_momentum"]):
    """Return the solver sgd."""
    return SGDOptimizer([p], momentum=momentum, nesterov=nesterov)


def adam(p, **hyper):
    """Return the solver adam."""
    own = {name: DEFAULTS[name] for name in NAMES.values()}
    return AdamOptimizer([p], **{**own, **{NAMES[name]: value for name, value in hyper.items()}})


def walk(recipe: Recipe, hyper: dict, lrs: np.ndarray, p0: np.ndarray, gradient: Gradient) -> np.ndarray:
    """Return the path."""
    p, path = p0.copy(), [p0]
    solver = recipe.make(p, **hyper)
    for t, lr in enumerate(lrs):
        # sgd steps with the one, adam with the other.
        solver.learning_rate = solver.learning_rate_init = float(lr)
        solver.update_params([p], [gradient(t, p)])
        path.append(p.copy())
    return np.array(path)


OWN, LR = ("sklearn",), DEFAULTS["learning_rate_init"]
BETAS = {"beta1": 0.8, "beta2": 0.97, "eps": 1e-3}
RECIPES = [
    Recipe("sgd", OWN, lambda p: sgd(p, 0.0, False), LR, (0.037, {}), 1e-3),
    Recipe("momentum", OWN, lambda p, **h: sgd(p, nesterov=False, **h), LR, (0.013, {"momentum": 0.73}), 5e-4),
    Recipe("nesterov", OWN, sgd, LR, (0.013, {"momentum": 0.73}), 5e-4),
    Recipe("adam", OWN, adam, LR, (0.02, BETAS), 0.05),
]

if __name__ == "__main__":
    record("optimizers_sklearn_a.npz", {"sklearn": sklearn.__version__}, RECIPES, walk)
