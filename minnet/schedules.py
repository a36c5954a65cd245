r"""Step sizes: the learning rate as a function of the step number, in plain NumPy.

A schedule is one small function ``factor(t, total, **parameters)`` in the table `KINDS`; the learning
rate of a step is ``lr * factor``. ``t`` is the time since the warm-up ended, counted in steps or, with
``per="epoch"``, in (fractions of) epochs.

>>> halving = create("step", lr=0.1, drop=0.5, every=2)
>>> halving(np.arange(5))
array([0.1  , 0.1  , 0.05 , 0.05 , 0.025])
>>> cosine = create("cosine", lr=1.0, warmup=2).bind(total_steps=6)
>>> cosine(np.arange(6)).round(3)
array([0.5  , 1.   , 1.   , 0.854, 0.5  , 0.146])
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from minnet.errors import InputError, check_name, suggest

Array = npt.NDArray[np.float64]

PER = ("step", "epoch")
# A length such as 0.3 epochs is not exact in binary: a boundary missed by rounding still counts as reached.
BOUNDARY = 1e-9


# ----------------------------------------------------------------- the schedules, one small function each


def _constant(t: Array, total: float) -> Array:
    return np.ones_like(t)


def _exponential(t: Array, total: float, k: float) -> Array:
    return np.exp(-k * t)


def _inverse_time(t: Array, total: float, k: float) -> Array:
    return 1.0 / (1.0 + k * t)


def _inverse_sqrt(t: Array, total: float, scale: float) -> Array:
    return 1.0 / np.sqrt(1.0 + t / scale)


def _step(t: Array, total: float, drop: float, every: float) -> Array:
    return np.power(drop, np.floor(t / every + BOUNDARY))


def _linear(t: Array, total: float, end: float) -> Array:
    return 1.0 + (end - 1.0) * np.minimum(t / total, 1.0)


def _polynomial(t: Array, total: float, power: float, end: float) -> Array:
    return end + (1.0 - end) * (1.0 - np.minimum(t / total, 1.0)) ** power


def _cosine(t: Array, total: float, end: float) -> Array:
    return end + (1.0 - end) * 0.5 * (1.0 + np.cos(np.pi * np.minimum(t / total, 1.0)))


def _cosine_restarts(t: Array, total: float, period: float, multiplier: float, end: float) -> Array:
    if period == math.inf:
        return _cosine(t, total, end)
    cycles = t / period
    if multiplier == 1.0:
        start, length = np.floor(cycles + BOUNDARY), np.ones_like(t)
    else:
        # Cycle n starts after 1 + m + ... + m^(n-1) = (m^n - 1) / (m - 1) periods and lasts m^n of them.
        growth = multiplier - 1.0
        n = np.floor(np.log1p(cycles * growth) / math.log1p(growth) + BOUNDARY)
        start, length = np.expm1(n * math.log1p(growth)) / growth, np.exp(n * math.log1p(growth))
    return _cosine(np.maximum(cycles - start, 0.0) / length, 1.0, end)


def _one_cycle(t: Array, total: float, rise: float, div: float, final_div: float) -> Array:
    low, final = 1.0 / div, 1.0 / (div * final_div)
    peak, last = rise * total - 1.0, total - 1.0
    up = _cosine(t / max(peak, BOUNDARY), 1.0, low)
    down = _cosine((t - peak) / (last - peak), 1.0, final)
    return np.where(t < peak, 1.0 + low - up, down)


# ------------------------------------------------------------------------------------- what a schedule is


@dataclass(frozen=True)
class Parameter:
    """A number that a schedule takes: its default, the closed interval it must lie in, its meaning.

    Where `of_total` is given, the default is that function of the run's length after the warm-up.
    `timed` marks a length or a rate, whose unit is the schedule's `per`.
    """

    meaning: str
    default: float | None
    low: float
    high: float
    of_total: Callable[[float], float] | None = None
    default_text: str = ""
    integer: bool = False
    timed: bool = False

    def check(self, schedule: str, name: str, value: object) -> float | None:
        """Return `value` as a plain number; raise `InputError` unless it is one within the bounds."""
        if value is None and self.default is None:
            return None
        number = _number(f"schedule {schedule!r}: {name}", value, self.low, self.high)
        if not self.integer:
            return number
        if not number.is_integer():
            raise InputError(f"schedule {schedule!r}: {name} must be a whole number, got {value!r}")
        return int(number)


@dataclass(frozen=True)
class Kind:
    """A row of the table of schedules: what `minnet list` and a report say about one.

    Attributes
    ----------
    name, title : str
        Registry name, and one line for a list.
    formula : str
        The learning rate at time t, α₀ being `lr` and T the run's length, both without the warm-up.
    factor : callable
        ``factor(t, total, **parameters)``: float64 array `t` to float64 array of factors of `lr`.
    parameters : dict of str to Parameter
    needs_total : bool
        Whether the run's length is always needed.
    in_steps : bool
        Whether `t` and `total` are steps even with ``per="epoch"``.
    reference : str
        Where it was published, if it was.
    """

    name: str
    title: str
    formula: str
    factor: Callable[..., Array]
    parameters: dict[str, Parameter] = field(default_factory=dict)
    needs_total: bool = False
    in_steps: bool = False
    reference: str = ""

    @property
    def takes_total(self) -> bool:
        """Whether the run's length can matter, so that ``total=`` is a parameter."""
        return self.needs_total or any(p.of_total for p in self.parameters.values())

    @property
    def defaults(self) -> dict[str, float | None]:
        """Default of every parameter; None stands for one that follows from the run's length."""
        return {name: p.default for name, p in self.parameters.items()}

    def describe(self) -> str:
        """Return the formula and the parameters with their defaults, on one line.

        Examples
        --------
        >>> get("step").describe()
        'α₀·drop^⌊t/every⌋  (drop = 0.1, every = T/3)'
        """
        values = [f"{name} = {p.default_text or _text(p.default)}" for name, p in self.parameters.items()]
        return self.formula + (f"  ({', '.join(values)})" if values else "")


