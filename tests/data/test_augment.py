"""Elastic distortions: against SciPy, and what augmentation promises."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import gaussian_filter, map_coordinates

import minnet
from minnet.cuda.member import check
from minnet.data import augment
from minnet.data.augment import Elastic
from minnet.data.elastic import Distorted
from minnet.errors import InputError
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

SHAPE = (9, 14)
MASK = (1 << 64) - 1


def mix(x: int) -> int:
    """The finaliser of SplitMix64, in Python's own integers."""
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def draw(key: int, counter: int) -> float:
    """Squares (Widynski 2020), as a number in [-1, 1)."""
    x = y = (counter * key) & MASK
    z = (y + key) & MASK
    for add in (y, z, y):
        x = (x * x + add) & MASK
        x = ((x >> 32) | (x << 32)) & MASK
    return (((x * x + z) & MASK) >> 32) / 2**31 - 1


def slow(image: np.ndarray, elastic: Elastic, seed: int, epoch: int, place: int) -> np.ndarray:
    """Distort one image with SciPy, in float64."""
    height, width = image.shape
    key = mix(mix(mix(seed) ^ epoch) ^ place) | 1
    angle = math.radians(elastic.rotate) * draw(key, 0)
    wide, high = 1 + elastic.scale * draw(key, 1), 1 + elastic.scale * draw(key, 2)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix = turn @ np.array([[wide, wide * elastic.shear * draw(key, 3)], [0.0, high]])
    noise = np.array([draw(key, 4 + k) for k in range(2 * image.size)]).reshape(height, 2, width)
    smooth = [gaussian_filter(noise[:, k], elastic.sigma, mode="constant", truncate=4.0) for k in range(2)]
    y, x = np.mgrid[:height, :width].astype(float)
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    moved = np.einsum("ij,jrc->irc", matrix, np.stack([x - middle[0], y - middle[1]]))
    x_from = middle[0] + moved[0] + elastic.alpha * smooth[0]
    y_from = middle[1] + moved[1] + elastic.alpha * smooth[1]
    return map_coordinates(image.astype(float), [y_from, x_from], order=1, mode="grid-constant", cval=0.0)


@pytest.fixture
def images(rng) -> np.ndarray:
    return rng.integers(0, 256, (6, math.prod(SHAPE)), dtype=np.uint8)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.mark.parametrize(
    "elastic",
    [
        Elastic(sigma=2, alpha=6),
        Elastic(sigma=40, alpha=300),
        Elastic(sigma=0.3, alpha=1),
        Elastic(alpha=0, rotate=40),
        Elastic(alpha=0, scale=0.4),
        Elastic(alpha=0, shear=0.7),
        Elastic(sigma=1.5, alpha=5, rotate=15, scale=0.2, shear=0.3),
    ],
    ids=lambda elastic: elastic.describe(),
)
def test_agrees_with_scipy(images, elastic):
    X = (images / 255).astype(np.float32)
    ours = Distorted(X, SHAPE, elastic, seed=5).epoch(2)
    for i, image in enumerate(X):
        assert_allclose(ours[i].reshape(SHAPE), slow(image.reshape(SHAPE), elastic, 5, 2, i), atol=3e-5)
    assert np.abs(ours - X).max() > 0.1


def test_whole_numbers_are_rounded(images):
    elastic = Elastic(sigma=2, alpha=6, rotate=20)
    ours = Distorted(images, SHAPE, elastic, seed=0).epoch(1)
    assert ours.dtype == np.uint8
    expected = [slow(image.reshape(SHAPE), elastic, 0, 1, i).ravel() for i, image in enumerate(images)]
    assert_allclose(ours, expected, atol=0.5 + 1e-2)


def test_nothing_asked_for_leaves_the_images_as_they_are(images):
    assert_array_equal(Distorted(images, SHAPE, Elastic(alpha=0), seed=0).epoch(1), images)


