"""What a run is, as data: everything that decides its result, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from minnet import optimizers, schedules
from minnet.data import augment
from minnet.errors import InputError, check_name, suggest
from minnet.network.spec import NetworkSpec


@dataclass(frozen=True)
class TrainingSpec:
    """How a network is trained; 0 switches a regulariser off.

    Parameters
    ----------
    epochs, batch_size : int
    validation : float
        Share of the training set that is held out, stratified by class; drawn by `split_seed`.
    schedule : str or mapping
        See `minnet.schedules.parse`.
    l2 : float
        λ of the penalty λ/2 Σ w², part of the loss and so of the gradient that the method sees.
    weight_decay : float
        Decoupled: before every step, w ← (1 − α λ) w, outside the method.
    decay_biases : bool
        Whether `l2` and `weight_decay` include the biases.
    max_norm : float
        After every step, the incoming weights of each unit are scaled back to at most this norm.
    clip_value, clip_norm : float
        Bound on every component of the gradient, then on its norm over all parameters.
    augment : str or mapping
        What is done anew in every epoch to the training images, see `minnet.data.augment.parse`.
    dtype : {"float32", "float64"}

    Raises
    ------
    InputError
        For a value out of range.

    Examples
    --------
    >>> TrainingSpec(epochs=3).batch_size
    128
    """

    epochs: int = 10
    batch_size: int = 128
    validation: float = 0.1
    schedule: str | Mapping[str, Any] = "constant"
    l2: float = 0.0
    weight_decay: float = 0.0
    decay_biases: bool = False
    max_norm: float = 0.0
    clip_norm: float = 0.0
    clip_value: float = 0.0
    augment: str | Mapping[str, Any] = "none"
    dtype: str = "float32"
    split_seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("epochs", 0), ("batch_size", 1), ("split_seed", 0)):
            _check_whole(name, getattr(self, name), least)
        for name in ("l2", "weight_decay", "max_norm", "clip_norm", "clip_value"):
            value = getattr(self, name)
            if not _is_number(value) or not 0 <= value < math.inf:
                raise InputError(f"{name} = {value!r} must be a number from 0 (off)")
        if not _is_number(self.validation) or not 0 <= self.validation < 1:
            raise InputError(f"validation = {self.validation!r} is outside [0, 1)")
        check_name("dtype", self.dtype, ["float32", "float64"])
        schedules.parse(self.schedule)
        augment.parse(self.augment)


@dataclass(frozen=True)
class OptimizerSpec:
    """A method by name, the style that is meant, and the hyperparameters that differ from its defaults.

    Parameters
    ----------
    name : str
        As for `minnet.optimizers.create`; a method of one's own may be given itself.
    style : str
    hyper : mapping of str to float
    source : str
        Digest of a method of one's own, filled in by itself: the run is then the run of that version of it.

    Examples
    --------
    >>> OptimizerSpec("adam", hyper={"lr": 0.01}).settings["beta1"]
    0.9
    """

    name: str = "adam"
    style: str = "paper"
    hyper: Mapping[str, float] = field(default_factory=dict)
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", optimizers.name_of(self.name))
        object.__setattr__(self, "source", self.method.digest)
        _ = self.settings

    @property
    def method(self) -> optimizers.Method:
        """The method, in its style."""
        return optimizers.get(self.name, self.style, self.source)

    @property
    def settings(self) -> dict[str, float]:
        """Every hyperparameter, `lr` included."""
        return self.method.settings(self.hyper)


@dataclass(frozen=True)
class RunSpec:
    """One training run.

    Runs with the same `seed` start from the same weights and see the same batches, whatever the method.

    Examples
    --------
    >>> spec = RunSpec(data="digits", optimizer=OptimizerSpec("sgd", hyper={"lr": 0.1}), seed=3)
    >>> RunSpec.from_dict(spec.to_dict()) == spec
    True
    """

    data: str = "digits"
    network: NetworkSpec = field(default_factory=NetworkSpec)
    training: TrainingSpec = field(default_factory=TrainingSpec)
    optimizer: OptimizerSpec = field(default_factory=OptimizerSpec)
    seed: int = 0

    def __post_init__(self) -> None:
        _check_whole("seed", self.seed, 0)
        if self.network.task == "autoencoder" and augment.parse(self.training.augment):
            raise InputError("an autoencoder is to return the images that it is given: set augment = 'none'")

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, as JSON and TOML hold them."""
        plain = asdict(self)
        plain["network"]["hidden"] = list(self.network.hidden)
        if not self.optimizer.source:
            del plain["optimizer"]["source"]
        # What is off is left out, as if it did not exist: runs that were stored before keep their names.
        if augment.parse(self.training.augment) is None:
            del plain["training"]["augment"]
        if self.network.task == "classification":
            del plain["network"]["task"]
        return plain

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RunSpec:
        """Return the spec that `to_dict` wrote.

        Raises
        ------
        InputError
            For an unknown key, naming the nearest.
        """
        parts = {"network": NetworkSpec, "training": TrainingSpec, "optimizer": OptimizerSpec}
        given = dict(_known("run", cls, values))
        for name, part in parts.items():
            if name in given:
                given[name] = part(**_known(name, part, given[name]))
        return cls(**given)


def _known(where: str, cls: type, values: Mapping[str, Any]) -> Mapping[str, Any]:
    allowed = [f.name for f in fields(cls)]
    for key in values:
        if key not in allowed:
            raise InputError(f"unknown key {key!r} in [{where}]: {suggest(key, allowed)}")
    return values


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_whole(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**63:
        raise InputError(f"{name} = {value!r} must be a whole number from {least} and below 2**63")
