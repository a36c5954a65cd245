"""Lion: the sign of a mean gradient that counts the newest one more."""

import math

from minnet.optimizers.base import Method, Range, Style

FORMULA = """\
c = β₁ m + (1 − β₁) g
m ← β₂ m + (1 − β₂) g
w ← w − α (sign(c) + λ w)"""


def coefficients(t, lr, beta1, beta2, weight_decay):
    """Return both β, 1 − β and λ, and the numbers of the sign."""
    return {
        "lr": lr,
        "beta1": beta1,
        "one_minus_beta1": 1 - beta1,
        "beta2": beta2,
        "one_minus_beta2": 1 - beta2,
        "weight_decay": weight_decay,
        "zero": 0.0,
        "one": 1.0,
    }


def lion(w, g, m, lr, beta1, one_minus_beta1, beta2, one_minus_beta2, weight_decay, zero, one):
    """Step by the learning rate, up or down: only the sign of the mean gradient counts.

    Examples
    --------
    >>> lion(1.0, -100.0, 4.0, 0.5, 0.75, 0.25, 0.5, 0.5, 0.0, 0.0, 1.0)
    (1.5, -48.0)
    >>> lion(1.0, 0.0, 0.0, 0.5, 0.75, 0.25, 0.5, 0.5, 0.0, 0.0, 1.0)
    (1.0, 0.0)
    """
    c = beta1 * m + one_minus_beta1 * g
    sign = math.copysign(one, c) if abs(c) > zero else c
    m = beta2 * m + one_minus_beta2 * g
    return w - lr * (sign + weight_decay * w), m


METHOD = Method(
    name="lion",
    title="Lion",
    formula=FORMULA,
    paper="Chen et al. (2023), Symbolic discovery of optimization algorithms, arXiv:2302.06675, Algorithm 2",
    purpose="One slot instead of Adam's two, found by a search over programs. Wants an lr 3 to 10 times below "
    "AdamW's and a decay as much above.",
    notes="λ is decoupled and multiplied by α everywhere; Keras starts from α = .001, optax from λ = .001.",
    rule=lion,
    slots=("m",),
    coefficients=coefficients,
    defaults={"lr": 1e-4, "beta1": 0.9, "beta2": 0.99, "weight_decay": 0.0},
    space={
        "lr": Range(1e-5, 1e-2),
        "beta1": Range(0.5, 0.99, "log(1-x)"),
        "beta2": Range(0.9, 0.999, "log(1-x)"),
        "weight_decay": Range(1e-4, 1e0),
    },
    styles={
        "keras": Style(defaults={"lr": 0.001}),
        "optax": Style(defaults={"weight_decay": 1e-3}),
    },
)
