import hashlib

import numpy as np
import pytest

import minnet
from minnet.data import synthetic
from minnet.data.synthetic import SIDE, draw_digits


@pytest.fixture(scope="module")
def drawn():
    return draw_digits(4000, seed=0)


def test_shapes_and_balance(drawn):
    X, y = drawn
    assert (X.shape, X.dtype, y.dtype) == ((4000, SIDE * SIDE), np.uint8, np.int64)
    assert np.bincount(y).tolist() == [400] * 10


def test_same_seed_same_images(drawn):
    X, y = draw_digits(4000, seed=0)
    np.testing.assert_array_equal(X, drawn[0])
    np.testing.assert_array_equal(y, drawn[1])
    for other in (draw_digits(4000, seed=1), draw_digits(4000, seed=0, part=1)):
        assert (other[0] != X).mean() > 0.1
    assert (X[:2000] != X[2000:]).mean() > 0.1


def test_the_images_look_like_pen_on_paper(drawn):
    pixels = drawn[0].reshape(-1, SIDE, SIDE).astype(float)
    ink = (pixels > 100).mean(axis=(1, 2))
    assert ink.min() > 0.01
    assert ink.max() < 0.45
    assert 20 < pixels.mean() < 45  # MNIST: 33
    border = np.concatenate([pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1]], axis=1)
    assert (border > 128).mean() < 0.01
    weight = pixels.sum(axis=(1, 2))
    for axis in (1, 2):
        where = (pixels.sum(axis=3 - axis) * np.arange(SIDE)).sum(axis=1) / weight
        assert abs(where.mean() - (SIDE - 1) / 2) < 0.3


def test_every_way_of_writing_is_reached():
    pen = synthetic._pen()
    ways = synthetic._choose_ways(np.arange(2000) % 10, pen, np.random.default_rng(0))
    np.testing.assert_array_equal(pen.labels[ways], np.arange(2000) % 10)
    assert set(ways) == set(range(len(pen.labels)))


def test_splines_pass_through_their_control_points():
    rows = synthetic._spline([0, 1, 2, 3], 4)
    np.testing.assert_allclose(rows.sum(axis=1), 1)
    np.testing.assert_allclose(rows[[0, 16, 32, 47]], np.eye(4), atol=1e-12)


def test_ink_is_kept_when_sprinkled():
    path = np.array([[[3.25, 4.5], [10.0, 20.75]]], dtype=np.float32)
    ink = synthetic._sprinkle(path, np.array([[2.0, 0.5]], dtype=np.float32))
    assert ink.sum() == pytest.approx(2.5)
    assert ink[0, 4, 3] == pytest.approx(2.0 * 0.75 * 0.5)
    assert ink[0, 21, 10] == pytest.approx(0.5 * 0.75)


def test_they_can_be_learnt_but_not_by_a_straight_line():
    from sklearn.linear_model import RidgeClassifier
    from sklearn.neighbors import KNeighborsClassifier

    data = minnet.load_dataset("synthetic:6000")
    train, test = data.X_train * np.float32(data.scale), data.X_test * np.float32(data.scale)
    straight = RidgeClassifier(alpha=10.0).fit(train, data.y_train).score(test, data.y_test)
    near = KNeighborsClassifier(3).fit(train, data.y_train).score(test, data.y_test)
    assert 0.6 < straight < 0.9
    assert near > 0.85
    assert near > straight + 0.05


def test_the_name_says_how_many_and_which_seed():
    data = minnet.load_dataset("synthetic:120,5")
    assert (len(data.X_train), len(data.X_test), data.scale) == (120, 20, 1 / 255)
    assert not np.array_equal(data.X_train, minnet.load_dataset("synthetic:120").X_train)
    digest = hashlib.sha256(data.X_train.tobytes()).hexdigest()
    assert digest == hashlib.sha256(draw_digits(120, 5)[0].tobytes()).hexdigest()
