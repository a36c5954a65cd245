"""Surfaces of one's own: expressions, functions in files, their derivatives, and races to an unknown minimum."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from minnet import jit, surfaces
from minnet.errors import InputError
from minnet.surfaces.dual import COMPARISONS, PARTIALS, SLOPES, Dual, differentiated, variables
from minnet.surfaces.track import EXACT

POINTS = np.random.default_rng(0).uniform(0.1, 0.9, (2, 25))


def central(value, x, y, h=1e-6):
    return (value(x + h, y) - value(x - h, y)) / (2 * h), (value(x, y + h) - value(x, y - h)) / (2 * h)


@pytest.mark.parametrize("function", [*SLOPES, *PARTIALS], ids=lambda function: function.__name__)
def test_every_derivative_by_central_differences(function):
    def value(x, y):
        return function(0.7 * x + 0.2 * y) if function.nin == 1 else function(x + 0.2 * y, x * y + 0.1)

    for ours, difference in zip(differentiated(value)(*POINTS), central(value, *POINTS)):
        assert_allclose(np.broadcast_to(ours, 25), difference, rtol=1e-7, atol=1e-7)


def test_numbers_on_either_side_comparisons_and_what_has_no_derivative():
    x, y = variables(2.0, 3.0)
    for result, expected in [
        (1 - x, (-1, -1, 0)),
        (6 / y, (2, 0, -2 / 3)),
        (2**x, (4, 4 * np.log(2), 0)),
        (-x, (-2, -1, 0)),
    ]:
        assert_allclose((result.value, result.dx, result.dy), expected)
    assert all(compare(x, 2.5) == compare(2.0, 2.5) for compare in COMPARISONS)
    assert "Dual" in repr(x)
    with pytest.raises(TypeError):
        np.floor(x)
    with pytest.raises(TypeError):
        np.add.reduce(x)


@pytest.mark.parametrize(
    "text",
    [
        "x**2 + 3*sin(y)*y",
        "(1 - x)**2 + 100*(y - x**2)**2",
        "-x**2 + +y",
        "2**x * abs(y - 0.5) + x**y",
        "exp(-x*x) / (1 + y) - tanh(x - y) + cbrt(x)",
        "log(x) * sqrt(y) + asin(x) + acos(y) + atan(x/y) + pi - e",
        "sinh(x) * cosh(y) - tan(x*y) + cos(2e0*x)",
        "x",
    ],
)
def test_expressions_mean_what_python_means(text):
    names = {
        name: getattr(np, name, None) for name in ("sin", "cos", "tan", "exp", "log", "sqrt", "cbrt", "abs", "sinh")
    }
    names |= {"cosh": np.cosh, "tanh": np.tanh, "pi": np.pi, "e": np.e}
    names |= {"asin": np.arcsin, "acos": np.arccos, "atan": np.arctan}
    surface = surfaces.expression(text)
    x, y = POINTS
    assert_allclose(surface.value(x, y), eval(text, {}, {**names, "x": x, "y": y}), rtol=1e-14)
    for ours, difference in zip(surface.gradient(x, y), central(surface.value, x, y)):
        assert_allclose(np.broadcast_to(ours, 25), difference, rtol=1e-6, atol=1e-6)
    assert surface(np.array([0.5, 0.25]))[1].shape == (2,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x^2", r"write \*\* for a power"),
        ("__import__('os').getcwd()", "no arithmetic"),
        ("x.real", "'x.real' in 'x.real' is no arithmetic"),
        ("z + x", "unknown name 'z'"),
        ("sine(x)", "unknown function 'sine'.*did you mean 'sin'"),
        ("sin(x, y)", "sin takes one argument"),
        ("sin(x=1)", "sin takes one argument"),
        ("sin(*x)", "no arithmetic"),
        ("x + sin", "unknown name 'sin'"),
        ("x +", "is no expression"),
        ("", "is no expression"),
        ("x\0", "is no expression"),
        ("x; y", "is no expression"),
        ("3 * pi", "is the same everywhere"),
        ("x if y else 1", "no arithmetic"),
        ("x < y", "no arithmetic"),
        ("True * x", "no arithmetic"),
        ("1j * x", "no arithmetic"),
        ("'x' * x", "no arithmetic"),
        ("[x][0]", "no arithmetic"),
        ("(lambda: x)()", "no arithmetic"),
        ("x // 2", "no arithmetic"),
        ("x" + " + x" * 300, "1201 characters"),
        ("-" * 300 + "x", "more than 100 operations"),
        ("(" * 300 + "x" + ")" * 300, "is no expression"),
    ],
)
def test_anything_else_is_refused(text, message):
    with pytest.raises(InputError, match=message) as refusal:
        surfaces.expression(text)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["9**9**9 * x", "1e999 * x", f"{10**400} * x", "log(-1) * x", "1 / (x - x)"])
def test_what_is_not_finite_is_no_minute_of_computing(text):
    surface = surfaces.expression(text)
    assert not np.isfinite(surface.value(0.5, 0.5))


# Functions in files

FILE = """
import math
import numba
import numpy as np
from math import sin

SCALE = 3.0

def two(x, y):
    return SCALE * x**2 + np.sin(y) ** 2

def branches(x, y):
    return x * x if x > y else y * y

def point(p):
    return SCALE * p[0] ** 2 + np.sin(p[1]) ** 2, [2 * SCALE * p[0], np.sin(2 * p[1])]

