"""A surface from an expression that a user typed: read as arithmetic, never run as a program."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minnet.errors import InputError, suggest
from minnet.surfaces.dual import differentiated
from minnet.surfaces.surface import Box, Point, Surface

LONGEST = 1000  # characters
DEEPEST = 100  # operations inside one another
VARIABLES = ("x", "y")
CONSTANTS = {"pi": math.pi, "e": math.e}
OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
FUNCTIONS: Mapping[str, np.ufunc] = {
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "cbrt": np.cbrt,
    "abs": np.abs,
}
BOX: Box = (-3.0, 3.0, -3.0, 3.0)


def expression(text: str, start: Point | None = None, box: Box = BOX) -> Surface:
    """Return the surface of an expression in x and y, differentiated by minnet.

    Parameters
    ----------
    text : str
        Numbers, x, y, pi, e, ``+ - * / **``, brackets and sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, exp,
        log, sqrt, cbrt, abs.
    start : (x, y), optional
        Without it, towards the upper left corner of the box.
    box : (x low, x high, y low, y high)

    Raises
    ------
    InputError
        For anything else in it; it is never run as a program.

    Examples
    --------
    >>> surface = expression("x**2 + 3*sin(y)*y")
    >>> value, gradient = surface(np.array([1.0, 0.0]))
    >>> float(value), gradient.tolist()
    (1.0, [2.0, 0.0])
    """
    tree = _parse(text)
    evaluate = _node(tree, text, 0)
    if not any(isinstance(node, ast.Name) and node.id in VARIABLES for node in ast.walk(tree)):
        raise InputError(f"{text!r} is the same everywhere: write an expression in x and y")

    def value(x: Any, y: Any) -> Any:
        with np.errstate(all="ignore"):
            return evaluate({"x": np.asarray(x, dtype=np.float64)[()], "y": np.asarray(y, dtype=np.float64)[()]})

    return Surface(
        name="expression",
        title="An expression",
        formula=text.replace("**", "^"),
        value=value,
        gradient=differentiated(lambda x, y: evaluate({"x": x, "y": y})),
        start=start or inside(box),
        box=box,
    )


def inside(box: Box) -> Point:
    """Return where to start in a box of which nothing is known.

    Examples
    --------
    >>> inside((0.0, 10.0, 0.0, 10.0))
    (1.5, 8.0)
    """
    x0, x1, y0, y1 = box
    return x0 + 0.15 * (x1 - x0), y0 + 0.8 * (y1 - y0)


def _parse(text: str) -> ast.expr:
    if len(text) > LONGEST:
        raise InputError(f"the expression has {len(text)} characters: {LONGEST} at most, or write a function in a file")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise InputError(f"{text!r} is no expression: write for example 'x**2 + 3*sin(y)*y'") from None


def _node(node: ast.AST, text: str, depth: int) -> Callable[[Mapping[str, Any]], Any]:
    """Return what computes a part of an expression from x and y."""
    if depth > DEEPEST:
        raise InputError(
            f"the expression has more than {DEEPEST} operations inside one another: write a function in a file"
        )
    parts = [_node(part, text, depth + 1) for part in _operands(node)]
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            constant = _float(number)
            return lambda point: constant
        case ast.Name(id=name) if name in VARIABLES:
            return lambda point: point[name]
        case ast.Name(id=name) if name in CONSTANTS:
            constant = np.float64(CONSTANTS[name])
            return lambda point: constant
        case ast.Name(id=name):
            raise InputError(f"unknown name {name!r} in {text!r}: {suggest(name, [*VARIABLES, *CONSTANTS])}")
        case ast.UnaryOp(op=op) | ast.BinOp(op=op) if type(op) in OPERATORS:
            apply = OPERATORS[type(op)]
            return lambda point: apply(*(part(point) for part in parts))
        case ast.BinOp(op=ast.BitXor()):
            raise InputError(f"write ** for a power in {text!r}, not ^")
        case ast.Call(func=ast.Name(id=name), args=[_], keywords=[]) if name in FUNCTIONS:
            function = FUNCTIONS[name]
            return lambda point: function(parts[0](point))
        case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
            raise InputError(f"{name} takes one argument in {text!r}, as {name}(x)")
        case ast.Call(func=ast.Name(id=name)):
            raise InputError(f"unknown function {name!r} in {text!r}: {suggest(name, FUNCTIONS)}")
    raise InputError(
        f"{ast.unparse(node)!r} in {text!r} is no arithmetic: write numbers, x, y, + - * / ** and functions"
    )


def _operands(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.UnaryOp(operand=operand):
            return [operand]
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case ast.Call(args=args):
            return args
    return []


def _float(number: int | float) -> np.float64:
    try:
        return np.float64(number)
    except OverflowError:
        return np.float64(math.inf)
