"""From a function as a student writes it to a rule that computes in the type of its weight.

In Numba ``1 - beta`` is a float64 operation, because the literal is one. So every number in the source becomes
``type(w)(number)``: the same function, with the same line numbers, but in float32 where the weight is float32.
What a rule cannot use is refused here, in words and with its line, before a compiler is asked.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import hashlib
import inspect
import linecache
import math
import numbers
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, NoReturn

import numpy as np

from minnet.errors import InputError

BUILTINS = ("abs", "bool", "float", "int", "max", "min", "pow", "range", "round", "type")
WHOLE_POWERS = 8  # x ** n is a product up to this n
TYPE, SQRT = "_minnet_type", "_minnet_sqrt"  # what the rewritten source calls, whatever the user's names are

FORBIDDEN: Mapping[type[ast.AST], str] = {
    ast.Subscript: "w, g and the slots are single numbers, not arrays: write w, not w[i]",
    ast.List: "lists are not possible in a rule: it sees one weight at a time",
    ast.Dict: "dicts are not possible in a rule: remember numbers in slots",
    ast.Set: "sets are not possible in a rule",
    ast.ListComp: "lists are not possible in a rule: it sees one weight at a time",
    ast.SetComp: "sets are not possible in a rule",
    ast.DictComp: "dicts are not possible in a rule: remember numbers in slots",
    ast.GeneratorExp: "loops in brackets are not possible in a rule",
    ast.JoinedStr: "text is not possible in a rule: it sees numbers only",
    ast.Lambda: "write the lambda as a function of its own, above the rule",
    ast.FunctionDef: "write the inner function as a function of its own, above the rule",
    ast.AsyncFunctionDef: "write the inner function as a function of its own, above the rule",
    ast.ClassDef: "classes are not possible in a rule: remember numbers in slots",
    ast.Try: "try is not possible in a rule",
    ast.With: "with is not possible in a rule",
    ast.Raise: "raise is not possible in a rule",
    ast.Assert: "assert is not possible in a rule",
    ast.Delete: "del is not possible in a rule",
    ast.Import: "import at the top of the file, not in the rule",
    ast.ImportFrom: "import at the top of the file, not in the rule",
    ast.Global: "global is not possible in a rule: what it remembers about a weight is a slot",
    ast.Nonlocal: "nonlocal is not possible in a rule: what it remembers about a weight is a slot",
    ast.Yield: "yield is not possible in a rule: return the weight and the slots",
    ast.Await: "await is not possible in a rule",
    ast.Starred: "write out the values instead of a star",
}


@dataclass(frozen=True)
class Typed:
    """A function whose numbers have the type of its first argument.

    Attributes
    ----------
    function : callable
        In a module of its own, whose name holds the digest: Numba's cache then tells it from other versions.
    source : str
        As the user wrote it.
    digest : str
        Of the source without comments, and of all numbers and functions that it uses.
    helpers : tuple of callable
        Functions that it calls, those that they call included.
    where : str
        File and first line.
    """

    function: Callable
    source: str
    digest: str
    helpers: tuple[Callable, ...]
    where: str


def typed(function: Callable, calls: tuple[Callable, ...] = ()) -> Typed:
    """Return a function that computes in the type of its first argument.

    Parameters
    ----------
    function : callable
        Plain Python over single numbers: arithmetic, comparisons, branches, `math`, other functions of that kind.
    calls : tuple of callable
        Functions through which this one was reached.

    Raises
    ------
    InputError
        For what a rule cannot use, with the line.

    Examples
    --------
    >>> import numpy as np
    >>> def rule(w, g, lr):
    ...     return w - 0.5 * lr * g
    >>> typed(rule).function(np.float32(1), np.float32(1), np.float32(1)).dtype
    dtype('float32')
    """
    node, source, first = parse(function)
    file = file_name(function)
    if function in calls:
        raise InputError(f"{file}, line {first}: {function.__name__} calls itself, which a rule cannot do")
    visitor = _Typing(function, file, first, (*calls, function))
    changed = visitor.rewrite(node)
    digest = _digest(ast.unparse(changed), visitor.constants, [each.digest for each in visitor.called.values()])
    helpers = [h for each in visitor.called.values() for h in (*each.helpers, each.function)]
    module = ModuleType(f"minnet_own_{digest}")
    module.__dict__.update(visitor.namespace)
    module.__dict__.update({TYPE: type, SQRT: math.sqrt})
    code = compile(
        ast.Module([ast.increment_lineno(changed, first - 1)], []),
        function.__code__.co_filename,
        "exec",
        dont_inherit=True,
    )
    exec(code, module.__dict__)
    sys.modules[module.__name__] = module
    return Typed(
        function=module.__dict__[function.__name__],
        source=source,
        digest=digest,
        helpers=tuple(dict.fromkeys(helpers)),
        where=f"{file}, line {first}",
    )


def fingerprint(function: Callable | None, seen: tuple[Callable, ...] = ()) -> str:
    """Return a digest of a function that stays as it is: its source, and the numbers and functions it uses."""
    if function is None or function in seen:
        return ""
    constants, inner = {}, []
    for name in sorted({*function.__code__.co_names, *function.__code__.co_freevars}):
        value = lookup(function, name, None)
        if isinstance(value, numbers.Number | str | tuple):
            constants[name] = value
        elif isinstance(value, FunctionType) and not _library(value):
            inner.append(fingerprint(value, (*seen, function)))
    return _digest(text_of(function), constants, inner)


def text_of(function: Callable) -> str:
    """Return the source of a function; without comments, unless it is a lambda."""
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        raise InputError(f"the source of {function.__name__} cannot be read: write it into a file") from None
    return text if function.__name__ == "<lambda>" else ast.unparse(parse(function)[0])


def parse(function: Callable) -> tuple[ast.FunctionDef, str, int]:
    """Return a function's syntax tree without decorators and docstring, its source and its first line."""
    name = getattr(function, "__name__", repr(function))
    if not inspect.isfunction(function):
        raise InputError(f"{name} is not a function written in Python: use def {name}(w, g, ...)")
    if name == "<lambda>":
        raise InputError(f"{file_name(function)}, line {function.__code__.co_firstlineno}: write the rule with def, "
                         "not as a lambda")  # fmt: skip
    try:
        lines, first = inspect.getsourcelines(function)
        source = textwrap.dedent("".join(lines))
        node = ast.parse(source).body[0]
    except (OSError, TypeError, SyntaxError):
        raise InputError(f"the source of {name} cannot be read: write it into a file, as def {name}(...)") from None
    if not isinstance(node, ast.FunctionDef):
        raise InputError(f"{file_name(function)}, line {first}: write the rule with def {name}(w, g, ...)")
    node.decorator_list = []
    if ast.get_docstring(node) is not None:
        node.body = node.body[1:] or [ast.Pass(lineno=node.lineno, col_offset=0)]
    return node, source.rstrip() + "\n", first