@numba.njit
def fast(p):
    return p[0] ** 2 + 2 * p[1] ** 2, np.array([2 * p[0], 4 * p[1]])

def other_module(x, y):
    return math.sin(x) * y

def none(x, y):
    return None

def three(x, y, z):
    return x

def no_gradient(p):
    return 1.0
"""


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FILE, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["two", "point", "branches"])
def test_functions_from_a_file(mine, name):
    surface = surfaces.find(f"{mine}:{name}")
    expected = {"branches": lambda x, y: max(x, y) ** 2}.get(name, lambda x, y: 3 * x**2 + np.sin(y) ** 2)
    x, y = POINTS
    assert_allclose(surface.value(x, y), [expected(*each) for each in zip(x, y)], rtol=1e-14)
    for a, b in zip(x, y):
        ours = surface.gradient(a, b)
        assert_allclose(np.array(ours, dtype=float), central(surface.value, a, b), rtol=1e-6, atol=1e-6)
    [track] = surfaces.race(surface, ["sgd"], steps=50, lr=0.1)
    assert not track.result.diverged


@pytest.mark.skipif(jit.INTERPRETED, reason="nothing is compiled with NUMBA_DISABLE_JIT")
def test_a_compiled_function_is_walked_compiled(mine):
    surface = surfaces.find(f"{mine}:fast", start=(1.0, 1.0))
    assert surface.fun.py_func.__name__ == "fast"
    [track] = surfaces.race(surface, ["sgd"], steps=50, trials=5)
    assert_allclose(track.result.f, surface.value(*track.result.x.T))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("other_module", "must be real number, not Dual .*NumPy's functions"),
        ("none", r"none: f\(x, y\) must return a number, not NoneType"),
        ("three", "takes 3 arguments"),
        ("no_gradient", r"no_gradient: fun must return \(value, gradient\), not float"),
        ("tow", "has no function 'tow': did you mean 'two'"),
        ("SCALE", "has no function 'SCALE'"),
        ("", "has no function ''"),
    ],
)
def test_bad_functions_in_files(mine, name, message):
    with pytest.raises(InputError, match=message) as refusal:
        surfaces.find(f"{mine}:{name}")
    assert "\n" not in str(refusal.value)


def test_no_such_file(tmp_path):
    with pytest.raises(InputError, match="no file"):
        surfaces.find(f"{tmp_path / 'nowhere.py'}:f")


# What is not known


def test_where_the_minimum_is_not_known_the_lowest_value_found_stands_for_it():
    known = surfaces.ravine(10)
    unknown = surfaces.find("0.5*x**2 + 5*y**2 + 7", start=known.start, box=known.box)
    given = surfaces.race(known, ["sgd", "momentum"], steps=400, trials=5)
    found = surfaces.race(unknown, ["sgd", "momentum"], steps=400, trials=5)
    for one, other in zip(given, found):
        assert other.lowest == pytest.approx(7.0, abs=1e-12)
        assert (one.lr, one.near, one.exact) == (other.lr, other.near, other.exact)


def test_what_lies_outside_the_box_is_no_minimum():
    surface = surfaces.find("x**2 - y**3", start=(1.0, -0.5), box=(-2, 2, -1, 1))
    tracks = surfaces.race(surface, ["sgd", "momentum"], steps=300, trials=8)
    assert all(-1 <= track.lowest <= 0 for track in tracks)
    for track in tracks:
        if track.exact is not None:
            assert abs(track.final - track.lowest) <= EXACT * (track.result.f[0] - track.lowest)


def test_several_starts_count_by_their_median():
    surface = surfaces.create("himmelblau")
    points = surfaces.random_starts(surface, 5, seed=1)
    x0, x1, y0, y1 = surface.box
    assert all(x0 <= x <= x1 and y0 <= y <= y1 for x, y in points)
    [track] = surfaces.race(surface, ["momentum"], steps=200, trials=4, start=points)
    alone = [surfaces.race(surface, ["momentum"], steps=200, lr=track.lr, start=point)[0] for point in points]
    assert [result.x[0].tolist() for result in track.results] == [list(point) for point in points]
    assert track.exact == sorted(one.exact for one in alone)[2]
    assert track.final == sorted(one.final for one in alone)[2]
    assert track.arrived == 5
    [short] = surfaces.race(surface, ["momentum"], steps=3, lr=track.lr, start=points)
    assert (short.exact, short.arrived) == (None, 0)


@pytest.mark.parametrize("start", [(1.0,), [(1.0, 2.0), (3.0,)], [], "ab", (1.0, 2.0, 3.0)])
def test_bad_starts(start):
    with pytest.raises(InputError, match="must be a point"):
        surfaces.race(surfaces.ravine(), ["sgd"], start=start)


def test_bad_boxes_and_options():
    with pytest.raises(InputError, match="is empty"):
        surfaces.find("x", box=(1.0, -1.0, 0.0, 1.0))
    with pytest.raises(InputError, match="'x' has no option 'condition'"):
        surfaces.find("x", condition=3)
    assert surfaces.find("beale", start=(2.0, 1.0), box=(0, 4, 0, 2)).box == (0, 4, 0, 2)
    assert isinstance(surfaces.find("x + y")(np.zeros(2))[0], float)


def test_duals_are_all_that_an_expression_computes_with():
    assert isinstance(differentiated(lambda x, y: 3.0)(1.0, 2.0)[0], float)
    assert isinstance(Dual(1.0, 0.0, 1.0) + 1, Dual)