LENGTH = (1e-6, 1e15)
_END = Parameter("last factor of lr", 0.0, 0.0, 1.0)
_SMITH = "Smith and Topin (2018), https://arxiv.org/abs/1708.07120"
_SGDR = "Loshchilov and Hutter (2017), https://arxiv.org/abs/1608.03983"


def _rate(text: str, of_total: Callable[[float], float]) -> Parameter:
    return Parameter("rate of decay per unit of time", None, 0.0, 1e6, of_total, text, timed=True)


def _third(total: float) -> float:
    return total / 3.0


def _never(total: float) -> float:
    return math.inf


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("constant", "the same step size throughout", "α₀", _constant),
        Kind(
            "exponential",
            "falls by the same factor in every step",
            "α₀·e^(−k·t)",
            _exponential,
            {"k": _rate("ln(100)/T", lambda total: math.log(100.0) / total)},
        ),
        Kind(
            "inverse_time",
            "falls like 1/t",
            "α₀/(1 + k·t)",
            _inverse_time,
            {"k": _rate("9/T", lambda total: 9.0 / total)},
            reference="Robbins and Monro (1951), https://doi.org/10.1214/aoms/1177729586",
        ),
        Kind(
            "inverse_sqrt",
            "falls like 1/√t; with scale 1 the α/√t, t = 1, 2, ... of Adam's theorem",
            "α₀/√(1 + t/scale)",
            _inverse_sqrt,
            {"scale": Parameter("time until lr/√2", 1.0, *LENGTH, timed=True)},
            reference="Kingma and Ba (2015), section 4, https://arxiv.org/abs/1412.6980",
        ),
        Kind(
            "step",
            "drops by a factor at regular times",
            "α₀·drop^⌊t/every⌋",
            _step,
            {
                "drop": Parameter("factor at every drop", 0.1, 0.0, 1.0),
                "every": Parameter("time between drops", None, *LENGTH, _third, "T/3", timed=True),
            },
        ),
        Kind(
            "linear",
            "falls on a straight line, to zero or to end·lr",
            "α₀·(1 − (1 − end)·t/T)",
            _linear,
            {"end": _END},
            needs_total=True,
        ),
        Kind(
            "polynomial",
            "falls like a power of the time left",
            "α₀·(end + (1 − end)·(1 − t/T)^power)",
            _polynomial,
            {"power": Parameter("exponent; 1 is linear", 2.0, 0.01, 100.0), "end": _END},
            needs_total=True,
        ),
        Kind(
            "cosine",
            "half a cosine wave, once or with warm restarts",
            "α₀·(end + (1 − end)·(1 + cos(π·u))/2), u the share of the period run; period n lasts period·multiplierⁿ",
            _cosine_restarts,
            {
                "period": Parameter(
                    "time to the first restart", None, *LENGTH, _never, "T without restart", timed=True
                ),
                "multiplier": Parameter("each period by this longer", 1.0, 1.0, 100.0),
                "end": _END,
            },
            reference=_SGDR,
        ),
        Kind(
            "one_cycle",
            "up to lr and far down again, along cosines",
            "from α₀/div up to α₀ at rise·T, down to α₀/(div·final_div) at T, along half cosine waves",
            _one_cycle,
            {
                "rise": Parameter("share of the run in which the step size grows", 0.3, 0.01, 0.99),
                "div": Parameter("lr over the first step size", 25.0, 1.0, 1e12),
                "final_div": Parameter("first step size over the last", 1e4, 1.0, 1e12),
            },
            needs_total=True,
            in_steps=True,
            reference=_SMITH,
        ),
        Kind(
            "plateau",
            "shrinks when the validation loss stops falling",
            "α₀·factorⁿ, at least α₀·min; n grows when more than `patience` epochs in a row"
            " stay above (1 − threshold)·best",
            _constant,
            {
                "factor": Parameter("factor at every reduction", 0.5, 0.0, 1.0),
                "patience": Parameter("epochs without progress that are forgiven", 2, 0, 1e9, integer=True),
                "threshold": Parameter("relative fall that counts as progress", 1e-4, 0.0, 1.0),
                "min": Parameter("lowest factor of lr", 0.0, 0.0, 1.0),
            },
        ),
    )
}


