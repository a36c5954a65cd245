"""Mistakes that are particular to one method: each must fail the checks that the true one passes."""

from __future__ import annotations

import inspect
from dataclasses import replace

import pytest
from method_checks import check_golden, check_reference, needs_golden

from minnet import optimizers
from minnet.optimizers import Method

# Method, style, what stands there, what would be wrong.
CHANGES = [
    ("adabelief", "paper", "surprise * surprise + eps", "surprise * surprise"),
    ("adabelief", "paper", "surprise = g - m", "surprise = g"),
    ("adabelief", "paper", "(math.sqrt(s_hat) + eps)", "math.sqrt(s_hat)"),
    ("adabelief", "optax", "surprise * surprise + eps_root", "surprise * surprise + eps"),
    ("yogi", "paper", "excess = v - square", "excess = square - v"),
    ("yogi", "paper", "one_minus_beta2 * fall", "one_minus_beta2 * excess"),
    ("yogi", "optax", "m * unbias_m", "m"),
    ("lion", "paper", "beta1 * m + one_minus_beta1 * g", "m"),
    ("lion", "paper", "math.copysign(one, c) if abs(c) > zero else c", "math.copysign(one, c)"),
    ("lion", "paper", "sign + weight_decay * w", "sign"),
    ("signum", "paper", "math.copysign(lr, m) if abs(m) > zero else m", "math.copysign(lr, m)"),
    ("signum", "paper", "math.copysign(lr, m)", "math.copysign(lr, g)"),
    ("adan", "paper", "later * (g - before)", "g - before"),
    ("adan", "paper", "ahead = g + beta2 * change", "ahead = g + one_minus_beta2 * change"),
    ("adan", "paper", "m_hat + beta2 * v_hat", "m_hat + v_hat"),
    ("adan", "paper", "m, v, n, g\n", "m, v, n, before\n"),
    ("adan", "paper", ") * shrink", ")"),
    ("adan", "optax", "math.sqrt(n_hat + eps_root)", "math.sqrt(n_hat)"),
    ("adan", "optax", "one_minus_beta2 * v_hat", "beta2 * v_hat"),
    ("adopt", "paper", "min(max(measured, -bound), bound)", "measured"),
    ("adopt", "paper", "max(math.sqrt(v), eps)", "(math.sqrt(v) + eps)"),
    ("adopt", "paper", "np.where(t > 1, 1 - beta2, 1.0)", "1 - beta2"),
    ("adopt", "paper", "(t - 1) ** 0.25", "t ** 0.25"),
    ("ademamix", "paper", "alpha * slow)", "alpha * slow * unbias_m)"),
    ("ademamix", "paper", "step + weight_decay * w", "step"),
    ("ademamix", "paper", "alpha * done", "alpha"),
    ("ademamix", "paper", "np.minimum(growing, beta3)", "beta1 + done * (beta3 - beta1)"),
    ("qhm", "paper", "one_minus_nu * g + nu * m", "m"),
    ("qhm", "paper", "one_minus_momentum * g", "g"),
    ("qhadam", "paper", "nu1 * m_hat", "nu1 * m"),
    ("qhadam", "paper", "one_minus_nu2 * g * g + nu2 * v_hat", "v_hat"),
    ("aggmo", "paper", "lr / 3", "lr"),
    ("aggmo", "paper", "v3 = beta3 * v3 + g", "v3 = beta2 * v3 + g"),
    ("madgrad", "paper", "math.cbrt(n)", "math.sqrt(n)"),
    ("madgrad", "paper", "lr * np.sqrt(t)", "lr"),
    ("madgrad", "paper", "x0 - s", "w - s"),
    ("madgrad", "optax", "lr + eps", "lr"),
    ("rprop", "paper", "zero if back else g", "g"),
    ("rprop", "paper", "length = size if back else grown", "length = max(size * eta_minus, least) if back else grown"),
    ("rprop", "torch", "last = zero if turn < zero else g", "last = g"),
    ("rprop", "torch", "min(max(changed, least), most)", "changed"),
    ("rprop", "optax", "step = zero if turn < zero else last", "step = last"),
    ("rprop", "optax", "last = zero if turn < zero else last", "last = last"),
    ("rmsprop_graves", "paper", "n - m * m", "n"),
    ("rmsprop_graves", "paper", "lr * g / math.sqrt(variance + eps)", "lr * g / (math.sqrt(variance) + eps)"),
    ("rmsprop_graves", "torch", "w - lr * step", "w - step"),
    ("rmsprop_graves", "torch", "math.sqrt(variance) + eps", "math.sqrt(variance + eps)"),
]
CAUGHT = (AssertionError, ValueError, ZeroDivisionError)


def changed(method: Method, before: str, after: str) -> Method:
    """The method with a piece of its rule, or else of its coefficients, replaced."""
    for part in ("rule", "coefficients"):
        function = getattr(method, part)
        source = inspect.getsource(function)
        if before in source:
            namespace = dict(vars(inspect.getmodule(function)))
            exec(source.replace(before, after), namespace)
            return replace(method, **{part: namespace[function.__name__]})
    raise LookupError(f"{method.name}: {before!r} is not in its rule")


@pytest.mark.parametrize(("name", "style", "before", "after"), CHANGES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_mistake_is_caught(name, style, before, after):
    mutant = changed(optimizers.get(name, style), before, after)
    if "abs(" not in before:  # the sign of 0: the recordings have weights without any gradient
        with pytest.raises(CAUGHT):
            check_reference(mutant, style)
    if needs_golden(name, style):
        with pytest.raises(CAUGHT):
            check_golden(mutant, style)
