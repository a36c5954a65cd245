"""Exact properties of averaging and parameter-free methods, and where averaging methods are evaluated."""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import pytest
import reference
from method_checks import REFERENCES, both_paths, check_golden, check_reference, falling, gradients, path
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.numpy import load_file
from slow_training import WIDTHS, first_params, make_split, spec

import minnet
from minnet.optimizers import Method, create, get
from minnet.training import run as run_module

AVERAGING = ["schedulefree_sgd", "schedulefree_adamw", "averaged_sgd", "lookahead"]
FREE = ["prodigy", "dadapt_adam", "dog"]
RATES = {"schedulefree_sgd": 0.3, "schedulefree_adamw": 0.02, "averaged_sgd": 0.1, "lookahead": 0.05}


# ---------------------------------------------------------------------------------------------- properties


def test_schedule_free_without_beta_is_the_mean_of_the_z():
    """For β = 0 training is plain SGD (y = z), and x is the mean of its path."""
    grads, lrs = gradients(), np.full(40, 0.01)
    hyper = {"beta1": 0.0, "warmup_steps": 0.0, "weight_decay": 0.0}
    y, x = both_paths(get("schedulefree_sgd"), np.ones(12), grads, lrs, hyper)
    z = 1 - 0.01 * np.cumsum(grads, axis=0)
    assert_allclose(y[1:], z, rtol=1e-12)
    assert_allclose(x[1:], np.cumsum(z, axis=0) / np.arange(1, 41)[:, None], rtol=1e-12)


def test_schedule_free_with_beta_one_trains_at_the_mean():
    grads = gradients()
    hyper = {"beta1": 1 - 1e-12}
    y, x = both_paths(get("schedulefree_sgd"), np.ones(12), grads, np.full(40, 0.01), hyper)
    assert_allclose(y, x, rtol=1e-8)


@pytest.mark.parametrize("name", ["schedulefree_sgd", "schedulefree_adamw"])
def test_warm_up_weighs_the_mean_by_the_squared_rate(name):
    """A warm-up inside the method is a warm-up of the learning rate outside."""
    grads, t = gradients(), np.arange(1, 41)
    inside = both_paths(get(name), np.ones(12), grads, np.full(40, 0.1), {"warmup_steps": 8.0})
    outside = both_paths(get(name), np.ones(12), grads, 0.1 * np.minimum(1, t / 8), {})
    assert_allclose(np.hstack(inside), np.hstack(outside), rtol=1e-12)


def test_averaged_sgd_is_at_the_mean_of_its_path():
    w, average = both_paths(get("averaged_sgd"), np.ones(12), gradients(), np.full(40, 0.01), {})
    assert_allclose(w, path(get("sgd"), np.ones(12), gradients(), np.full(40, 0.01), {}), rtol=1e-12)
    assert_allclose(average[1:], np.cumsum(w[1:], axis=0) / np.arange(1, 41)[:, None], rtol=1e-12)