class _Plateau:
    """What a plateau schedule remembers of its run; ``factors[e]`` holds after `e` epochs."""

    def __init__(self, factor: float, patience: int, threshold: float, min: float) -> None:
        self.factor, self.patience, self.threshold, self.lowest = factor, patience, threshold, min
        self.best, self.bad_epochs, self.factors = math.inf, 0, [1.0]

    def observe(self, value: float) -> None:
        # A NaN is never progress.
        if value < self.best * (1.0 - self.threshold) or (value < math.inf and self.best == math.inf):
            self.best, self.bad_epochs = value, 0
        else:
            self.bad_epochs += 1
        now = self.factors[-1]
        if self.bad_epochs > self.patience:
            now, self.bad_epochs = max(now * self.factor, self.lowest), 0
        self.factors.append(now)

    def at(self, epoch: npt.NDArray[np.int64]) -> Array:
        return np.asarray(self.factors)[np.minimum(epoch, len(self.factors) - 1)]


@dataclass(frozen=True)
class Schedule:
    """A learning rate for every step; made by `create` or `parse`, called with step numbers.

    Attributes
    ----------
    name : str
    lr : float
        The learning rate that the factors multiply.
    params : dict
        The schedule's own parameters; None for one that follows from the run's length.
    per : {"step", "epoch"}
        The unit of every length.
    warmup : float
        Length of the linear growth from ``lr / N`` to ``lr`` in front, N being its steps.
    total : float or None
        Length of the whole schedule with its warm-up; None takes the run's length from `bind`.
    total_steps, steps_per_epoch : int or None
        The run it is bound to.
    """

    name: str
    lr: float = 1.0
    params: dict[str, Any] = field(default_factory=dict, hash=False)
    per: str = "step"
    warmup: float = 0.0
    total: float | None = None
    total_steps: int | None = None
    steps_per_epoch: int | None = None
    _plateau: _Plateau | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        check_name("schedule", self.name, KINDS)
        kind = KINDS[self.name]
        for name in self.params:
            _check_parameter(kind, name, kind.parameters)
        params: dict[str, Any] = {
            name: p.check(self.name, name, self.params.get(name, p.default)) for name, p in kind.parameters.items()
        }
        _set(self, params=params)
        _set(self, lr=_number(f"schedule {self.name!r}: lr", self.lr, 0.0, 1e300))
        _set(self, warmup=_number(f"schedule {self.name!r}: warmup", self.warmup, 0.0, LENGTH[1]))
        if self.per not in PER:
            raise InputError(f"schedule {self.name!r}: unknown per {self.per!r}: {suggest(self.per, PER)}")
        if self.total is not None:
            if not kind.takes_total:
                _check_parameter(kind, "total", kind.parameters)
            _set(self, total=_number(f"schedule {self.name!r}: total", self.total, *LENGTH))
        for name in ("total_steps", "steps_per_epoch"):
            value = getattr(self, name)
            if value is not None:
                _set(self, **{name: int(_number(f"schedule {self.name!r}: {name}", value, 1, LENGTH[1]))})
        if self.name == "plateau" and self._plateau is None:
            _set(self, _plateau=_Plateau(**params))

    @property
    def kind(self) -> Kind:
        """The row of the table that this schedule belongs to."""
        return KINDS[self.name]

    @property
    def needs_total(self) -> bool:
        """Whether it cannot be evaluated before the run's length is known (from ``total=`` or `bind`)."""
        kind = self.kind
        derived = any(p.of_total and self.params[name] is None for name, p in kind.parameters.items())
        return self.total is None and (kind.needs_total or derived)

    def bind(self, total_steps: int | None = None, steps_per_epoch: int | None = None) -> Schedule:
        """Return the same schedule for a run of that length, with nothing observed yet.

        Parameters
        ----------
        total_steps : int, optional
            Steps of the whole run; ``total=`` of the schedule has precedence.
        steps_per_epoch : int, optional
            Needed with ``per="epoch"``.

        Raises
        ------
        InputError
            If the warm-up leaves nothing of the run for a schedule that needs its length.

        Examples
        --------
        >>> create("linear", lr=0.4).bind(4)([0, 1, 2, 3])
        array([0.4, 0.3, 0.2, 0.1])
        """
        bound = replace(self, total_steps=total_steps, steps_per_epoch=steps_per_epoch, _plateau=None)
        if bound._steps_per_unit_known() and (bound.total is not None or total_steps is not None):
            bound._length()
        return bound

    def observe(self, value: float) -> None:
        """Take the validation loss after an epoch, lower being better; only `plateau` listens.

        Examples
        --------
        >>> s = create("plateau", lr=1.0, factor=0.5, patience=0).bind(steps_per_epoch=2)
        >>> for loss in (0.9, 0.8, 0.85):
        ...     s.observe(loss)
        >>> s(np.arange(8))
        array([1. , 1. , 1. , 1. , 1. , 1. , 0.5, 0.5])
        """
        if self._plateau is not None:
            self._plateau.observe(float(value))

    @overload
    def __call__(self, steps: int) -> float: ...
    @overload
    def __call__(self, steps: npt.ArrayLike) -> Array: ...
    def __call__(self, steps: Any) -> Any:
        """Return the learning rate of each step.

        Parameters
        ----------
        steps : int or array_like of int
            Step numbers from 0; any shape.

        Returns
        -------
        float or ndarray of float64
            Of the shape of `steps`; finite and never negative.

        Raises
        ------
        InputError
            If a step is negative, or the run's length or its steps per epoch are needed and unknown.
        """
        i = np.asarray(steps, dtype=np.float64)
        if not (np.isfinite(i) & (i >= 0)).all():
            raise InputError(f"schedule {self.name!r}: step numbers must be finite and 0 or more")
        rates = self.lr * self._factors(i)
        return rates if i.ndim else float(rates)

    def to_dict(self) -> dict[str, Any]:
        """Return the schedule as plain JSON types; `parse` reads it back. The run it is bound to is left out.

        Examples
        --------
        >>> s = create("step", lr=0.1, every=30)
        >>> s.to_dict()
        {'name': 'step', 'lr': 0.1, 'drop': 0.1, 'every': 30.0}
        >>> parse(s.to_dict()) == s
        True
        """
        common: dict[str, Any] = {}
        if self.per != "step":
            common["per"] = self.per
        if self.warmup:
            common["warmup"] = self.warmup
        if self.total is not None:
            common["total"] = self.total
        params = {name: value for name, value in self.params.items() if value is not None}
        return {"name": self.name, "lr": self.lr, **params, **common}

    def describe(self) -> str:
        """Return name, formula and values on one line, for a report.

        Examples
        --------
        >>> create("exponential", lr=0.1, k=0.5, per="epoch", warmup=1).describe()
        'exponential: α₀·e^(−k·t); α₀ = 0.1, k = 0.5, warmup = 1, t in epochs'
        """
        texts = {name: p.default_text for name, p in self.kind.parameters.items()}
        values: dict[str, Any] = {"α₀": self.lr, **self.params}
        if self.total is not None:
            values["total"] = self.total
        if self.warmup:
            values["warmup"] = self.warmup
        parts = [f"{k} = {texts[k] if v is None else _text(v)}" for k, v in values.items()]
        if self.warmup or self.total is not None or any(p.timed for p in self.kind.parameters.values()):
            parts.append(f"t in {self.per}s")
        return f"{self.name}: {self.kind.formula}; {', '.join(parts)}"

    def _factors(self, i: Array) -> Array:
        unit, warm = self._steps_per_unit(), self._warm_steps()
        kind = self.kind
        if kind.in_steps:
            unit = 1.0
        total = self._length() / unit if self.needs_total or self.total is not None else math.nan
        params = {} if self._plateau else self._resolved(total)
        factors = kind.factor(np.maximum(i - warm, 0.0) / unit, total, **params)
        if self._plateau is not None:
            # Unbound, the epoch of a step is unknown: the newest factor holds.
            epochs = i // self.steps_per_epoch if self.steps_per_epoch else np.full_like(i, 1e15)
            factors = factors * self._plateau.at(np.asarray(epochs).astype(np.int64))
        return factors * np.minimum((i + 1.0) / warm, 1.0) if warm else factors

    def _resolved(self, total: float) -> dict[str, float]:
        parameters = self.kind.parameters
        return {
            name: parameters[name].of_total(total) if value is None else value  # type: ignore[misc]
            for name, value in self.params.items()
        }

    def _steps_per_unit_known(self) -> bool:
        return self.per == "step" or self.steps_per_epoch is not None

    def _steps_per_unit(self) -> float:
        if self.per == "step":
            return 1.0
        if self.steps_per_epoch is None:
            raise InputError(
                f"schedule {self.name!r} counts epochs: call .bind(total_steps, steps_per_epoch) first,"
                ' or use per="step"'
            )
        return float(self.steps_per_epoch)

    def _warm_steps(self) -> float:
        return self.warmup * self._steps_per_unit()

    def _length(self) -> float:
        """Steps of the run after the warm-up."""
        if self.total is not None:
            steps = self.total * self._steps_per_unit()
        elif self.total_steps is not None:
            steps = float(self.total_steps)
        else:
            raise InputError(
                f"schedule {self.name!r} needs the length of the run: give total= (in {self.per}s),"
                " or call .bind(total_steps, steps_per_epoch)"
            )
        warm = self._warm_steps()
        if warm >= steps and self.kind.takes_total:
            raise InputError(
                f"schedule {self.name!r}: a warm-up of {warm:g} steps leaves nothing of a run of {steps:g}:"
                " shorten warmup or train longer"
            )
        return steps - warm


