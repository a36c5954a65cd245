import contextlib
import gzip
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import minnet
from minnet.data import idx
from minnet.errors import InputError

IMAGES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
LABELS = np.array([2, 0, 1], dtype=np.uint8)


def encoded(array, code=0x08, shape=None):
    shape = array.shape if shape is None else shape
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape) + array.tobytes()


def write_folder(folder, n_train=12, n_test=6, names="-", packed=True, **change):
    """Write a small data set in the IDX format; `change` replaces the bytes of a part."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for part, stem, n in (("train", "train", n_train), ("test", "t10k", n_test)):
        images = encoded(rng.integers(0, 256, (n, 4, 5), dtype=np.uint8))
        labels = encoded((np.arange(n) % 3).astype(np.uint8))
        for kind, dims, content in (("images", 3, images), ("labels", 1, labels)):
            content = change.get(f"{part}_{kind}", content)
            path = folder / f"{stem}-{kind}{names}idx{dims}-ubyte{'.gz' if packed else ''}"
            path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    return folder


@pytest.fixture
def read(tmp_path):
    def read(content, ndim=3):
        path = tmp_path / "file"
        path.write_bytes(content)
        return idx.read_idx(path, ndim)

    return read


def test_plain_and_gzipped_whatever_the_name(read):
    for content in (encoded(IMAGES), gzip.compress(encoded(IMAGES))):
        array = read(content)
        np.testing.assert_array_equal(array, IMAGES)
        assert array.dtype == np.uint8
        assert array.flags.c_contiguous
        assert not array.flags.writeable


def test_gzip_of_several_members(read):
    content = encoded(IMAGES)
    np.testing.assert_array_equal(read(gzip.compress(content[:20]) + gzip.compress(content[20:])), IMAGES)


GOOD = encoded(IMAGES)
PACKED = gzip.compress(GOOD)
BAD = {
    "empty file": (b"", "truncated header, 0 of"),
    "half a magic": (GOOD[:3], "truncated header, 3 of"),
    "half the sizes": (GOOD[:10], "truncated header, 10 of its 4 [+] 12"),
    "wrong magic": (b"\x01" + GOOD[1:], "not an IDX file, starts with 0x01000803"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + GOOD, "not an IDX file"),
    "floats": (encoded(IMAGES, code=0x0D), "32-bit floats .code 0x0d."),
    "unknown type": (encoded(IMAGES, code=0x77), "unknown type"),
    "labels for images": (encoded(LABELS), "has 1 dimensions, images have 3"),
    "four dimensions": (encoded(IMAGES[None]), "has 4 dimensions"),
    "truncated": (GOOD[:-1], "truncated data, 59 bytes; its header 3 x 4 x 5 promises 60"),
    "only a header": (GOOD[:16], "truncated data, 0 bytes"),
    "trailing byte": (GOOD + b"\0", "trailing bytes after the 60"),
    "no images": (encoded(IMAGES[:0]), "empty, its header says 0 x 4 x 5"),
    "oversized": (encoded(IMAGES, shape=(2**32 - 1, 28, 28)), "promises more than it can hold"),
    "all sizes at most": (encoded(IMAGES, shape=(2**32 - 1,) * 3), "promises more than it can hold"),
    "packed, truncated": (PACKED[:-9], "damaged gzip"),
    "packed, no checksum": (PACKED[:-4], "damaged gzip"),
    "packed, wrong checksum": (PACKED[:-8] + bytes(4) + PACKED[-4:], "damaged gzip"),
    "packed, garbage after": (PACKED + b"garbage", "damaged gzip"),
    "packed, bad block": (PACKED[:12] + b"\xff" * 20 + PACKED[32:], "damaged gzip"),
    "packed, header only": (PACKED[:6], "damaged gzip"),
    "packed, trailing": (gzip.compress(GOOD + b"\0"), "trailing bytes"),
    "packed, oversized": (
        gzip.compress(encoded(IMAGES, shape=(2**32 - 1, 28, 28))),
        "promises more than it can hold",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_damage_gives_one_clear_line(read, tmp_path, case):
    content, said = BAD[case]
    with pytest.raises(InputError, match=said) as error:
        read(content)
    assert str(tmp_path / "file") in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("packed", [False, True])
def test_nothing_is_allocated_on_the_word_of_a_header(read, packed):
    content = encoded(np.zeros(2_000_000, np.uint8), shape=(2_000_000, 28, 28))
    tracemalloc.start()
    with pytest.raises(InputError, match="truncated"):
        read(gzip.compress(content) if packed else content)
    assert tracemalloc.get_traced_memory()[1] < 12e6
    tracemalloc.stop()


def test_more_than_the_limit_is_refused(read, monkeypatch):
    monkeypatch.setattr(idx, "MAX_BYTES", 59)
    with pytest.raises(InputError, match="promises 60 bytes, more than 59"):
        read(GOOD)


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            idx.read_idx(path, 3)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=200),
    prefix=st.sampled_from([b"", b"\0\0\x08\x03", GOOD[:16], b"\x1f\x8b\x08"]),
)
def test_any_bytes_are_read_or_refused(read, content, prefix):
    with contextlib.suppress(InputError):
        read(prefix + content)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_flipped_and_cut_bytes_never_pass_silently_as_another_shape(read, data):
    base = data.draw(st.sampled_from([GOOD, PACKED]))
    content = bytearray(base)
    for place in data.draw(st.lists(st.integers(0, len(base) - 1), max_size=3)):
        content[place] ^= data.draw(st.integers(1, 255))
    content = content[: data.draw(st.integers(0, len(base)))]
    with contextlib.suppress(InputError):
        assert read(bytes(content)).size == IMAGES.size


def test_parts_that_do_not_belong_together(tmp_path):
    images, labels = tmp_path / "images", tmp_path / "labels"
    images.write_bytes(GOOD)
    labels.write_bytes(encoded(LABELS[:2]))
    with pytest.raises(InputError, match=r"images holds 3 images, but .*labels holds 2 labels"):
        idx.read_part(images, labels)
    labels.write_bytes(encoded(LABELS))
    with pytest.raises(InputError, match="label 2 at position 0; allowed are 0 to 1"):
        idx.read_part(images, labels, n_classes=2)
    assert len(idx.read_part(images, labels, n_classes=3)[1]) == 3


@pytest.mark.parametrize("names", ["-", "."])
@pytest.mark.parametrize("packed", [True, False])
def test_a_folder(tmp_path, names, packed):
    data = minnet.load_dataset(str(write_folder(tmp_path / "mine", names=names, packed=packed)))
    assert data.X_train.shape == (12, 20)
    assert data.X_test.shape == (6, 20)
    assert (data.name, data.classes, data.image_shape, data.scale) == (
        "mine",
        ("0", "1", "2"),
        (4, 5),
        1 / 255,
    )
    assert minnet.load_dataset(str(tmp_path / "mine")) is data


def test_a_changed_folder_is_read_anew(tmp_path):
    before = minnet.load_dataset(str(write_folder(tmp_path / "mine")))
    after = minnet.load_dataset(str(write_folder(tmp_path / "mine", n_train=15)))
    assert (len(before.X_train), len(after.X_train)) == (12, 15)


def test_a_folder_with_a_file_missing(tmp_path):
    write_folder(tmp_path / "mine")
    (tmp_path / "mine" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(InputError, match="no t10k-labels-idx1-ubyte"):
        minnet.load_dataset(str(tmp_path / "mine"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"test_images": encoded(np.zeros((6, 5, 5), np.uint8))}, "they must agree"),
        ({"test_labels": encoded(np.full(6, 3, np.uint8))}, "label 3 at position 0; allowed are 0 to 2"),
        (
            {"train_labels": encoded(np.zeros(12, np.uint8)), "test_labels": encoded(np.zeros(6, np.uint8))},
            "2",
        ),
        ({"train_labels": encoded(np.zeros(11, np.uint8))}, "12 images"),
    ],
)
def test_a_folder_of_files_that_do_not_fit(tmp_path, change, said):
    with pytest.raises(InputError, match=said):
        minnet.load_dataset(str(write_folder(tmp_path / "mine", **change)))
