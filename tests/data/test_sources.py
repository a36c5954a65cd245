import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import minnet
from minnet import data, resources
from minnet.errors import InputError

needs_mnist = pytest.mark.skipif(
    not all(data.status(name).complete for name in ("mnist", "fashion-mnist")),
    reason="no MNIST and Fashion-MNIST files here (set MINNET_DATA)",
)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("minst", "unknown data set 'minst': did you mean 'mnist'"),
        ("", "unknown data set ''"),
        ("./nothing", "no such file or folder"),
        ("nothing.npz", "no such file or folder"),
        ("synthetic:", "write synthetic:N"),
        ("synthetic:many", "write synthetic:N"),
        ("synthetic:100,", "write synthetic:N"),
        ("synthetic:100,1,2", "write synthetic:N"),
        ("synthetic:-100", "write synthetic:N"),
        ("synthetic:10", "from 60 to 1000000"),
        ("synthetic:9999999", "from 60 to 1000000"),
        ("openml:", "write openml:NAME"),
        ("openml:a b", "write openml:NAME"),
        ("synthetic:N[,SEED]", "write synthetic:N"),
    ],
)
def test_names_that_do_not_work(name, said):
    with pytest.raises(InputError, match=said.replace("[", r"\[")) as error:
        minnet.load_dataset(name)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_data_set(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError, match=r"must be an \.npz"):
        minnet.load_dataset(tmp_path / "notes.txt")


def test_many_threads_share_one_copy():
    with ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(lambda _: minnet.load_dataset("synthetic:600,3").split().X_train, range(16)))
    assert all(X is loaded[0] for X in loaded)


def test_importing_the_room_is_light():
    code = (
        "import sys, minnet.data; minnet.data.info('mnist'); minnet.data.status('mnist');"
        "heavy = {'sklearn', 'scipy', 'numba', 'pooch', 'requests', 'rich', 'pandas'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=resources.PACKAGE.parent)


@pytest.mark.mnist
@needs_mnist
def test_mnist():
    mnist = minnet.load_dataset("mnist")
    assert (mnist.X_train.shape, mnist.X_test.shape) == ((60000, 784), (10000, 784))
    assert (mnist.X_train.dtype, mnist.scale, mnist.image_shape) == (np.uint8, 1 / 255, (28, 28))
    assert mnist.y_train[:5].tolist() == [5, 0, 4, 1, 9]
    split = mnist.split(0.1, seed=0)
    assert (len(split.X_train), len(split.X_val)) == (54000, 6000)
    assert minnet.load_dataset("mnist") is mnist


@pytest.mark.mnist
@needs_mnist
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_files_are_the_cards(name):
    assert set(data.status(name, hashes=True).hashes_ok.values()) == {True}
    assert data.fetch(name) == data.status(name).folder
