import gzip
import hashlib
import http.server
import os
import socket
import threading
import time

import numpy as np
import pytest

import minnet
from minnet import data, resources
from minnet.data import download
from minnet.errors import InputError

NAMES = {
    "train_images": "train-images-idx3-ubyte.gz",
    "train_labels": "train-labels-idx1-ubyte.gz",
    "test_images": "t10k-images-idx3-ubyte.gz",
    "test_labels": "t10k-labels-idx1-ubyte.gz",
}


def contents():
    def encoded(array):
        head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
        return head + array.astype(np.uint8).tobytes()

    rng = np.random.default_rng(0)
    return {
        "train_images": encoded(rng.integers(0, 256, (200, 4, 5))),
        "train_labels": encoded(np.arange(200) % 10),
        "test_images": encoded(rng.integers(0, 256, (20, 4, 5))),
        "test_labels": encoded(np.arange(20) % 10),
    }


CONTENTS = contents()
PACKED = {NAMES[part]: gzip.compress(content, mtime=0) for part, content in CONTENTS.items()}


class Handler(http.server.BaseHTTPRequestHandler):
    """/serve/NAME serves well; /404, /500, /truncate, /corrupt ... do what they say."""

    def do_GET(self):
        way, name = self.path.strip("/").split("/")
        self.server.asked.append(f"{way}/{name}")
        self.server.encodings.add(self.headers["Accept-Encoding"])
        body = PACKED[name]
        if way.isdigit():
            return self.send_error(int(way))
        length = str(len(body))
        if way == "corrupt":
            body = body[:-12] + bytes(12)
        elif way == "long":
            body = body + bytes(100_000)
            length = str(len(body))
        elif way == "plain":
            body = gzip.decompress(body)
            length = str(len(body))
        elif way in ("truncate", "stall"):
            body = body[: len(body) // 2]
        elif way == "length":
            length = "many"
        self.send_response(200)
        self.send_header("Content-Length", length)
        if way == "encoded":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)
        if way == "stall":
            self.wfile.flush()
            self.server.released.wait(5)
        return None

    def log_message(self, *args):
        """Stay silent."""


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked = []
        server.encodings = set()
        server.released = threading.Event()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Cards, cache and MINNET_DATA in a folder of the test's own."""
    cards = tmp_path / "cards"
    cards.mkdir()
    monkeypatch.setattr(resources, "folder", lambda name: cards)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *args, **kwargs: str(tmp_path / "cache"))
    monkeypatch.delenv("MINNET_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path


@pytest.fixture
def card(places, server):
    """Write the card `small`, whose files have mirrors that behave in the given ways."""

    def write(*ways, port=None):
        port = port or server.server_address[1]
        text = (
            'title = "t"\ndescription = "d"\nlicence = "l"\nhomepage = "h"\ncitation = "c"\nshape = [4, 5]\n'
            f"classes = {list('0123456789')}\ntrain = 200\ntest = 20\n"
        )
        for part, name in NAMES.items():
            urls = [
                f"http://127.0.0.1:{port if way == 'closed' else server.server_address[1]}/{way}/{name}" for way in ways
            ]
            text += (
                f'[files.{part}]\nname = "{name}"\nsha256 = "{hashlib.sha256(CONTENTS[part]).hexdigest()}"\n'
                f"size = {len(CONTENTS[part])}\nurls = {urls}\n"
            )
        (places / "cards" / "small.toml").write_text(text)
        return places / "cache" / "data" / "small"

    return write


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_fetch_then_load(card, server):
    folder = card("serve")
    seen = []
    assert data.fetch("small", progress=lambda *state: seen.append(state)) == folder
    assert files_in(folder) == sorted(NAMES.values())
    assert {name for name, _, _ in seen} == set(NAMES.values())
    assert all(done <= total for _, done, total in seen)
    loaded = minnet.load_dataset("small")
    assert (loaded.X_train.shape, loaded.X_test.shape) == ((200, 20), (20, 20))
    assert loaded.X_train.tobytes() == CONTENTS["train_images"][16:]
    assert data.status("small", hashes=True).hashes_ok == dict.fromkeys(NAMES, True)
    asked = list(server.asked)
    data.fetch("small")
    assert server.asked == asked  # nothing is fetched twice


def test_loading_fetches_what_is_missing(card, server):
    folder = card("serve")
    minnet.load_dataset("small")
    (folder / NAMES["test_labels"]).unlink()
    server.asked.clear()
    minnet.load_dataset("small")
    assert server.asked == [f"serve/{NAMES['test_labels']}"]


@pytest.mark.parametrize("way", ["404", "500", "truncate", "corrupt", "long", "length", "closed"])
def test_a_bad_mirror_falls_over_to_the_next(card, closed_port, way):
    folder = card(way, "serve", port=closed_port)
    data.fetch("small")
    assert files_in(folder) == sorted(NAMES.values())


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("404", "HTTP 404"),
        ("500", "HTTP 500"),
        ("truncate", "connection broke off"),
        ("corrupt", "SHA-256"),
        ("long", "more bytes than the card promises"),
        ("length", "not a proper HTTP answer"),
        ("closed", "no connection"),
    ],
)
def test_bad_mirrors_only_give_one_line_and_leave_nothing(card, closed_port, way, said):
    folder = card(way, way, port=closed_port)
    for load in (data.fetch, minnet.load_dataset):
        with pytest.raises(InputError) as error:
            load("small")
        line = str(error.value)
        assert line.count(said) == 2
        assert "\n" not in line
        for part in (str(folder), "minnet data fetch small", "--data digits", NAMES["train_images"]):
            assert part in line
        assert files_in(folder) == []


