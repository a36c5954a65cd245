"""A study of the landscape: several methods from one start, and what the loss is like where they went."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from minnet.data import Split
from minnet.errors import InputError
from minnet.landscape.ground import Ground
from minnet.landscape.lines import Line, line
from minnet.landscape.plane import LossMap, Plane, loss_map, principal_plane
from minnet.landscape.sharpness import largest_eigenvalue, stability_limit
from minnet.landscape.walks import Walk, kept_epochs, walk
from minnet.training import RunSpec

POINTS, CELLS, SAMPLES = 21, 41, 2000
Progress = Callable[[str], object]


@dataclass(frozen=True, eq=False)
class Landscape:
    """What `study` found.

    Attributes
    ----------
    walks : list of Walk
        In the order of the runs.
    plane : Plane
    map : LossMap
    shadows : dict of str to array of shape (m, 2)
        Every walk on the plane.
    losses : dict of str to array of shape (m,)
        The training loss at the points of every walk.
    shadow_losses : dict of str to float
        And on the plane, where the walk ends there.
    lines : list of Line
        Between the ends of every pair of methods that did not diverge.
    sharpness : dict of str to array of shape (m,)
        Largest eigenvalue of the Hessian at the points of every walk.
    limits : dict of str to array of shape (m,)
        The sharpness that a method can bear, where a formula is known (`stability_limit`).
    samples : int
        Training samples on which all of this was measured.
    full_batch : bool
        Whether every step saw all training samples.
    """

    walks: list[Walk]
    plane: Plane
    map: LossMap
    shadows: dict[str, np.ndarray]
    losses: dict[str, np.ndarray]
    shadow_losses: dict[str, float]
    lines: list[Line]
    sharpness: dict[str, np.ndarray]
    limits: dict[str, np.ndarray]
    samples: int
    full_batch: bool

    @property
    def best(self) -> str:
        """The method with the best validation accuracy at its end; of equal ones, that with the lower loss."""
        return _best(self.walks).label

    @property
    def share(self) -> float:
        """How much of the variance of all points the plane holds."""
        return self.plane.share(np.concatenate([walk.points for walk in self.walks]))


def study(
    runs: Mapping[str, RunSpec],
    split: Split,
    points: int = POINTS,
    cells: int = CELLS,
    samples: int = SAMPLES,
    progress: Progress = lambda what: None,
) -> Landscape:
    """Train several methods from the same start, and look at the loss where they went.

    Three views: the paths on the plane of their two principal directions, with the loss there; the loss on the
    straight lines between the solutions; the sharpness (largest eigenvalue of the Hessian) along each path, by exact
    Hessian-vector products. The loss is that of the training samples, without dropout, smoothing and penalties.

    Parameters
    ----------
    runs : mapping of str to RunSpec
        By label. They may differ in method and training, not in data, split, network and seed.
    split : Split
        From `Dataset.split`.
    points : int
        Of each path, evenly spread over the epochs. The sharpness is found at each: some twenty Hessian-vector
        products, each of which costs about as much as three gradients.
    cells : int
        Of the plane, along each side: ``cells**2`` evaluations.
    samples : int
        Training samples that are evaluated, at most.
    progress : callable, optional
        Called after each of `parts` parts of the work with what was done.

    Returns
    -------
    Landscape

    Raises
    ------
    InputError
        If the runs have no common start, all of them diverge, or a number is too small.

    Examples
    --------
    >>> import minnet
    >>> from minnet.training import NetworkSpec, OptimizerSpec, TrainingSpec
    >>> network, training = NetworkSpec(hidden=(8,)), TrainingSpec(epochs=3)
    >>> runs = {name: RunSpec("digits", network, training, OptimizerSpec(name)) for name in ("sgd", "adam")}
    >>> found = study(runs, minnet.load_dataset("digits").split(), cells=5, samples=200)
    >>> found.shadows["adam"].shape, found.map.loss.shape, len(found.lines), found.sharpness["sgd"].shape
    ((4, 2), (5, 5), 1, (4,))
    """
    _check(runs, points, cells, samples)
    walks = []
    for label, run in runs.items():
        walks.append(walk(label, run, split, points))
        progress(f"{label} trained")
    _check_ends(walks)
    first = next(iter(runs.values()))
    ground = Ground(first, split, samples)
    plane = principal_plane([each.points for each in walks])
    shadows = {each.label: plane.shadow(each.points) for each in walks}
    ended = [each for each in walks if not each.result.diverged]
    lines = []
    for a, b in itertools.combinations(ended, 2):
        lines.append(line(ground, a.label, b.label, a.points[-1], b.points[-1]))
        progress(f"from {a.label} to {b.label}")
    return Landscape(
        walks=walks,
        plane=plane,
        map=loss_map(
            plane, np.concatenate([*shadows.values()]), lambda params: ground.train(params)[0], cells, progress
        ),
        shadows=shadows,
        losses={each.label: np.array([ground.train(point)[0] for point in each.points]) for each in walks},
        shadow_losses={each: ground.train(plane.point(*path[-1]))[0] for each, path in shadows.items()},
        lines=lines,
        sharpness={each.label: _sharpness(ground, each, progress) for each in walks},
        limits={each.label: limits for each in walks if (limits := _limits(each)) is not None},
        samples=len(ground.X),
        full_batch=all(run.training.batch_size >= len(split.X_train) for run in runs.values()),
    )


def parts(runs: Mapping[str, RunSpec], points: int = POINTS, cells: int = CELLS) -> int:
    """Return the number of times that `study` calls `progress`, if no run diverges."""
    kept = sum(len(kept_epochs(run.training.epochs, points)) for run in runs.values())
    return len(runs) + math.comb(len(runs), 2) + cells + kept


def _sharpness(ground: Ground, walked: Walk, progress: Progress) -> np.ndarray:
    """Return the sharpness at every point of a walk; each search begins with the vector that the last one found."""
    vector: np.ndarray = np.random.default_rng(0).normal(size=walked.points.shape[1:])
    values = []
    for point in walked.points:
        value, vector = largest_eigenvalue(partial(ground.hessian_vector, point), vector)
        values.append(value)
        progress(f"sharpness along {walked.label}")
    return np.array(values)


def _limits(walked: Walk) -> np.ndarray | None:
    limits = [stability_limit(walked.result.spec.optimizer, row["lr"]) for row in walked.rows]
    return None if None in limits else np.array(limits)


def _best(walks: list[Walk]) -> Walk:
    """Return the walk that ends best."""

    def merit(each: Walk) -> tuple[bool, float, float]:
        last = each.result.history[-1]
        validated = math.isfinite(last["val_loss"])
        kind = "val" if validated else "train"
        return not each.result.diverged, last[f"{kind}_accuracy"], -last[f"{kind}_loss"]

    return max(walks, key=merit)


def _check(runs: Mapping[str, RunSpec], points: int, cells: int, samples: int) -> None:
    if not runs:
        raise InputError("name at least one optimizer")
    for name, value, least in (("points", points, 2), ("cells", cells, 2), ("samples", samples, 1)):
        if value < least:
            raise InputError(f"{name} = {value} must be at least {least}")
    (first, *others) = runs.items()
    for label, run in others:
        for what, ours, theirs in zip(("data", "network", "seed", "split"), _start(first[1]), _start(run)):
            if ours != theirs:
                raise InputError(f"{first[0]} and {label} differ in their {what}: paths need one start and one loss")


def _start(run: RunSpec) -> tuple:
    """Return what decides where a run starts and what its loss is."""
    network = replace(run.network.resolved(), dropout=0.0, input_dropout=0.0, label_smoothing=0.0)
    return run.data, network, run.seed, (run.training.validation, run.training.split_seed)


def _check_ends(walks: list[Walk]) -> None:
    if all(each.result.diverged for each in walks):
        rates = ", ".join(f"{each.label} {each.result.spec.optimizer.settings['lr']:g}" for each in walks)
        raise InputError(f"every method diverged (step sizes: {rates}): give smaller ones")
