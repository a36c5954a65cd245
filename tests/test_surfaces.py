"""`minimize`, races, and what theory says of methods in a ravine."""

from __future__ import annotations

import math

import numpy as np
import pytest
from method_checks import STEPPED
from numpy.testing import assert_allclose, assert_array_equal

import minnet
from minnet import optimizers, schedules, surfaces
from minnet.errors import InputError
from minnet.optimizers import Range
from minnet.surfaces.race import best_for
from minnet.surfaces.track import EXACT


def bowl(x):
    return 0.5 * x @ x, x


def walk(surface, name, steps, **hyper):
    return minnet.minimize(surface, surface.start, optimizers.create(name, **hyper), steps)


# What theory says.


@pytest.mark.parametrize("condition", [2, 10, 100, 1000])
@pytest.mark.parametrize("angle", [0, 30])
def test_gradient_descent_contracts_by_its_exact_factor(condition, angle):
    """At α = 2 / (1 + κ) both directions shrink by (κ − 1) / (κ + 1) in every step."""
    result = walk(surfaces.ravine(condition, angle), "sgd", 50, lr=2 / (1 + condition))
    lengths = np.linalg.norm(result.x, axis=1)
    assert_allclose(lengths[1:] / lengths[:-1], (condition - 1) / (condition + 1), rtol=1e-9)


@pytest.mark.parametrize("angle", [0, 30])
def test_gradient_descent_diverges_beyond_two_over_kappa(angle):
    surface = surfaces.ravine(100, angle)
    below, above = (walk(surface, "sgd", 20_000, lr=factor * 2 / 100) for factor in (0.999, 1.05))
    assert not below.diverged
    assert below.f[-1] < 1e-10
    assert above.diverged
    assert np.isfinite(above.f[above.steps])
    assert above.f[above.steps] > 1e300
    assert np.isnan(above.f[above.steps + 1 :]).all()
    assert np.isnan(above.x[above.steps + 1 :]).all()
    assert len(above.f) == 20_001


def test_momentum_that_knows_the_ravine_contracts_by_the_root_of_its_momentum():
    """Polyak: (√κ − 1) / (√κ + 1) per step in the long run, against (κ − 1) / (κ + 1)."""
    condition = 100
    result = walk(surfaces.ravine(condition), "momentum", 2000, **best_for("momentum", condition))
    rate = (result.f[600] / result.f[300]) ** (1 / 600)
    assert rate == pytest.approx(9 / 11, rel=0.01)


def test_steps_grow_like_kappa_and_like_its_root():
    conditions = [100, 400, 1600, 6400]
    found = surfaces.scaling(conditions, ["sgd", "momentum", "nesterov"], lr=1e-5, steps=30_000)
    growth = {
        name: surfaces.growth(conditions, [track.exact for track in found[f"{name}, in theory"]])
        for name in ("sgd", "momentum", "nesterov")
    }
    assert growth["sgd"] == pytest.approx(1, abs=0.01)
    assert growth["momentum"] == pytest.approx(0.5, abs=0.05)
    assert growth["nesterov"] == pytest.approx(0.5, abs=0.05)
    # f shrinks by the square of the factor per step.
    for condition, track in zip(conditions, found["sgd, in theory"]):
        exact = math.log(EXACT) / (2 * math.log((condition - 1) / (condition + 1)))
        assert track.exact == math.ceil(exact)


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov"])
def test_turning_the_ravine_changes_nothing_for_methods_without_axes(name):
    straight, turned = (walk(surfaces.ravine(100, angle), name, 200, lr=0.005) for angle in (0, 37))
    assert_allclose(turned.f, straight.f, rtol=1e-6, atol=1e-12)


def test_turning_the_ravine_slows_down_adagrad():
    straight, turned = (surfaces.race(surfaces.ravine(100, angle), ["adagrad"])[0] for angle in (0, 30))
    assert turned.exact > 5 * straight.exact


