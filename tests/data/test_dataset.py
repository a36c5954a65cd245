import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minnet
from minnet.data import Dataset
from minnet.data.dataset import hold_out
from minnet.errors import InputError


def make(n=100, n_classes=4, dtype=np.uint8, **change):
    rng = np.random.default_rng(0)
    values = {
        "name": "made",
        "X_train": np.arange(n * 4).reshape(n, 4).astype(dtype),
        "y_train": rng.integers(0, n_classes, n),
        "X_test": np.zeros((8, 4), dtype),
        "y_test": np.arange(8) % n_classes,
        "classes": tuple("abcdefgh"[:n_classes]),
        "image_shape": (2, 2),
        "scale": 1 / 255,
    }
    return Dataset(**(values | change))


def test_arrays_are_read_only_contiguous_and_of_the_right_type():
    X = np.asfortranarray(np.arange(400, dtype=np.uint8).reshape(100, 4))
    data = make(X_train=X, y_train=np.zeros(100, np.int32))
    assert data.X_train.flags.c_contiguous
    assert data.y_train.dtype == np.int64
    for part in (data, data.split()):
        for name in ("X_train", "y_train", "X_test", "y_test"):
            with pytest.raises(ValueError, match="read-only"):
                getattr(part, name)[0] = 1
    X[0, 0] = 7  # the caller's own array stays writeable
    assert (data.n_features, data.n_classes) == (4, 4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"X_train": np.zeros((100, 4))}, "uint8 or float32"),
        ({"X_train": np.zeros(100, np.uint8)}, "shape"),
        ({"X_train": np.zeros((99, 4), np.uint8)}, "99 rows"),
        ({"X_train": np.zeros((100, 5), np.uint8), "image_shape": None}, "must agree"),
        ({"X_train": np.zeros((100, 4), np.float32)}, "must agree"),
        ({"X_train": np.zeros((0, 4), np.uint8), "y_train": np.zeros(0, int)}, "empty"),
        ({"y_train": np.full(100, 4)}, "label 4"),
        ({"y_test": np.full(8, -1)}, "label -1"),
        ({"y_test": np.zeros(8)}, "whole numbers"),
        ({"image_shape": (2, 3)}, "image_shape"),
        ({"scale": 0.0}, "scale"),
        ({"classes": ("one",), "y_train": np.zeros(100, int), "y_test": np.zeros(8, int)}, "at least 2"),
    ],
)
def test_what_does_not_fit_together_is_refused(change, said):
    with pytest.raises(InputError, match=said) as error:
        make(**change)
    assert "\n" not in str(error.value)


def test_split_is_stratified_complete_and_repeatable():
    data = make(1000)
    split, again, other = data.split(0.2, 3), data.split(0.2, 3), data.split(0.2, 4)
    assert len(split.y_val) == 200
    np.testing.assert_array_equal(split.X_val, again.X_val)
    assert not np.array_equal(split.X_val, other.X_val)
    share = np.bincount(split.y_val) / np.bincount(data.y_train)
    np.testing.assert_allclose(share, 0.2, atol=1 / 200)
    assert split.X_test is data.X_test
    assert (split.name, split.classes, split.scale) == (data.name, data.classes, data.scale)


def test_split_is_kept_so_that_trials_share_it():
    data = make()
    assert data.split(0.1, 0).X_train is data.split(0.1, 0).X_train


def test_no_validation_part():
    data = make()
    split = data.split(validation=0)
    assert split.X_val.shape == (0, 4)
    assert split.y_val.shape == (0,)
    np.testing.assert_array_equal(split.X_train, data.X_train)


@pytest.mark.parametrize("validation", [-0.1, 1, 1.5, float("nan"), "0.1", None, True])
def test_invalid_fraction(validation):
    with pytest.raises(InputError, match="validation"):
        make().split(validation)


@pytest.mark.parametrize("seed", [-1, 0.5, "0", None])
def test_invalid_seed(seed):
    with pytest.raises(InputError, match="seed"):
        make().split(0.1, seed)


def test_a_class_of_one_stays_in_training():
    y = np.r_[np.zeros(50, int), 1]
    kept, held = hold_out(y, 10, seed=0)
    assert 50 in kept
    assert len(held) == 10


def test_classes_too_small_to_hold_out_from():
    with pytest.raises(InputError, match="cannot hold out 1 of 3"):
        hold_out(np.array([0, 1, 2]), 1, seed=0)


def test_a_split_that_cannot_be_names_the_data_set():
    with pytest.raises(InputError, match=r"made: validation = 0\.95 does not work: cannot hold out 95"):
        make(n_classes=8, y_train=np.repeat(np.arange(8), 13)[:100], classes=tuple("abcdefgh")).split(0.95)


def test_a_small_set_still_gets_a_validation_sample():
    assert len(make(4, n_classes=2, y_train=np.array([0, 0, 1, 1])).split(0.1).y_val) == 1


@settings(max_examples=200, deadline=None)
@given(
    labels=st.lists(st.integers(0, 6), min_size=1, max_size=60),
    part=st.floats(0, 0.9),
    seed=st.integers(0, 2**40),
)
def test_hold_out_properties(labels, part, seed):
    y = np.array(labels)
    sizes = np.bincount(y, minlength=7)
    count = min(int(len(y) * part), int(np.maximum(sizes - 1, 0).sum()))
    kept, held = hold_out(y, count, seed)
    assert len(held) == count
    np.testing.assert_array_equal(np.sort(np.r_[kept, held]), np.arange(len(y)))
    assert set(y[kept]) == set(labels)
    np.testing.assert_array_equal(held, hold_out(y, count, seed)[1])


def test_the_choice_does_not_change_between_versions():
    assert hold_out(np.arange(20) % 4, 5, seed=1)[1].tolist() == [2, 4, 9, 16, 19]


def test_a_data_set_survives_pickling():
    data = pickle.loads(pickle.dumps(make()))
    np.testing.assert_array_equal(data.X_train, make().X_train)


def test_digits():
    data = minnet.load_dataset("digits")
    assert data.X_train.shape == (1437, 64)
    assert data.X_test.shape == (360, 64)
    assert (data.X_train.dtype, data.X_train.max(), data.scale) == (np.uint8, 16, 1 / 16)
    assert data.image_shape == (8, 8)
    assert np.bincount(data.y_test).min() >= 34
    assert minnet.load_dataset("digits") is data
    together = np.r_[data.X_train, data.X_test]
    from sklearn.datasets import load_digits

    original = load_digits().data.astype(np.uint8)
    assert sorted(map(bytes, together)) == sorted(map(bytes, original))
