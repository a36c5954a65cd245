"""Methods of a user's own: declared with `rule` in Python, or named by file and function, ``mine.py:my_method``."""

from __future__ import annotations

import functools
import hashlib
import inspect
import math
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, overload

import numpy as np

from minnet.errors import InputError, suggest
from minnet.optimizers import typed as typing
from minnet.optimizers.base import Coefficients, Method, Range, Style, check_value

STEP = "t"  # a parameter of this name is the number of the step, from 1
SEARCH = 100.0  # a step size without a range is looked for between lr / 100 and 100 lr
GRADIENTS = (1.0, -1.0, 1e-4, 1000.0, 0.0)
STEPS = 3

_lock = threading.RLock()
_modules: dict[tuple[Path, str], ModuleType] = {}
_loaded: dict[tuple[str, str], Method] = {}
_declared: dict[str, Method] = {}
_checked: dict[tuple, Method] = {}

Space = Mapping[str, Range | Sequence[Any]]


@overload
def rule(function: Callable) -> Method: ...


@overload
def rule(
    function: None = None,
    *,
    slots: Sequence[str] | None = None,
    defaults: Mapping[str, float] | None = None,
    space: Space | None = None,
    coefficients: Coefficients | None = None,
    initial: Mapping[str, float | str] | None = None,
    name: str | None = None,
    title: str | None = None,
    formula: str | None = None,
) -> Callable[[Callable], Method]: ...


def rule(function: Callable | None = None, **settings: Any) -> Any:
    """Make a method of a plain function: one step of one weight.

    ``function(w, g, *slots, *coefficients) -> (w, *slots)`` takes a weight, its gradient, what the method
    remembers about the weight, and the hyperparameters, all single numbers. It is compiled and then works wherever
    the name of a method does. Numbers in its source are computed in the type of the weight.

    Parameters
    ----------
    slots : sequence of str, optional
        What is remembered, in the order of the parameters after `w` and `g`; by default those that have no default.
    defaults : mapping, optional
        Values of the hyperparameters, `lr` included; by default those of the function's parameters.
    space : mapping, optional
        Where tuning looks: `Range`, or (low, high). Without one for `lr`, from a hundredth to a hundred times its
        default.
    coefficients : callable, optional
        ``coefficients(t, lr, **hyper) -> {name: value}`` in float64, once per step for all weights; the rule then
        gets these instead of the hyperparameters. `t`, an array, counts from 1. Without it a parameter named `t`
        of the rule is the number of the step.
    initial : mapping, optional
        Slots that do not start at 0: at a number, or at "params", the initial weights.
    name, title, formula : str, optional
        By default the function's name, and its source.

    Returns
    -------
    Method

    Raises
    ------
    InputError
        If the function is no rule; in one line, with the line of the source.

    Examples
    --------
    >>> import minnet
    >>> @minnet.rule
    ... def heavy_ball(w, g, v, lr=0.1, momentum=0.9):
    ...     v = momentum * v + g
    ...     return w - lr * v, v
    >>> heavy_ball.slots, heavy_ball.space["lr"]
    (('v',), Range(low=0.001, high=10.0, scale='log'))
    >>> minnet.optimizers.create(heavy_ball, momentum=0.5).hyper
    {'momentum': 0.5}
    """
    if function is None:
        return functools.partial(declare, **settings)
    return declare(function, **settings)


def declare(
    function: Callable,
    *,
    slots: Sequence[str] | None = None,
    defaults: Mapping[str, float] | None = None,
    space: Space | None = None,
    coefficients: Coefficients | None = None,
    initial: Mapping[str, float | str] | None = None,
    name: str | None = None,
    title: str | None = None,
    formula: str | None = None,
) -> Method:
    """Return the method of a function: see `rule`."""
    if isinstance(function, Method):
        return adopt(function)
    if not inspect.isfunction(function):
        raise InputError(f"minnet.rule makes a method of a function, not of {type(function).__name__}")
    name = name or function.__name__
    parameters = [*inspect.signature(function).parameters.values()]
    if len(parameters) < 2:
        raise InputError(f"{name}: a rule takes a weight and its gradient first, as in def {name}(w, g, lr=0.1)")
    given = {p.name: p.default for p in parameters[2:] if p.default is not p.empty}
    values = _values(name, {**given, **(defaults or {})})
    rest = [p.name for p in parameters[2:]]
    remembered = _slots(name, rest, values, slots, coefficients)
    _columns(name, rest[len(remembered) :], values, coefficients)
    done = typing.typed(function)
    text = inspect.getdoc(function)
    method = Method(
        name=name,
        title=title or name,
        formula=formula or "\n".join(typing.steps_of(function)),
        paper=f"your own: {done.where}",
        purpose=" ".join((text or "").partition("\n\n")[0].split()),
        rule=done.function,
        slots=remembered,
        initial=dict(initial or {}),
        coefficients=coefficients or (_with_step if STEP in rest else _as_given),
        defaults=values,
        space=_space(name, values, space),
        helpers=done.helpers,
        written=done.source,
    )
    return _finished(method, done.digest)