@pytest.mark.parametrize("name", optimizers.names())
def test_every_method_walks_downhill(name):
    result = minnet.minimize(bowl, [1.0, -2.0, 0.5], name, 50)
    assert result.x.shape == result.evaluation.shape == (51, 3)
    assert result.f.shape == result.f_evaluation.shape == (51,)
    assert not result.diverged
    assert result.f_evaluation[-1] < result.f_evaluation[0]
    assert_allclose(result.f, 0.5 * (result.x**2).sum(axis=1), rtol=1e-14)
    assert_allclose(result.f_evaluation, 0.5 * (result.evaluation**2).sum(axis=1), rtol=1e-14)


# minimize


@pytest.mark.parametrize("name", STEPPED)
def test_the_path_is_that_of_single_steps(name):
    opt = optimizers.create(name)
    start = np.array([1.0, -2.0])
    result = minnet.minimize(bowl, start, opt, 1005)  # beyond one table of coefficients
    w, state = start.copy(), opt.init(start)
    for t in range(1, 1006):
        for _ in range(opt.gradients_per_step):
            opt.step(w, w.copy(), state)
        assert_array_equal(result.x[t], w)
    assert_array_equal(start, [1.0, -2.0])
    assert_array_equal(result.evaluation[-1], opt.evaluation_params(w, state))


def test_schedules_are_bound_to_the_length():
    opt = optimizers.create("sgd", lr=schedules.create("linear", lr=0.4))
    result = minnet.minimize(lambda x: (x[0], np.ones(1)), [0.0], opt, 4)
    assert_allclose(np.diff(result.x[:, 0]), [-0.4, -0.3, -0.2, -0.1])
    assert opt.lr.total_steps is None


def test_no_step_and_no_room_to_go():
    result = minnet.minimize(bowl, [3.0], "sgd", 0)
    assert_array_equal(result.x, [[3.0]])
    assert (result.f.tolist(), result.steps, result.diverged) == ([4.5], 0, False)
    assert surfaces.steps_to(minnet.minimize(bowl, [0.0], "adam", 5), 0.0, 1e-6) == 0


def test_stop_ends_the_arrays():
    asked = []
    result = minnet.minimize(bowl, [1.0], "sgd", 50, stop=lambda t, value: asked.append(value) or t == 3)
    assert len(result.x) == len(result.f) == len(result.evaluation) == 4
    assert asked == result.f[1:].tolist()
    assert not result.diverged


@pytest.mark.parametrize("broken", [math.inf, math.nan, OverflowError])
@pytest.mark.parametrize("where", ["value", "gradient"])
def test_what_stops_being_finite_has_diverged(broken, where):
    def fun(x):
        if x[0] > -2.5:
            return x[0], np.ones(1)
        if broken is OverflowError:
            raise OverflowError
        return (broken, np.ones(1)) if where == "value" else (x[0], np.array([broken]))

    result = minnet.minimize(fun, [0.0], optimizers.create("sgd", lr=1.0), 10)
    assert (result.diverged, result.steps) == (True, 2)
    assert_array_equal(result.f, [0, -1, -2, *[np.nan] * 8])
    assert surfaces.steps_to(result, -2.0, 1e-2) is None


@pytest.mark.parametrize(
    ("fun", "x0", "message"),
    [
        (bowl, [[1.0]], r"not of shape \(1, 1\)"),
        (bowl, 1.0, r"not of shape \(\)"),
        (bowl, [], r"not of shape \(0,\)"),
        (bowl, ["a"], "vector of numbers"),
        (bowl, [1.0, np.nan], "x0 must be finite"),
        (lambda x: (np.inf, x), [1.0], "not finite at the start"),
        (lambda x: (1.0, x * np.nan), [1.0], "not finite at the start"),
        (lambda x: 1.0, [1.0], r"must return \(value, gradient\), not float"),
        (lambda x: (1.0, x, x), [1.0], r"must return \(value, gradient\), not tuple"),
        (lambda x: (x, x), [1.0], r"number as value, not an array of shape \(1,\)"),
        (lambda x: ("a", x), [1.0], "must return numbers"),
        (lambda x: (1.0, None), [1.0], "gradient"),
        (lambda x: (1.0, [1.0, 2.0]), [1.0], r"gradient of shape \(2,\) at a point of shape \(1,\)"),
        (lambda x: (1.0, 1.0), [1.0], r"gradient of shape \(\) at a point of shape \(1,\)"),
    ],
)
def test_bad_functions_and_starts(fun, x0, message):
    with pytest.raises(InputError, match=message):
        minnet.minimize(fun, x0, "sgd", 3)


