"""What a method is: a rule, its coefficients per step, and what a comparison must know about it.

A method comes in one of two forms. Most are a scalar `rule`: one step of one weight, which becomes a fused loop.
A method that must see more than one weight at a time (a layer's norm, its matrix, a sum over all weights) gives an
`update` over blocks instead; see `Method`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from minnet.errors import InputError, check_name, suggest

Coefficients = Callable[..., dict[str, np.ndarray | float]]

# Roles of a block: a weight matrix, a vector of biases, the weight matrix of the output layer.
HIDDEN, BIAS, OUTPUT = 0, 1, 2

# What a value of that name may be: (low, high, low itself allowed, high itself allowed).
BOUNDS: Mapping[str, tuple[float, float, bool, bool]] = MappingProxyType(
    {
        "lr": (0.0, np.inf, True, False),
        "momentum": (0.0, 1.0, True, False),
        "rho": (0.0, 1.0, True, False),
        "beta1": (0.0, 1.0, True, False),
        "beta2": (0.0, 1.0, True, False),
        "eps": (0.0, np.inf, True, False),
        "weight_decay": (0.0, np.inf, True, False),
        "warmup_steps": (0.0, np.inf, True, False),
        "lambd": (0.0, np.inf, True, False),
        "power": (0.0, np.inf, True, False),
        "t0": (0.0, np.inf, True, False),
        "d0": (0.0, np.inf, False, False),
        "r_eps": (0.0, np.inf, True, False),
        "k": (1.0, np.inf, True, False),
        "lookahead_k": (1.0, np.inf, True, False),
        "lookahead_alpha": (0.0, np.inf, True, False),
        "sam_rho": (0.0, np.inf, True, False),
        "beta3": (0.0, 1.0, True, False),
        "nu": (0.0, 1.0, True, True),
        "nu1": (0.0, 1.0, True, True),
        "nu2": (0.0, 1.0, True, True),
        "alpha": (0.0, np.inf, True, False),
        "warmup": (0.0, np.inf, True, False),
        "eps_root": (0.0, np.inf, True, False),
        "eta_minus": (0.0, 1.0, False, False),
        "eta_plus": (1.0, np.inf, True, False),
        "min_step": (0.0, np.inf, True, False),
        "max_step": (0.0, np.inf, False, False),
        "momentum_decay": (0.0, np.inf, True, False),
        "trust": (0.0, np.inf, False, False),
        "adam_ratio": (0.0, np.inf, True, False),
        "refresh": (1.0, np.inf, True, False),
        "decay_rate": (0.0, np.inf, False, False),
        "min_scale": (0.0, np.inf, True, False),
        "clip": (0.0, np.inf, False, False),
        "history": (1.0, np.inf, True, False),
        "c1": (0.0, 1.0, False, False),
        "c2": (0.0, 1.0, False, False),
    }
)

# How the points of a range may be spaced.
SCALES = ("log", "linear", "log(1-x)")

# Values that count steps.
WHOLE = ("history", "k", "lookahead_k")


@dataclass(frozen=True)
class Range:
    """Where the tuning of one hyperparameter looks.

    Parameters
    ----------
    low, high : float
        Ends of the range, both included.
    scale : {"log", "linear", "log(1-x)"}
        In what the points lie evenly; the last is for a share that is kept, as β: 0.9, 0.99, 0.999.
    """

    low: float
    high: float
    scale: str = "log"


@dataclass(frozen=True)
class Style:
    """How one library writes a method, where it differs from the paper: what is not given stays the paper's."""

    defaults: Mapping[str, float] = field(default_factory=dict)
    rule: Callable | None = None
    update: Callable | None = None
    coefficients: Coefficients | None = None
    formula: str | None = None
    initial: Mapping[str, float | str] | None = None
    notes: str = ""


def given(t: np.ndarray, lr: np.ndarray, **hyper: float) -> dict[str, np.ndarray | float]:
    """Return the hyperparameters themselves: the coefficients of a rule that needs nothing computed per step."""
    return {"lr": lr, **hyper}


