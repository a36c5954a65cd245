"""A method with its hyperparameters: what steps any arrays, and what training asks for its coefficients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from minnet.errors import InputError
from minnet.optimizers.base import Method, check_value

LearningRate = float | Callable[[np.ndarray], np.ndarray]
Params = np.ndarray | Sequence[np.ndarray]


@dataclass
class State:
    """What a method remembers between steps.

    Attributes
    ----------
    t : int
        Steps done.
    slots : list of arrays of shape (n_slots, size)
        One for every array of parameters.
    """

    t: int
    slots: list[np.ndarray]


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

    def __repr__(self) -> str:
        settings = "".join(f", {name}={value:g}" for name, value in self.hyper.items())
        return f"Optimizer({self.method.name!r}, style={self.style!r}, lr={self.lr!r}{settings})"

    def learning_rates(self, steps: np.ndarray) -> np.ndarray:
        """Return the learning rate of every step (float64), `steps` counting those done before."""
        steps = np.asarray(steps)
        lr = self.lr(steps) if callable(self.lr) else self.lr
        return np.broadcast_to(np.asarray(lr, dtype=np.float64), steps.shape)

    def table(self, steps: np.ndarray) -> np.ndarray:
        """Return the rule's coefficients, float64 array of shape (len(steps), number of coefficients)."""
        return self.method.table(steps, self.learning_rates(steps), self.hyper)

    def update(self, dtype: str) -> Callable:
        """Return the compiled update loop for "float32" or "float64"."""
        from minnet.optimizers.compile import elementwise

        return elementwise(self.method.rule, len(self.method.slots), len(self.method.columns), dtype)

    def init(self, params: Params) -> State:
        """Return the state before the first step.

        Parameters
        ----------
        params : float32 or float64 array of any shape, C-contiguous, or a list of such arrays

        Raises
        ------
        InputError
            For another type, another layout, or arrays of different types.
        """
        arrays = _arrays("params", params)
        dtypes = {a.dtype for a in arrays}
        if len(dtypes) > 1:
            raise InputError(
                f"params must have one dtype, not {sorted(map(str, dtypes))}: convert them with astype"
            )
        n_slots = len(self.method.slots)
        return State(t=0, slots=[np.zeros((n_slots, a.size), dtype=a.dtype) for a in arrays])

    def step(self, params: Params, grads: Params, state: State) -> None:
        """Take one step, in place, for all of `params`.

        Parameters
        ----------
        params, grads : arrays or lists of arrays of equal shapes and types
            As given to `init`. `params` is changed, `grads` is not.
        state : State
            Changed: its slots, and its count of steps (once for all arrays).

        Raises
        ------
        InputError
            If `grads` or `state` do not fit `params`.
        """
        weights, gradients = _arrays("params", params), _arrays("grads", grads)
        shapes, others = [a.shape for a in weights], [a.shape for a in gradients]
        if shapes != others:
            raise InputError(f"grads have shapes {others}, params {shapes}: they must be equal")
        if [a.size for a in weights] != [s.shape[1] for s in state.slots]:
            raise InputError("state belongs to other params: make one with init(params)")
        if {a.dtype for a in gradients} | {s.dtype for s in state.slots} != {weights[0].dtype}:
            raise InputError(f"params, grads and state must have one dtype: params are {weights[0].dtype}")
        dtype = weights[0].dtype
        update = self.update(str(dtype))
        coefficients = self.table(np.array([state.t]))[0].astype(dtype)
        for w, g, slots in zip(weights, gradients, state.slots):
            update(w.reshape(-1), g.reshape(-1), slots, 0, 1, w.size, coefficients)
        state.t += 1

    def evaluation_params(self, params: Params, state: State) -> Params:
        """Return a copy of the parameters at which to evaluate (for most methods where they are)."""
        if isinstance(params, np.ndarray):
            return params.copy()
        return [a.copy() for a in params]


def _arrays(label: str, values: Params) -> list[np.ndarray]:
    """Return `values` as a list of arrays, each checked."""
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
