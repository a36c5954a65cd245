"""Hessian-vector products: against central differences of gradients, column by column, and by symmetry."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose

from minnet.errors import InputError
from minnet.network import ACTIVATIONS, LOSSES, NetworkSpec
from minnet.network.curvatures import CURVATURES, squared_error_curve
from minnet.network.hessian import hessian_vector
from minnet.network.losses import squared_error
from minnet.network.network import CHUNK, Network

WIDTHS = (4, 3, 3, 2)


def make(activation="tanh", loss="cross_entropy", widths=WIDTHS, scale=1.0):
    return Network(
        NetworkSpec(hidden=widths[1:-1], activation=activation, loss=loss), widths[0], widths[-1], "float64", scale
    )


def problem(network, rows=7, seed=0):
    """Parameters, samples and targets at which no unit lies near a kink."""
    rng = np.random.default_rng(seed)
    params, X = 0.8 * rng.normal(size=network.layout.size), rng.normal(size=(rows, network.widths[0]))
    return params, X, network.targets(rng.integers(0, network.widths[-1], rows))


def by_differences(network, params, X, Y, h=1e-5):
    """The whole Hessian: each column is how the gradient changes with one parameter."""
    columns = [
        (network.loss_and_gradient(params + h * e, X, Y)[1] - network.loss_and_gradient(params - h * e, X, Y)[1])
        / (2 * h)
        for e in np.eye(params.size)
    ]
    return np.array(columns).T


def by_products(network, params, X, Y):
    return np.array([hessian_vector(network, params, e, X, Y) for e in np.eye(params.size)]).T


@pytest.mark.parametrize(("activation", "loss"), list(itertools.product(ACTIVATIONS, LOSSES)))
def test_the_whole_hessian(activation, loss):
    network = make(activation, loss)
    params, X, Y = problem(network)
    H = by_products(network, params, X, Y)
    assert_allclose(H, by_differences(network, params, X, Y), atol=1e-8 * np.abs(H).max(), rtol=1e-5)
    assert_allclose(H, H.T, atol=1e-14 * np.abs(H).max())


@pytest.mark.parametrize("widths", [(4, 3), (4, 2, 3), (5, 4, 3, 2, 3)])
def test_any_depth(widths):
    network = make(widths=widths)
    params, X, Y = problem(network)
    expected = by_differences(network, params, X, Y)
    assert_allclose(by_products(network, params, X, Y), expected, atol=1e-8 * np.abs(expected).max(), rtol=1e-5)


@pytest.mark.parametrize("rows", [1, CHUNK, 2 * CHUNK + 3])
def test_any_number_of_samples(rows):
    network = make()
    params, X, Y = problem(network, rows)
    v, h = np.random.default_rng(1).normal(size=params.size), 1e-5
    slopes = [network.loss_and_gradient(params + sign * h * v, X, Y)[1] for sign in (1, -1)]
    expected = (slopes[0] - slopes[1]) / (2 * h)
    assert_allclose(hessian_vector(network, params, v, X, Y), expected, atol=1e-8 * np.abs(expected).max(), rtol=1e-6)


def test_symmetry_on_a_network_of_usual_size_with_scaled_pixels_that_are_mostly_zero():
    """Zeros of uint8 inputs are left out of the products of the first layer, whichever way round."""
    network = make("gelu", widths=(70, 33, 10), scale=1 / 255)
    rng = np.random.default_rng(0)
    X = (rng.integers(1, 256, (300, 70)) * (rng.random((300, 70)) < 0.2)).astype(np.uint8)
    Y, params = network.targets(rng.integers(0, 10, 300)), network.init(0)
    u, v = rng.normal(size=(2, params.size))
    Hu, Hv = (hessian_vector(network, params, each, X, Y) for each in (u, v))
    assert_allclose(u @ Hv, v @ Hu, rtol=1e-11)
    assert_allclose(Hv, hessian_vector(make("gelu", widths=(70, 33, 10)), params, v, X / 255, Y), atol=1e-13)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_curvature_is_the_slope_of_the_slope(activation):
    scalar = ACTIVATIONS[activation]

    def slope(z):
        return scalar.slope(float(z[0]), scalar.value(float(z[0])))

    for z in (-40.0, -3.1, -0.7, 0.4, 2.2, 40.0):
        [expected] = reference.central_differences(slope, np.array([z]), 1e-5)
        assert_allclose(CURVATURES[activation](z, scalar.value(z)), expected, atol=1e-9, rtol=1e-7)


@pytest.mark.parametrize("output", ACTIVATIONS)
def test_squared_error_of_any_output_unit(output):
    scalar = ACTIVATIONS[output]
    head, curve = squared_error(scalar.value, scalar.slope), squared_error_curve(scalar.slope, CURVATURES[output])
    z, targets, rz, rdelta = np.array([0.7, -1.2]), np.array([0.2, 0.9]), np.array([2.0, -3.0]), np.zeros(2)

    def delta(at):
        out, found = np.zeros(2), np.zeros(2)
        head(at, out, targets, found, 2, 0.25)
        return out, found

    curve(z, delta(z)[0], targets, rz, rdelta, 2, 0.25)
    h = 1e-6
    assert_allclose(rdelta, (delta(z + h * rz)[1] - delta(z - h * rz)[1]) / (2 * h), rtol=1e-7, atol=1e-9)


def test_what_does_not_fit_is_refused():
    network = make()
    params, X, Y = problem(network)
    with pytest.raises(InputError, match="must have shape"):
        hessian_vector(network, params, params[1:], X, Y)
    narrow = Network(network.spec, WIDTHS[0], WIDTHS[-1])
    with pytest.raises(InputError, match="dtype='float64'"):
        hessian_vector(narrow, params, params, X, Y.astype("f4"))
    weighted = Network(network.spec, WIDTHS[0], WIDTHS[-1], "float64", weighted=True)
    with pytest.raises(InputError, match="without weights"):
        hessian_vector(weighted, params, params, X, weighted.targets(np.zeros(len(X), int)))
