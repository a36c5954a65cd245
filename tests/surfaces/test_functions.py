"""The test functions: gradients by central differences, minima, noise. A new surface is checked by existing."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import minnet
from minnet import optimizers, surfaces
from minnet.errors import InputError
from minnet.surfaces import functions

SURFACES = {
    **{name: surfaces.create(name) for name in surfaces.names()},
    "round": surfaces.ravine(1, 45),
    "turned": surfaces.ravine(1000, 30),
}
every_surface = pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)


def test_every_file_is_a_surface_under_its_own_name():
    files = {path.stem for path in Path(functions.__file__).parent.glob("[a-z]*.py")}
    assert files == set(surfaces.names()) == {surfaces.create(name).name for name in files}


@every_surface
def test_gradients_by_central_differences(surface):
    x0, x1, y0, y1 = surface.box
    x, y = np.random.default_rng(0).uniform([[x0], [y0]], [[x1], [y1]], (2, 40))
    h = 1e-5
    for ours, difference in zip(
        surface.gradient(x, y),
        (surface.value(x + h, y) - surface.value(x - h, y), surface.value(x, y + h) - surface.value(x, y - h)),
    ):
        assert_allclose(ours, difference / (2 * h), rtol=1e-6, atol=1e-6 * np.abs(ours).max())
        assert np.abs(ours).max() > 1e-3


@every_surface
def test_values_over_a_grid_and_minima(surface):
    x0, x1, y0, y1 = surface.box
    x, y = np.meshgrid(np.linspace(x0, x1, 101), np.linspace(y0, y1, 101))
    values = surface.value(x, y)
    assert values.shape == x.shape
    assert values[3, 5] == pytest.approx(surface(np.array([x[3, 5], y[3, 5]]))[0], rel=1e-14)
    assert values.min() >= surface.lowest - 1e-14 * abs(surface.lowest)
    assert surface.minima
    for minimum in surface.minima:
        value, gradient = surface(np.array(minimum))
        assert value == pytest.approx(surface.lowest, rel=1e-14, abs=1e-14)
        assert_allclose(gradient, 0, atol=2e-13 * np.abs(surface.gradient(x, y)).max())
        assert x0 < minimum[0] < x1
        assert y0 < minimum[1] < y1
    assert x0 < surface.start[0] < x1
    assert y0 < surface.start[1] < y1
    assert surface.value(*surface.start) > surface.lowest + 1e-3


@every_surface
def test_each_names_its_source(surface):
    assert re.search(r"[A-Z]\w+ (et al\. )?\(\d{4}\), \w+", surface.notes)


def test_known_values():
    """As published: Himmelblau's hill is 181.616 high at (-0.270845, -0.923039); Styblinski and Tang's lowest point."""
    himmelblau, tang = SURFACES["himmelblau"], SURFACES["styblinski_tang"]
    assert himmelblau.value(-0.270845, -0.923039) == pytest.approx(181.616, abs=1e-3)
    assert tang.minima[0] == pytest.approx((-2.903534, -2.903534), abs=1e-6)
    assert tang.lowest == pytest.approx(2 * -39.16616570377142, rel=1e-14)
    assert SURFACES["rastrigin"].value(1.0, -2.0) == pytest.approx(5.0)


@pytest.mark.parametrize("angle", [0, 30, 90, -200])
def test_a_turned_ravine_has_its_condition_number(angle):
    surface = surfaces.ravine(50, angle)
    hessian = np.column_stack([surface.gradient(1.0, 0.0), surface.gradient(0.0, 1.0)])
    assert_allclose(np.linalg.eigvalsh(hessian), [1, 50], rtol=1e-12)
    straight = surfaces.ravine(50)
    assert surface.value(*surface.start) == pytest.approx(straight.value(*straight.start))
    along = np.array([math.cos(math.radians(angle)), math.sin(math.radians(angle))])
    assert_allclose(hessian @ along, along, atol=1e-12)


# Noise


def test_noise_is_that_of_the_seed_and_in_proportion_to_the_hessian():
    surface = surfaces.create("noisy_quadratic", condition=25, noise=0.5, seed=3)
    rows = surface.noise(20_000)
    assert_allclose(np.cov(rows.T), 0.25 * np.diag([1, 25]), rtol=0.05, atol=0.05)
    assert_array_equal(rows[:7], surface.noise(7))
    assert_array_equal(surfaces.create("noisy_quadratic", condition=25, noise=0.5, seed=3).noise(7), rows[:7])
    for other in (surface.noise(7, 1), surfaces.create("noisy_quadratic", seed=4).noise(7)):
        assert not (rows[:7] == other).any()


@pytest.mark.parametrize("name", ["sgd", "sam(sgd)", "lbfgs", "schedulefree_sgd"])
def test_noise_is_added_to_the_gradients_of_its_step(name):
    """On a plane, a method sees nothing but its noise: as if that were the gradient."""
    rows = np.random.default_rng(0).standard_normal((4, 2))
    opt = optimizers.create(name, lr=0.5)
    result = minnet.minimize(lambda x: (7.0, np.zeros(2)), [1.0, 2.0], opt, 1, noise=rows[:1])
    plane = minnet.minimize(lambda x: (7.0 + float(x @ rows[0]), rows[0]), [1.0, 2.0], opt, 1)
    assert_array_equal(result.x, plane.x)
    assert_array_equal(result.f, [7.0, 7.0])
    if name == "sgd":
        whole = minnet.minimize(lambda x: (7.0, np.zeros(2)), [1.0, 2.0], opt, 4, noise=rows)
        assert_allclose(whole.x[1:], [1.0, 2.0] - 0.5 * np.cumsum(rows, axis=0))


def test_gradient_descent_stays_above_the_floor_that_theory_gives():
    """Along a direction of curvature h the variance settles at α σ² / (2 − α h), σ being the noise along it."""
    surface, lr, steps = surfaces.create("noisy_quadratic", condition=10, noise=0.3), 0.05, 20_000
    result = minnet.minimize(surface, surface.start, optimizers.create("sgd", lr=lr), steps, noise=surface.noise(steps))
    for axis, curvature in enumerate((1, 10)):
        assert result.x[1000:, axis].var() == pytest.approx(lr * 0.3**2 / (2 - lr * curvature), rel=0.15)


def test_every_method_and_step_size_meets_the_same_noise():
    surface = surfaces.create("noisy_quadratic")
    without = optimizers.create("momentum", momentum=0.0)
    first, second = surfaces.race(surface, ["sgd", without], steps=50, lr=0.05, start=[(-2.0, 1.0), (1.0, 1.0)])
    for one, other in zip(first.results, second.results):
        assert_allclose(one.x, other.x, rtol=1e-12)
    draws = [minnet.minimize(surface, (-2.0, 1.0), first.optimizer, 50, noise=surface.noise(50, k)).x for k in (0, 1)]
    assert_array_equal(first.results[0].x, draws[0])
    assert np.abs(draws[0] - draws[1]).max() > 0.01


@pytest.mark.parametrize("noise", [np.zeros((3, 2)), np.zeros(2), np.full((2, 2), np.nan), "loud"])
def test_bad_noise(noise):
    with pytest.raises(InputError, match="noise must be"):
        minnet.minimize(lambda x: (x @ x, 2 * x), [1.0, 1.0], "sgd", 2, noise=noise)


@pytest.mark.parametrize(("option", "value"), [("condition", 0.5), ("noise", -1.0), ("noise", math.inf)])
def test_bad_options(option, value):
    with pytest.raises(InputError, match=f"{option} = "):
        surfaces.create("noisy_quadratic", **{option: value})