# ---------------------------------------------------------------------------------------- public functions


def names() -> list[str]:
    """Return the names of all schedules.

    Examples
    --------
    >>> names()[:3]
    ['constant', 'exponential', 'inverse_time']
    """
    return list(KINDS)


def get(name: str) -> Kind:
    """Return the row of the table for `name`: title, formula, parameters.

    Raises
    ------
    InputError
        If there is no such schedule; the nearest name is given.

    Examples
    --------
    >>> get("inverse_time").formula
    'α₀/(1 + k·t)'
    """
    check_name("schedule", name, KINDS)
    return KINDS[name]


def create(
    name: str,
    lr: float = 1.0,
    *,
    per: str = "step",
    warmup: float = 0.0,
    total: float | None = None,
    **params: float | None,
) -> Schedule:
    """Return a schedule.

    Parameters
    ----------
    name : str
        One of `names()`.
    lr : float
        The learning rate that the schedule's factors multiply, 0 or more.
    per : {"step", "epoch"}
        The unit of every length, and of the rate `k`.
    warmup : float
        Length of a linear growth from ``lr / N`` to ``lr`` in front of the schedule, which starts when
        the warm-up ends.
    total : float, optional
        Length of the whole schedule with its warm-up, for those that depend on it. Default: the run's.
    **params
        The schedule's own, see ``get(name).parameters``.

    Returns
    -------
    Schedule

    Raises
    ------
    InputError
        For an unknown name or parameter (the nearest is named) or a value out of its bounds.

    Examples
    --------
    >>> create("inverse_time", lr=1.0, k=1.0)([0, 1, 3])
    array([1.  , 0.5 , 0.25])
    >>> create("step", evry=3)
    Traceback (most recent call last):
        ...
    minnet.errors.InputError: schedule 'step': unknown parameter 'evry': did you mean 'every'? ...
    """
    return Schedule(name, lr, params, per, warmup, total)


