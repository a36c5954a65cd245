"""A surface from a function in a user's own file."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minnet.errors import InputError, suggest
from minnet.optimizers.own import run_file
from minnet.surfaces import plain
from minnet.surfaces.dual import differentiated
from minnet.surfaces.expression import BOX, inside
from minnet.surfaces.surface import Box, Point, Surface


def own(name: str, start: Point | None = None, box: Box = BOX) -> Surface:
    """Return the surface of a function in a file, named ``FILE.py:FUNCTION``.

    ``f(x, y) -> value`` is differentiated by minnet: it may use arithmetic and NumPy's functions.
    ``f(point) -> (value, gradient)`` brings its own gradient, and walks are compiled if it is.

    Raises
    ------
    InputError
        If there is no such function, or it returns something else.
    """
    file, _, wanted = name.rpartition(":")
    path = Path(file).expanduser()
    module = run_file(path)
    function = vars(module).get(wanted)
    if not callable(function):
        mine = [key for key, each in vars(module).items() if getattr(each, "__module__", "") == module.__name__]
        raise InputError(f"{path} has no function {wanted!r}: {suggest(wanted, mine)}")
    value, gradient, fun = _of_point(function) if _arguments(name, function) == 1 else _of_two(function)
    surface = Surface(
        name="own",
        title="A function of one's own",
        formula=name,
        value=value,
        gradient=gradient,
        start=start or inside(box),
        box=box,
        fun=fun,
    )
    _try(surface)
    return surface


def _arguments(name: str, function: Callable) -> int:
    try:
        count = len(inspect.signature(getattr(function, "py_func", function)).parameters)
    except ValueError:
        count = 0
    if count not in (1, 2):
        raise InputError(f"{name} takes {count} arguments: write f(x, y) -> value or f(point) -> (value, gradient)")
    return count


def _of_point(function: Callable) -> tuple[Callable, Callable, Callable]:
    """Return value and gradient of ``f(point) -> (value, gradient)``, and the function as `minimize` takes it."""

    def at(x: float, y: float) -> tuple[float, np.ndarray]:
        return plain.ask(function, np.array([x, y], dtype=np.float64))

    return _over_arrays(lambda x, y: at(x, y)[0]), lambda x, y: tuple(at(x, y)[1]), function


def _of_two(function: Callable) -> tuple[Callable, Callable, None]:
    """Return value and gradient of ``f(x, y) -> value``."""
    function = getattr(function, "py_func", function)

    def number(x: Any, y: Any) -> Any:
        answer = function(x, y)
        if answer is None or isinstance(answer, tuple | list):
            raise InputError(f"f(x, y) must return a number, not {type(answer).__name__}")
        return answer

    return _over_arrays(number), differentiated(number), None


def _over_arrays(value: Callable) -> Callable:
    many = np.vectorize(value, otypes=[np.float64])

    def over(x: Any, y: Any) -> Any:
        with np.errstate(all="ignore"):
            return many(x, y)[()]

    return over


def _try(surface: Surface) -> None:
    """Call a function once where it starts, so that what is wrong with it is said before the race."""
    try:
        x, y = surface.start
        surface.value(x, y)
        surface.gradient(x, y)
    except InputError as error:
        raise InputError(f"{surface.formula}: {error}") from None
    except OverflowError:
        pass
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{surface.formula}: {said} (f(x, y) may use arithmetic and NumPy's functions, as np.sin; "
            "f(point) -> (value, gradient) may do anything)"
        ) from None
