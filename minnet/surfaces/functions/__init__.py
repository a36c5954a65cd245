"""The test functions: one file each. A file in this folder with a function of its own name is a surface."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

from minnet.errors import InputError, check_name, suggest
from minnet.surfaces.surface import Surface


def names() -> list[str]:
    """Return the names of the test functions.

    Examples
    --------
    >>> names()[:4]
    ['beale', 'cliff', 'himmelblau', 'noisy_quadratic']
    """
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def create(name: str, **options: float) -> Surface:
    """Return a test function.

    Parameters
    ----------
    name : str
        One of `names()`.
    **options : float
        As `condition` and `angle` of the ravine.

    Raises
    ------
    InputError
        For an unknown name or option.

    Examples
    --------
    >>> create("ravine", condition=10).formula
    '½ (x² + κ y²)'
    >>> create("beale", condition=10)
    Traceback (most recent call last):
        ...
    minnet.errors.InputError: beale has no option 'condition': allowed: none
    """
    check_name("surface", name, names())
    make = getattr(importlib.import_module(f"{__name__}.{name}"), name)
    for option in options:
        if option not in inspect.signature(make).parameters:
            raise InputError(f"{name} has no option {option!r}: {suggest(option, inspect.signature(make).parameters)}")
    return make(**options)
