"""Methods on one surface: equal tuning of the learning rate, the same start, and how many steps each needs."""

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
from minnet.surfaces.surface import Point, Surface

NEAR, EXACT = 1e-2, 1e-6  # heights above the minimum, as shares of the height of the start
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


@dataclass(frozen=True)
class Track:
    """One method on one surface, with the learning rate it was given or that won its tuning.

    Attributes
    ----------
    label : str
    optimizer : Optimizer
    lr : float
    result : Descent
    near, exact : int or None
        Steps until f − lowest stays below 1e-2 and 1e-6 of its value at the start; None if that is never so.
    final : float
        Value after the last step; NaN if the method diverged.
    trials : int
        Learning rates tried; 0 if it was given.
    edge : bool
        Whether the chosen learning rate is an end of the range searched: a better one may lie outside.
    """

    label: str
    optimizer: Optimizer
    lr: float
    result: Descent
    near: int | None
    exact: int | None
    final: float
    trials: int
    edge: bool


def race(
    surface: Surface,
    entries: Sequence[str | Optimizer],
    steps: int = 500,
    trials: int = 20,
    lr: float | Range | None = None,
    start: Point | None = None,
) -> list[Track]:
    """Let methods walk down a surface from one point, each with the best of equally many learning rates.

    The best learning rate is the one with the fewest steps to 1e-6 (`Track.exact`); where none gets there, the one
    with the smallest final value.

    Parameters
    ----------
    surface : Surface
    entries : sequence of str or Optimizer
        Names, or optimizers whose other hyperparameters are kept.
    steps : int
    trials : int
        Learning rates for every method, evenly spaced over its declared range (on its declared scale).
    lr : float or Range, optional
        One learning rate for all, without tuning; or one range for all.
    start : (x, y), optional
        Instead of the surface's.

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
    point = surface.start if start is None else start
    return [_track(surface, *_entry(entry), steps, trials, lr, point) for entry in entries]


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
    for condition in conditions:
        surface, room = ravine(condition, angle), steps or max(LEAST_STEPS, math.ceil(STEPS_PER_CONDITION * condition))
        for label, opt in map(_entry, entries):
            track = _track(surface, label, opt, room, trials, lr, surface.start)
            table.setdefault(label, []).append(track)
            if best := best_for(label, condition):
                ideal = _with(opt, **best)
                track = _finish(surface, f"{label}, in theory", ideal, room, surface.start, 0, False)
                table.setdefault(track.label, []).append(track)
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


def _track(
    surface: Surface,
    label: str,
    opt: Optimizer,
    steps: int,
    trials: int,
    lr: float | Range | None,
    start: Point,
) -> Track:
    if isinstance(lr, int | float):
        return _finish(surface, label, _with(opt, lr=float(lr)), steps, start, 0, False)
    space = opt.method.space["lr"] if lr is None else lr
    rates = _grid(space, trials)
    best = _best(surface, opt, rates, steps, start)
    edge = trials > 1 and best in (rates[0], rates[-1])
    return _finish(surface, label, _with(opt, lr=best), steps, start, trials, edge)


def _finish(surface: Surface, label: str, opt: Optimizer, steps: int, start: Point, trials: int, edge: bool) -> Track:
    result = minimize(surface, start, opt, steps)
    assert isinstance(opt.lr, float)
    near, exact = (steps_to(result, surface.lowest, tolerance) for tolerance in (NEAR, EXACT))
    return Track(label, opt, opt.lr, result, near, exact, float(result.f_evaluation[-1]), trials, edge)


def _best(surface: Surface, opt: Optimizer, rates: list[float], steps: int, start: Point) -> float:
    """Return the learning rate that arrives first, or else ends lowest."""
    height = surface(np.array(start))[0] - surface.lowest
    best, chosen = (math.inf, math.inf), rates[0]
    for rate in rates:
        stop = partial(_decided, surface.lowest, height, best[0])
        result = minimize(surface, start, _with(opt, lr=rate), steps, stop)
        arrived = steps_to(result, surface.lowest, EXACT)
        final = float(result.f_evaluation[-1])
        score = (math.inf if arrived is None else arrived, final if math.isfinite(final) else math.inf)
        if score < best:
            best, chosen = score, rate
    return chosen


def _decided(lowest: float, height: float, fastest: float, t: int, value: float) -> bool:
    """Say whether a trial can no longer win: it has had as many steps as the fastest, and is not there."""
    return t >= fastest and value - lowest > EXACT * height


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