def adopt(method: Method) -> Method:
    """Return a `Method` that a user made by hand, checked and with the digest that names its results."""
    if method.digest:
        return method
    with _lock:
        key = (method.name, method.rule, method.update, method.coefficients, tuple(method.defaults.items()))
        if key not in _checked:
            if "lr" not in method.defaults:
                raise InputError(f"{method.name}: a method needs a step size: put lr into its defaults")
            if method.rule is not None:
                done = typing.typed(method.rule)
                method = replace(method, rule=done.function, helpers=done.helpers, written=done.source)
            space = _space(method.name, method.defaults, method.space)
            digest = done.digest if method.rule is not None else typing.fingerprint(method.update)
            styles = {label: _typed_style(style) for label, style in method.styles.items()}
            digest += "".join(typing.fingerprint(s.rule or s.update) for s in method.styles.values())
            _checked[key] = _finished(replace(method, space=space, styles=styles), digest)
        return _checked[key]


def _typed_style(style: Style) -> Style:
    return style if style.rule is None else replace(style, rule=typing.typed(style.rule).function)


def name_of(method: Method, registry: Mapping[str, Method]) -> str:
    """Return a name under which `find` knows a method from now on."""
    if registry.get(method.name) is method:
        return method.name
    if method.name in registry:
        raise InputError(f"there is a method {method.name!r} already: name yours otherwise, minnet.rule(name='mine')")
    method = adopt(method)
    if not is_file(method.name):
        _declared[method.name] = method
    _loaded[method.name, method.digest] = method
    return method.name


def is_file(name: str) -> bool:
    """Return whether a name stands for a method in a file.

    Examples
    --------
    >>> is_file("mine.py:my_method"), is_file("mine.py"), is_file("adam")
    (True, True, False)
    """
    return name.endswith(".py") or name.rpartition(":")[0].endswith(".py")


def declared(name: str) -> bool:
    """Return whether a method of that name was declared in this process and used."""
    return name in _declared


def find(name: str, digest: str = "") -> Method | None:
    """Return a method of the user's own, or None if `name` is none.

    Parameters
    ----------
    name : str
        Of a declared method, or ``FILE.py:FUNCTION``.
    digest : str
        Of the version that is meant; without it, the one that is there now.
    """
    if (name, digest) in _loaded:
        return _loaded[name, digest]
    method = load(name) if is_file(name) else _declared.get(name)
    if method is not None and digest and method.digest != digest:
        raise InputError(f"{name} is not what it was in this run: its source has changed since")
    return method


def load(name: str) -> Method:
    """Return the method that ``FILE.py:FUNCTION`` names; the file is run once for each of its contents.

    Raises
    ------
    InputError
        If there is no such file or function, or it is no rule.
    """
    file, _, wanted = ("", "", "") if name.endswith(".py") else name.rpartition(":")
    path = Path(file or name).expanduser()
    with _lock:
        module = run_file(path)
        found = {key: value for key, value in vars(module).items() if _is_method(module, value)}
        if not wanted:
            raise InputError(f"{name}: name the method as well, as in {name}:{next(iter(found), 'my_method')} "
                             f"({path.name} has: {', '.join(found) or 'none'})")  # fmt: skip
        if wanted not in vars(module):
            raise InputError(f"{path} has no {wanted!r}: {suggest(wanted, found)}")
        value = getattr(module, wanted)
        if not isinstance(value, Method) and not inspect.isfunction(value):
            raise InputError(f"{path}: {wanted} is a {type(value).__name__}; a method is a function "
                             "def my_method(w, g, lr=0.1) or a minnet.optimizers.Method")  # fmt: skip
        key = (path.resolve(), module.__name__, wanted)
        if key not in _checked:
            method = adopt(value) if isinstance(value, Method) else declare(value)
            _checked[key] = method
        method = replace(_checked[key], name=name)
        _loaded[name, method.digest] = method
        return _loaded[name, method.digest]


def _is_method(module: ModuleType, value: Any) -> bool:
    """Whether a value of a module can be meant as a method: declared, or a function of that file with a step size."""
    if isinstance(value, Method):
        return True
    mine = inspect.isfunction(value) and value.__module__ == module.__name__
    return mine and "lr" in inspect.signature(value).parameters