def test_the_mean_of_noisy_steps_is_closer_than_the_last_point():
    rng = np.random.default_rng(0)
    w, average = both_paths(get("averaged_sgd"), np.zeros(50), lambda w: w + rng.normal(size=50), np.full(400, 0.5), {})
    assert np.linalg.norm(average[-1]) < 0.3 * np.linalg.norm(w[-1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("style", ["paper", "optax"])
@pytest.mark.parametrize("name", FREE)
def test_the_estimate_never_decreases(name, style, dtype):
    opt = create(name, style)
    w = np.random.default_rng(1).normal(size=12).astype(dtype)
    state, estimates = opt.init(w), []
    for t, g in enumerate(np.concatenate([np.tile([0.3], (150, 12)), gradients(100), np.zeros((3, 12))])):
        opt.step(w, (g if t > 150 else g * w).astype(dtype), state)
        estimates.append(state.memory[0])
    assert np.isfinite(w).all()
    assert (np.diff(estimates) >= 0).all()
    assert estimates[-1] > 100 * estimates[0]


def test_dog_first_step():
    w = path(get("dog"), np.array([3.0, 4.0]), np.array([[0.0, 5.0]]), np.ones(1), {"r_eps": 0.25, "eps": 0.0})
    assert_allclose(w[1], [3.0, 4.0 - 0.25 * (1 + 5.0)])


@pytest.mark.parametrize("name", FREE)
def test_the_scale_of_the_loss_does_not_matter(name):
    grads = gradients()
    hyper = {"eps": 0.0, **({"r_eps": 0.1} if name == "dog" else {"d0": 0.1})}
    grads[grads == 0] = 1e-3
    once = path(get(name), np.ones(12), grads, np.ones(40), hyper)
    assert_allclose(path(get(name), np.ones(12), 1e3 * grads, np.ones(40), hyper), once, rtol=1e-8)


@pytest.mark.parametrize("name", FREE)
def test_no_gradient_no_step(name):
    for eps in (1e-8, 0.0) if name == "dog" else (1e-8,):
        assert_array_equal(path(get(name), np.ones(12), np.zeros((5, 12)), np.ones(5), {"eps": eps}), 1.0)


@pytest.mark.parametrize("name", FREE)
def test_all_blocks_together_are_all_weights(name):
    """A list of layers is one set of weights: the sums run over all of them."""
    opt, rng = create(name), np.random.default_rng(0)
    layers = [rng.normal(size=s) for s in ((4, 3), (3,), (3, 2), (2,))]
    flat = np.concatenate([w.ravel() for w in layers])
    state, flat_state = opt.init(layers), opt.init(flat)
    for _ in range(30):
        grads = [w + 0.1 * rng.normal(size=w.shape) for w in layers]
        opt.step(layers, grads, state)
        opt.step(flat, np.concatenate([g.ravel() for g in grads]), flat_state)
    assert_allclose(np.concatenate([w.ravel() for w in layers]), flat, rtol=1e-12)


@pytest.mark.parametrize("name", FREE)
def test_finds_a_minimum_without_a_learning_rate(name):
    scales = np.geomspace(1, 10, 12)
    points = path(get(name), np.full(12, 3.0), lambda w: scales * w, np.ones(600), {})
    assert np.abs(points[-1]).max() < 0.3


# -------------------------------------------------------------------------------------- where it is evaluated


def epoch_gradients(run, split, calls_per_batch=1):
    """The gradients of a training, batch after batch, as a function of the weights."""
    size, counted = run.training.batch_size, -1

    def gradient(p):
        nonlocal counted
        counted += 1
        step, steps = counted // calls_per_batch, -(-len(split.X_train) // size)
        order = np.random.default_rng([run.seed, 1, step // steps + 1]).permutation(len(split.X_train))
        rows = order[step % steps * size :][:size]
        _, dW, db = reference.mlp_loss_and_gradients(
            split.X_train[rows] * split.scale, reference.one_hot(split.y_train[rows], WIDTHS[-1]),
            *reference.unflatten(p, WIDTHS), activation="tanh", loss="cross_entropy", output="softmax", l2=0.0,
        )  # fmt: skip
        return reference.flatten(dW, db)

    return gradient


def check_training(name, tmp_path):
    """Training walks the reference's path; history, test set, result and model are those of the mean."""
    split = make_split()
    run = spec(name, {"lr": RATES[name], **({"k": 3.0} if name == "lookahead" else {})})
    hyper = {key: value for key, value in run.optimizer.settings.items() if key != "lr"}
    slow = REFERENCES[name]
    trained, evaluated = slow(first_params(run, split), epoch_gradients(run, split), np.full(10, RATES[name]), **hyper)
    result = minnet.train(run, split, test=True)
    assert np.abs(trained[-1] - evaluated[-1]).max() > 1e-3
    assert_allclose(result.params, evaluated[-1], rtol=1e-9, atol=1e-12)
    network = result.network
    for row, point in zip(result.history, evaluated[::5], strict=True):
        loss, accuracy = network.evaluate(point, split.X_val, network.targets(split.y_val))
        assert_allclose([row["val_loss"], row["val_accuracy"]], [loss, accuracy], rtol=1e-9)
        loss, accuracy = network.evaluate(point, split.X_train, network.targets(split.y_train))
        assert_allclose([row["train_loss"], row["train_accuracy"]], [loss, accuracy], rtol=1e-9)
    loss, accuracy = network.evaluate(evaluated[-1], split.X_test, network.targets(split.y_test))
    assert_allclose([result.test_loss, result.test_accuracy], [loss, accuracy], rtol=1e-9)
    saved = load_file(result.save(tmp_path) / "model.safetensors")
    layers = network.layout.layers(evaluated[-1])
    for i, (W, b) in enumerate(layers):
        assert_allclose(saved[f"layers.{i}.weight"], W, rtol=1e-9, atol=1e-12)
        assert_allclose(saved[f"layers.{i}.bias"], b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", AVERAGING)
def test_everything_is_evaluated_at_the_mean(name, tmp_path):
    check_training(name, tmp_path)


@pytest.mark.parametrize("user", ["measure", "result"])
def test_evaluation_at_the_training_point_is_caught(user, tmp_path, monkeypatch):
    true = getattr(run_module.Run, user)

    def broken(self, *args):
        with monkeypatch.context() as patch:
            patch.setattr(run_module.Run, "evaluation_params", property(lambda self: self.params.copy()))
            return true(self, *args)

    monkeypatch.setattr(run_module.Run, user, broken)
    with pytest.raises(AssertionError):
        check_training("averaged_sgd", tmp_path)


@pytest.mark.parametrize("name", ["schedulefree_sgd", "schedulefree_adamw"])
def test_decay_from_outside_reaches_the_mean(name):
    """Decoupled weight decay of the training counts as the method's own (biases included)."""
    split, hyper = make_split(), {"lr": RATES[name]}
    outside = minnet.train(spec(name, hyper, weight_decay=0.5, decay_biases=True), split).params
    inside = minnet.train(spec(name, {**hyper, "weight_decay": 0.5}, decay_biases=True), split).params
    none = minnet.train(spec(name, hyper), split).params
    # Inside, the decay is that of y before the step as well: both take α λ y from z.
    assert_allclose(outside, inside, rtol=1e-9, atol=1e-12)
    assert np.abs(outside - none).max() > 1e-3


def test_a_bound_on_the_norm_holds_where_schedule_free_trains():
    split = make_split()
    run = run_module.Run(spec("schedulefree_sgd", {"lr": 1.0}, max_norm=0.5), split)
    run.train_epoch()
    for W, _ in run.network.layout.layers(run.params):
        assert np.sqrt((W**2).sum(axis=0)).max() < 0.5 + 1e-12


# ------------------------------------------------------------------------------------------------- mutants


def check_descent(method: Method, style: str = "paper") -> None:
    """The compiled update walks the reference's path down an ill-conditioned quadratic, where distances grow."""
    slow = REFERENCES.get(f"{method.name}/{style}") or REFERENCES[method.name]
    recorded = reference.golden("optimizers_optax_free.npz")
    defaults = {name: value for name, value in method.defaults.items() if name != "lr"}
    for hyper in (defaults, {**defaults, "eps": 0.03}):
        lrs = falling(40, method.defaults["lr"])
        expected = slow(recorded["p0"], recorded["matrix"].__matmul__, lrs, **hyper)
        ours = path(method, recorded["p0"], recorded["matrix"].__matmul__, lrs, hyper)
        assert_allclose(ours, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("style", ["paper", "optax"])
@pytest.mark.parametrize("name", FREE)
def test_walks_the_path_of_the_reference_down_a_quadratic(name, style):
    check_descent(get(name, style), style)


def rewritten(method: Method, *changes: tuple[str, str], where: str = "update") -> Method:
    """The method with the source of its update, or of a function that it uses, changed."""
    function = method.update if where == "update" else {f.__name__: f for f in method.helpers}[where]
    source = inspect.getsource(function)
    for before, after in changes:
        assert source.count(before) == 1, f"{before!r} is {source.count(before)} times in {method.name}"
        source = source.replace(before, after)
    namespace = dict(vars(inspect.getmodule(method.update)))
    exec(source, namespace)
    if where == "update":
        return replace(method, update=namespace[function.__name__])
    exec(inspect.getsource(method.update), namespace)
    helpers = tuple(namespace[f.__name__] if f is function else f for f in method.helpers)
    return replace(method, update=namespace[method.update.__name__], helpers=helpers)


def with_coefficient(method: Method, name: str, change) -> Method:
    def coefficients(t, lr, **hyper):
        values = method.coefficients(t, lr, **hyper)
        return {**values, name: change(t, values[name])}

    return replace(method, coefficients=coefficients)


def mutants():
    for name in ("schedulefree_sgd", "schedulefree_adamw"):
        for style in ("paper", "optax"):
            m = get(name, style)
            label = f"{name}/{style}"
            yield f"{label}: mean counts the start", m, style, rewritten(
                m, ("memory[total] += square", "memory[total] += square * (1 + (memory[total] == 0))"),
                where="share",
            )  # fmt: skip
            yield (
                f"{label}: mean weighed by the rate",
                m,
                style,
                rewritten(m, ("memory[largest] * memory[largest]", "memory[largest]"), where="share"),
            )
            hold = with_coefficient(m, "hold", lambda t, value: 1 - value)
            yield f"{label}: newest and largest rate exchanged", m, style, hold
            yield f"{label}: evaluated at y", m, style, replace(m, evaluation=lambda y, *slots: y)
            yield f"{label}: evaluated at z", m, style, replace(m, evaluation=lambda y, z, *slots: z)
            yield (
                f"{label}: x from the old z",
                m,
                style,
                rewritten(m, ("x[i] += c * (z[i] - x[i])", "x[i] += c * (y[i] - x[i])")),
            )
            yield f"{label}: decay at z", m, style, rewritten(m, ("decay * y[i]", "decay * z[i]"))
            yield f"{label}: no decay", m, style, with_coefficient(m, "weight_decay", lambda t, value: 0.0)
            yield f"{label}: β and 1 − β exchanged", m, style, with_coefficient(m, "beta1", lambda t, value: 1 - value)
    for style in ("paper", "torch"):
        m = get("averaged_sgd", style)
        label = f"averaged_sgd/{style}"
        yield (
            f"{label}: average off by one",
            m,
            style,
            with_coefficient(m, "share", lambda t, value: 1 / (1 / value + 1)),
        )
        yield f"{label}: evaluated at the last weights", m, style, replace(m, evaluation=None)
        yield (
            f"{label}: rate one step late or early",
            m,
            style,
            rewritten(
                m, ("coefficients[row, 0] + real(memory[blocks[k, 4]])", "coefficients[row, 0] + coefficients[row, 1]")
            )
            if style == "torch"
            else with_coefficient(m, "lr", lambda t, value: value * (t > 1)),
        )
    for name in ("prodigy", "dadapt_adam"):
        for style in ("paper", "optax"):
            m = get(name, style)
            label = f"{name}/{style}"
            grown = {"prodigy": "grown = max(d, memory", "dadapt_adam": "memory[at] = max(d, memory"}[name]
            yield f"{label}: d may decrease", m, style, rewritten(m, (grown, grown.replace("max(d, ", "max(0 * d, ")))
            yield f"{label}: d fixed", m, style, rewritten(m, (grown, grown.replace("max(d, ", "max(d, 0 * ")))
            yield f"{label}: β₃ = β₂", m, style, with_coefficient(m, "beta3", lambda t, value: value**2)
            yield f"{label}: decay dropped", m, style, with_coefficient(m, "weight_decay", lambda t, value: 0.0)
            yield (
                f"{label}: t one ahead",
                m,
                style,
                replace(m, coefficients=lambda t, lr, m=m, **hyper: m.coefficients(t + 1, lr, **hyper)),
            )
    for style in ("paper", "optax"):
        m = get("prodigy", style)
        yield f"prodigy/{style}: ε times the old d", m, style, rewritten(m, ("c[6] * real(grown)", "c[6] * real(d)"))
        step = "rate, eps = c[0] * real(d)"
        yield f"prodigy/{style}: step by the new d", m, style, rewritten(m, (step, step.replace("(d)", "(grown)")))
        yield f"prodigy/{style}: uphill distance", m, style, rewritten(m, ("start[i] - w[i]", "w[i] - start[i]"))
        yield f"prodigy/{style}: d not squared in v", m, style, rewritten(m, ("c[4] * real(d * d)", "c[4] * real(d)"))
        m = get("dadapt_adam", style)
        yield f"dadapt_adam/{style}: sum with the new s", m, style, rewritten(
            m,
            ("            if s[i] != 0:  # before the first gradient both s and v are 0, and ε may be\n"
             "                along += g[i] * s[i] / (math.sqrt(v[i]) + eps)\n", ""),
            ("            total += abs(s[i])\n",
             "            total += abs(s[i])\n            along += g[i] * s[i] / (math.sqrt(v[i]) + eps)\n"),
        )  # fmt: skip
        m = get("dog", style)
        yield (
            f"dog/{style}: newest distance",
            m,
            style,
            rewritten(m, ("max(memory[at], math", "max(0 * memory[at], math")),
        )
        summed = "memory[at + 1] += slope"
        yield f"dog/{style}: newest gradient", m, style, rewritten(m, (summed, summed.replace("+=", "=")))
        yield f"dog/{style}: per block", m, style, rewritten(m, ("(1 + math.sqrt(size))", "math.sqrt(size)"))
        yield (
            f"dog/{style}: decay not in G",
            m,
            style,
            rewritten(m, ("way, u = w[i] - start[i], g[i] + decay * w[i]", "way, u = w[i] - start[i], g[i]")),
        )
    m = get("lookahead")
    yield (
        "lookahead: meets one step early",
        m,
        "paper",
        replace(m, coefficients=lambda t, lr, m=m, **hyper: m.coefficients(t + 1, lr, **hyper)),
    )
    yield "lookahead: evaluated at the fast weights", m, "paper", replace(m, evaluation=None)
    m = get("sam")
    yield "sam: ρ 10 % off", m, "paper", with_coefficient(m, "radius", lambda t, value: 0.9 * value)
    yield "sam: downhill", m, "paper", with_coefficient(m, "radius", lambda t, value: -value)


MUTANTS = {label: (style, mutant) for label, _, style, mutant in mutants()}
# Without a bias correction nothing depends on t.
SAME = {f"{name}/paper: t one ahead" for name in ("prodigy", "dadapt_adam")}
# Recorded with rates that rise, because there the authors' code is the paper's form.
ONLY_REFERENCE = {
    f"{name}/paper: newest and largest rate exchanged" for name in ("schedulefree_sgd", "schedulefree_adamw")
}


def check_both(method: Method, style: str) -> None:
    check_reference(method, style)
    check_descent(method, style)


@pytest.mark.parametrize("label", [label for label in MUTANTS if label not in SAME])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_mutant_is_caught(label, monkeypatch):
    style, mutant = MUTANTS[label]
    monkeypatch.setattr(minnet.jit, "cache_folder", lambda: None)
    with pytest.raises((AssertionError, ZeroDivisionError)):
        check_both(mutant, style)
    if label not in ONLY_REFERENCE:
        with pytest.raises((AssertionError, ZeroDivisionError)):
            check_golden(mutant, style)