def parse(spec: str | Mapping[str, Any] | Schedule, lr: float | None = None) -> Schedule:
    """Return the schedule that a text of the command line or a table of an experiment file describes.

    Parameters
    ----------
    spec : str, mapping or Schedule
        ``"cosine"``, ``"step:drop=0.5,every=5,per=epoch"`` or ``{"name": "step", "every": 5}``.
    lr : float, optional
        The learning rate, unless `spec` has it; 1 if neither does.

    Raises
    ------
    InputError
        For what cannot be read, or two different learning rates; otherwise as `create`.

    Examples
    --------
    >>> parse("step:drop=0.5,every=5,per=epoch", lr=0.1).describe()
    'step: α₀·drop^⌊t/every⌋; α₀ = 0.1, drop = 0.5, every = 5, t in epochs'
    """
    if isinstance(spec, Schedule):
        entries = spec.to_dict()
    elif isinstance(spec, str):
        entries = _read(spec)
    elif isinstance(spec, Mapping):
        entries = dict(spec)
    else:
        raise InputError(f"a schedule is a text or a table, got {spec!r}: write for example 'cosine'")
    if "name" not in entries:
        raise InputError(f"schedule {spec!r} has no name: {suggest('', KINDS)}")
    name = entries.pop("name")
    if not isinstance(name, str):
        raise InputError(f"the name of a schedule is a text, got {name!r}: {suggest('', KINDS)}")
    check_name("schedule", name, KINDS)
    for key in entries:
        _check_parameter(KINDS[name], str(key), _allowed(KINDS[name]))
    if lr is not None and entries.setdefault("lr", lr) != lr:
        raise InputError(f"schedule {name!r} sets lr {entries['lr']!r}, but lr is {lr!r}: drop one of them")
    return create(name, **entries)


