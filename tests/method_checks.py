"""What must hold for every method: run by `optimizers/test_methods.py` over the registry, and by
`optimizers/test_mutants.py` over broken copies of it, each of which must fail."""

from __future__ import annotations

import numpy as np
import reference
from numpy.testing import assert_allclose

from minnet.optimizers import Method, Optimizer

GOLDEN = reference.golden("optimizers_torch.npz")
CASES = {case["key"]: case for case in GOLDEN["meta"]["cases"]}
# A second set of hyperparameters: every one of them far from its default.
OTHERS = {"momentum": 0.6, "rho": 0.7, "beta1": 0.6, "beta2": 0.93, "eps": 0.03}


def gradients(steps: int = 40, size: int = 12, seed: int = 0) -> np.ndarray:
    """Gradients that change sign, span 1e-6 to 1e3, and hold exact zeros."""
    rng = np.random.default_rng(seed)
    g = rng.choice([-1.0, 1.0], (steps, size)) * 10 ** rng.uniform(-6, 3, (steps, size))
    g[rng.random((steps, size)) < 0.1] = 0.0
    return g


def path(method: Method, p0: np.ndarray, grads, lrs: np.ndarray, hyper: dict) -> np.ndarray:
    """Step the compiled method; `grads` is an array (steps, n) or a function of the parameters."""
    opt = Optimizer(method, hyper=hyper, lr=lambda steps: lrs[steps])
    w = p0.copy()
    state = opt.init(w)
    points = [w.copy()]
    for t in range(len(lrs)):
        g = grads(w) if callable(grads) else grads[t]
        opt.step(w, np.ascontiguousarray(g, w.dtype), state)
        points.append(w.copy())
    return np.array(points)


def other_hyper(method: Method) -> dict[str, float]:
    return {name: OTHERS[name] for name in method.defaults if name != "lr"}


def falling(steps: int, lr: float) -> np.ndarray:
    """Learning rates that halve every ten steps."""
    return lr * 0.5 ** (np.arange(steps) // 10)


def check_reference(method: Method, dtype: str = "float64") -> None:
    """The compiled rule walks the path of the slow reference, for defaults and others, with a falling lr."""
    p0 = np.random.default_rng(1).normal(size=12)
    defaults = {name: value for name, value in method.defaults.items() if name != "lr"}
    tolerance = {"float64": 1e-12, "float32": 1e-5}[dtype]
    for hyper in (defaults, other_hyper(method)):
        for lr in (method.defaults["lr"], 0.2):
            lrs, grads = falling(40, lr), gradients()
            expected = reference.METHODS[method.name](p0.astype(dtype), grads.astype(dtype), lrs, **hyper)
            ours = path(method, p0.astype(dtype), grads, lrs, hyper)
            # Steps, not points: a small step must be right in its own size.
            moved = np.abs(np.diff(expected, axis=0)).sum(axis=0) + np.abs(expected).max(axis=0)
            assert_allclose(ours / moved, expected / moved, rtol=0, atol=tolerance)
            first, wanted = ours[1] - ours[0], expected[1] - expected[0]
            if dtype == "float64":
                assert_allclose(first, wanted, rtol=1e-9, atol=1e-15)


def check_golden(method: Method) -> None:
    """The compiled rule walks the paths recorded from PyTorch."""
    cases = [case for case in CASES.values() if case["method"] == method.name]
    assert cases, f"no golden trajectory of {method.name}"
    for case in cases:
        lrs = GOLDEN[f"lrs/{case['key']}"]
        assert len(lrs) >= 20
        grads = GOLDEN["grads"] if case["problem"] == "given" else (lambda p: GOLDEN["matrix"] @ p)
        ours = path(method, GOLDEN["p0"], grads, lrs, case["hyper"])
        assert_allclose(ours, GOLDEN[f"params/{case['key']}"], rtol=1e-10, atol=1e-12)
