"""AggMo: the mean of three momenta, from none to long."""

from minnet.optimizers.base import Method, Range

FORMULA = """\
v₁ ← β₁ v₁ + g
v₂ ← β₂ v₂ + g
v₃ ← β₃ v₃ + g
w ← w − α (v₁ + v₂ + v₃) / 3"""


def coefficients(t, lr, beta1, beta2, beta3):
    """Return the share of lr of each velocity, and their β."""
    return {"share": lr / 3, "beta1": beta1, "beta2": beta2, "beta3": beta3}


def aggmo(w, g, v1, v2, v3, share, beta1, beta2, beta3):
    """Step by the mean of three velocities of different inertia.

    Examples
    --------
    >>> aggmo(1.0, 2.0, 4.0, 4.0, 4.0, 0.125, 0.0, 0.5, 0.75)
    (-0.375, 2.0, 4.0, 5.0)
    """
    v1 = beta1 * v1 + g
    v2 = beta2 * v2 + g
    v3 = beta3 * v3 + g
    return w - share * (v1 + v2 + v3), v1, v2, v3


METHOD = Method(
    name="aggmo",
    title="Aggregated momentum",
    formula=FORMULA,
    paper="Lucas, Sun, Zemel and Grosse (2018), Aggregated momentum: stability through passive damping, "
    "arXiv:1804.00325, Algorithm 1",
    purpose="The speed of a large momentum; the smaller ones damp its swinging.",
    notes="The paper takes any number of velocities; these are its three. The learning rate stands outside them.",
    rule=aggmo,
    slots=("v1", "v2", "v3"),
    coefficients=coefficients,
    defaults={"lr": 0.01, "beta1": 0.0, "beta2": 0.9, "beta3": 0.99},
    space={
        "lr": Range(1e-4, 1e0),
        "beta2": Range(0.5, 0.95, "log(1-x)"),
        "beta3": Range(0.95, 0.999, "log(1-x)"),
    },
)