def _read(text: str) -> dict[str, Any]:
    name, colon, rest = text.partition(":")
    entries: dict[str, Any] = {"name": name.strip()}
    for item in rest.split(",") if colon else []:
        key, equals, value = (part.strip() for part in item.partition("="))
        if not (key and equals and value):
            raise InputError(f"schedule {text!r}: cannot read {item.strip()!r}: write it as 'step:drop=0.5,every=5'")
        if key in entries:
            raise InputError(f"schedule {text!r} has {key!r} twice")
        entries[key] = value if key == "per" else _as_number(key, value)
    return entries


def _as_number(key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"schedule parameter {key} must be a number, got {text!r}") from None


def _allowed(kind: Kind) -> list[str]:
    return [*kind.parameters, "lr", "per", "warmup", *(["total"] if kind.takes_total else [])]


def _check_parameter(kind: Kind, name: str, allowed: Iterable[str]) -> None:
    if name not in allowed:
        hint = suggest(name, _allowed(kind))
        raise InputError(f"schedule {kind.name!r}: unknown parameter {name!r}: {hint}")


def _number(what: str, value: object, low: float, high: float) -> float:
    if (
        isinstance(value, (int, float, np.integer, np.floating))
        and not isinstance(value, bool)
        and low <= value <= high
    ):
        return float(value)
    raise InputError(f"{what} must be a number from {low:g} to {high:g}, got {value!r}")


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _set(schedule: Schedule, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(schedule, name, value)
