"""Lookahead and SAM around other methods: one step at a time, and in training."""

from __future__ import annotations

import inspect
import math
from dataclasses import replace

import numpy as np
import pytest
import reference
from method_checks import both_paths, falling
from numpy.testing import assert_allclose, assert_array_equal
from slow_training import WIDTHS, clipped, first_params, make_split, spec

import minnet
from minnet import jit
from minnet.errors import InputError
from minnet.optimizers import create, get, names
from minnet.training import RunSpec
from minnet.training import epoch as epoch_module
from minnet.training import run as run_module

every_method = pytest.mark.parametrize("name", names("lecture"))
RATES = {"sgd": 0.1, "momentum": 0.05, "nesterov": 0.05, "adagrad": 0.1, "rmsprop": 0.02, "adadelta": 1.0, "adam": 0.05}


class Slow:
    """A method of the lecture, one step at a time: its step depends on its gradients only."""

    def __init__(self, name, size, lrs, hyper):
        self.method, self.size, self.lrs, self.hyper = reference.METHODS[name], size, lrs, hyper
        self.gradients = []

    def step(self, w, g):
        self.gradients.append(g)
        lrs = self.lrs[: len(self.gradients)]
        points = self.method(np.zeros(self.size), np.array(self.gradients), lrs, **self.hyper)
        return w + points[-1] - points[-2]


def slow_lookahead(inner, p0, gradient, steps, k, alpha):
    """Slow weights, and fast ones that start from them anew every k steps."""
    slow = fast = p0
    trained, evaluated = [p0], [p0]
    for t in range(1, steps + 1):
        fast = inner.step(fast, gradient(fast))
        if t % k == 0:
            slow = slow + alpha * (fast - slow)
            fast = slow
        trained.append(fast)
        evaluated.append(slow)
    return np.array(trained), np.array(evaluated)


def climbed(w, g, rho):
    return w + rho * g / math.sqrt((g**2).sum())


def slow_sam(inner, p0, gradient, steps, rho, clip=lambda g: g):
    """Each step with the gradient of the worst point nearby; the path holds both points of a step."""
    w, path = p0, [p0]
    for _ in range(steps):
        high = climbed(w, gradient(w), rho)
        w = inner.step(w, clip(gradient(high)))
        path += [high, w]
    return np.array(path)


def quadratic():
    matrix = np.diag(np.geomspace(0.5, 20, 8))
    return np.linspace(-1, 1, 8) + 0.3, matrix.__matmul__


def settings(name):
    return {key: value for key, value in get(name).defaults.items() if key != "lr"}


# ------------------------------------------------------------------------------------------- step by step


@every_method
def test_lookahead_is_its_two_loops(name):
    p0, gradient = quadratic()
    lrs, hyper = falling(40, RATES[name]), settings(name)
    expected = slow_lookahead(Slow(name, 8, lrs, hyper), p0, gradient, 40, 4, 0.3)
    ours = both_paths(get(f"lookahead({name})"), p0, gradient, lrs, {"k": 4.0, "alpha": 0.3})
    assert_allclose(np.hstack(ours), np.hstack(expected), rtol=1e-10, atol=1e-12)


@every_method
def test_sam_takes_two_gradients_for_a_step(name):
    p0, gradient = quadratic()
    lrs, hyper = falling(20, RATES[name]), settings(name)
    expected = slow_sam(Slow(name, 8, lrs, hyper), p0, gradient, 20, 0.2)
    key = "sam_rho" if "rho" in hyper else "rho"
    # A rate for every call; the method reads those of its 20 steps.
    ours, evaluated = both_paths(get(f"sam({name})"), p0, gradient, np.concatenate([lrs, lrs]), {key: 0.2})
    assert_allclose(ours, expected, rtol=1e-10, atol=1e-12)
    assert_array_equal(evaluated[1::2], evaluated[:-1:2])
    assert_array_equal(evaluated[::2], ours[::2])


