"""Methods on one surface: equal tuning of the learning rate, the same starts, and how many steps each needs."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from minnet import optimizers
from minnet.errors import InputError
from minnet.optimizers import Optimizer, Range
from minnet.surfaces.descent import Descent, minimize, steps_to
from minnet.surfaces.functions.ravine import ravine
from minnet.surfaces.plain import Stop
from minnet.surfaces.surface import Point, Surface
from minnet.surfaces.track import EXACT, Track, median

STEPS_PER_CONDITION = 20  # `scaling` gives gradient descent room to arrive even with a learning rate half the best
LEAST_STEPS = 500


def best_for(name: str, condition: float) -> dict[str, float]:
    """Return the hyperparameters that theory gives a method for curvatures between 1 and a known `condition`.

    Gradient descent and heavy-ball momentum: Polyak (1964). Nesterov (2004), scheme 2.2.22, constant step.

    Examples
    --------
    >>> best_for("sgd", 9), best_for("momentum", 9), best_for("nesterov", 9)
    ({'lr': 0.2}, {'lr': 0.25, 'momentum': 0.25}, {'lr': 0.1111111111111111, 'momentum': 0.5})
    """
    root = math.sqrt(condition)
    ratio = (root - 1) / (root + 1)
    settings = {
        "sgd": {"lr": 2 / (1 + condition)},
        "momentum": {"lr": 4 / (1 + root) ** 2, "momentum": ratio**2},
        "nesterov": {"lr": 1 / condition, "momentum": ratio},
    }
    return settings.get(name, {})


def race(
    surface: Surface,
    entries: Sequence[str | Optimizer],
    steps: int = 500,
    trials: int = 20,
    lr: float | Range | None = None,
    start: Point | Sequence[Point] | None = None,
) -> list[Track]:
    """Let methods walk down a surface from the same points, each with the best of equally many learning rates.

    The best learning rate is the one with the fewest steps to 1e-6 (`Track.exact`); where none gets there, the one
    that ends nearest to the smallest value. Where that is not known, the smallest one that any method found inside
    the box, with any of these learning rates, takes its place, as in Moré and Wild (2009), Benchmarking
    derivative-free optimization algorithms.

    Parameters
    ----------
    surface : Surface
        If it is noisy, start number k meets draw number k of the noise, with every method and learning rate.
    entries : sequence of str or Optimizer
        Names, or optimizers whose other hyperparameters are kept.
    steps : int
    trials : int
        Learning rates for every method, evenly spaced over its declared range (on its declared scale).
    lr : float or Range, optional
        One learning rate for all, without tuning; or one range for all.
    start : (x, y) or several, optional
        Instead of the surface's. Of several starts, medians count.

    Returns
    -------
    list of Track
        In the order of `entries`.

    Examples
    --------
    >>> [track] = race(ravine(condition=1), ["sgd"], steps=10, lr=1.0)
    >>> track.exact, track.final
    (1, 0.0)
    """
    if trials < 1:
        raise InputError(f"trials = {trials} must be at least 1")
    if not entries:
        raise InputError("name at least one optimizer")
    course = Course(surface, _points(surface, start), steps)
    tried = 0 if isinstance(lr, int | float) else trials
    contests = [(label, opt, _rates(opt, trials, lr)) for label, opt in map(_entry, entries)]
    lowest = surface.lowest
    if lowest is None:
        lowest = min(course.lowest(_with(opt, lr=rate)) for _, opt, rates in contests for rate in rates)
    return [_track(course, label, opt, rates, lowest, tried) for label, opt, rates in contests]


@dataclass(frozen=True)
class Course:
    """What is the same for all methods of a race: surface, starts, steps, noise."""

    surface: Surface
    starts: tuple[Point, ...]
    steps: int

    def walk(self, opt: Optimizer, draw: int, stop: Stop | None = None) -> Descent:
        """Let a method walk from start number `draw`."""
        noise = None if self.surface.noise is None else self.surface.noise(self.steps, draw)
        return minimize(self.surface.fun or self.surface, self.starts[draw], opt, self.steps, stop, noise)

    def lowest(self, opt: Optimizer) -> float:
        """Return the smallest value that a method finds inside the box, or at a start."""
        x0, x1, y0, y1 = self.surface.box
        found = []
        for draw in range(len(self.starts)):
            walk = self.walk(opt, draw)
            x, y = walk.evaluation.T
            inside = (x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)
            found += [float(walk.f[0]), *walk.f_evaluation[inside].tolist()]
        return min(found)


def random_starts(surface: Surface, count: int, seed: int = 0) -> list[Point]:
    """Return points spread over the box of a surface at random, the same for the same seed.

    Examples
    --------
    >>> random_starts(ravine(), 3) == random_starts(ravine(), 5)[:3]
    True
    """
    x0, x1, y0, y1 = surface.box
    drawn = np.random.default_rng(seed).uniform((x0, y0), (x1, y1), (count, 2))
    return [(x, y) for x, y in drawn.tolist()]


def scaling(
    conditions: Sequence[float],
    entries: Sequence[str | Optimizer],
    trials: int = 20,
    angle: float = 0.0,
    steps: int | None = None,
    lr: float | Range | None = None,
) -> dict[str, list[Track]]:
    """Return how every method fares on ravines of growing condition number.

    Gradient descent, momentum and Nesterov's method appear twice: tuned like all, and with what theory says is best
    for each condition number (`best_for`), which for the latter two sets the momentum as well.

    Parameters
    ----------
    conditions : sequence of float
    entries : sequence of str or Optimizer
    trials : int
    angle : float
    steps : int, optional
        By default 20 per unit of the condition number, at least 500.
    lr : float or Range, optional
        As for `race`.

    Returns
    -------
    dict of str to list of Track
        One track per condition number.
    """
    table: dict[str, list[Track]] = {}
    tried = 0 if isinstance(lr, int | float) else trials
    for condition in conditions:
        surface, room = ravine(condition, angle), steps or max(LEAST_STEPS, math.ceil(STEPS_PER_CONDITION * condition))
        course = Course(surface, (surface.start,), room)
        for label, opt in map(_entry, entries):
            track = _track(course, label, opt, _rates(opt, trials, lr), 0.0, tried)
            table.setdefault(label, []).append(track)
            if best := best_for(label, condition):
                ideal = _track(course, f"{label}, in theory", _with(opt, **best), [best["lr"]], 0.0, 0)
                table.setdefault(ideal.label, []).append(ideal)
    return table


def growth(conditions: Sequence[float], steps: Sequence[int | None]) -> float:
    """Return the exponent p of steps ≈ κᵖ between the two largest condition numbers that were mastered; NaN if none.

    Examples
    --------
    >>> growth([1, 100, 10_000], [1, 10, 1000]), growth([1, 100], [1, None])
    (1.0, nan)
    """
    known = [(k, n) for k, n in zip(conditions, steps) if n]
    if len(known) < 2 or known[-1][0] == known[-2][0]:
        return math.nan
    (k0, n0), (k1, n1) = known[-2:]
    return math.log(n1 / n0) / math.log(k1 / k0)


def _entry(entry: str | Optimizer) -> tuple[str, Optimizer]:
    opt = entry if isinstance(entry, Optimizer) else optimizers.create(entry)
    return opt.method.name, opt


def _points(surface: Surface, start: Point | Sequence[Point] | None) -> tuple[Point, ...]:
    try:
        points = np.atleast_2d(np.array(surface.start if start is None else start, dtype=np.float64))
    except (TypeError, ValueError):
        points = np.empty((0, 0))
    if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
        raise InputError(f"start = {start!r} must be a point (x, y), or several: [(x, y), (x, y)]")
    return tuple((x, y) for x, y in points.tolist())


def _rates(opt: Optimizer, trials: int, lr: float | Range | None) -> list[float]:
    if isinstance(lr, int | float):
        return [float(lr)]
    return _grid(opt.method.space["lr"] if lr is None else lr, trials)


def _track(course: Course, label: str, opt: Optimizer, rates: list[float], lowest: float, trials: int) -> Track:
    """Return the best walk of a method."""
    best, chosen = (math.inf, math.inf), rates[0]
    for rate in rates if len(rates) > 1 else ():
        score = _score(course, _with(opt, lr=rate), lowest, best[0])
        if score < best:
            best, chosen = score, rate
    settled = _with(opt, lr=chosen)
    results = tuple(course.walk(settled, draw) for draw in range(len(course.starts)))
    edge = len(rates) > 1 and chosen in (rates[0], rates[-1])
    return Track(label, settled, chosen, results, lowest, trials, edge)


def _score(course: Course, opt: Optimizer, lowest: float, fastest: float) -> tuple[float, float]:
    """Return how fast a method arrives, and how near to the lowest value it ends: the medians over the starts."""
    arrivals, finals = [], []
    for draw, start in enumerate(course.starts):
        height = float(course.surface.value(*start)) - lowest
        result = course.walk(opt, draw, partial(_decided, lowest, height, fastest))
        arrived, final = steps_to(result, lowest, EXACT), float(result.f_evaluation[-1])
        arrivals.append(math.inf if arrived is None else arrived)
        finals.append(abs(final - lowest) if math.isfinite(final) else math.inf)
    return median(arrivals), median(finals)


def _decided(lowest: float, height: float, fastest: float, t: int, value: float) -> bool:
    """Say whether a trial can no longer win: it has had as many steps as the fastest, and is not there."""
    return t >= fastest and abs(value - lowest) > EXACT * height


def _with(opt: Optimizer, lr: float, **hyper: float) -> Optimizer:
    changed = copy.copy(opt)
    changed.lr, changed.hyper = lr, {**opt.hyper, **hyper}
    return changed


def _grid(space: Range, trials: int) -> list[float]:
    """Return the learning rates to try, both ends included; one trial is the middle."""
    log = space.scale == "log"
    low, high = (math.log(space.low), math.log(space.high)) if log else (space.low, space.high)
    ticks = np.linspace(low, high, trials) if trials > 1 else np.array([(low + high) / 2])
    return [float(f"{math.exp(tick) if log else tick:.4g}") for tick in ticks]