def file_name(function: Callable) -> str:
    """Return the name of the file that a function was written in."""
    return Path(function.__code__.co_filename).name if hasattr(function, "__code__") else "<unknown>"


def lookup(function: Callable, name: str, default: Any) -> Any:
    """Return what a name that is not local means in a function."""
    for cell_name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        if cell_name == name:
            return cell.cell_contents
    return function.__globals__.get(name, getattr(builtins, name, default))


def remember_text(path: Path, text: str) -> None:
    """Let tracebacks and `inspect` show the text that was run, even if the file has changed since."""
    linecache.cache[str(path)] = (len(text), None, text.splitlines(keepends=True), str(path))


def steps_of(function: Callable) -> list[str]:
    """Return what a function does as lines of a formula: ``name ← expression``.

    Examples
    --------
    >>> from minnet.optimizers import get
    >>> steps_of(get("momentum").rule)
    ['v ← momentum * v + g', 'w ← w - lr * v']
    """
    node, _, _ = parse(function)
    weight = node.args.args[0].arg
    lines = []
    for part in node.body:
        if isinstance(part, ast.Assign) and len(part.targets) == 1:
            lines.append(f"{ast.unparse(part.targets[0])} ← {ast.unparse(part.value)}")
        elif isinstance(part, ast.AugAssign):
            target = ast.unparse(part.target)
            lines.append(f"{target} ← {ast.unparse(ast.BinOp(part.target, part.op, part.value))}")
        elif isinstance(part, ast.Return) and part.value is not None:
            values = part.value.elts if isinstance(part.value, ast.Tuple) else [part.value]
            names = [weight, *(a.arg for a in node.args.args[2:])]
            pairs = [(name, ast.unparse(value)) for name, value in zip(names, values)]
            lines += [f"{name} ← {value}" for name, value in pairs[1:] + pairs[:1] if name != value]
        else:
            lines += ast.unparse(part).splitlines()
    return lines


