"""Methods that see a whole layer: lists of matrices and vectors, roles, and what a mutant would get wrong there."""

from __future__ import annotations

import importlib
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from method_checks import CASES, LAYERED, OTHERS, REFERENCES, gradients
from numpy.testing import assert_allclose, assert_array_equal

import minnet
from minnet import optimizers
from minnet.optimizers import Method, Optimizer
from minnet.optimizers.base import BIAS, HIDDEN, OUTPUT
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

STYLED = [(name, style) for name in sorted(LAYERED) for style in optimizers.get(name).style_names]
every_style = pytest.mark.parametrize(("name", "style"), STYLED)
every_method = pytest.mark.parametrize("name", sorted(LAYERED))
SHAPES = ((5, 3), (3,), (3, 4), (4,))
EIGEN = ("shampoo", "soap")


def problem(name: str, dtype: str = "float64") -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Start and gradients of a list of arrays.

    The eigenbases of SOAP and the roots of Shampoo are those of G Gᵀ: sizes from 1e-6 to 1e3 would square to more
    digits than float64 has, and nothing but rounding would say where the small ones point. Their sizes lie within
    .2 and 2.4. A first gradient of rank 3 leaves SOAP two free directions among five: its matrices are (4, 3), (3, 4).
    """
    shapes = ((4, 3), *SHAPES[1:]) if name == "soap" else SHAPES
    rng = np.random.default_rng(3)
    params, grads = [], []
    for k, shape in enumerate(shapes):
        params.append(rng.normal(size=shape).astype(dtype))
        g = gradients(size=int(np.prod(shape)), seed=k + 4)
        g = np.sign(g) * np.abs(g) ** (1 / 8 if name in EIGEN else 1)
        grads.append(g.reshape(-1, *shape).astype(dtype))
    return params, grads


def steps(method: Method, params: list[np.ndarray], grads: list[np.ndarray], lrs: np.ndarray, hyper: dict) -> list:
    """Paths of all arrays, stepped as one list."""
    opt = Optimizer(method, hyper=hyper, lr=lambda t: lrs[t])
    weights = [p.copy() for p in params]
    state = opt.init(weights)
    paths = [[w.copy()] for w in weights]
    for t in range(len(lrs)):
        opt.step(weights, [np.ascontiguousarray(g[t]) for g in grads], state)
        for path, w in zip(paths, weights):
            path.append(w.copy())
    return [np.array(path) for path in paths]


def check_list(method: Method, style: str, dtype: str = "float64") -> None:
    """A list of arrays walks the paths of its references, one by one."""
    slow = REFERENCES.get(f"{method.name}/{style}") or REFERENCES[method.name]
    params, grads = problem(method.name, dtype)
    own = {name: value for name, value in method.defaults.items() if name != "lr"}
    far = {name: OTHERS[name] for name in own}
    for hyper, lr in ((own, method.defaults["lr"]), (far, 0.5)):
        lrs = lr * 0.5 ** (np.arange(40) // 10)
        for ours, p, g in zip(steps(method, params, grads, lrs, hyper), params, grads):
            expected = slow(p, g, lrs, **hyper)
            moved = np.abs(np.diff(expected, axis=0)).sum(axis=0) + np.abs(expected).max(axis=0)
            tolerance = {"float64": 1e-10 if method.name in EIGEN else 1e-12, "float32": 1e-5}[dtype]
            assert_allclose(ours / moved, expected / moved, rtol=0, atol=tolerance, err_msg=str(p.shape))


@every_style
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_list_walks_the_paths_of_the_reference(name, style, dtype):
    check_list(optimizers.get(name, style), style, dtype)


@every_style
def test_plain_python_walks_the_same_paths(name, style, monkeypatch):
    monkeypatch.setattr(Optimizer, "update", lambda opt, dtype: opt.method.update)
    check_list(optimizers.get(name, style), style)


@every_method
def test_recordings_hold_matrices_and_vectors(name):
    dimensions = {case["p0"].ndim for case in CASES if case["method"] == name}
    assert dimensions == {1, 2}


@every_method
def test_an_array_of_three_dimensions_is_a_matrix_of_its_first(name):
    rng = np.random.default_rng(0)
    cube, opt = rng.normal(size=(2, 3, 4)), optimizers.create(name, lr=0.1)
    matrix = cube.reshape(2, 12).copy()
    states = opt.init(cube), opt.init(matrix)
    for _ in range(3):
        g = rng.normal(size=cube.shape)
        opt.step(cube, g, states[0])
        opt.step(matrix, g.reshape(2, 12), states[1])
    assert_array_equal(cube.reshape(2, 12), matrix)


@every_style
def test_empty_and_thin_arrays(name, style):
    opt = optimizers.create(name, style, lr=0.1)
    arrays = [np.zeros((0, 3)), np.zeros((3, 0)), np.zeros(0), np.ones((1, 3)), np.ones((3, 1)), np.ones(1)]
    state = opt.init(arrays)
    for _ in range(3):
        opt.step(arrays, [np.ones_like(a) for a in arrays], state)
    assert all((a < 1).all() for a in arrays)


@every_style
def test_zero_weights_and_zero_gradients_stay_finite(name, style):
    """A network starts with biases of zero, and dead units have no gradient."""
    opt = optimizers.create(name, style, lr=0.01)
    arrays = [np.zeros((4, 3)), np.zeros(3), np.ones((3, 2)), np.ones(2)]
    state = opt.init(arrays)
    for t in range(12):
        opt.step(arrays, [np.full(a.shape, float(t % 2 and t > 2)) for a in arrays], state)
        assert all(np.isfinite(a).all() for a in arrays)
    assert (arrays[1] < 0).all()


# --------------------------------------------------------------------------------------------- properties


@pytest.mark.parametrize("shape", [(8, 8), (12, 5), (5, 12)])
def test_newton_schulz_brings_singular_values_near_one(shape):
    """.01 to 1 go into .68 to 1.14; the vectors stay."""
    module = importlib.import_module("minnet.optimizers.muon")
    k = min(shape)
    rng = np.random.default_rng(0)
    u, v = (np.linalg.qr(rng.normal(size=(n, n)))[0][:, :k] for n in shape)
    values = np.geomspace(0.01, 1, k)
    x = np.ascontiguousarray((u * values) @ v.T).reshape(-1)
    module.orthogonal(x, *shape, np.linalg.norm(values), 0.0, 3.4445, -4.7750, 2.0315)
    # Given its own length as the floor, the matrix was divided by it: scaled back, the smallest are below .01.
    inside = np.diag(u.T @ x.reshape(shape) @ v)
    assert_allclose((u * inside) @ v.T, x.reshape(shape), atol=1e-10)
    scalar = values / np.linalg.norm(values)
    for _ in range(5):
        scalar = 3.4445 * scalar - 4.7750 * scalar**3 + 2.0315 * scalar**5
    assert_allclose(inside, scalar, rtol=1e-9)


def test_newton_schulz_polynomial_keeps_its_promise():
    x = np.geomspace(0.01, 1, 100_000)
    for _ in range(5):
        x = 3.4445 * x - 4.7750 * x**3 + 2.0315 * x**5
    assert x.min() > 0.68
    assert x.max() < 1.14


def one_step(name: str, w: np.ndarray, g: np.ndarray, lr: float = 0.1, style: str = "paper", **hyper) -> np.ndarray:
    opt, p = optimizers.create(name, style, lr=lr, **hyper), w.copy()
    opt.step(p, g.copy(), opt.init(p))
    return p - w


@pytest.mark.parametrize("shape", [(6, 4), (4, 6)])
def test_muon_moves_every_direction_alike(shape):
    rng = np.random.default_rng(1)
    moved = one_step("muon", rng.normal(size=shape), rng.normal(size=shape), lr=0.1)
    values = np.linalg.svd(moved)[1] / 0.1 / np.sqrt(max(1, shape[1] / shape[0]))
    assert values.min() > 0.68
    assert values.max() < 1.2  # values between 1e-2 and .3 of the norm may overshoot


@pytest.mark.parametrize(("name", "hyper"), [
    ("lamb", {"eps": 0.0, "weight_decay": 0.0}), ("lars", {"weight_decay": 0.0}), ("muon", {}), ("adafactor", {}),
])  # fmt: skip
def test_scale_of_the_gradient_does_not_matter(name, hyper):
    rng = np.random.default_rng(2)
    w, grads = rng.normal(size=(4, 3)), rng.normal(size=(20, 4, 3))
    lrs = np.full(20, 0.01)
    small, large = (steps(optimizers.get(name), [w], [k * grads], lrs, hyper)[0] for k in (1.0, 1e4))
    assert_allclose(large, small, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "hyper"), [("lamb", {"eps": 0.0, "weight_decay": 0.0}), ("lars", {"weight_decay": 0.0})]
)
def test_steps_are_in_proportion_to_the_weights(name, hyper):
    """The trust ratio: ten times the weights, ten times the first step, whatever the gradient."""
    rng = np.random.default_rng(2)
    w, g = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    assert_allclose(one_step(name, 10 * w, 7 * g, **hyper), 10 * one_step(name, w, g, **hyper), rtol=1e-9)


def test_length_of_the_step_is_a_fraction_of_the_layer():
    rng = np.random.default_rng(2)
    w, g = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    size = np.linalg.norm(w)
    assert_allclose(np.linalg.norm(one_step("lamb", w, g, lr=0.1)), 0.1 * size)
    assert_allclose(np.linalg.norm(one_step("lars", w, g, lr=2.0, trust=0.01, weight_decay=0.0)), 0.02 * size)


@pytest.mark.parametrize("name", ["lars", "lamb"])
def test_a_layer_of_zeros_starts_with_a_plain_step(name):
    g = np.array([3.0, -4.0])
    step = one_step(name, np.zeros(2), g, lr=0.1, weight_decay=0.0)
    assert_allclose(step, -0.1 * g if name == "lars" else -0.1 * np.sign(g), rtol=1e-5)


def test_soap_in_the_identity_basis_is_adam():
    """Diagonal gradients have the unit vectors as eigenbases: Adam (ε̂ form), one step late."""
    rng = np.random.default_rng(5)
    sizes = np.array([3.0, 1.0, 0.3]) * rng.choice([-1.0, 1.0], (30, 3)) * rng.uniform(0.9, 1.1, (30, 3))
    grads = np.zeros((30, 3, 3))
    grads[:, range(3), range(3)] = sizes
    w = rng.normal(size=(3, 3))
    hyper = {"beta1": 0.9, "beta2": 0.99, "eps": 1e-30}
    lrs = np.full(30, 0.01)
    ours = steps(optimizers.get("soap"), [w], [grads], lrs, {**hyper, "weight_decay": 0.0})[0]
    late = REFERENCES["adam"](np.diag(w), sizes[1:], lrs[1:], **hyper)
    assert_array_equal(ours[1], ours[0])
    assert_allclose(np.diagonal(ours[1:], axis1=1, axis2=2), late, rtol=1e-10)
    assert_array_equal(ours[-1][~np.eye(3, dtype=bool)], w[~np.eye(3, dtype=bool)])


def test_soap_turns_with_the_gradients():
    """Rotate rows and columns of every gradient: the path is rotated, which Adam's would not be."""
    rng = np.random.default_rng(5)
    grads = rng.normal(size=(30, 3, 3)) * np.array([3.0, 1.0, 0.3])
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    lrs = np.full(30, 0.01)
    w = rng.normal(size=(3, 3))
    plain = steps(optimizers.get("soap"), [w], [grads], lrs, {})[0]
    turned = steps(optimizers.get("soap"), [turn @ w @ turn.T], [turn @ grads @ turn.T], lrs, {})[0]
    assert_allclose(turned, turn @ plain @ turn.T, atol=1e-9)


