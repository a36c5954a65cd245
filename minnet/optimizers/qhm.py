"""QHM: plain descent and momentum, averaged."""

from minnet.optimizers.base import Method, Range

FORMULA = """\
m ← β m + (1 − β) g
w ← w − α ((1 − ν) g + ν m)"""


def coefficients(t, lr, momentum, nu):
    """Return β, 1 − β, ν and 1 − ν."""
    return {
        "lr": lr,
        "momentum": momentum,
        "one_minus_momentum": 1 - momentum,
        "nu": nu,
        "one_minus_nu": 1 - nu,
    }


def qhm(w, g, m, lr, momentum, one_minus_momentum, nu, one_minus_nu):
    """Step by a weighted mean of the gradient and the mean gradient.

    Examples
    --------
    >>> qhm(1.0, 4.0, 0.0, 0.5, 0.5, 0.5, 0.75, 0.25)
    (-0.25, 2.0)
    """
    m = momentum * m + one_minus_momentum * g
    return w - lr * (one_minus_nu * g + nu * m), m


METHOD = Method(
    name="qhm",
    title="Quasi-hyperbolic momentum",
    formula=FORMULA,
    paper="Ma and Yarats (2019), Quasi-hyperbolic momentum and Adam for deep learning, arXiv:1810.06801, section 3",
    purpose="A long memory without its inertia. ν = 0 is gradient descent, ν = 1 momentum, ν = β Nesterov's.",
    notes="m is a mean, not a sum: α is 1 / (1 − β) times that of momentum.",
    rule=qhm,
    slots=("m",),
    coefficients=coefficients,
    defaults={"lr": 1.0, "momentum": 0.999, "nu": 0.7},
    space={
        "lr": Range(1e-3, 1e1),
        "momentum": Range(0.9, 0.9999, "log(1-x)"),
        "nu": Range(0.5, 1.0, "linear"),
    },
)
