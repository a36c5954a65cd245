"""What must hold for every method in every style: run by `optimizers/test_methods.py` over the registry, and by
`optimizers/test_mutants.py` over broken copies of it, each of which must fail."""

from __future__ import annotations

import importlib
import itertools

import numpy as np
import reference
from numpy.testing import assert_allclose

from minnet import optimizers
from minnet.optimizers import Method, Optimizer

# A second set of hyperparameters: every one of them far from its default.
OTHERS = {"momentum": 0.6, "rho": 0.7, "beta1": 0.6, "beta2": 0.93, "eps": 0.03, "weight_decay": 0.3}
# Methods for which a matrix is more than its numbers.
LAYERED: set[str] = set()


def _references() -> dict[str, object]:
    """Slow references, by method or by "method/style"; those of `tests/references/` beside the lecture's."""
    found = dict(reference.METHODS)
    for file in sorted((reference.GOLDEN.parent / "references").glob("*.py")):
        module = importlib.import_module(f"references.{file.stem}")
        found.update(module.METHODS)
        OTHERS.update(getattr(module, "OTHERS", {}))
        LAYERED.update(getattr(module, "LAYERED", ()))
    return found


def _cases() -> list[dict]:
    """Recorded trajectories: every case with its style, its start, its gradients, its rates and its path.

    The lecture's methods in PyTorch's form are the paper's: their cases name no style and stand for both.
    """
    cases = []
    for file in sorted(reference.GOLDEN.glob("optimizers_*.npz")):
        recorded = reference.golden(file.name)
        for case in recorded["meta"]["cases"]:
            given = case["problem"] == "given"
            cases += [
                {
                    **case,
                    "key": f"{file.stem.removeprefix('optimizers_')}:{case['key']}",
                    "style": style,
                    "p0": recorded["p0"],
                    "gradients": recorded["grads"] if given else recorded["matrix"].__matmul__,
                    "lrs": recorded[f"lrs/{case['key']}"],
                    "path": recorded[f"params/{case['key']}"],
                    "evaluated": recorded.get(f"evaluated/{case['key']}"),
                }
                for style in ([case["style"]] if "style" in case else ["paper", "torch"])
            ]
    return cases


REFERENCES = _references()
CASES = _cases()
# Methods that step by a gradient alone; the others have tests of their own.
STEPPED = [name for name in optimizers.names() if not optimizers.get(name).full_batch]
STYLED = [(name, style) for name in STEPPED for style in optimizers.get(name).style_names]


def gradients(steps: int = 40, size: int = 12, seed: int = 0) -> np.ndarray:
    """Gradients that change sign, span 1e-6 to 1e3, and hold exact zeros."""
    rng = np.random.default_rng(seed)
    g = rng.choice([-1.0, 1.0], (steps, size)) * 10 ** rng.uniform(-6, 3, (steps, size))
    g[rng.random((steps, size)) < 0.1] = 0.0
    return g


def path(method: Method, p0: np.ndarray, grads, lrs: np.ndarray, hyper: dict) -> np.ndarray:
    """Step the compiled method; `grads` is an array (steps, n) or a function of the parameters."""
    return both_paths(method, p0, grads, lrs, hyper)[0]


def both_paths(method: Method, p0: np.ndarray, grads, lrs: np.ndarray, hyper: dict) -> tuple[np.ndarray, np.ndarray]:
    """The path of the parameters, and that of the points to evaluate."""
    opt = Optimizer(method, hyper=hyper, lr=lambda steps: lrs[steps])
    w = p0.copy()
    state = opt.init(w)
    points, evaluated = [w.copy()], [opt.evaluation_params(w, state)]
    for t in range(len(lrs)):
        g = grads(w) if callable(grads) else grads[t]
        opt.step(w, np.ascontiguousarray(g, w.dtype), state)
        points.append(w.copy())
        evaluated.append(opt.evaluation_params(w, state))
    return np.array(points), np.array(evaluated)


def other_hyper(method: Method) -> dict[str, float]:
    return {name: OTHERS[name] for name in method.defaults if name != "lr"}


def falling(steps: int, lr: float) -> np.ndarray:
    """Learning rates that halve every ten steps."""
    return lr * 0.5 ** (np.arange(steps) // 10)


def starts(method: Method) -> list[np.ndarray]:
    """Where to start: for a method that sees a layer also at zero, where a norm says nothing, and in a matrix."""
    p0 = np.random.default_rng(1).normal(size=12)
    return [p0, np.zeros(12), p0.reshape(4, 3)] if method.name in LAYERED else [p0]


def gradients_for(p0: np.ndarray) -> np.ndarray:
    """Gradients in the shape of `p0`. Those of a matrix have sizes from .2 to 2.4 (and zeros): methods that stand on
    eigenvalues of G Gᵀ see the squares, and 1e-12 beside 1e6 would be rounding."""
    g = gradients()
    return g if p0.ndim == 1 else (np.sign(g) * np.abs(g) ** (1 / 8)).reshape(-1, *p0.shape)


def check_reference(method: Method, style: str = "paper", dtype: str = "float64") -> None:
    """The compiled rule walks the path of the slow reference, for defaults and others, with a falling lr."""
    slow = REFERENCES.get(f"{method.name}/{style}") or REFERENCES[method.name]
    defaults = {name: value for name, value in method.defaults.items() if name != "lr"}
    for hyper, p0 in itertools.product((defaults, other_hyper(method)), starts(method)):
        # A matrix can amplify the rounding of another way to add or to find eigenvectors.
        tolerance = {"float64": 1e-12 if p0.ndim == 1 else 1e-10, "float32": 1e-5}[dtype]
        for lr in (method.defaults["lr"], 0.2):
            lrs, grads = falling(40, lr), gradients_for(p0)
            expected = slow(p0.astype(dtype), grads.astype(dtype), lrs, **hyper)
            ours = path(method, p0.astype(dtype), grads, lrs, hyper)
            if isinstance(expected, tuple):  # trained at one point, evaluated at another
                ours = np.hstack(both_paths(method, p0.astype(dtype), grads, lrs, hyper))
                expected = np.hstack(expected)
            # Steps, not points: a small step must be right in its own size.
            moved = np.abs(np.diff(expected, axis=0)).sum(axis=0) + np.abs(expected).max(axis=0)
            assert_allclose(ours / moved, expected / moved, rtol=0, atol=tolerance)
            first, wanted = ours[1] - ours[0], expected[1] - expected[0]
            if dtype == "float64":
                assert_allclose(first, wanted, rtol=1e-9, atol=1e-15)


def check_golden(method: Method, style: str = "paper") -> None:
    """The compiled rule walks the recorded paths."""
    cases = [case for case in CASES if (case["method"], case["style"]) == (method.name, style)]
    assert cases or not needs_golden(method.name, style), f"no golden trajectory of {method.name} in style {style}"
    for case in cases:
        assert len(case["lrs"]) >= 30
        ours = path(method, case["p0"], case["gradients"], case["lrs"], case["hyper"])
        assert_allclose(ours, case["path"], rtol=1e-10, atol=1e-12, err_msg=case["key"])
        if case["evaluated"] is not None:
            _, ours = both_paths(method, case["p0"], case["gradients"], case["lrs"], case["hyper"])
            assert_allclose(ours, case["evaluated"], rtol=1e-10, atol=1e-12, err_msg=f"{case['key']}, evaluated")


def needs_golden(name: str, style: str) -> bool:
    """A style is a library's: it needs that library's recording. The paper's form needs one from any library
    unless its method file says that none has it (its notes begin with "No library")."""
    return style != "paper" or not optimizers.get(name).notes.startswith("No library")
