"""A method with its hyperparameters: what steps any arrays, and what training asks for its coefficients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from minnet.errors import InputError
from minnet.optimizers.base import BIAS, HIDDEN, Method, check_value
from minnet.optimizers.wrapping import PULL, RADIUS

LearningRate = float | Callable[[np.ndarray], np.ndarray]
Params = np.ndarray | Sequence[np.ndarray]


@dataclass
class State:
    """What a method remembers between steps.

    Attributes
    ----------
    t : int
        Steps done.
    slots : array of shape (n_slots, n_params)
        What the method remembers about each weight, all arrays of parameters in one row.
    memory : float64 array
        What it remembers about each block.
    blocks : int64 array of shape (n_blocks, 5)
        First weight, rows, columns, role and place in `memory` of each block.
    kept : array or None
        Between the two calls of a step of SAM: the weights, while `params` is the point to take a gradient at.
    """

    t: int
    slots: np.ndarray
    memory: np.ndarray
    blocks: np.ndarray
    kept: np.ndarray | None = None


class Optimizer:
    """A method, its style and its hyperparameters, ready to step.

    Made by `minnet.optimizers.create`.

    Parameters
    ----------
    method : Method
        In the style that is to run.
    style : str
        Name of that style.
    hyper : mapping of str to float
        Hyperparameters other than `lr` that differ from the defaults.
    lr : float or schedule
        A schedule is a function from an array of steps done to an array of learning rates.

    Examples
    --------
    >>> import numpy as np
    >>> from minnet.optimizers import create
    >>> opt = create("momentum", lr=0.5, momentum=0.5)
    >>> w = np.ones(3)
    >>> state = opt.init(w)
    >>> for _ in range(2):
    ...     opt.step(w, np.ones(3), state)
    >>> w
    array([-0.25, -0.25, -0.25])
    >>> state.t
    2
    """

    def __init__(
        self,
        method: Method,
        style: str = "paper",
        hyper: Mapping[str, float] | None = None,
        lr: LearningRate | None = None,
    ) -> None:
        self.method = method
        self.style = style
        self.hyper = method.settings(hyper or {})
        default = self.hyper.pop("lr")
        self.lr: LearningRate = default if lr is None else lr
        if not callable(self.lr):
            check_value(f"{method.name}: lr", "lr", self.lr)
            self.lr = float(self.lr)

    def __reduce__(self) -> tuple:
        """Go to a file, or to another process, by name: a method may hold functions that can't go there."""
        return _named, (self.method.name, self.style, self.method.digest, self.hyper, self.lr)

    def __repr__(self) -> str:
        settings = "".join(f", {name}={value:g}" for name, value in self.hyper.items())
        return f"Optimizer({self.method.name!r}, style={self.style!r}, lr={self.lr!r}{settings})"

    def learning_rates(self, steps: np.ndarray) -> np.ndarray:
        """Return the learning rate of every step (float64), `steps` counting those done before."""
        steps = np.asarray(steps)
        lr = self.lr(steps) if callable(self.lr) else self.lr
        return np.broadcast_to(np.asarray(lr, dtype=np.float64), steps.shape)

    def table(self, steps: np.ndarray, decay_biases: bool = True) -> np.ndarray:
        """Return the coefficients of every step, float64 array of shape (len(steps), 2, number of coefficients).

        Row 0 of a step is for weights, row 1 for biases; they differ only in a `weight_decay` of the method's own,
        which spares the biases unless `decay_biases`.
        """
        lr, sparing = self.learning_rates(steps), {name: 0.0 for name in self.hyper if name == "weight_decay"}
        weights = self.method.table(steps, lr, self.hyper)
        biases = weights if decay_biases else self.method.table(steps, lr, {**self.hyper, **sparing})
        return np.stack([weights, biases], axis=1)

    def of_steps(self, table: np.ndarray, column: str) -> np.ndarray:
        """Return one column of a `table` for every step (float64); zeros if the method has no such coefficient."""
        if column not in self.method.columns:
            return np.zeros(len(table))
        return table[:, 0, self.method.columns.index(column)].copy()

    @property
    def gradients_per_step(self) -> int:
        """How many gradients, and so calls of `step`, one step takes: 2 with SAM, otherwise 1."""
        return 2 if RADIUS in self.method.columns else 1

    def update(self, dtype: str) -> Callable:
        """Return the compiled update for "float32" or "float64"."""
        from minnet.optimizers import compile as compiling

        if self.method.full_batch:
            raise InputError(
                f"{self.method.name} needs the whole loss for its line search, and a step is only given gradients: "
                "use minnet.minimize or minnet.train"
            )
        return compiling.update(self.method, dtype)

    def start(self, params: np.ndarray, blocks: np.ndarray) -> State:
        """Return the state before the first step for a flat vector and the blocks it consists of.

        Parameters
        ----------
        params : array of shape (n_params,)
        blocks : int64 array of shape (n_blocks, 4)
            First weight, rows, columns and role of each block.
        """
        method = self.method
        sizes = [method.memory(rows, columns) if method.memory else 0 for _, rows, columns, _ in blocks.tolist()]
        places = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        slots = np.zeros((len(method.slots), params.size), dtype=params.dtype)
        for name, value in method.initial.items():
            slots[method.slots.index(name)] = params if value == "params" else value
        return State(
            t=0,
            slots=slots,
            memory=np.zeros(places[-1]),
            blocks=np.column_stack([blocks, places[:-1]]).astype(np.int64),
        )

    def init(self, params: Params) -> State:
        """Return the state before the first step.

        Parameters
        ----------
        params : float32 or float64 array of any shape, C-contiguous, or a list of such arrays
            Methods that see a layer's shape take an array of two or more dimensions as a weight matrix, its first
            dimension being the rows.

        Raises
        ------
        InputError
            For another type, another layout, or arrays of different types.
        """
        arrays = _arrays("params", params)
        dtypes = {a.dtype for a in arrays}
        if len(dtypes) > 1:
            raise InputError(f"params must have one dtype, not {sorted(map(str, dtypes))}: convert them with astype")
        first, blocks = 0, []
        for a in arrays:
            rows = a.shape[0] if a.ndim > 1 else 1
            blocks.append([first, rows, a.size // max(rows, 1), HIDDEN if a.ndim > 1 else BIAS])
            first += a.size
        return self.start(_flat(arrays), np.array(blocks))

    def step(self, params: Params, grads: Params, state: State) -> None:
        """Take one step, in place, for all of `params`.

        With SAM a step takes two calls (`gradients_per_step`): the first moves `params` to the point where the
        method wants its gradient, the second brings them back and takes the step; only then does `state.t` count.

        Parameters
        ----------
        params, grads : arrays or lists of arrays of equal shapes and types
            As given to `init`. `params` is changed, `grads` is not.
        state : State
            Changed: what it remembers, and its count of steps (once for all arrays).

        Raises
        ------
        InputError
            If `grads` or `state` do not fit `params`.
        """
        weights, gradients = _arrays("params", params), _arrays("grads", grads)
        shapes, others = [a.shape for a in weights], [a.shape for a in gradients]
        if shapes != others:
            raise InputError(f"grads have shapes {others}, params {shapes}: they must be equal")
        if [a.size for a in weights] != (state.blocks[:, 1] * state.blocks[:, 2]).tolist():
            raise InputError("state belongs to other params: make one with init(params)")
        if {a.dtype for a in (*weights, *gradients, state.slots)} != {weights[0].dtype}:
            raise InputError(f"params, grads and state must have one dtype: params are {weights[0].dtype}")
        dtype, w = weights[0].dtype, _flat(weights)
        table, g = self.table(np.array([state.t])), _flat(gradients)
        if self.gradients_per_step == 2 and state.kept is None:
            state.kept = w.copy()
            _unflatten(_climbed(w, g, self.of_steps(table, RADIUS)[0]), weights)
            return
        if state.kept is not None:
            w, state.kept = state.kept, None
        self.update(str(dtype))(w, g, state.slots, state.memory, state.blocks, table[0].astype(dtype))
        pull = self.of_steps(table, PULL)[0]
        if pull > 0:
            w += dtype.type(1 - pull) * (state.slots[-1] - w)
            state.slots[-1] = w
        _unflatten(w, weights)
        state.t += 1

    def evaluation_params(self, params: Params, state: State) -> Params:
        """Return a copy of the parameters at which to evaluate: for most methods, where they are."""
        arrays = _arrays("evaluation params", params)
        copies = [a.copy() for a in arrays]
        where = _flat(arrays) if state.kept is None else state.kept
        if self.method.evaluation is not None:
            where = self.method.evaluation(where, *state.slots)
        _unflatten(where.astype(arrays[0].dtype), copies)
        return copies[0] if isinstance(params, np.ndarray) else copies


def _named(name: str, style: str, digest: str, hyper: Mapping[str, float], lr: LearningRate) -> Optimizer:
    """Return the optimizer that was pickled."""
    from minnet.optimizers import get

    return Optimizer(get(name, style, digest), style, hyper, lr)


def _climbed(w: np.ndarray, g: np.ndarray, radius: float) -> np.ndarray:
    """Return the point at the distance `radius` from w, up the gradient."""
    length = float(np.linalg.norm(g.astype(np.float64)))
    return w + w.dtype.type(radius / length) * g if length > 0 else w.copy()


def _flat(arrays: list[np.ndarray]) -> np.ndarray:
    """Return all numbers of `arrays` as one vector: a view of a single array, a copy of several."""
    return arrays[0].reshape(-1) if len(arrays) == 1 else np.concatenate([a.reshape(-1) for a in arrays])


def _unflatten(vector: np.ndarray, arrays: list[np.ndarray]) -> None:
    """Write a vector made by `_flat` back into `arrays`."""
    first = 0
    for a in arrays:
        a.reshape(-1)[:] = vector[first : first + a.size]
        first += a.size


def _arrays(label: str, values: Params) -> list[np.ndarray]:
    """Return `values` as a list of arrays, each checked."""
    if not isinstance(values, np.ndarray | list | tuple):
        raise InputError(f"{label} must be a float32 or float64 array or a list of such, not {type(values).__name__}")
    arrays = [values] if isinstance(values, np.ndarray) else list(values)
    if not arrays:
        raise InputError(f"{label} is empty: give an array or a list of arrays")
    for a in arrays:
        if not isinstance(a, np.ndarray) or a.dtype not in (np.float32, np.float64):
            kind = a.dtype if isinstance(a, np.ndarray) else type(a).__name__
            raise InputError(f"{label} must be float32 or float64 NumPy arrays, not {kind}")
        if not a.flags.c_contiguous:
            raise InputError(f"{label} must be C-contiguous: use numpy.ascontiguousarray")
        if label == "params" and not a.flags.writeable:
            raise InputError("params must be writeable: they are changed in place")
    return arrays
