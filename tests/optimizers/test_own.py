"""A user's own method: a plain function, in a file or decorated, is as good as one of ours; mistakes are explained."""

from __future__ import annotations

import inspect
import math
import time
import warnings

import numpy as np
import pytest
from method_checks import gradients, path
from numpy.testing import assert_allclose, assert_array_equal

import minnet
from minnet import jit, optimizers
from minnet.errors import InputError
from minnet.optimizers import Method, Range, own
from minnet.optimizers import compile as compiling
from minnet.optimizers.typed import typed

compiled_only = pytest.mark.skipif(jit.INTERPRETED, reason="looks at compiled code")

FILE = '''
import math
from math import sqrt

import minnet

SHARE = 0.9


def soft(x, level):
    return max(abs(x) - level, 0) * (1 if x > 0 else -1)


def my_momentum(w, g, v, lr=0.01, momentum=0.9):
    """Momentum, by me."""
    v = momentum * v + 1.0 * g
    w -= lr * v
    return w, v


@minnet.rule
def my_adam(w, g, m, v, t, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return w - lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps), m, v


def my_rmsprop(w, g, v, lr=0.001, rho=0.9):
    v = rho * v + (1 - rho) * g**2
    return w - lr * g / (v**0.5 + 1e-8), v


def my_sgd(w, g, lr=0.01):
    return w - lr * g


def mixture(w, g, v, lr=0.01):
    v = SHARE * v + (1 - SHARE) * soft(g, 0.1) * math.pi
    if abs(v) > 2:
        step = 2.0
    else:
        step = (v > 0) * v**-2 if v > 1 else v ** 1.5 if v > 0 else 0
    return w - lr * step, v


def direction(params, grads, slots, memory, blocks, coefficients):
    """Step along the gradient, whatever its length."""
    length = math.sqrt(np.dot(grads, grads))
    if length > 0:
        factor = params.dtype.type(coefficients[0, 0] / length)
        for i in range(params.size):
            params[i] -= factor * grads[i]


import numpy as np

NORMED = minnet.optimizers.Method(
    name="normed", title="Normed", formula="w ← w − α g / |g|", paper="mine", defaults={"lr": 0.5},
    space={}, update=direction, columns=("lr",),
)
'''
TWINS = [("my_sgd", "sgd"), ("my_momentum", "momentum"), ("my_rmsprop", "rmsprop"), ("my_adam", "adam")]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An own folder as the current one, with mine.py in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(FILE, encoding="utf-8")
    return tmp_path


def write(folder, body, name="bad.py"):
    (folder / name).write_text(body, encoding="utf-8")


def refusal(folder, body, name="f"):
    """The one line that a file with this content ends in."""
    write(folder, body)
    with pytest.raises(InputError) as error:
        optimizers.get(f"bad.py:{name}")
    assert "\n" not in str(error.value)
    return str(error.value)


# ------------------------------------------------------------------------------------- it runs


