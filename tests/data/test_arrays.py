import contextlib
import io
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import minnet
from minnet.data.arrays import from_arrays
from minnet.errors import InputError

RNG = np.random.default_rng(0)
FLOATS = RNG.standard_normal((40, 3))
Y = np.arange(40) % 4


@pytest.fixture
def load(tmp_path):
    def load(**arrays):
        np.savez(tmp_path / "mine.npz", **arrays)
        return minnet.load_dataset(str(tmp_path / "mine.npz"))

    return load


def test_four_arrays(load):
    X = RNG.integers(0, 256, (30, 8, 9), dtype=np.uint8)
    data = load(X_train=X[:20], y_train=Y[:20], X_test=X[20:], y_test=Y[20:30])
    np.testing.assert_array_equal(data.X_train, X[:20].reshape(20, 72))
    np.testing.assert_array_equal(data.y_test, Y[20:30])
    assert (data.image_shape, data.scale, data.X_test.dtype) == ((8, 9), 1 / 255, np.uint8)


def test_lower_case_names_as_other_archives_have_them(load):
    upper = load(X_train=FLOATS[:20], y_train=Y[:20], X_test=FLOATS[20:], y_test=Y[20:])
    lower = load(x_train=FLOATS[:20], y_train=Y[:20], x_test=FLOATS[20:], y_test=Y[20:])
    np.testing.assert_array_equal(lower.X_train, upper.X_train)
    np.testing.assert_array_equal(lower.X_test, upper.X_test)
    np.testing.assert_array_equal(load(x=FLOATS, y=Y).X_train, load(X=FLOATS, y=Y).X_train)


def test_two_arrays_are_split_always_the_same_way(load):
    data, again = load(X=FLOATS, y=Y), load(X=FLOATS, y=Y)
    assert (data.X_train.shape, data.X_test.shape) == ((32, 3), (8, 3))
    assert np.bincount(data.y_test).tolist() == [2, 2, 2, 2]
    assert (data.X_train.dtype, data.scale, data.image_shape) == (np.float32, 1.0, None)
    np.testing.assert_array_equal(data.X_test, again.X_test)
    together = np.sort(np.r_[data.X_train, data.X_test], axis=0)
    np.testing.assert_array_equal(together, np.sort(FLOATS.astype(np.float32), axis=0))


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (np.array(["cat", "dog"] * 20), ("cat", "dog")),
        (np.array([3, -7] * 20), ("-7", "3")),
        (np.array([1.0, 2.0] * 20), ("1", "2")),
        (np.array([True, False] * 20), ("0", "1")),
        (np.array([5, 9] * 20, dtype=np.uint64)[:, None], ("5", "9")),
    ],
)
def test_labels_of_many_kinds(load, y, classes):
    data = load(X=FLOATS, y=y)
    assert data.classes == classes
    assert sorted(np.r_[data.y_train, data.y_test].tolist()) == [0] * 20 + [1] * 20


@pytest.mark.parametrize(
    ("X", "dtype", "scale"),
    [
        (RNG.integers(0, 256, (40, 3)), np.uint8, 1 / 255),
        (RNG.integers(0, 17, (40, 3)).clip(0, 16), np.uint8, 1 / 16),
        (np.tile([0.0, 255.0, 7.0], (40, 1)), np.uint8, 1 / 255),
        (RNG.integers(0, 2, (40, 3)).astype(np.float32), np.float32, 1.0),
        (RNG.integers(0, 2, (40, 3)).astype(bool), np.uint8, 1.0),
        (RNG.integers(-5, 5, (40, 3)), np.float32, 1.0),
        (np.full((40, 3), 256), np.float32, 1.0),
        (np.full((40, 3), 0.5), np.float32, 1.0),
    ],
)
def test_types_of_samples(X, dtype, scale):
    data = from_arrays("mine", X, Y, X, Y)
    assert (data.X_train.dtype, data.scale) == (dtype, scale)
    np.testing.assert_array_equal(data.X_train, X)


def test_square_images_are_seen_as_images():
    X = RNG.integers(0, 256, (40, 784))
    assert from_arrays("mine", X, Y).image_shape == (28, 28)
    assert from_arrays("mine", X / 255, Y).image_shape is None