def run_file(path: Path) -> ModuleType:
    """Run a file, unless its present content was run before."""
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        nearest = suggest(path.name, sorted(p.name for p in path.parent.glob("*.py"))) if path.parent.is_dir() else ""
        raise InputError(f"no file {path} (in {Path.cwd()}): {nearest or 'check the path'}") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"cannot read {path}: it is not UTF-8 text") from None
    key = (path.resolve(), hashlib.sha256(content).hexdigest())
    if key not in _modules:
        module = ModuleType(f"minnet_file_{key[1][:16]}_{len(_modules)}")
        module.__file__ = str(key[0])
        typing.remember_text(key[0], text)
        sys.modules[module.__name__] = module
        folder = str(key[0].parent)
        sys.path.insert(0, folder)  # as for a script: its neighbours can be imported
        try:
            exec(compile(text, str(key[0]), "exec", dont_inherit=True), module.__dict__)
        except InputError:
            raise
        except SyntaxError as error:
            raise InputError(f"{path}, line {error.lineno}: {error.msg}") from None
        except Exception as error:
            raise InputError(f"{path}, line {_line_in(error, str(key[0]))}: {_said(error)}") from None
        finally:
            sys.path.remove(folder)
        _modules[key] = module
    return _modules[key]


def _values(name: str, values: Mapping[str, Any]) -> dict[str, float]:
    if "lr" not in values:
        raise InputError(f"{name}: a method needs a step size: add a parameter lr with a default, as in lr=0.1")
    if STEP in values:
        raise InputError(f"{name}: t is the number of the step and has no default value")
    for key, value in values.items():
        check_value(f"{name}: the default of {key}", key, value)
    return {key: float(value) for key, value in values.items()}


def _slots(
    name: str, rest: list[str], values: Mapping[str, float], slots: Sequence[str] | None, coefficients: Any
) -> tuple[str, ...]:
    """Return the slots: as said, or the parameters up to the first hyperparameter."""
    if slots is not None:
        slots = (slots,) if isinstance(slots, str) else tuple(slots)
        if tuple(rest[: len(slots)]) != slots:
            raise InputError(f"{name}: after w and g its parameters must begin with its slots {', '.join(slots)}, "
                             f"but they are {', '.join(rest) or 'none'}")  # fmt: skip
        return slots
    if coefficients is not None:
        raise InputError(f"{name}: with coefficients of your own, say which parameters are slots: slots=('v',)")
    end = next((i for i, each in enumerate(rest) if each in values or each == STEP), len(rest))
    return tuple(rest[:end])


def _columns(name: str, columns: list[str], values: Mapping[str, float], coefficients: Any) -> None:
    """Find a parameter without value, or a value without parameter."""
    if coefficients is not None:
        return
    for each in columns:
        if each not in values and each != STEP:
            raise InputError(f"{name}: {each} has no value: give it a default, as in {each}=0.9, or, if it is "
                             "remembered from step to step, write it before lr")  # fmt: skip
    for each in values:
        if each not in columns:
            raise InputError(f"{name}: its function has no parameter {each!r}: {suggest(each, columns)}")


def _space(name: str, values: Mapping[str, float], space: Space | None) -> dict[str, Range]:
    found = {}
    for key, given in (space or {}).items():
        if key not in values:
            raise InputError(f"{name}: space names {key!r}, which is no hyperparameter: {suggest(key, values)}")
        try:
            found[key] = given if isinstance(given, Range) else Range(*given)
            bad = not 0 < found[key].low < found[key].high and found[key].scale == "log"
        except TypeError:
            bad = True
        if bad:
            raise InputError(f"{name}: the space of {key} must be (low, high) with 0 < low < high, not {given!r}")
    if "lr" not in found:
        if not values["lr"] > 0:
            raise InputError(f"{name}: lr = {values['lr']:g} by default: give its range, space={{'lr': (1e-4, 1)}}")
        low, high = (float(f"{values['lr'] * factor:.4g}") for factor in (1 / SEARCH, SEARCH))
        found["lr"] = Range(low, high)
    return found


def _as_given(t: np.ndarray, lr: np.ndarray, **hyper: float) -> dict[str, Any]:
    return {"lr": lr, **hyper}


def _with_step(t: np.ndarray, lr: np.ndarray, **hyper: float) -> dict[str, Any]:
    return {STEP: t, "lr": lr, **hyper}


def _finished(method: Method, source: str) -> Method:
    """Return the method with its digest, once it has passed the checks."""
    own = [f for f in (method.coefficients, method.evaluation, method.memory) if f not in (_as_given, _with_step)]
    parts = [source, *(typing.fingerprint(f) for f in own if f is not None and not _ours(f))]
    facts = (method.slots, sorted(method.defaults.items()), sorted(method.initial.items()))
    digest = hashlib.sha256(repr((parts, facts)).encode()).hexdigest()[:16]
    method = replace(method, digest=digest)
    if method.rule is not None:
        check(method)
    return method


def _ours(function: Callable) -> bool:
    return str(getattr(function, "__module__", "")).startswith("minnet.")