def test_shampoo_of_one_matrix_is_its_orthogonal_factor():
    """(G Gᵀ)^(−1/4) G (Gᵀ G)^(−1/4) = U Vᵀ."""
    rng = np.random.default_rng(6)
    g = rng.normal(size=(4, 4))
    u, _, vt = np.linalg.svd(g)
    assert_allclose(one_step("shampoo", np.zeros((4, 4)), g, lr=1.0, eps=1e-12), -u @ vt, rtol=1e-6, atol=1e-8)


def test_shampoo_of_vectors_is_adagrad():
    rng = np.random.default_rng(6)
    w, grads, lrs = rng.normal(size=5), rng.normal(size=(20, 5)), np.full(20, 0.1)
    ours = steps(optimizers.get("shampoo"), [w], [grads], lrs, {"eps": 1e-16})[0]
    assert_allclose(ours, REFERENCES["adagrad"](w, grads, lrs, eps=0.0), rtol=1e-9)


def test_adafactor_of_rank_one_squares_needs_no_more_than_their_factors():
    """If the squares are a product of rows and columns, factoring them loses nothing: it is the whole form."""
    rng = np.random.default_rng(7)
    sizes = np.outer(rng.uniform(0.5, 2, 5), rng.uniform(0.5, 2, 4))
    grads = sizes * rng.choice([-1.0, 1.0], (20, 5, 4))
    w, lrs = rng.normal(size=(5, 4)), np.full(20, 0.1)
    matrix = steps(optimizers.get("adafactor"), [w], [grads], lrs, {})[0]
    vector = steps(optimizers.get("adafactor"), [w.ravel()], [grads.reshape(20, 20)], lrs, {})[0]
    assert_allclose(matrix.reshape(21, 20), vector, rtol=1e-10)