@pytest.mark.parametrize("steps", [-1, 1.5, True, "3"])
def test_bad_steps(steps):
    with pytest.raises(InputError, match="steps"):
        minnet.minimize(bowl, [1.0], "sgd", steps)


def test_a_function_cannot_change_the_path():
    def fun(x):
        gradient = np.ones(1)
        x[0] = 7.0
        return 1.0, gradient

    result = minnet.minimize(fun, [1.0], optimizers.create("sgd", lr=0.5), 2)
    assert result.x.tolist() == [[1.0], [0.5], [0.0]]


# Steps and tuning


def descent(values):
    f = np.array(values, dtype=float)
    return surfaces.Descent(f[:, None], f, f[:, None], f, len(f) - 1, diverged=False)


@pytest.mark.parametrize(
    ("values", "steps"),
    [([10, 5, 1, 0.5], 2), ([10, 0.5, 5, 0.5], 3), ([10, 0.5, 5], None), ([10, 0, math.nan], None), ([0, 0], 0)],
)
def test_steps_until_for_good(values, steps):
    assert surfaces.steps_to(descent(values), 0.0, 0.1) == steps
    shifted = descent(np.array(values) - 7.0)
    assert surfaces.steps_to(shifted, -7.0, 0.1) == steps


def test_tuning_takes_the_fastest_of_equally_many():
    surface = surfaces.ravine(100)
    tried = np.geomspace(1e-3, 1e1, 9)
    arrivals = [walk(surface, "sgd", 1000, lr=float(f"{lr:.4g}")) for lr in tried]
    arrivals = [surfaces.steps_to(result, 0.0, EXACT) for result in arrivals]
    fastest = min(n for n in arrivals if n is not None)
    [track] = surfaces.race(surface, ["sgd"], steps=1000, trials=9)
    assert track.exact == fastest
    assert track.lr == pytest.approx(tried[arrivals.index(fastest)], rel=1e-3)
    assert (track.trials, track.edge) == (9, False)


def test_where_none_arrives_the_lowest_end_wins():
    surface = surfaces.create("rosenbrock")
    [track] = surfaces.race(surface, ["sgd"], steps=40, trials=6)
    ends = [walk(surface, "sgd", 40, lr=float(f"{lr:.4g}")) for lr in np.geomspace(1e-3, 1e1, 6)]
    assert track.exact is None
    assert track.final == np.nanmin([end.f[-1] for end in ends])


def test_the_end_of_a_range_is_told():
    surface = surfaces.ravine(100)
    low, middle = (surfaces.race(surface, ["sgd"], 100, 3, Range(*ends))[0] for ends in ((1e-5, 1e-3), (1e-3, 1e-1)))
    assert low.edge
    assert not middle.edge
    assert middle.lr == 0.01
    [one] = surfaces.race(surface, ["sgd"], 100, 1)
    assert one.lr == pytest.approx(0.1)


def test_other_hyperparameters_are_kept():
    opt = optimizers.create("momentum", momentum=0.5)
    [track] = surfaces.race(surfaces.ravine(10), [opt], steps=20, trials=2)
    assert track.optimizer.hyper == {"momentum": 0.5}
    assert opt.lr == 0.01


def test_bad_surfaces_and_races():
    with pytest.raises(InputError, match="did you mean 'saddle'"):
        surfaces.create("sadle")
    for condition in (0.5, math.nan, math.inf):
        with pytest.raises(InputError, match="condition"):
            surfaces.ravine(condition)
    with pytest.raises(InputError, match="angle"):
        surfaces.ravine(2, math.inf)
    with pytest.raises(InputError, match="trials"):
        surfaces.race(surfaces.ravine(), ["sgd"], trials=0)
    with pytest.raises(InputError, match="at least one optimizer"):
        surfaces.race(surfaces.ravine(), [])