@pytest.mark.parametrize(("mine", "ours"), TWINS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-5)])
def test_walks_the_path_of_its_built_in_twin(here, mine, ours, dtype, tolerance):
    p0 = np.random.default_rng(0).normal(size=12).astype(dtype)
    lrs = 0.01 * 0.5 ** (np.arange(40) // 10)
    a = path(optimizers.get(f"mine.py:{mine}"), p0, gradients(), lrs, {})
    b = path(optimizers.get(ours), p0, gradients(), lrs, {})
    assert a.dtype == dtype
    scale = np.abs(np.diff(b, axis=0)).sum(axis=0) + np.abs(b).max(axis=0)
    assert_allclose(a / scale, b / scale, rtol=0, atol=tolerance)


def test_what_is_not_said_comes_from_the_function(here):
    method = optimizers.get("mine.py:my_momentum")
    assert method.slots == ("v",)
    assert method.defaults == {"lr": 0.01, "momentum": 0.9}
    assert method.space == {"lr": Range(1e-4, 1.0)}
    assert method.columns == ("lr", "momentum")
    assert method.purpose == "Momentum, by me."
    assert "v ← momentum * v + 1.0 * g" in method.formula.splitlines()
    assert method.source.startswith("def my_momentum(w, g, v, lr=0.01, momentum=0.9):")
    assert method.paper == "your own: mine.py, line 14"


def test_the_contract_of_the_decorator():
    @minnet.rule(slots=("v",), defaults={"lr": 0.1, "momentum": 0.9}, space={"lr": (1e-3, 1.0)})
    def contract(w, g, v, lr, momentum):
        v = momentum * v + g
        return w - lr * v, v

    opt = optimizers.create(contract, lr=0.5, momentum=0.5)
    assert opt.method.space == {"lr": Range(1e-3, 1.0)}
    w = np.ones(2)
    state = opt.init(w)
    for _ in range(2):
        opt.step(w, np.ones(2), state)
    assert_array_equal(w, [-0.25, -0.25])
    assert optimizers.get("contract") == contract


def test_coefficients_and_initial_slots_of_ones_own():
    def halved(t, lr, power):
        return {"rate": lr / t**power}

    @minnet.rule(slots=("first",), defaults={"lr": 1.0, "power": 1.0}, coefficients=halved, initial={"first": "params"})
    def falling(w, g, first, rate):
        return w - rate * g, first

    opt = optimizers.create(falling)
    w = np.array([3.0])
    state = opt.init(w)
    for expected in (2.0, 1.5):
        opt.step(w, np.ones(1), state)
        assert w == expected
    assert state.slots == 3.0


def test_a_method_object_with_an_update_of_all_blocks(here):
    opt = optimizers.create("mine.py:NORMED")
    for dtype in (np.float32, np.float64):
        w = np.zeros((2, 2), dtype)
        opt.step(w, np.full((2, 2), 7.0, dtype), opt.init(w))
        assert_allclose(w, -0.25)
        assert w.dtype == dtype


def test_a_wrapper_goes_around_it(here):
    method = optimizers.get("lookahead(mine.py:my_momentum)")
    assert method.slots[0] == "v"
    assert method.digest == optimizers.get("mine.py:my_momentum").digest


def test_helpers_constants_and_branches_mean_what_they_say(here):
    method = optimizers.get("mine.py:mixture")
    points = path(method, np.zeros(5), np.array([[1.0, -2.0, 0.05, 3.0, 20.0]]), np.array([0.01]), {})
    v = 0.1 * math.pi * np.array([0.9, -1.9, -0.0, 2.9, 19.9])
    step = [v[0] ** 1.5, 0, 0, v[3] ** 1.5, 2.0]
    assert_allclose(points[1], -0.01 * np.array(step), rtol=1e-12, atol=1e-15)


# ------------------------------------------------------------------------------------- it is quick


@compiled_only
@pytest.mark.parametrize("name", ["my_sgd", "my_momentum", "my_adam", "my_rmsprop", "mixture"])
def test_no_number_makes_it_double(here, name):
    import numba

    method = optimizers.get(f"mine.py:{name}")
    for helper in method.helpers:
        jit.inner(helper)
    loop = compiling.LOOPS[len(method.slots)](jit.inner(method.rule), len(method.columns))
    kernel = numba.njit(compiling.update_type("float32").signature, **jit.OPTIONS)(loop)
    assert "double" not in kernel.inspect_llvm(kernel.signatures[0])


@compiled_only
def test_without_typing_it_would_be_double(here):
    """The check above can fail: the same source as it stands."""
    import numba

    namespace: dict = {}
    exec(FILE[FILE.index("def my_rmsprop") : FILE.index("def my_sgd")], namespace)
    loop = compiling.LOOPS[1](jit.inner(namespace["my_rmsprop"]), 2)
    kernel = numba.njit(compiling.update_type("float32").signature, **jit.OPTIONS)(loop)
    assert "double" in kernel.inspect_llvm(kernel.signatures[0])


@compiled_only
@pytest.mark.parametrize(("mine", "ours"), TWINS)
def test_takes_no_longer_than_its_twin(here, mine, ours):
    def best(name):
        opt = optimizers.create(name)
        w, g = np.ones(200_000, np.float32), np.full(200_000, 1e-3, np.float32)
        state, row = opt.init(w), opt.table(np.array([0]))[0].astype(np.float32)
        update, times = opt.update("float32"), []
        for _ in range(200):
            started = time.perf_counter()
            update(w, g, state.slots, state.memory, state.blocks, row)
            times.append(time.perf_counter() - started)
        return min(times)

    ratios = [best(f"mine.py:{mine}") / best(ours) for _ in range(3)]
    assert min(ratios) < 1.5


@compiled_only
def test_a_rule_that_asks_for_double_precision_is_told(here):
    number = time.time_ns()  # never compiled before: what comes from the cache was told before
    write(here, f"import numpy as np\n\ndef f(w, g, lr=0.1):\n    return w - lr * g * np.float64({number}e-19)\n")
    with pytest.warns(UserWarning, match="double precision"):
        optimizers.create("bad.py:f").update("float32")


@compiled_only
def test_the_second_process_compiles_nothing(here):
    code = (
        "import numpy as np, logging, minnet\n"
        "logging.basicConfig(level='DEBUG'); logging.getLogger('numba').setLevel('WARNING')\n"
        "[minnet.optimizers.create(f'mine.py:{n}').update('float32') for n in ('my_adam', 'mixture', 'NORMED')]\n"
    )
    import subprocess
    import sys

    run = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True) for _ in range(2)][1]
    lines = [line for line in run.stderr.splitlines() if line.startswith("DEBUG:minnet")]
    assert len(lines) == 3
    assert all("loaded" in line for line in lines)


