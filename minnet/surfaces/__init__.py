"""Functions to walk down: two-dimensional test functions, `minimize` for any function, and races on them."""

from __future__ import annotations

from minnet.surfaces.descent import Descent, minimize, steps_to
from minnet.surfaces.expression import expression
from minnet.surfaces.find import find
from minnet.surfaces.functions import create, names
from minnet.surfaces.functions.ravine import ravine
from minnet.surfaces.race import growth, race, random_starts, scaling
from minnet.surfaces.surface import Surface
from minnet.surfaces.track import Track

__all__ = [
    "Descent",
    "Surface",
    "Track",
    "create",
    "expression",
    "find",
    "growth",
    "minimize",
    "names",
    "race",
    "random_starts",
    "ravine",
    "scaling",
    "steps_to",
]