def test_standardised_by_the_training_part_only():
    X = np.c_[RNG.normal(5, 2, 40), np.full(40, 0.3)]
    data = from_arrays("mine", X[:30], Y[:30], X[30:] + 100, Y[30:], standardise=True)
    np.testing.assert_allclose(data.X_train.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(data.X_train.std(axis=0), [1, 0], atol=1e-6)
    expected = (X[30:, 0] + 100 - X[:30, 0].mean()) / X[:30, 0].std()
    np.testing.assert_allclose(data.X_test[:, 0], expected, rtol=1e-6)


GOOD = {"X": FLOATS, "y": Y}
WHOLE = {"X_train": FLOATS, "y_train": Y, "X_test": FLOATS[:8], "y_test": Y[:8]}
BAD = {
    "no labels": ({"X": FLOATS}, "holds X; needed are X_train"),
    "nothing": ({}, "holds nothing"),
    "one dimension": ({**GOOD, "X": FLOATS[:, 0]}, "must have shape"),
    "four dimensions": ({**GOOD, "X": FLOATS[:, :, None, None]}, "must have shape"),
    "no rows": ({"X": FLOATS[:0], "y": Y[:0]}, "must have shape"),
    "lengths": ({**GOOD, "y": Y[:39]}, "40 samples, but y has shape"),
    "text": ({**GOOD, "X": FLOATS.astype(str)}, "must be numbers"),
    "complex": ({**GOOD, "X": FLOATS + 1j}, "must be numbers"),
    "not a number": ({**GOOD, "X": np.where(FLOATS > 2, np.nan, FLOATS) + np.inf}, "not finite"),
    "too large": ({**GOOD, "X": FLOATS * 1e300}, "too large for float32"),
    "regression": ({**GOOD, "y": Y + 0.5}, "whole numbers or strings: minnet classifies"),
    "one-hot": ({**GOOD, "y": np.eye(4)[Y]}, "y has shape"),
    "one class": ({**GOOD, "y": np.zeros(40, int)}, "at least 2"),
    "classes of one": ({**GOOD, "y": np.arange(40)}, "cannot hold out"),
    "objects": ({**GOOD, "y": np.array([None] * 40)}, "Python objects"),
    "unseen label": ({**WHOLE, "y_test": np.full(8, 9)}, "label '9' of the test part"),
    "test columns": ({**WHOLE, "X_test": FLOATS[:8, :2]}, "they must agree"),
    "mixed labels": ({**WHOLE, "y_test": Y[:8].astype(str)}, "numbers in one part"),
}


@pytest.mark.parametrize("case", BAD)
def test_arrays_that_make_no_data_set(load, tmp_path, case):
    arrays, said = BAD[case]
    with pytest.raises(InputError, match=said) as error:
        load(**arrays)
    assert "\n" not in str(error.value)
    assert str(tmp_path) in str(error.value)


def archive(header, body=b"\0" * 64):
    """An .npz whose `X` has the given header."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as out:
        for key in ("X", "y"):
            text = header.encode().ljust(117) + b"\n"
            out.writestr(f"{key}.npy", b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body)
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a zip",
        archive("{'descr': '|u1', 'fortran_order': False, 'shape': (4000000000, 784)}"),
        archive("{'descr': '<f8', 'fortran_order': False, 'shape': (9,)}"),
        archive("{'descr': '|u1', 'fortran_order': False, 'shape': (63,)}"),
        archive("{'descr': '|O', 'fortran_order': False, 'shape': (8,)}"),
        archive("{'descr': 'nonsense'}"),
        archive("__import__('os')"),
    ],
)
def test_damaged_archives(tmp_path, content):
    path = tmp_path / "mine.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"not a readable \.npz") as error:
        minnet.load_dataset(str(path))
    assert "\n" not in str(error.value)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(1, 255)), max_size=4), cut=st.floats(0, 1))
def test_fuzzed_archives_are_read_or_refused(tmp_path, flips, cut):
    stream = io.BytesIO()
    np.savez_compressed(stream, **GOOD)
    content = bytearray(stream.getvalue())
    for place, bits in flips:
        content[int(place * len(content))] ^= bits
    if cut < 0.9:
        content = content[: int(cut * len(content))] if cut < 0.3 else content
    path = tmp_path / "fuzzed.npz"
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        minnet.load_dataset(str(path))


@pytest.mark.parametrize("count", [63, 65, 4_000_000_000])
def test_the_size_is_checked_before_numpy_allocates(tmp_path, count):
    path = tmp_path / "mine.npz"
    path.write_bytes(archive(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({count},)}}"))
    with pytest.raises(InputError, match=f"promises .{count},. of uint8, but holds 64 bytes"):
        minnet.load_dataset(str(path))