# ------------------------------------------------------------------------------------- its identity


def test_an_edit_is_another_method_and_a_comment_is_not(here):
    digest = optimizers.get("mine.py:my_momentum").digest
    for old, new, same in (
        ("1.0 * g", "1.0 * g  # plain", True),
        ("1.0 * g", "0.5 * g", False),
        ("lr=0.01, momentum", "lr=0.02, momentum", False),
    ):
        assert FILE.count(old) == 1
        (here / "mine.py").write_text(FILE.replace(old, new), encoding="utf-8")
        assert (optimizers.get("mine.py:my_momentum").digest == digest) is same


@pytest.mark.parametrize(
    ("old", "new"), [("SHARE = 0.9", "SHARE = 0.8"), ("abs(x) - level, 0", "abs(x) - level, 1"), ("math.pi", "math.e")]
)
def test_what_a_rule_uses_is_part_of_it(here, old, new):
    mixture, other = (optimizers.get(f"mine.py:{name}").digest for name in ("mixture", "my_momentum"))
    (here / "mine.py").write_text(FILE.replace(old, new), encoding="utf-8")
    assert optimizers.get("mine.py:mixture").digest != mixture
    assert optimizers.get("mine.py:my_momentum").digest == other


def test_an_edited_file_runs_anew_and_an_old_version_can_be_asked_for(here):
    before = optimizers.get("mine.py:my_sgd")
    (here / "mine.py").write_text(FILE.replace("return w - lr * g\n", "return w - 2 * lr * g\n"), encoding="utf-8")
    after = optimizers.get("mine.py:my_sgd")
    assert (before.rule(1.0, 1.0, 0.25), after.rule(1.0, 1.0, 0.25)) == (0.75, 0.5)
    assert optimizers.get("mine.py:my_sgd", digest=before.digest) is before
    with pytest.raises(InputError, match="changed"):
        optimizers.get("mine.py:my_sgd", digest="another")


def test_a_file_is_run_once(here):
    write(here, "with open('runs', 'a') as out:\n    out.write('x')\n\ndef f(w, g, lr=0.1):\n    return w - lr * g\n")
    for _ in range(3):
        optimizers.get("bad.py:f")
    assert (here / "runs").read_text() == "x"


def test_a_file_may_import_its_neighbour(here):
    write(here, "FACTOR = 0.5\n", "neighbour_of_a_method.py")
    write(here, "from neighbour_of_a_method import FACTOR\n\ndef f(w, g, lr=0.1):\n    return w - FACTOR * lr * g\n")
    assert optimizers.get("bad.py:f").rule(1.0, 1.0, 1.0) == 0.5