def test_wrappers_in_each_other_meet_both_rules():
    p0, gradient = quadratic()
    inner = Slow("adam", 8, np.full(20, 0.05), settings("adam"))
    w, slow = p0, p0
    for t in range(1, 21):
        w = inner.step(w, gradient(climbed(w, gradient(w), 0.1)))
        if t % 3 == 0:
            slow = w = slow + 0.5 * (w - slow)
    hyper = {"rho": 0.1, "k": 3.0}
    for name in ("sam(lookahead(adam))", "lookahead(sam(adam))"):
        ours, evaluated = both_paths(get(name), p0, gradient, np.full(40, 0.05), hyper)
        assert_allclose(ours[-1], w, rtol=1e-10)
        assert_allclose(evaluated[-1], slow, rtol=1e-10)


@pytest.mark.parametrize("name", [name for name in names() if not (get(name).base or get(name).full_batch)])
def test_any_method_can_be_wrapped(name):
    """Lookahead that never meets, and SAM that does not climb, are the method itself."""
    rng = np.random.default_rng(0)
    layers = [rng.normal(size=s) for s in ((4, 3), (3,), (3, 2), (2,))]
    grads = [[rng.normal(size=w.shape) for w in layers] for _ in range(6)]
    paths = []
    for wrapped in (name, f"lookahead({name})", f"sam({name})"):
        ours = [w.copy() for w in layers]
        hyper = {"k": 100} if wrapped.startswith("look") else {}
        if wrapped.startswith("sam"):
            hyper = {"sam_rho" if "rho" in get(name).defaults else "rho": 0.0}
        hyper = {f"lookahead_{key}" if key in get(name).defaults else key: value for key, value in hyper.items()}
        opt = create(wrapped, lr=0.01, **hyper)
        state = opt.init(ours)
        for g in grads:
            for _ in range(opt.gradients_per_step):
                opt.step(ours, g, state)
        assert state.t == 6
        paths.append(np.concatenate([w.ravel() for w in ours]))
    assert_array_equal(paths[1], paths[0])
    assert_array_equal(paths[2], paths[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_between_the_two_calls_of_sam(dtype):
    opt = create("sam", lr=0.5, momentum=0.0, rho=0.25)
    layers = [np.array([[3.0]], dtype), np.array([4.0], dtype)]
    state = opt.init(layers)
    opt.step(layers, [np.array([[3.0]], dtype), np.array([4.0], dtype)], state)
    # The gradient has the length 5, over both arrays.
    assert_allclose(np.concatenate([w.ravel() for w in layers]), [3.15, 4.2], rtol=1e-6)
    assert state.t == 0
    assert_array_equal(np.concatenate([w.ravel() for w in opt.evaluation_params(layers, state)]), [3, 4])
    opt.step(layers, [np.array([[2.0]], dtype), np.array([0.0], dtype)], state)
    assert_array_equal(np.concatenate([w.ravel() for w in layers]), [2, 4])
    assert state.t == 1
    assert layers[0].dtype == dtype


def test_sam_without_a_gradient_stays():
    opt = create("sam")
    w = np.ones(3)
    state = opt.init(w)
    for _ in range(4):
        opt.step(w, np.zeros(3), state)
    assert_array_equal(w, 1)


# --------------------------------------------------------------------------------------------------- names


def test_the_bare_names_are_the_papers():
    assert {"lookahead", "sam"} <= set(names())
    for name in ("lookahead", "sam"):
        bare, full = get(name), get(f"{name}(momentum)")
        assert (bare.defaults, bare.slots, bare.columns) == (full.defaults, full.slots, full.columns)
        assert bare.style_names == ("paper",)


def test_style_and_hyperparameters_reach_the_base():
    opt = create("lookahead(rmsprop)", "torch", lr=0.5, rho=0.7, k=7)
    assert opt.hyper == {"rho": 0.7, "eps": 1e-8, "k": 7.0, "alpha": 0.5}
    assert get("lookahead(rmsprop)", "torch").defaults["rho"] == 0.99
    assert get("lookahead(rmsprop)").in_style("torch").defaults["rho"] == 0.99
    assert get("lookahead(adam)").style_names == get("adam").style_names


def test_a_hyperparameter_that_both_have_gets_the_wrapper_s_name():
    method = get("sam(rmsprop)")
    assert method.defaults["rho"] == get("rmsprop").defaults["rho"]
    assert method.defaults["sam_rho"] == 0.05
    p0, gradient = quadratic()
    plain = both_paths(get("sam(rmsprop)"), p0, gradient, np.full(6, 0.1), {"sam_rho": 0.5})[0]
    assert_allclose(np.linalg.norm(plain[1] - p0), 0.5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lookahead(adm)", "did you mean 'adam'"),
        ("lookahed(adam)", "lookahead"),
        ("adam(sgd)", "adam"),
        ("lookahead(adam", "lookahead"),
        ("lookahead()", "optimizer"),
        ("sam(lookahead(sam(adam)))", "can wrap a method once"),
        ("sam(lbfgs)", "cannot wrap it"),
    ],
)
def test_wrong_names_are_told(name, message):
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        get(name)


@pytest.mark.parametrize("k", [0, 2.5, -1, np.inf])
def test_k_is_a_whole_number(k):
    with pytest.raises(InputError, match="k = "):
        create("lookahead", k=k)


def test_a_spec_with_a_wrapper_is_plain_data():
    run = spec("lookahead(adam)", {"lr": 0.01, "k": 3})
    assert RunSpec.from_dict(run.to_dict()) == run
    assert run.optimizer.settings["beta1"] == 0.9


# ------------------------------------------------------------------------------------------------ training


def batches(run, split):
    size = run.training.batch_size
    for epoch in range(1, run.training.epochs + 1):
        order = np.random.default_rng([run.seed, 1, epoch]).permutation(len(split.X_train))
        for start in range(0, len(order), size):
            yield order[start : start + size]


def slow_gradient(run, split, rows, p):
    _, dW, db = reference.mlp_loss_and_gradients(
        split.X_train[rows] * split.scale, reference.one_hot(split.y_train[rows], WIDTHS[-1]),
        *reference.unflatten(p, WIDTHS), activation="tanh", loss="cross_entropy", output="softmax",
        l2=run.training.l2,
    )  # fmt: skip
    return reference.flatten(dW, db)


def slow_training(wrapper, name, run, split, clip=lambda g: g, rho=0.3, k=3, alpha=0.4):
    """The slow loop of tests/slow_training.py with a wrapper around the method."""
    p = slow = first_params(run, split)
    inner = Slow(name, p.size, np.full(10, RATES[name]), settings(name))
    for t, rows in enumerate(batches(run, split), start=1):
        where = climbed(p, slow_gradient(run, split, rows, p), rho) if wrapper == "sam" else p
        p = inner.step(p, clip(slow_gradient(run, split, rows, where)))
        if wrapper == "lookahead" and t % k == 0:
            p = slow = slow + alpha * (p - slow)
    return slow if wrapper == "lookahead" else p


def wrapped_spec(wrapper, name, **training):
    hyper = {"lr": RATES[name]}
    if wrapper == "sam":
        hyper["sam_rho" if "rho" in settings(name) else "rho"] = 0.3
    else:
        hyper |= {"k": 3, "alpha": 0.4}
    return spec(f"{wrapper}({name})", hyper, **training)


def check_training(wrapper, name, clip=lambda g: g, **training):
    split, run = make_split(), wrapped_spec(wrapper, name, **training)
    expected = slow_training(wrapper, name, run, split, clip)
    assert_allclose(minnet.train(run, split).params, expected, rtol=1e-9, atol=1e-12)


@every_method
@pytest.mark.parametrize("wrapper", ["lookahead", "sam"])
def test_training_agrees_with_the_slow_loop(wrapper, name):
    check_training(wrapper, name)


@pytest.mark.parametrize("wrapper", ["lookahead", "sam"])
def test_training_with_a_penalty_and_bounds_agrees_with_the_slow_loop(wrapper):
    check_training(wrapper, "momentum", l2=0.1)
    check_training(wrapper, "adam", clip=clipped(0.05, 0.1), clip_value=0.05, clip_norm=0.1)


def test_sam_sees_the_same_dropout_mask_twice():
    """With a climb too short to matter, SAM with dropout is the method itself with dropout."""
    split, dropout = make_split(), {"dropout": 0.5, "input_dropout": 0.2}
    plain = minnet.train(spec("momentum", {"lr": 0.05}, network=dropout), split).params
    ours = minnet.train(spec("sam", {"lr": 0.05, "rho": 1e-12}, network=dropout), split).params
    assert_allclose(ours, plain, rtol=1e-8, atol=1e-10)


def test_a_bound_on_the_norm_holds_where_lookahead_is_evaluated():
    split = make_split()
    result = minnet.train(spec("lookahead", {"lr": 0.5, "k": 5}, max_norm=0.5), split)
    for W, _ in result.network.layout.layers(result.params):
        assert np.sqrt((W**2).sum(axis=0)).max() < 0.5 + 1e-12


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # interpreted, NumPy says so too
def test_sam_that_climbs_out_of_the_finite_has_diverged():
    split = make_split()
    run = spec("sam", {"lr": 0.1, "rho": 0.9}, dtype="float32", network={"activation": "relu"})
    assert not minnet.train(run, split).diverged
    far = replace(run, optimizer=replace(run.optimizer, hyper={"lr": 1e30, "rho": 0.9}))
    assert minnet.train(far, split).diverged


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["lookahead(adam)", "sam(adam)", "sam(lookahead(momentum))"])
def test_trains_the_digits(name, dtype):
    split = minnet.load_dataset("digits").split()
    run = replace(spec(name, {"lr": 0.003 if "adam" in name else 0.05}, epochs=4, dtype=dtype), data="digits")
    result = minnet.train(run, split)
    assert result.history[-1]["val_accuracy"] > 0.5


