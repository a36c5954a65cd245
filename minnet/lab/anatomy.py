"""The anatomy of a step: one weight of a network in training, with every intermediate of the method.

Every number comes from the method that runs: the intermediates of a rule are the local variables of its source.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minnet.errors import InputError
from minnet.optimizers import Method
from minnet.optimizers.typed import lookup, parse

STEPS = 100
HIDDEN_UNITS, BATCH, SEED = 16, 32, 0
DATA = "digits"


@dataclass(frozen=True)
class Anatomy:
    """A weight of a network in training, step by step.

    Attributes
    ----------
    place : str
        Which weight of which network.
    rows : list of dict
        One per step: t, w before it, g, the slots after it, every other variable of the rule, and Δw.
    """

    place: str
    rows: list[dict[str, float]]

    def at(self, steps: tuple[int, ...]) -> list[dict[str, float]]:
        """Return some of the rows, by their step."""
        return [row for row in self.rows if row["t"] in steps]


def anatomy(
    method: Method, style: str = "paper", hyper: Mapping[str, float] | None = None, steps: int = STEPS
) -> Anatomy:
    """Train a small network on the digits and follow one of its weights.

    The weight is a typical one: of those in the first layer whose gradient is never zero, the one with the median
    size of gradients.

    Parameters
    ----------
    method : Method
        In its style.
    style : str
        Its name.
    hyper : mapping, optional
        Hyperparameters that differ from the defaults.
    steps : int

    Raises
    ------
    InputError
        For a method without single steps (full batch).
    """
    from minnet.lab.trials import load_split
    from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec
    from minnet.training.run import Run

    if method.full_batch:
        raise InputError(f"{method.name} takes whole steps with a line search: it has no anatomy of a weight")
    spec = RunSpec(
        data=DATA,
        network=NetworkSpec(hidden=(HIDDEN_UNITS,)),
        training=TrainingSpec(batch_size=BATCH),
        optimizer=OptimizerSpec(method.name, style, dict(hyper or {}), method.digest),
        seed=SEED,
    )
    run = Run(spec, load_split(spec))
    path = _followed(run, steps)
    index = _typical(path["g"], run.network.layout.blocks[0])
    table = run.optimizer.table(np.arange(len(path["g"])))[:, 0].astype(run.dtype).astype(np.float64)
    names = run.optimizer.method.slots
    inner = _values_of(method, hyper)
    rows = []
    for k in range(len(path["g"])):
        w, g, after = (float(path[name][k + shift, index]) for name, shift in (("w", 0), ("g", 0), ("w", 1)))
        slots = path["slots"][k, :, index].tolist()
        row = {"t": k + 1, "w": w, "g": g, **dict(zip(names, path["slots"][k + 1, :, index].tolist()))}
        row |= inner(w, g, slots, table[k]) if inner else {}
        rows.append({**row, "Δw": after - w})
    return Anatomy(_place(run, index), rows)


def _followed(run: Any, steps: int) -> dict[str, np.ndarray]:
    """Train step by step; return all weights and slots before and after, and all gradients."""
    epochs = 1 + steps * BATCH // run.n
    order = np.concatenate([np.random.default_rng([SEED, 1, 1 + e]).permutation(run.n) for e in range(epochs)])
    w, g, slots = [run.params.copy()], [], [run.state.slots.copy()]
    for k in range(steps):
        done, _ = run.steps(order[k * BATCH : (k + 1) * BATCH])
        if not done or not np.isfinite(run.params).all():
            break
        w.append(run.params.copy())
        g.append(run.grads.copy())
        slots.append(run.state.slots.copy())
    if not g:
        raise InputError(f"{run.optimizer.method.name} diverges at its first step: choose a smaller --lr")
    return {"w": np.array(w), "g": np.array(g), "slots": np.array(slots)}


def _typical(g: np.ndarray, block: np.ndarray) -> int:
    """Return a weight of the first layer that always has a gradient, of median size."""
    first, rows, columns, _ = block.tolist()
    size = np.abs(g[:, first : first + rows * columns])
    zeros = (size == 0).sum(axis=0)
    candidates = np.flatnonzero(zeros == zeros.min())
    order = candidates[np.argsort(size[:, candidates].sum(axis=0), kind="stable")]
    return first + int(order[len(order) // 2])


def _place(run: Any, index: int) -> str:
    pixel, unit = divmod(index, HIDDEN_UNITS)
    shape = round(math.sqrt(run.network.layout.widths[0]))
    row, column = divmod(pixel, shape)
    widths = "-".join(map(str, run.network.layout.widths))
    return (
        f"network {widths} on {DATA}, batches of {BATCH}, {run.dtype}: "
        f"the weight from pixel ({row}, {column}) to hidden unit {unit}"
    )


def _values_of(method: Method, hyper: Mapping[str, float] | None) -> Callable[..., dict[str, float]] | None:
    """Return a function to the intermediates of a step of the rule, or None for a method without a rule."""
    while method.base is not None:
        method = method.base
    if method.rule is None:
        return None
    inside = locals_of(method.rule)
    count, columns = len(method.slots), len(method.columns)

    def values(w: float, g: float, slots: list[float], row: np.ndarray) -> dict[str, float]:
        with np.errstate(all="ignore"):
            return inside(w, g, *slots[:count], *row[:columns].tolist())

    return values


def locals_of(rule: Callable) -> Callable[..., dict[str, float]]:
    """Return a function like `rule` that returns its local variables, parameters left out.

    Examples
    --------
    >>> def rule(w, g, v, lr):
    ...     v = v + g
    ...     push = lr * v
    ...     return w - push, v
    >>> locals_of(rule)(1.0, 2.0, 0.0, 0.5)
    {'push': 1.0}
    """
    node, _, _ = parse(rule)
    parameters = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    node.args.args, node.args.posonlyargs, node.args.kwonlyargs = [ast.arg(p) for p in parameters], [], []
    node.args.defaults, node.args.kw_defaults, node.returns = [], [], None
    outside = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    missing = object()
    namespace = {name: value for name in outside if (value := lookup(rule, name, missing)) is not missing}
    node = ast.fix_missing_locations(_ReturnsLocals().visit(node))
    exec(compile(ast.Module([node], []), rule.__code__.co_filename, "exec", dont_inherit=True), namespace)
    inside = namespace[node.name]

    def values(*arguments: float) -> dict[str, float]:
        found = inside(*arguments)
        return {k: float(v) for k, v in found.items() if k not in parameters and isinstance(v, int | float | np.number)}

    return values


class _ReturnsLocals(ast.NodeTransformer):
    """``return x`` becomes ``return locals()``."""

    def visit_Return(self, node: ast.Return) -> ast.Return:
        call = ast.Call(ast.Name("locals", ast.Load()), [], [])
        return ast.copy_location(ast.Return(call), node)