def test_a_name_of_ours_is_taken():
    @minnet.rule
    def adam(w, g, lr=0.1):
        return w - lr * g

    with pytest.raises(InputError, match="there is a method 'adam' already"):
        optimizers.create(adam)


def test_a_drive_letter_is_no_separator():
    assert own.is_file(r"C:\here\mine.py:f")
    assert own.is_file(r"C:\here\mine.py")
    assert not own.is_file("step:drop=0.5")


# ------------------------------------------------------------------------------------- mistakes


def test_missing_file_names_its_neighbour(here):
    with pytest.raises(InputError, match=r"no file mein\.py .*did you mean 'mine\.py'"):
        optimizers.get("mein.py:f")


def test_missing_function_names_the_nearest(here):
    with pytest.raises(InputError, match="did you mean 'my_momentum'"):
        optimizers.get("mine.py:my_momentun")
    with pytest.raises(InputError, match=r"name the method as well, as in mine\.py:my_momentum"):
        optimizers.get("mine.py")


def test_an_undecorated_function_in_python_is_told_how():
    with pytest.raises(InputError, match=r"@minnet\.rule"):
        optimizers.create(lambda w, g: w)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("def f(w, g, lr=0.1:\n    return w\n", "bad.py, line 1: "),
        ("import nothing_of_this_name\n", "bad.py, line 1: ModuleNotFoundError"),
        ("x = 1\n\ny = 1 / 0\n", "bad.py, line 3: ZeroDivisionError"),
        ("f = 3\n", "f is a int; a method is a function"),
        ("f = lambda w, g, lr=0.1: w - lr * g\n", "line 1: write the rule with def"),
        ("def f(w, lr):\n    return w\n", "needs a step size"),
        ("def f(w):\n    return w\n", "takes a weight and its gradient first"),
        ("def f(w, g, momentum=0.9):\n    return w\n", "needs a step size"),
        ("def f(w, g, v, lr=0.1):\n    return w - lr * g\n", "returns 1 value, but the weight and its 1 slot make 2"),
        ("def f(w, g, lr=0.1):\n    return w - lr * g, g\n", "returns 2 values"),
        ("def f(w, g, lr=0.1):\n    return (w - lr * g,)\n", "a tuple of one value: return w, without a comma"),
        ("def f(w, g, lr=0.1):\n    w = w - lr * g\n", "f returns nothing: end it with return w"),
        ("def f(w, g, lr=0.1):\n    return w - lr * g / abs(g)\n", "line 2: f divides by zero at g = 0"),
        ("import math\n\ndef f(w, g, lr=0.1):\n    return w - lr * math.sqrt(g)\n", "line 4: f fails at g = -1"),
        ("def f(w, g, lr=0.1):\n    return w - lr * g * 1e400 * 0\n", "returns w = nan"),
        ("def f(w, g, lr=0.1):\n    return w - lr * gg\n", "line 2: unknown name 'gg': did you mean 'g'?"),
        ("def f(w, g, lr=0.1):\n    w[0] = 3\n    return w\n", "line 2: w, g and the slots are single numbers"),
        ("def f(w, g, lr=0.1):\n    return w - lr * g.sum()\n", "line 2: g.sum: w, g and the slots are single"),
        ("def f(w, g, lr=0.1):\n    a = [1, 2]\n    return w\n", "line 2: lists are not possible"),
        ("def f(w, g, lr=0.1):\n    a = 'x'\n    return w\n", "line 2: text is not possible"),
        ("def f(w, g, lr=0.1):\n    print(w)\n    return w\n", "line 2: print is not possible"),
        ("import math\n\ndef f(w, g, lr=0.1):\n    return w - lr * math.sqr(g)\n", "did you mean 'sqrt'"),
        ("A = [1]\n\ndef f(w, g, lr=0.1):\n    return w - A\n", "line 4: A is a list: a rule may use numbers"),
        ("import numpy as np\nA = np.ones(3)\n\ndef f(w, g, lr=0.1):\n    return w - A\n", "A is an array"),
        ("def f(w, g, lr=0.1):\n    return f(w, g, lr)\n", "f calls itself"),
        ("def f(w, g, *rest, lr=0.1):\n    return w\n", "name every parameter"),
        ("def f(w, g, lr='fast'):\n    return w\n", "the default of lr must be a number"),
        ("def f(w, g, t=1, lr=0.1):\n    return w - lr * g / t\n", "t is the number of the step"),
        ("import minnet\n\n@minnet.rule(slots=('u',))\ndef f(w, g, v, lr=0.1):\n    return w, v\n", "with its slots u"),
        ("import minnet\n\n@minnet.rule(defaults={'lr': 0.1})\ndef f(w, g, lr, rho):\n    return w\n", "rho has no v"),
        ("import minnet\n\n@minnet.rule(defaults={'k': 1})\ndef f(w, g, lr=0.1):\n    return w\n", "parameter 'k'"),
        ("import minnet\n\n@minnet.rule(space={'lr': 3})\ndef f(w, g, lr=0.1):\n    return w\n", "space of lr must be"),
        ("import minnet\n\n@minnet.rule(space={'l': 3})\ndef f(w, g, lr=0.1):\n    return w\n", "did you mean 'lr'"),
    ],
)  # fmt: skip
def test_a_mistake_is_explained_in_one_line(here, body, said):
    assert said in refusal(here, body)