def _digest(source: str, constants: Mapping[str, Any], inner: list[str]) -> str:
    text = "\n".join([source, repr(sorted(constants.items())), *inner])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _library(function: Callable) -> bool:
    """Whether a function belongs to a library rather than to the user."""
    return str(getattr(function, "__module__", "")).partition(".")[0] in ("math", "numpy", "builtins", "minnet")


class _Typing(ast.NodeTransformer):
    """Types the numbers of one function, and collects what else it uses."""

    def __init__(self, function: Callable, file: str, first: int, calls: tuple[Callable, ...]) -> None:
        self.function, self.file, self.first, self.calls = function, file, first, calls
        self.namespace: dict[str, Any] = {}
        self.constants: dict[str, Any] = {}
        self.called: dict[str, Typed] = {}
        self.locals: set[str] = set()
        self.weight: str | None = None
        self.whole = False  # inside the arguments of range() and int(): numbers stay integers

    def rewrite(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Return the function with typed numbers and without defaults and annotations."""
        a = node.args
        if a.vararg or a.kwarg:
            self.refuse(node, "name every parameter: *args and **kwargs are not possible in a rule")
        parameters = [*a.posonlyargs, *a.args, *a.kwonlyargs]
        for each in parameters:
            each.annotation = None
        node.args = ast.arguments(posonlyargs=[], args=parameters, kwonlyargs=[], kw_defaults=[], defaults=[])
        node.returns = None
        self.weight = parameters[0].arg if parameters else None
        self.locals = {p.arg for p in parameters}
        self.locals |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        if not any(isinstance(n, ast.Return) and n.value is not None for n in ast.walk(node)):
            self.refuse(node, f"{node.name} returns nothing: end it with return {self.weight}, and the slots after it")
        node.body = [self.visit(part) for part in node.body]
        return ast.fix_missing_locations(node)

    def refuse(self, node: ast.AST, problem: str) -> NoReturn:
        line = getattr(node, "lineno", 1) + self.first - 1
        raise InputError(f"{self.file}, line {line}: {problem}")

    def visit(self, node: ast.AST) -> Any:
        """Visit a node, unless it is one that rules cannot have."""
        for kind, problem in FORBIDDEN.items():
            if isinstance(node, kind):
                self.refuse(node, problem)
        return super().visit(node)

    def in_type(self, node: ast.expr) -> ast.expr:
        """Return ``type(w)(node)``."""
        if self.weight is None or self.whole:
            return node
        kind = ast.Call(ast.Name(TYPE, ast.Load()), [ast.Name(self.weight, ast.Load())], [])
        return ast.copy_location(ast.Call(kind, [node], []), node)

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if isinstance(node.value, bool):
            return node
        if not isinstance(node.value, int | float):
            what = "text" if isinstance(node.value, str | bytes) else repr(node.value)
            self.refuse(node, f"{what} is not possible in a rule: it sees numbers only")
        return self.in_type(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if isinstance(node.value, ast.Constant):
            return ast.copy_location(ast.Pass(), node)
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return ast.copy_location(ast.Assign([node.target], self.visit(node.value)), node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.locals:
            return node
        missing = object()
        value = lookup(self.function, node.id, missing)
        if value is missing:
            known = [*self.locals, *(n for n in self.function.__globals__ if not n.startswith("_"))]
            close = difflib.get_close_matches(node.id, known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else "what a rule uses must be defined above it"
            self.refuse(node, f"unknown name {node.id!r}: {hint}")
        return self._outside(node, node.id, value)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        text = ast.unparse(node)
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            root = root.value
        if not isinstance(root, ast.Name) or root.id in self.locals:
            self.refuse(node, f"{text}: w, g and the slots are single numbers and have no .{node.attr}")
        value = lookup(self.function, root.id, None)
        if not isinstance(value, ModuleType):
            self.visit(root)
            self.refuse(node, f"{text} is not possible in a rule: it uses numbers and functions, no objects")
        self.namespace[root.id] = value
        for part in text.split(".")[1:]:
            if not hasattr(value, part):
                close = difflib.get_close_matches(part, dir(value), n=1, cutoff=0.5)
                hint = f": did you mean {close[0]!r}?" if close else ""
                self.refuse(node, f"{getattr(value, '__name__', text)} has no {part!r}{hint}")
            value = getattr(value, part)
        return self._outside(node, text, value)

    def _outside(self, node: Any, text: str, value: Any) -> ast.expr:
        """Take over something that is not local."""
        name = node.id if isinstance(node, ast.Name) else None
        if isinstance(value, np.bool_ | numbers.Real):
            plain = value.item() if isinstance(value, np.generic) else value
            self.constants[text] = plain
            if name:
                self.namespace[name] = plain
            return node if isinstance(plain, bool) else self.in_type(node)
        if isinstance(value, FunctionType) and not _library(value):
            if name is None:
                self.refuse(node, f"{text}: import the function by its name, from ... import {node.attr}")
            inner = typed(value, self.calls)
            self.called[name] = inner
            self.namespace[name] = inner.function
            return node
        if hasattr(value, "py_func"):
            self.constants[text] = fingerprint(value.py_func)
        elif getattr(builtins, text, None) is value:
            if text not in BUILTINS:
                self.refuse(node, f"{text} is not possible in a rule: of Python's own functions it may use "
                            f"{', '.join(BUILTINS)}")  # fmt: skip
        elif not (isinstance(value, BuiltinFunctionType | np.ufunc | type) or _library(value)):
            kind = "an array" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
            self.refuse(node, f"{text} is {kind}: a rule may use numbers, functions and math")
        if name:
            self.namespace[name] = value
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        called = node.func.id if isinstance(node.func, ast.Name) and node.func.id not in self.locals else None
        node.func = self.visit(node.func)
        outer, self.whole = self.whole, self.whole or called in ("range", "int")
        node.args = [self.visit(each) for each in node.args]
        self.whole = outer
        for each in node.keywords:
            each.value = self.visit(each.value)
        if called == "float" and len(node.args) == 1:
            return self.in_type(node.args[0])
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        if isinstance(node.op, ast.Pow):
            return self._power(node)
        for side in ("left", "right"):
            value = getattr(node, side)
            new = self.visit(value)
            setattr(node, side, self.in_type(new) if isinstance(value, ast.Compare | ast.BoolOp) else new)
        return node

    def _power(self, node: ast.BinOp) -> ast.expr:
        """Keep small whole exponents, which become products; a half is a root."""
        base, exponent = self.visit(node.left), node.right
        value = _number(exponent)
        if value == 0.5 and not self.whole:
            return ast.copy_location(ast.Call(ast.Name(SQRT, ast.Load()), [base], []), node)
        if value is not None and value == int(value) and abs(value) <= WHOLE_POWERS:
            exponent = ast.copy_location(ast.Constant(abs(int(value))), exponent)
            if value < 0:
                power = ast.copy_location(ast.BinOp(base, ast.Pow(), exponent), node)
                one = self.in_type(ast.copy_location(ast.Constant(1), node))
                return ast.copy_location(ast.BinOp(one, ast.Div(), power), node)
            return ast.copy_location(ast.BinOp(base, ast.Pow(), exponent), node)
        return ast.copy_location(ast.BinOp(base, ast.Pow(), self.visit(exponent)), node)


def _number(node: ast.expr) -> float | None:
    """Return the value of a literal number, with its sign."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _number(node.operand)
        return None if value is None else -value
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return float(node.value)
    return None
