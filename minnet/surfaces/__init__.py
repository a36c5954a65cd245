"""Functions to walk down: two-dimensional test functions, `minimize` for any function, and races on them."""

from __future__ import annotations

from minnet.surfaces.descent import Descent, minimize, steps_to
from minnet.surfaces.functions import create, names
from minnet.surfaces.functions.ravine import ravine
from minnet.surfaces.race import Track, growth, race, scaling
from minnet.surfaces.surface import Surface

__all__ = [
    "Descent",
    "Surface",
    "Track",
    "create",
    "growth",
    "minimize",
    "names",
    "race",
    "ravine",
    "scaling",
    "steps_to",
]
