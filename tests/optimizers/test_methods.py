"""Every method of the registry: a new one gets all of these by existing."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap

import numpy as np
import pytest
from method_checks import LAYERED, STEPPED, STYLED, check_golden, check_reference, gradients, other_hyper, path
from numpy.testing import assert_allclose, assert_array_equal

from minnet import jit, optimizers
from minnet.errors import InputError
from minnet.optimizers import compile as compiling
from minnet.optimizers.base import BOUNDS

compiled_only = pytest.mark.skipif(jit.INTERPRETED, reason="looks at compiled code")
every_style = pytest.mark.parametrize(("name", "style"), STYLED)
every_method = pytest.mark.parametrize("name", STEPPED)
# Methods that remember steps, learning rate included: a rate of 0 stops what is added to those, not the weights.
CARRY_ON = {"dadapt_adam", "lars", "madgrad", "rmsprop_graves"}
# Methods that see more than one weight at a time have tests of their own for what depends on that.
every_rule = pytest.mark.parametrize(
    ("name", "style"), [(name, style) for name, style in STYLED if optimizers.get(name, style).rule]
)


@every_style
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_walks_the_path_of_the_reference(name, style, dtype):
    check_reference(optimizers.get(name, style), style, dtype)


@every_style
def test_walks_the_recorded_path(name, style):
    check_golden(optimizers.get(name, style), style)


@every_method
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1,), (7,), (5, 3), (2, 3, 4), (0,)])
def test_shape_and_dtype_do_not_matter(name, dtype, shape):
    opt = optimizers.create(name, lr=0.1)
    rng = np.random.default_rng(0)
    w = rng.normal(size=shape).astype(dtype)
    # A method that sees a layer takes an array as the matrix of its first dimension by the others.
    flat = w.reshape(shape[0], -1).copy() if name in LAYERED and len(shape) > 1 else w.ravel().copy()
    state, flat_state = opt.init(w), opt.init(flat)
    for _ in range(3):
        g = rng.normal(size=shape).astype(dtype)
        kept = g.copy()
        opt.step(w, g, state)
        opt.step(flat, g.reshape(flat.shape).copy(), flat_state)
        assert_array_equal(g, kept)
    assert w.dtype == dtype
    assert w.shape == shape
    assert_array_equal(w.ravel(), flat.ravel())


@every_rule
def test_a_list_of_layers_is_stepped_once(name, style):
    opt = optimizers.create(name, style, lr=0.1)
    rng = np.random.default_rng(0)
    layers = [rng.normal(size=s) for s in ((4, 3), (3,), (3, 2), (2,))]
    flat = np.concatenate([w.ravel() for w in layers])
    state, flat_state = opt.init(layers), opt.init(flat)
    for t in range(5):
        grads = [rng.normal(size=w.shape) for w in layers]
        opt.step(layers, grads, state)
        opt.step(flat, np.concatenate([g.ravel() for g in grads]), flat_state)
        assert state.t == flat_state.t == t + 1
    assert_array_equal(np.concatenate([w.ravel() for w in layers]), flat)


@every_rule
def test_every_weight_moves_on_its_own(name, style):
    """Two weights with the same gradients stay equal, wherever they lie in the vector."""
    grads = np.repeat(gradients(size=1), 101, axis=1)
    points = path(optimizers.get(name, style), np.zeros(101), grads, np.full(40, 0.05), {})
    assert np.ptp(points, axis=1).max() == 0


@every_method
def test_schedule_gives_each_step_its_rate(name):
    opt = optimizers.create(name, lr=lambda steps: np.where(np.asarray(steps) < 2, 0.1, 0.0))
    w = np.ones(3)
    state = opt.init(w)
    points = []
    for _ in range(4):
        for _ in range(opt.gradients_per_step):
            opt.step(w, np.ones(3), state)
        points.append(w.copy())
    assert (points[1] < points[0]).all()
    if name in CARRY_ON:
        constant = path(optimizers.get(name), np.ones(3), np.ones((4, 3)), np.full(4, 0.1), {})
        assert_array_equal(points[1], constant[2])
        assert (np.abs(points[3] - points[1]) < np.abs(constant[4] - constant[2])).all()
    else:
        assert_array_equal(points[3], points[1])


@every_method
def test_evaluation_params_are_a_copy(name):
    opt = optimizers.create(name)
    w = np.ones(3)
    state = opt.init(w)
    for _ in range(opt.gradients_per_step):
        opt.step(w, np.ones(3), state)
    where = opt.evaluation_params(w, state)
    if opt.method.evaluation is None:
        assert_array_equal(where, w)
    assert not np.shares_memory(where, w)


@every_method
def test_declares_what_a_comparison_needs(name):
    method = optimizers.get(name)
    assert method.name == name
    assert method.formula
    assert method.paper
    assert method.purpose.endswith(".")
    assert set(method.space) <= set(method.defaults)
    low, high = method.space["lr"].low, method.space["lr"].high
    assert 0 < low <= method.defaults["lr"] <= high
    assert set(method.defaults) <= set(BOUNDS)
    for style in method.style_names:
        optimizers.create(name, style=style)
    table = method.table(np.arange(5), np.full(5, 0.1), other_hyper(method))
    assert table.shape == (5, len(method.columns))
    assert table.dtype == np.float64


@every_rule
def test_rule_has_no_literal(name, style):
    """A literal would make Numba compute a float32 rule in float64."""
    rule = optimizers.get(name, style).rule
    tree = ast.parse(textwrap.dedent(inspect.getsource(rule)))
    body = tree.body[0].body[1:]  # without the docstring
    assert not [n.value for part in body for n in ast.walk(part) if isinstance(n, ast.Constant)]


@compiled_only
@every_rule
def test_float32_loop_is_vectorised_float32(name, style):
    import numba

    method = optimizers.get(name, style)
    rule = jit.inner(method.rule)
    loop = compiling.LOOPS[len(method.slots)](rule, len(method.columns))
    kernel = numba.njit(compiling.update_type("float32").signature, **jit.OPTIONS)(loop)
    ir = kernel.inspect_llvm(kernel.signatures[0])
    assert re.search(r"fmul[^\n]*<\d+ x float>", ir)
    assert "double" not in ir


@every_method
def test_unknown_parameter_names_the_nearest(name):
    with pytest.raises(InputError, match="did you mean 'lr'"):
        optimizers.create(name, lrr=0.1)
    for value in (-1.0, np.nan, np.inf, "0.1", True):
        with pytest.raises(InputError, match="lr"):
            optimizers.create(name, lr=value)


@every_method
def test_zero_learning_rate_stands_still(name):
    points = path(optimizers.get(name), np.ones(12), gradients(), np.zeros(40), {})
    points = points[:: optimizers.create(name).gradients_per_step]
    assert_allclose(points, 1.0, rtol=0, atol=0)