def check_momentum(wrapper):
    return lambda: check_training(wrapper, "momentum")


CLIMB = "                    climb(params, grads, around.radius[step])\n"
LEAN = "        lean(params, slots[-1], 1 - pull)\n"
BROKEN = {
    "second gradient where the first was": ("sam", CLIMB, ""),
    "weights not brought back": ("sam", "                        copy_to(params, kept)\n", " " * 24 + "pass\n"),
    "ρ 10 % off": ("sam", CLIMB, CLIMB.replace("around", "0.9 * around")),
    "another mask": ("sam dropout", "first_step + step,", "first_step + step + climbs - ascent,"),
    "slow weights forgotten": ("lookahead", "        copy_to(slots[-1], params)\n", "        pass\n"),
    "fast weights not called back": ("lookahead", LEAN, "        pass\n"),
    "share and rest exchanged": ("lookahead", LEAN, LEAN.replace("1 - ", "")),
}


@pytest.mark.parametrize("label", BROKEN)
def test_broken_loop_is_caught(label, monkeypatch):
    case, before, after = BROKEN[label]
    source = inspect.getsource(epoch_module.move) + inspect.getsource(epoch_module.epoch)
    assert source.count(before) == 1
    namespace = dict(vars(epoch_module))
    exec(source.replace(before, after), namespace)
    monkeypatch.setattr(jit, "cache_folder", lambda: None)

    def broken_kernel(*dtypes):
        return jit.compile(namespace["epoch"], epoch_module.epoch_signature(*dtypes))

    monkeypatch.setattr(run_module, "epoch_kernel", broken_kernel)
    check = test_sam_sees_the_same_dropout_mask_twice if case == "sam dropout" else check_momentum(case)
    with pytest.raises(AssertionError):
        check()
