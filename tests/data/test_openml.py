from urllib.error import URLError

import numpy as np
import pytest
from sklearn.utils import Bunch

import minnet
from minnet.data import openml, sources
from minnet.errors import InputError

RNG = np.random.default_rng(0)


@pytest.fixture
def serve(monkeypatch):
    """Let `fetch_openml` answer with the given bunch or error; return the arguments it was called with."""
    calls = []

    def answer(result=None, **values):
        def fetch_openml(name, **options):
            calls.append((name, options))
            if isinstance(result, Exception):
                raise result
            return result or Bunch(
                **{
                    "data": RNG.normal(3, 2, (60, 2)),
                    "target": np.array(["a", "b", "c"] * 20, dtype=object),
                    "feature_names": ["width", "height"],
                    "categories": {"class": ["a", "b", "c"]},
                    **values,
                }
            )

        monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch_openml)
        sources._openml.cache_clear()
        return calls

    yield answer
    sources._openml.cache_clear()


def test_numeric_features_are_standardised(serve, tmp_path):
    calls = serve()
    data = minnet.load_dataset("openml:flowers@2", data_dir=tmp_path)
    assert calls[0][0] == "flowers"
    assert calls[0][1]["version"] == 2
    assert calls[0][1]["as_frame"] is False
    assert calls[0][1]["data_home"] == str(tmp_path / "openml")
    assert (data.name, data.classes) == ("openml:flowers@2", ("a", "b", "c"))
    assert (data.X_train.shape, data.X_test.shape, data.X_train.dtype) == ((48, 2), (12, 2), np.float32)
    np.testing.assert_allclose(data.X_train.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(data.X_train.std(axis=0), 1, atol=1e-6)
    assert np.bincount(data.y_test).tolist() == [4, 4, 4]


def test_pixels_stay_bytes_and_are_fetched_once(serve):
    calls = serve(data=RNG.integers(0, 256, (60, 784)).astype(float), feature_names=[f"p{i}" for i in range(784)])
    data = minnet.load_dataset("openml:pixels")
    assert (data.X_train.dtype, data.scale, data.image_shape) == (np.uint8, 1 / 255, (28, 28))
    assert calls[0][1]["version"] == "active"
    assert minnet.load_dataset("openml:pixels") is data
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"categories": {"width": ["s", "m"]}}, "width are nominal"),
        ({"data": np.array([["x", 1]] * 60, dtype=object)}, "some of its are text"),
        ({"data": np.full((60, 2), np.nan)}, "values are missing in width, height"),
        ({"target": None}, "no single target"),
        ({"target": np.zeros((60, 2))}, "no single target"),
        ({"target": RNG.normal(size=60)}, "minnet classifies"),
    ],
)
def test_what_cannot_be_classified(serve, values, said):
    serve(**values)
    with pytest.raises(InputError, match=said):
        minnet.load_dataset("openml:odd")


def test_sparse_samples(serve):
    from scipy.sparse import csr_matrix

    serve(data=csr_matrix(np.eye(60)))
    with pytest.raises(InputError, match="sparse"):
        minnet.load_dataset("openml:sparse")


@pytest.mark.parametrize(
    "error", [URLError("no route"), TimeoutError("timed\nout"), ValueError("No active dataset odd found.")]
)
def test_offline_or_unknown_is_one_line(serve, error):
    serve(error)
    with pytest.raises(InputError, match=r"openml:odd cannot be fetched .*--data digits") as caught:
        minnet.load_dataset("openml:odd")
    assert "\n" not in str(caught.value)


def test_names(serve):
    serve()
    for name in ("a@b", "a@0", "a/b", "@1"):
        with pytest.raises(InputError, match="write openml:NAME"):
            openml.load_openml(name)


def test_offline_there_are_no_warnings_and_nothing_is_left(monkeypatch, tmp_path):
    def refuse(*args, **options):
        raise URLError("no route to host")

    monkeypatch.setattr("sklearn.datasets._openml.urlopen", refuse)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    sources._openml.cache_clear()
    (tmp_path / "kept").mkdir()
    with pytest.raises(InputError, match="no route to host"):
        minnet.load_dataset("openml:odd", data_dir=tmp_path / "new" / "cache")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    (tmp_path / "openml").mkdir()
    (tmp_path / "openml" / "file").write_text("")
    with pytest.raises(InputError, match="no route to host"):
        minnet.load_dataset("openml:odd", data_dir=tmp_path)
    assert {path.name for path in tmp_path.rglob("*")} == {"openml", "kept", "file"}
