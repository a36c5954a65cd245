"""The plane of the paths and the loss on it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from minnet.errors import InputError
from minnet.landscape import Plane, loss_map, principal_plane

RNG = np.random.default_rng(0)


def paths_near_a_plane(noise):
    """Two paths of different length in 50 dimensions, and the directions that span their plane."""
    basis = np.linalg.qr(RNG.normal(size=(50, 2)))[0].T
    places = [np.cumsum(RNG.normal(size=(m, 2)) + drift, axis=0) for m, drift in ((30, (1, 0)), (6, (0, 4)))]
    return [3 + each @ basis + noise * RNG.normal(size=(len(each), 50)) for each in places], basis


def test_it_finds_the_plane_in_which_paths_lie():
    paths, basis = paths_near_a_plane(noise=0)
    plane = principal_plane(paths)
    assert_allclose(plane.directions @ plane.directions.T, np.eye(2), atol=1e-12)
    assert_allclose(np.linalg.svd(plane.directions @ basis.T)[1], 1, rtol=1e-12)
    for path in paths:
        assert plane.share(path) == pytest.approx(1)
        back = [plane.point(x, y) for x, y in plane.shadow(path)]
        assert_allclose(back, path, atol=1e-12)


def test_no_other_plane_holds_more_of_paths_that_count_alike():
    paths, _ = paths_near_a_plane(noise=1.0)
    plane = principal_plane(paths)

    def held(plane):
        return sum((plane.shadow(path) ** 2).sum() / len(path) for path in paths)

    for _ in range(50):
        turned = np.linalg.qr((plane.directions + 0.1 * RNG.normal(size=(2, 50))).T)[0].T
        assert held(Plane(plane.origin, turned)) < held(plane)


def test_paths_end_on_the_positive_side():
    paths, _ = paths_near_a_plane(noise=0.1)
    plane = principal_plane(paths)
    moved = np.mean([plane.shadow(path)[-1] - plane.shadow(path)[0] for path in paths], axis=0)
    assert (moved >= 0).all()


@pytest.mark.parametrize("path", [np.zeros((5, 4)), np.eye(4)[:2]])
def test_too_few_points_are_refused(path):
    with pytest.raises(InputError, match="three different points"):
        principal_plane([path])


def test_the_map_has_the_loss_at_its_places_and_room_for_all_paths():
    plane = Plane(np.ones(3), np.eye(3)[[2, 0]])
    shadows = np.array([[0.0, 5.0], [8.0, 6.0]])
    found = loss_map(plane, shadows, lambda w: np.inf if w[2] > 9 else 10 * w[0] + w[2], cells=4)
    assert found.x[0] < 0 < 8 < found.x[-1]
    assert found.y[0] < 5 < 6 < found.y[-1]
    for i, y in enumerate(found.y):
        for j, x in enumerate(found.x):
            expected = np.nan if 1 + x > 9 else 10 * (1 + y) + 1 + x
            assert_allclose(found.loss[i, j], expected)
    assert np.isnan(found.loss).any()
