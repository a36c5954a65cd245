"""The methods: one file each. A file with a `METHOD` in this folder is in the registry; nothing else lists it."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import Any

from minnet.errors import InputError, check_name
from minnet.optimizers import own
from minnet.optimizers.base import Method, Range, Style
from minnet.optimizers.optimizer import LearningRate, Optimizer, State
from minnet.optimizers.own import rule

__all__ = ["Method", "Optimizer", "Range", "State", "Style", "create", "get", "name_of", "names", "rule"]


@functools.cache
def _registry() -> dict[str, Method]:
    modules = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)
               if m.name != "compile")  # fmt: skip
    methods = [m.METHOD for m in modules if hasattr(m, "METHOD")]
    last = 1 + max(m.slide or 0 for m in methods)
    return {m.name: m for m in sorted(methods, key=lambda m: (m.slide or last, m.name))}


def names(group: str = "all") -> list[str]:
    """Return the names of the methods, the lecture's first.

    Parameters
    ----------
    group : {"all", "lecture"}

    Examples
    --------
    >>> names("lecture")[:3]
    ['sgd', 'momentum', 'nesterov']
    """
    check_name("group of optimizers", group, ["all", "lecture"])
    return [m.name for m in _registry().values() if group == "all" or m.slide is not None]


def get(name: str | Method, style: str = "paper", digest: str = "") -> Method:
    """Return the method `name` as the library `style` writes it.

    The name of a wrapper may be followed by the method it is to wrap, in brackets; the style is then that of the
    method inside. A method in a file of one's own is named ``FILE.py:FUNCTION``; `digest` asks for the version of it
    that had this one.

    Raises
    ------
    InputError
        (a `ValueError`) If there is no such method or style; it names the nearest.

    Examples
    --------
    >>> get("adam").slots
    ('m', 'v')
    >>> get("rmsprop", "torch").defaults["rho"]
    0.99
    >>> get("lookahead(adam)").slots
    ('m', 'v', 'slow_weights')
    """
    if isinstance(name, Method):
        name = name_of(name)
    outer, bracket, inner = name.partition("(")
    wrap = _registry()[outer].wrap if bracket and inner.endswith(")") and outer in _registry() else None
    if wrap is not None:
        return wrap(get(inner[:-1].strip(), style, digest))
    mine = None if name in _registry() else own.find(name, digest)
    if mine is not None:
        return mine.in_style(style)
    check_name("optimizer", name, _registry())
    return _registry()[name].in_style(style)


def known(name: str) -> bool:
    """Return whether `get` may know a name: a method, a wrapper around something, or a file.

    Examples
    --------
    >>> known("adam"), known("sam(sgd)"), known("mine.py:f"), known("adm")
    (True, True, True, False)
    """
    outer = name.partition("(")[0]
    return outer in _registry() or own.is_file(name) or own.declared(name)


def name_of(method: str | Method) -> str:
    """Return the name under which `get` finds a method of the user's own that was given itself."""
    return own.name_of(method, _registry()) if isinstance(method, Method) else method


def create(name: str | Method, style: str = "paper", lr: LearningRate | None = None, **hyper: Any) -> Optimizer:
    """Return a method with its hyperparameters, ready to step.

    Parameters
    ----------
    name : str or Method
        One of `names()`, a wrapper around one ("lookahead(adam)", "sam(momentum)"), a method of your own ("mine.py:f",
        or what `minnet.rule` returned).
    style : str
        Whose form and defaults: "paper", or a library's.
    lr : float or schedule, optional
        Step size; the style's default if not given.
    **hyper : float
        Other hyperparameters of the method.

    Raises
    ------
    InputError
        (a `ValueError`) For an unknown name, style or parameter, naming the nearest, or a value out of bounds.

    Examples
    --------
    >>> create("adam", lr=1e-3, beta1=0.8).hyper
    {'beta1': 0.8, 'beta2': 0.999, 'eps': 1e-08}
    >>> create("adam", beta=0.8)
    Traceback (most recent call last):
        ...
    minnet.errors.InputError: adam has no parameter 'beta': did you mean 'beta2'? (allowed: lr, beta1, beta2, eps)
    """
    if not isinstance(name, str | Method):
        hint = ": decorate it with @minnet.rule" if callable(name) else ""
        raise InputError(f"an optimizer is named by a string, not {type(name).__name__}{hint}")
    return Optimizer(get(name, style), style, hyper, lr)