def test_bits_depend_on_seed_epoch_and_place_only(images):
    elastic = Elastic(sigma=2, alpha=6, rotate=10)

    def epoch(number, seed=1, threads=1):
        return Distorted(images, SHAPE, elastic, seed, threads).epoch(number).copy()

    base = epoch(3)
    assert_array_equal(epoch(3, threads=4), base)
    again = Distorted(images, SHAPE, elastic, 1)
    again.epoch(1)
    assert_array_equal(again.epoch(3), base)
    assert (epoch(4) != base).any(axis=1).all()
    assert (epoch(3, seed=2) != base).any(axis=1).all()
    same = Distorted(np.tile(images[:1], (4, 1)), SHAPE, elastic, 1).epoch(1)
    assert len(np.unique(same, axis=0)) == 4


def test_images_are_read_and_the_buffer_is_used_again(images):
    images.flags.writeable = False
    distorted = Distorted(images, SHAPE, Elastic(), 0)
    assert distorted.epoch(1) is distorted.epoch(2)


def run_spec(name: str = "sgd", **training) -> RunSpec:
    return RunSpec(
        "digits", NetworkSpec(hidden=(8,)), TrainingSpec(epochs=2, **training), OptimizerSpec(name, hyper={"lr": 0.1})
    )


@pytest.fixture(scope="module")
def digits():
    return minnet.load_dataset("digits").split()


def test_training_sees_distorted_images_of_its_seed(digits):
    plain = minnet.train(run_spec(), digits)
    off, mild, again = (
        minnet.train(run_spec(augment=each), digits, threads=threads)
        for each, threads in (
            ("elastic:alpha=0", 1), ("elastic:sigma=2,alpha=4", 1), ({"name": "elastic", "sigma": 2, "alpha": 4}, 1),
        )
    )  # fmt: skip
    assert_array_equal(off.params, plain.params)
    assert np.abs(mild.params - plain.params).max() > 1e-3
    assert_array_equal(mild.params, again.params)
    other = minnet.train(replace(run_spec(augment="elastic:sigma=2,alpha=4"), seed=1), digits)
    assert np.abs(mild.params - other.params).max() > 1e-3


def test_measures_on_the_images_as_they_are(digits):
    still = minnet.train(
        replace(run_spec(augment="elastic"), optimizer=OptimizerSpec("sgd", hyper={"lr": 0.0})), digits
    )
    assert still.history[0]["train_loss"] == still.history[2]["train_loss"]
    assert still.history[1]["running_loss"] != still.history[2]["running_loss"]


def test_off_leaves_no_trace_in_what_names_a_run():
    assert "augment" not in run_spec().to_dict()["training"]
    spec = run_spec(augment="elastic:alpha=9")
    assert RunSpec.from_dict(spec.to_dict()) == spec


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        ("elstic", "unknown augment 'elstic': did you mean 'elastic'"),
        ("elastic:alpha", "cannot read 'alpha'"),
        ("elastic:sgma=3", "did you mean 'sigma'"),
        ("elastic:sigma=0", "sigma must be a number from 0.1 to 100, not 0.0"),
        ({"name": "elastic", "rotate": True}, "rotate must be a number from 0 to 180"),
        ({"alpha": 3}, "unknown augment"),
        ("none:alpha=3", "augment 'none': unknown parameter 'alpha'"),
        (3, "must be a text or a table, not 3"),
    ],
)
def test_refusals(spec, line):
    with pytest.raises(InputError, match=line):
        augment.parse(spec)


def test_rows_that_are_no_images_are_refused(digits):
    with pytest.raises(InputError, match="no height and width: set augment = 'none'"):
        minnet.train(run_spec(augment="elastic"), replace(digits, image_shape=None))


def test_a_gpu_refuses():
    with pytest.raises(InputError, match="device 'cuda' keeps the training images as they are"):
        check([run_spec(augment="elastic")])


def test_a_method_that_needs_one_loss_refuses(digits):
    with pytest.raises(InputError, match="lbfgs searches along the whole loss, on images that stay the same"):
        minnet.train(run_spec("lbfgs", augment="elastic"), digits)