def test_a_mirror_that_stalls_is_given_up(card, server, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", (1.0, 0.1))
    folder = card("stall", "serve")
    data.fetch("small")
    assert files_in(folder) == sorted(NAMES.values())


@pytest.mark.parametrize("way", ["plain", "encoded"])
def test_a_mirror_that_unpacks_is_fine(card, server, way):
    card(way)
    assert len(minnet.load_dataset("small").X_train) == 200
    assert server.encodings == {"identity"}


def test_an_interrupted_fetch_restarts_cleanly(card, server):
    folder = card("serve")

    def interrupt(name, done, total):
        if name == NAMES["test_images"]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        data.fetch("small", progress=interrupt)
    assert files_in(folder) == sorted([NAMES["train_images"], NAMES["train_labels"]])
    server.asked.clear()
    data.fetch("small")
    assert server.asked == [f"serve/{NAMES['test_images']}", f"serve/{NAMES['test_labels']}"]


def test_what_a_killed_fetch_left_is_cleared_away(card):
    folder = card("serve")
    folder.mkdir(parents=True)
    old, new = folder / ".train.abc.part", folder / ".train.def.part"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    data.fetch("small")
    assert files_in(folder) == sorted([new.name, *NAMES.values()])


def test_two_fetches_at_once(card):
    folder = card("serve")
    threads = [threading.Thread(target=data.fetch, args=("small",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert files_in(folder) == sorted(NAMES.values())


def test_where_downloads_go(card, places, monkeypatch):
    cache = card("serve")
    monkeypatch.setenv("MINNET_DATA", str(places / "env"))
    assert data.fetch("small", data_dir=places / "here") == places / "here" / "small"
    assert data.fetch("small") == cache  # MINNET_DATA is read, never written
    assert not (places / "env").exists()
    blocked = places / "blocked"
    blocked.write_text("a file where a folder should be")
    cache.rename(places / "away")
    assert data.fetch("small", data_dir=blocked) == cache


def test_nowhere_to_write(card, places):
    card("serve")
    (places / "cache").write_text("a file where a folder should be")
    with pytest.raises(InputError, match=r"nothing can be written to .*cache"):
        data.fetch("small")


def test_a_full_disk(card, monkeypatch):
    folder = card("serve")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"cannot write to .*small \(No space left on device\)"):
        data.fetch("small")
    assert files_in(folder) == []


def test_search_order(card, places, monkeypatch):
    cache = card("404")
    env, here = places / "env" / "small", places / "here" / "small"
    for folder in (cache, env, here):
        folder.mkdir(parents=True)
        for name, body in PACKED.items():
            (folder / name).write_bytes(body)
    monkeypatch.setenv("MINNET_DATA", str(places / "env"))
    assert data.status("small", data_dir=places / "here").folder == here
    assert data.status("small").folder == env
    monkeypatch.delenv("MINNET_DATA")
    assert data.status("small").folder == cache
    assert data.status("small", data_dir=places / "here").looked_in == (here, cache)


def test_a_whole_folder_is_preferred_to_an_incomplete_one(card, places, monkeypatch):
    cache = card("serve")
    env = places / "env" / "small"
    env.mkdir(parents=True)
    (env / NAMES["train_labels"]).write_bytes(PACKED[NAMES["train_labels"]])
    monkeypatch.setenv("MINNET_DATA", str(places / "env"))
    state = data.status("small")
    assert (state.folder, state.complete, len(state.missing)) == (env, False, 3)
    minnet.load_dataset("small")
    state = data.status("small")
    assert (state.folder, state.complete, state.missing) == (cache, True, ())


def test_a_users_own_content_loads_but_is_not_replaced(card, places):
    card("serve")
    folder = places / "here" / "small"
    folder.mkdir(parents=True)
    for name, body in PACKED.items():
        (folder / name).write_bytes(body)
    own = bytearray(CONTENTS["train_images"])
    own[-1] ^= 1
    (folder / NAMES["train_images"]).write_bytes(gzip.compress(own))
    assert minnet.load_dataset("small", data_dir=places / "here").X_train[-1, -1] == own[-1]
    state = data.status("small", data_dir=places / "here", hashes=True)
    assert state.hashes_ok == {part: part != "train_images" for part in NAMES}
    with pytest.raises(InputError, match="train-images-idx3-ubyte is damaged or not the one on the card"):
        data.fetch("small", data_dir=places / "here")
    (folder / NAMES["test_labels"]).unlink()
    with pytest.raises(InputError, match="train-images-idx3-ubyte is damaged"):
        minnet.load_dataset("small", data_dir=places / "here")
    assert gzip.decompress((folder / NAMES["train_images"]).read_bytes()) == own


def test_missing_without_download(card, server):
    folder = card("serve")
    state = data.status("small")
    assert (state.folder, state.complete, state.missing) == (None, False, tuple(NAMES.values()))
    with pytest.raises(InputError, match="downloading is switched off") as error:
        minnet.load_dataset("small", download=False)
    assert str(folder) in str(error.value)
    assert server.asked == []


def test_nothing_to_fetch():
    with pytest.raises(InputError, match="digits needs no files"):
        data.fetch("digits")


def test_a_bar_is_drawn_only_for_a_terminal(card, monkeypatch, capsys):
    folder = card("serve")
    data.fetch("small")
    assert capsys.readouterr() == ("", "")
    for path in folder.iterdir():
        path.unlink()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    data.fetch("small")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert NAMES["train_images"] in shown.err
