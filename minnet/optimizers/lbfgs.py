"""L-BFGS: a quasi-Newton method that sees the whole loss, with a line search.

It does not fit `Optimizer.step`, which is given a gradient and no loss: `minnet.minimize` runs it on any function and
`minnet.train` on the whole training set, one iteration per epoch, both through `Lbfgs`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minnet.optimizers.base import Method, Range

FORMULA = """\
s = w − w₋₁,  y = g − g₋₁,  ρ = 1 / (y·s)                       (the last `history` pairs)
d = −H g,  H ← (1 − ρ s yᵀ) H (1 − ρ y sᵀ) + ρ s sᵀ  from  (s·y / y·y) 1
w ← w + a d,  a such that  f(w + a d) ≤ f(w) + c₁ a g·d  and  |g(w + a d)·d| ≤ c₂ |g·d|"""

SEARCHES = 25  # evaluations in one line search
CURVED = 1e-10  # pairs whose curvature y·s is below this share of y·y are not remembered
INSIDE = 0.1  # a trial step keeps this share of the interval away from its ends
FARTHER = 10.0  # a step that is too short grows at most by this factor

Fun = Callable[[np.ndarray], tuple[float, np.ndarray]]


def direction(s, y, rho, first, count, gradient, out, alpha):
    """Fill `out` with −H g by the two-loop recursion.

    Parameters
    ----------
    s, y : float64 arrays of shape (history, n), rings whose oldest pair is at `first`; rho : 1 / (y·s)
    count : pairs there are
    gradient, out : float64 arrays of shape (n,)
    alpha : float64 array of shape (history,), scratch
    """
    history, n = s.shape
    for j in range(n):
        out[j] = -gradient[j]
    for i in range(count - 1, -1, -1):
        k = (first + i) % history
        alpha[i] = rho[k] * np.dot(s[k], out)
        for j in range(n):
            out[j] -= alpha[i] * y[k, j]
    if count > 0:
        k = (first + count - 1) % history
        scale = 1 / (rho[k] * np.dot(y[k], y[k]))
        for j in range(n):
            out[j] *= scale
    for i in range(count):
        k = (first + i) % history
        beta = rho[k] * np.dot(y[k], out)
        for j in range(n):
            out[j] += (alpha[i] - beta) * s[k, j]


@functools.cache
def compiled_direction() -> Callable:
    """Compile `direction`, or load it from the cache."""
    from numba import types

    from minnet import jit

    vector, matrix, whole = types.float64[::1], types.float64[:, ::1], types.int64
    return jit.compile(direction, types.void(matrix, matrix, vector, whole, whole, vector, vector, vector))


class Trial(NamedTuple):
    """A point on the line: step, value, slope along the line, and the point with its gradient."""

    step: float
    value: float
    slope: float
    x: np.ndarray
    gradient: np.ndarray


class Lbfgs:
    """The method at work on one function: its pairs, and one iteration at a time.

    Parameters
    ----------
    n : int
        Number of parameters.
    history : int
        Pairs remembered.
    c1, c2 : float
        Of the strong Wolfe conditions; a tiny `c2` makes the line search exact.

    Examples
    --------
    A quadratic in two dimensions takes three exact steps at most:

    >>> import numpy as np
    >>> bowl = lambda x: (x[0] ** 2 + 50 * x[1] ** 2, np.array([2.0, 100.0]) * x)
    >>> method, x = Lbfgs(2, c2=1e-9), np.array([3.0, 1.0])
    >>> value, gradient = bowl(x)
    >>> for _ in range(3):
    ...     x, value, gradient = method.iterate(bowl, x, value, gradient)
    >>> bool(value < 1e-12)
    True
    """

    def __init__(self, n: int, history: float = 10, c1: float = 1e-4, c2: float = 0.9) -> None:
        self.c1, self.c2 = c1, c2
        self.s, self.y = np.zeros((int(history), n)), np.zeros((int(history), n))
        self.rho, self.alpha, self.d = np.zeros(int(history)), np.zeros(int(history)), np.zeros(n)
        self.first = self.count = 0

    def iterate(
        self, fun: Fun, x: np.ndarray, value: float, gradient: np.ndarray, lr: float = 1.0
    ) -> tuple[np.ndarray, float, np.ndarray]:
        """Return point, value and gradient after one iteration; the same as given where no step goes down.

        Parameters
        ----------
        fun : callable
            ``fun(x) -> (value, gradient)`` in float64.
        x, value, gradient : where it is
        lr : float
            First step that the line search tries; without pairs, over the length of the gradient where that is
            above 1.
        """
        if not np.any(gradient):
            return x, value, gradient
        compiled_direction()(self.s, self.y, self.rho, self.first, self.count, gradient, self.d, self.alpha)
        step = lr if self.count else lr / max(1.0, float(np.linalg.norm(gradient)))
        here = Trial(0.0, value, float(np.dot(gradient, self.d)), x, gradient)
        found = self._search(fun, here, step) if here.slope < 0 else here
        if found.step == 0 and self.count:
            self.first = self.count = 0  # what it remembers misleads here: start anew, down the gradient
            return self.iterate(fun, x, value, gradient, lr)
        self._remember(found.x - x, found.gradient - gradient)
        return found.x, found.value, found.gradient

    def _remember(self, s: np.ndarray, y: np.ndarray) -> None:
        curvature, history = float(np.dot(y, s)), len(self.rho)
        if curvature <= CURVED * float(np.dot(y, y)) or curvature == 0:
            return
        k = (self.first + self.count) % history
        self.s[k], self.y[k], self.rho[k] = s, y, 1 / curvature
        if self.count < history:
            self.count += 1
        else:
            self.first = (self.first + 1) % history

    def _search(self, fun: Fun, here: Trial, step: float) -> Trial:
        """Find a step with the strong Wolfe conditions: Nocedal and Wright, Algorithm 3.5."""
        before, left = here, SEARCHES
        while left and step > 0:
            left -= 1
            trial = self._try(fun, here, step)
            if not (math.isfinite(trial.value) and np.isfinite(trial.gradient).all()):
                step = before.step + INSIDE * (step - before.step)
                continue
            if self._too_high(here, trial) or (before.step > 0 and trial.value >= before.value):
                return self._zoom(fun, here, before, trial, left)
            if self._flat(here, trial):
                return trial
            if trial.slope >= 0:
                return self._zoom(fun, here, trial, before, left)
            farther = lowest(before, trial)
            farther = farther if farther > trial.step else math.inf
            step = min(max(farther, (1 + INSIDE) * trial.step), FARTHER * trial.step)
            before = trial
        return before

    def _zoom(self, fun: Fun, here: Trial, low: Trial, high: Trial, left: int) -> Trial:
        """Find it between a low and a high end: Algorithm 3.6."""
        for _ in range(left):
            width = high.step - low.step
            share = (lowest(low, high) - low.step) / width if width else 0.5
            share = share if 0 < share < 1 else 0.5
            trial = self._try(fun, here, low.step + min(max(share, INSIDE), 1 - INSIDE) * width)
            if trial.step in (low.step, high.step):
                break
            if self._too_high(here, trial) or not trial.value < low.value:
                high = trial
                continue
            if self._flat(here, trial):
                return trial
            if trial.slope * width >= 0:
                high = low
            low = trial
        return low

    def _try(self, fun: Fun, here: Trial, step: float) -> Trial:
        x = here.x + step * self.d
        value, gradient = fun(x)
        return Trial(step, value, float(np.dot(gradient, self.d)), x, gradient)

    def _too_high(self, here: Trial, trial: Trial) -> bool:
        return trial.value > here.value + self.c1 * trial.step * here.slope

    def _flat(self, here: Trial, trial: Trial) -> bool:
        return abs(trial.slope) <= -self.c2 * here.slope


def lowest(a: Trial, b: Trial) -> float:
    """Return the step at the minimum of the cubic through two trials and their slopes; NaN if it has none.

    Examples
    --------
    >>> nowhere = np.zeros(0)
    >>> lowest(Trial(0.0, 4.0, -4.0, nowhere, nowhere), Trial(1.0, 1.0, -2.0, nowhere, nowhere))
    2.0
    """
    if a.step == b.step:
        return math.nan
    d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return math.nan
    d2 = math.copysign(math.sqrt(square), b.step - a.step)
    bottom = b.slope - a.slope + 2 * d2
    return b.step - (b.step - a.step) * (b.slope + d2 - d1) / bottom if bottom else math.nan


METHOD = Method(
    name="lbfgs",
    title="L-BFGS",
    formula=FORMULA,
    paper="Liu and Nocedal (1989), On the limited memory BFGS method for large scale optimization, Mathematical "
    "Programming 45; line search: Nocedal and Wright (2006), Numerical Optimization, Algorithms 3.5 and 3.6",
    purpose="Small smooth problems without noise: it learns the curvature from the last gradients and searches along "
    "each direction. One epoch is one iteration on the whole training set.",
    notes="PyTorch has it as a step with a closure, without a line search unless asked; SciPy as L-BFGS-B with another "
    "line search. The learning rate is the first step the line search tries.",
    update=direction,
    full_batch=True,
    columns=("lr", "history", "c1", "c2"),
    defaults={"lr": 1.0, "history": 10.0, "c1": 1e-4, "c2": 0.9},
    space={
        "lr": Range(1e-1, 1e0),
        "history": Range(3, 30),
    },
)
