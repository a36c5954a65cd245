"""A surface by what a user calls it: a name, a function in a file, or an expression."""

from __future__ import annotations

import dataclasses

from minnet.errors import InputError, check_name
from minnet.surfaces import functions
from minnet.surfaces.expression import BOX, VARIABLES, expression
from minnet.surfaces.own import own
from minnet.surfaces.surface import Box, Point, Surface


def find(what: str, start: Point | None = None, box: Box | None = None, **options: float) -> Surface:
    """Return a surface.

    Parameters
    ----------
    what : str
        One of `names()`, ``FILE.py:FUNCTION`` or an expression in x and y.
    start : (x, y), optional
    box : (x low, x high, y low, y high), optional
    **options : float
        Of a surface with a name, as `condition` of the ravine.

    Raises
    ------
    InputError
        If there is no such surface, or the box is empty.

    Examples
    --------
    >>> find("x**2 + y**4", box=(-1, 1, -1, 1)).start
    (-0.7, 0.6000000000000001)
    >>> find("beal")
    Traceback (most recent call last):
        ...
    minnet.errors.InputError: unknown surface 'beal': did you mean 'beale'? (allowed: beale, ...)
    """
    if box is not None and not (box[0] < box[1] and box[2] < box[3]):
        raise InputError(f"box {box} is empty: write x low, x high, y low, y high, as -3,3,-2,2")
    known = functions.names()
    if what in known or (what.isidentifier() and what not in VARIABLES):
        check_name("surface", what, known)
        surface = functions.create(what, **options)
        return dataclasses.replace(surface, start=start or surface.start, box=box or surface.box)
    if options:
        raise InputError(f"{what!r} has no option {next(iter(options))!r}: only surfaces with a name have options")
    file = what.rpartition(":")[0]
    return (own if file.endswith(".py") else expression)(what, start, box or BOX)
