"""Gradient descent."""

from minnet.optimizers.base import Method, Range, Style

FORMULA = "w ← w − α g"


def sgd(w, g, lr):
    """Take a small step against the gradient.

    Examples
    --------
    >>> sgd(1.0, 2.0, 0.25)
    0.5
    """
    return w - lr * g


METHOD = Method(
    name="sgd",
    title="Gradient descent (SGD)",
    slide=1,
    formula=FORMULA,
    paper="Robbins and Monro (1951), A stochastic approximation method; Cauchy (1847) for the full gradient",
    purpose="The baseline of every comparison: one number to tune, nothing to remember.",
    rule=sgd,
    defaults={"lr": 0.01},
    space={"lr": Range(1e-3, 1e1)},
    styles={
        "torch": Style(defaults={"lr": 0.001}),
        "keras": Style(),
        "optax": Style(),
        "sklearn": Style(defaults={"lr": 0.001}, notes="In scikit-learn this is solver sgd with momentum=0."),
    },
)