def check(method: Method) -> None:
    """Try a rule on single numbers, as plain Python.

    Raises
    ------
    InputError
        If it returns another number of values than slots plus one, something that is no number, or a value that
        is not finite.
    """
    table = _coefficients(method)
    ends = {}
    for g in GRADIENTS:
        start = [method.initial.get(name, 0.0) for name in method.slots]
        w, slots = 0.5, [0.5 if value == "params" else float(value) for value in start]
        for row in table:
            w, *slots = _step(method, w, g, slots, row.tolist())
        ends[g] = (w, *slots)
    if len(set(ends.values())) == 1:
        warnings.warn(f"{method.name} does the same whatever the gradient is: does it use g?", stacklevel=2)
    elif all(end[0] == 0.5 for end in ends.values()):
        warnings.warn(f"{method.name} never changes the weight: it should return w - lr * ...", stacklevel=2)


def _coefficients(method: Method) -> np.ndarray:
    hyper = {key: value for key, value in method.defaults.items() if key != "lr"}
    try:
        return method.table(np.arange(STEPS), np.full(STEPS, method.defaults["lr"]), hyper)
    except KeyError as error:
        raise InputError(f"{method.name}: its coefficients do not name {error}, which its rule takes") from None
    except (TypeError, ValueError, AttributeError, NameError, ArithmeticError) as error:
        raise InputError(f"{method.name}: its coefficients cannot be computed: {_said(error)}") from None


def _step(method: Method, w: float, g: float, slots: Sequence[float], row: list[float]) -> tuple[float, ...]:
    assert method.rule is not None
    file, where = method.rule.__code__.co_filename, f"{Path(method.rule.__code__.co_filename).name}, line"
    try:
        with np.errstate(all="ignore"):
            out = method.rule(w, g, *slots, *row)
    except ZeroDivisionError as error:
        raise InputError(f"{where} {_line_in(error, file)}: {method.name} divides by zero at g = {g:g}: "
                         "add a small number below the line, as in / (math.sqrt(v) + 1e-8)") from None  # fmt: skip
    except (ArithmeticError, ValueError, TypeError, NameError, AttributeError) as error:
        raise InputError(f"{where} {_line_in(error, file)}: {method.name} fails at g = {g:g}: {_said(error)}") from None
    values = out if isinstance(out, tuple) else (out,)
    expected = ", ".join(("w", *method.slots))
    if isinstance(out, tuple) and len(out) == 1:
        raise InputError(f"{method.name} returns a tuple of one value: return w, without a comma")
    if len(values) != len(method.slots) + 1:
        sizes = f"returns {_count(len(values), 'value')}, but the weight and its {_count(len(method.slots), 'slot')}"
        raise InputError(f"{method.name} {sizes} make {len(method.slots) + 1}: return {expected}")
    for label, value in zip(("w", *method.slots), values):
        if isinstance(value, bool | complex) or not isinstance(value, int | float | np.floating | np.integer):
            raise InputError(f"{method.name} returns {value!r} for {label}, which is no real number: return {expected}")
        if not math.isfinite(value):
            raise InputError(f"{method.name} returns {label} = {value} at g = {g:g}: where a gradient is that, "
                             "training would break down")  # fmt: skip
    return tuple(float(value) for value in values)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def explain(method: Method, error: Exception) -> InputError:
    """Return what Numba could not compile, in one line."""
    function = method.rule or method.update
    assert function is not None
    text, file = str(error), Path(function.__code__.co_filename).name
    line = re.search(rf'File "[^"]*{re.escape(file)}", line (\d+)', text)
    where = f"{file}, line {line[1]}: " if line else ""
    return InputError(f"{where}{method.name} cannot be compiled: {_cause(text, function.__name__)}")


def _cause(text: str, rule_name: str) -> str:
    """Return the innermost cause in an error of Numba's."""
    if found := re.search(r"Unknown attribute '(\w+)' of type Module\(<module '(\w+)'", text):
        return f"{found[2]}.{found[1]} is not possible in compiled code"
    if found := re.search(r"unsupported NumPy function '([\w.]+)'", text):
        return f"{found[1]} is not possible in compiled code"
    if "unify" in text:
        return "a name holds a number in one branch and something else in another"
    called = [name for name in re.findall(r"No implementation of function Function\((.+?)\) found", text)
              if f"function {rule_name} " not in name]  # fmt: skip
    if called:
        return f"{re.sub(r' at 0x[0-9a-f]+', '', called[-1])} cannot take what it is given here"
    lines = [line.strip() for line in text.splitlines() if line.strip() and "Failed in nopython" not in line]
    return (lines[0] if lines else "no reason given")[:200]


def _line_in(error: BaseException, file: str) -> int:
    """Return the last line of a file that an error came through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return (lines[-1] if lines else 0) or 0


def _said(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
