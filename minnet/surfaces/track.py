"""What a method did on a surface: its walks, and how many steps they needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from minnet.optimizers import Optimizer
from minnet.surfaces.descent import Descent, steps_to

NEAR, EXACT = 1e-2, 1e-6  # heights above the minimum, as shares of the height of the start


@dataclass(frozen=True)
class Track:
    """One method on one surface, with the learning rate it was given or that won its tuning.

    Attributes
    ----------
    label : str
    optimizer : Optimizer
    lr : float
    results : tuple of Descent
        One per start.
    lowest : float
        What heights are measured from: the smallest value of the surface, or that of the race where it is not known.
    trials : int
        Learning rates tried; 0 if it was given.
    edge : bool
        Whether the chosen learning rate is an end of the range searched: a better one may lie outside.
    """

    label: str
    optimizer: Optimizer
    lr: float
    results: tuple[Descent, ...]
    lowest: float
    trials: int
    edge: bool

    @property
    def result(self) -> Descent:
        """The walk from the first start."""
        return self.results[0]

    @property
    def near(self) -> int | None:
        """Steps until f − lowest stays below 1e-2 of its value at the start; None if that is never so.

        Of several starts, the median (of an even number, the larger of the two in the middle).
        """
        return self._steps_to(NEAR)

    @property
    def exact(self) -> int | None:
        """Steps to 1e-6, likewise."""
        return self._steps_to(EXACT)

    @property
    def arrived(self) -> int:
        """Starts from which 1e-6 was reached."""
        return sum(steps_to(result, self.lowest, EXACT) is not None for result in self.results)

    @property
    def final(self) -> float:
        """Median of the values after the last step; NaN if the method diverged there."""
        finals = [float(result.f_evaluation[-1]) for result in self.results]
        middle = median([math.inf if math.isnan(f) else f for f in finals])
        return math.nan if math.isinf(middle) else middle

    def _steps_to(self, tolerance: float) -> int | None:
        steps = [steps_to(result, self.lowest, tolerance) for result in self.results]
        middle = median([math.inf if n is None else n for n in steps])
        return None if math.isinf(middle) else int(middle)


def median(values: Sequence[float]) -> float:
    """Return the median; of an even number of values, the larger of the two in the middle.

    So it is one of them, and infinite only where half of them are.

    Examples
    --------
    >>> median([3, 1, 2]), median([1, math.inf, 4, 2]), median([math.inf, 1])
    (2, 4, inf)
    """
    return sorted(values)[len(values) // 2]