@pytest.mark.parametrize("shape", [(130, 128), (128, 130), (127, 200)])
def test_adafactor_of_optax_factors_from_128(shape):
    rng = np.random.default_rng(7)
    w, grads, lrs = rng.normal(size=shape), rng.normal(size=(3, *shape)), np.full(3, 0.1)
    hyper = {"decay_rate": 0.8, "eps": 1e-30, "min_scale": 1e-3, "clip": 1.0}
    ours = steps(optimizers.get("adafactor", "optax"), [w], [grads], lrs, hyper)[0]
    assert_allclose(ours, REFERENCES["adafactor/optax"](w, grads, lrs, **hyper), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("style", optimizers.get("muon").style_names)
def test_muon_leaves_biases_and_the_output_layer_to_adam(style):
    rng = np.random.default_rng(8)
    w, g = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    opt = optimizers.create("muon", style, lr=0.1)
    moved = {}
    for role in (HIDDEN, OUTPUT, BIAS):
        p = w.ravel().copy()
        state = opt.start(p, np.array([[0, 4, 3, role]]))
        opt.update("float64")(p, g.ravel(), state.slots, state.memory, state.blocks, opt.table(np.array([0]))[0])
        moved[role] = p
    assert_array_equal(moved[OUTPUT], moved[BIAS])
    flat = w.ravel().copy()
    opt.step(flat, g.ravel().copy(), opt.init(flat))
    assert_array_equal(moved[BIAS], flat)
    assert np.abs(moved[HIDDEN] - flat).max() > 1e-3


# ------------------------------------------------------------------------------------------------ mutants


def rewritten(name: str, style: str, old: str, new: str) -> Method:
    """The method with one place of its file changed."""
    source = Path(importlib.import_module(f"minnet.optimizers.{name}").__file__).read_text(encoding="utf-8")
    assert old in source
    mutant = types.ModuleType(f"mutant_{name}")
    exec(compile(source.replace(old, new), f"<mutant of {name}>", "exec"), vars(mutant))
    return mutant.METHOD.in_style(style)


def dropped(name: str, style: str, column: str) -> Method:
    """A bias correction left out."""
    method = optimizers.get(name, style)

    def coefficients(t, lr, **hyper):
        return {**method.coefficients(t, lr, **hyper), column: np.ones(len(t))}

    return replace(method, coefficients=coefficients)


def off(name: str, style: str, hyper_name: str) -> Method:
    """A hyperparameter 10 % off."""
    method = optimizers.get(name, style)

    def coefficients(t, lr, **hyper):
        return method.coefficients(t, lr, **{**hyper, hyper_name: hyper[hyper_name] * 0.9})

    return replace(method, coefficients=coefficients)


SOURCE = [
    ("lars", "lr * trust * size / (slope + decay * size)", "lr * trust"),
    ("lars", "lr * trust * size / (slope + decay * size)", "lr * trust * size / slope"),
    ("lars", "rate * (g[i] + decay * w[i])", "rate * g[i]"),
    ("lars", "w[i] -= v[i]", "w[i] -= lr * v[i]"),
    ("lamb", "lr * size / step if", "lr if"),
    ("lamb", "lr * size / step if", "lr * min(size, 1) / step if"),
    ("lamb/keras", "w[i] *= keep", "keep = w[i]"),
    ("lamb", " + decay * w[i]", ""),
    ("muon", '"a": 3.4445', '"a": 3.4'),
    ("muon", '"b": -4.7750', '"b": -4.75'),
    ("muon", '"c": 2.0315', '"c": 2.03'),
    ("muon", "range(5)", "range(4)"),
    ("muon", "wide / math.sqrt(rows)", "wide / math.sqrt(columns)"),
    ("muon", "c[4] * m[i] + c[5] * g[i]", "m[i]"),
    ("muon", "(columns, 1) if rows <= columns else (1, columns)", "(columns, 1) if rows <= columns else (columns, 1)"),
    ("shampoo", "** -0.125", "** -0.25"),
    ("shampoo", "accumulate(right[0], right[1], G_turned", "accumulate(right[0], right[1], G_turned * 1.1"),
    ("shampoo", "np.dot(np.dot(left[1], G), right[1])", "np.dot(G, right[1])"),
    ("shampoo", "G[i, j] = G_turned[j, i] = g[i * columns + j]", "G[i, j] = G_turned[j, i] = g[j * rows + i]"),
    ("soap", "np.dot(left[1].T, np.dot(step, right[1]))", "np.dot(left[1], np.dot(step, right[1]))"),
    ("soap", "np.dot(left[1].T, np.dot(step, right[1]))", "np.dot(left[1].T, np.dot(step, right[1].T))"),
    ("soap", "G[i, j] = v[down[i] * columns + across[j]]", "G[i, j] = v[i * columns + j]"),
    ("soap", "turned[i, j] * turned[i, j]", "g[n] * g[n]"),
    ("soap", "np.maximum(t - 1, 1)", "t"),
    ("soap", "order = np.argsort(values", "order[::-1] = np.argsort(values"),
    ("adafactor", "max(c[7], length(w) / root) * rate", "rate"),
    ("adafactor", "max(1.0, length(u) / root / c[8])", "1.0"),
    ("adafactor", "means[i] / total * means[rows + j]", "means[i] * means[rows + j]"),
    ("adafactor", "square / rows", "square / columns"),
    ("adafactor", "np.minimum(lr, 1 / np.sqrt(t))", "lr"),
]  # fmt: skip
MUTANTS = {f"{label}: {old} -> {new}": (rewritten, label, old, new) for label, old, new in SOURCE}
for name, style in STYLED:
    method = optimizers.get(name, style)
    MUTANTS |= {
        f"{name}/{style}: {c} dropped": (dropped, f"{name}/{style}", c) for c in method.columns if "unbias" in c
    }
    MUTANTS |= {f"{name}/{style}: {h} 10 % off": (off, f"{name}/{style}", h) for h in method.defaults if h != "lr"}
# Exactly the same path: without weight decay in it, the step of LAMB does not depend on the size of m.
del MUTANTS["lamb/keras: unbias_m dropped"]


@pytest.mark.parametrize("label", MUTANTS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_mutant_is_caught(label, monkeypatch):
    # As plain Python: to compile seventy broken copies would take a minute.
    monkeypatch.setattr(Optimizer, "update", lambda opt, dtype: opt.method.update)
    make, method, *change = MUTANTS[label]
    name, _, style = method.partition("/")
    mutant = make(name, style or "paper", *change)
    with pytest.raises(AssertionError):
        check_list(mutant, style or "paper")


# ----------------------------------------------------------------------------------------------- training

RATES = {"lars": 10.0, "lamb": 0.02, "muon": 0.02, "shampoo": 0.1, "soap": 0.01, "adafactor": 0.1}


@every_method
def test_learns_the_digits(name):
    lr = RATES[name]
    space = optimizers.get(name).space["lr"]
    assert space.low <= lr <= space.high
    spec = RunSpec(
        network=NetworkSpec(hidden=(32,)),
        training=TrainingSpec(epochs=6, batch_size=64),
        optimizer=OptimizerSpec(name, hyper={"lr": lr}),
    )
    result = minnet.train(spec, minnet.load_dataset("digits").split(), threads=1)
    assert max(row["val_accuracy"] for row in result.history) >= 0.85