def test_suspicious_rules_are_warned_about(here):
    write(here, "def still(w, g, v, lr=0.1):\n    return w, v + g\n\ndef blind(w, g, lr=0.1):\n    return w - lr * w\n")
    with pytest.warns(UserWarning, match="still never changes the weight"):
        optimizers.get("bad.py:still")
    with pytest.warns(UserWarning, match="blind does the same whatever the gradient is"):
        optimizers.get("bad.py:blind")


@compiled_only
def test_what_only_the_compiler_notices_is_one_line_too(here):
    write(here, "import math\n\ndef f(w, g, lr=0.1):\n    return w - lr * g * math.dist((1, 2), (3, 4))\n")
    with pytest.raises(InputError) as error:
        optimizers.create("bad.py:f").update("float32")
    assert "\n" not in str(error.value)
    assert str(error.value) == "bad.py, line 4: bad.py:f cannot be compiled: math.dist is not possible in compiled code"


def test_too_many_slots(here):
    write(here, "def f(w, g, a, b, c, d, e, lr=0.1):\n    return w - lr * g, a, b, c, d, e\n")
    with pytest.raises(InputError, match="5 slots: a rule can have 4 at most"):
        optimizers.create("bad.py:f").update("float32")


# ------------------------------------------------------------------------------------- the rewriting


def half(w, g, n, lr):
    """Not a number: 7."""
    total = 0.5
    for i in range(3):
        if i != 1:
            total += 1
    return w - lr * g**2 * total + float(n) - 2**g + g**-1


def test_rewriting_changes_the_type_and_nothing_else():
    done = typed(half)
    arguments = (1.25, 0.5, 3, 0.125)
    assert done.function(*arguments) == half(*arguments)
    assert done.source == inspect.getsource(half)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert done.function(*map(np.float32, arguments)).dtype == np.float32


def test_tracebacks_keep_their_lines():
    def fails(w, g, lr):
        a = w + 1

        return a / (g - g)

    line = fails.__code__.co_firstlineno + 3
    with pytest.raises(ZeroDivisionError) as error:
        typed(fails).function(1.0, 1.0, 1.0)
    last = error.traceback[-1]
    assert (str(last.path), last.lineno + 1) == (__file__, line)


def test_a_method_object_of_ones_own_is_adopted():
    method = Method(name="hand-made", title="By hand", formula="w ← w − α g", paper="mine",
                    rule=_double_step, defaults={"lr": 0.1}, space={})  # fmt: skip
    adopted = optimizers.create(method).method
    assert adopted.digest
    assert adopted.space == {"lr": Range(1e-3, 10.0)}
    assert optimizers.get("hand-made") is adopted


def _double_step(w, g, lr):
    return w - 2 * lr * g