@dataclass(frozen=True)
class Method:
    """One optimization method.

    Parameters
    ----------
    name : str
        Name in the registry.
    title : str
        Name in prose.
    formula : str
        The update in the notation of the paper, plain Unicode text, one line per assignment.
    paper : str
        Who published it, where.
    rule : callable
        ``rule(w, g, *slots, *coefficients) -> w`` or ``-> (w, *slots)``: one step of one weight, scalars of one
        floating-point type. It must not hold a numeric literal: in Numba ``1 - beta`` is a float64 operation.
        Compute such constants in `coefficients`.
    defaults : mapping
        Every hyperparameter, `lr` included.
    space : mapping of str to Range
        Where tuning looks: `lr` always; the others where all hyperparameters are tuned.
    slots : tuple of str
        What the method remembers about each weight.
    initial : mapping of str to float or "params"
        Slots that do not start at zero: at a number, or at the initial weights.
    update : callable, instead of `rule`
        ``update(params, grads, slots, memory, blocks, coefficients)`` moves all weights by one step, in place;
        Numba compiles it. `params` and `grads` are flat; `slots` is (n_slots, n_params); row k of `blocks`
        says where block k lies: its first weight, its rows and columns (a bias is one row), its role (`HIDDEN`,
        `BIAS`, `OUTPUT`), and where its part of `memory` (float64) begins. ``coefficients[role == BIAS]`` holds
        the values named by `columns`.
    columns : tuple of str
        Names of the coefficients; by default those of the rule, in its order.
    helpers : tuple of callable
        Plain functions that an `update` calls, those that they call included: the compiler must know them.
    memory : callable
        ``memory(rows, columns)`` is how many float64 numbers an `update` remembers for a block of that shape
        (0 at the start).
    evaluation : callable
        ``evaluation(w, *slots)`` returns where to evaluate, elementwise over arrays, for a method that trains at
        one point and evaluates at another.
    coefficients : callable
        ``coefficients(t, lr, **hyper) -> {name: value per step}`` in float64; `t` counts from 1. Once per step
        for all weights. Without it the rule gets the hyperparameters as they are.
    purpose : str
        What it is for, in a sentence or two.
    notes : str
        Known deviations of other implementations.
    styles : mapping of str to Style
        Other libraries' forms.
    slide : int or None
        Row of the lecture's table.
    full_batch : bool
        Whether it needs the whole loss and not only a gradient (L-BFGS): `minnet.minimize` and `minnet.train` run
        it, `Optimizer.step` cannot. Its `update` is then only what `minnet show` prints.
    base : Method, instead of `rule` and `update`
        The method that this one wraps, and whose update it runs; see `wrapping`.
    wrap : callable
        ``wrap(base)`` is the same wrapper around another method.
    digest : str
        Of a user's own method: stands for everything that it is, in the names of trials and of compiled kernels.
    written : str
        Source of the rule as the user wrote it.

    Examples
    --------
    >>> from minnet.optimizers import get
    >>> get("momentum").columns
    ('lr', 'momentum')
    """

    name: str
    title: str
    formula: str
    paper: str
    defaults: Mapping[str, float]
    space: Mapping[str, Range]
    rule: Callable | None = None
    slots: tuple[str, ...] = ()
    initial: Mapping[str, float | str] = field(default_factory=dict)
    coefficients: Coefficients = given
    update: Callable | None = None
    helpers: tuple[Callable, ...] = ()
    columns: tuple[str, ...] = ()
    memory: Callable[[int, int], int] | None = None
    evaluation: Callable | None = None
    purpose: str = ""
    notes: str = ""
    styles: Mapping[str, Style] = field(default_factory=dict)
    slide: int | None = None
    full_batch: bool = False
    base: Method | None = None
    wrap: Callable[[Method], Method] | None = None
    digest: str = ""
    written: str = ""

    def __post_init__(self) -> None:
        if [self.rule, self.update, self.base].count(None) != 2:
            raise InputError(f"{self.name}: a method has either a rule or an update")
        if self.rule is not None:
            columns = tuple(inspect.signature(self.rule).parameters)[2 + len(self.slots) :]
            object.__setattr__(self, "columns", columns)
        if self.base is not None:
            object.__setattr__(self, "digest", self.base.digest)

    @property
    def elementwise(self) -> bool:
        """Whether every weight moves on its own, by a rule; else an update sees whole blocks."""
        return (self.base or self).rule is not None

    @property
    def source(self) -> str:
        """Source of the rule, or of the update."""
        if self.base is not None:
            return self.base.source
        function = self.rule or self.update
        assert function is not None
        return self.written or inspect.getsource(function)

    @property
    def style_names(self) -> tuple[str, ...]:
        """Styles that `create` takes for this method."""
        return ("paper", *self.styles)

    def in_style(self, style: str) -> Method:
        """Return the method as the library `style` writes it.

        Raises
        ------
        InputError
            If there is no such style.
        """
        check_name(f"style of {self.name}", style, self.style_names)
        if style == "paper":
            return self
        if self.base is not None and self.wrap is not None:
            return self.wrap(self.base.in_style(style))
        other = self.styles[style]
        return replace(
            self,
            defaults={**self.defaults, **other.defaults},
            rule=other.rule or self.rule,
            update=other.update or self.update,
            initial=self.initial if other.initial is None else other.initial,
            coefficients=other.coefficients or self.coefficients,
            formula=other.formula or self.formula,
            notes=other.notes or self.notes,
            written="" if other.rule or other.update else self.written,
        )

    def settings(self, hyper: Mapping[str, float]) -> dict[str, float]:
        """Return all hyperparameters, those in `hyper` instead of the defaults.

        Raises
        ------
        InputError
            For an unknown name or a value outside its bounds.
        """
        for name, value in hyper.items():
            if name not in self.defaults:
                raise InputError(f"{self.name} has no parameter {name!r}: {suggest(name, self.defaults)}")
            check_value(f"{self.name}: {name}", name, value)
        return {**self.defaults, **{name: float(value) for name, value in hyper.items()}}

    def table(self, steps: np.ndarray, lr: np.ndarray, hyper: Mapping[str, float]) -> np.ndarray:
        """Return the coefficients for every step.

        Parameters
        ----------
        steps : int array of shape (n,)
            Steps done before, from 0.
        lr : float64 array of shape (n,)
        hyper : mapping
            The other hyperparameters.

        Returns
        -------
        float64 array of shape (n, len(columns))
        """
        t = np.asarray(steps, dtype=np.float64) + 1
        values = self.coefficients(t, lr, **hyper)
        return np.stack([np.broadcast_to(values[name], t.shape) for name in self.columns], axis=1)


def check_value(label: str, name: str, value: object) -> None:
    """Raise an `InputError` unless `value` is a finite number inside the bounds of that name."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating | np.integer):
        raise InputError(f"{label} must be a number, not {value!r}")
    low, high, low_in, high_in = BOUNDS.get(name, (-np.inf, np.inf, False, False))
    above = value >= low if low_in else value > low
    below = value <= high if high_in else value < high
    if not (np.isfinite(value) and above and below):
        allowed = f"{'[' if low_in else '('}{low:g}, {high:g}{']' if high_in else ')'}"
        raise InputError(f"{label} = {value!r} is outside {allowed}")
    if name in WHOLE and value != int(value):
        raise InputError(f"{label} = {value!r} must be a whole number")
