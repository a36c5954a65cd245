"""The server of the live page, asked as browsers ask, and as others might."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time

import pytest

from minnet.errors import InputError
from minnet.live import server as serving
from minnet.live.feed import Feed
from minnet.live.server import File, Server


@pytest.fixture
def server():
    with Server(Feed(), {"/": File("text/html", b"<p>here</p>")}, "127.0.0.1", 0) as server:
        yield server


def ask(server, path="/", method="GET", **headers):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers


@contextlib.contextmanager
def stream(server):
    """Lend an open stream of events, as a function that returns the next event."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        file = connection.makefile("rb")
        assert b"200" in file.readline()
        while file.readline().strip():
            pass

        def event():
            lines = []
            while line := file.readline().decode().rstrip("\n"):
                lines.append(line)
            return lines

        yield event


def test_files_and_nothing_else(server):
    status, body, headers = ask(server)
    assert (status, body) == (200, b"<p>here</p>")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["X-Frame-Options"] == "DENY"
    assert "script-src 'self';" in headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in headers
    assert ask(server, "/?from=somewhere")[0] == 200
    for path in ("/nothing", "/../pyproject.toml", "//etc/passwd", "/%2e%2e/x"):
        assert ask(server, path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"])
def test_nothing_can_be_changed(server, method):
    assert ask(server, "/", method)[0] == 501


@pytest.mark.parametrize("path", ["/", "/events", "/nothing"])
def test_other_names_and_pages_are_refused_everywhere(server, path):
    for headers in (
        {"Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
    ):
        status, body, _ = ask(server, path, **headers)
        assert status == 403, headers
        assert body.startswith(b"refused: ")


def test_events_bring_the_latest_and_the_end(server):
    server.feed.publish("page", "two\nlines")
    with stream(server) as event:
        assert event() == ["event: page", "data: two", "data: lines"]
        server.feed.publish("progress", "1")
        assert event() == ["event: progress", "data: 1"]
        server.feed.publish("progress", "2")
        server.feed.close()
        assert event() == ["event: progress", "data: 2"]
        assert event() == ["event: end", "data: "]


def test_who_takes_nothing_blocks_nobody_and_is_let_go(monkeypatch):
    monkeypatch.setattr(serving, "PULSE_S", 0.1)
    monkeypatch.setattr(serving, "FAREWELL_S", 0.2)
    big = "x" * 50_000_000  # more than any socket buffers
    with Server(Feed(), {"/": File("text/html", b"")}, "127.0.0.1", 0) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as idle, stream(server) as event:
            idle.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            wait_until(lambda: server.feed.readers == 2)
            begun = time.monotonic()
            for number in range(100):
                server.feed.publish("page", f"{number}{big}" if number == 0 else str(number))
                server.feed.publish("progress", str(number))
            assert time.monotonic() - begun < 5
            seen = []
            while not seen or seen[-1] != "data: 99":
                seen = event()
        begun = time.monotonic()
    assert time.monotonic() - begun < 5  # it does not wait for ever for the one


def test_who_has_left_is_noticed(server, monkeypatch):
    monkeypatch.setattr(serving, "PULSE_S", 0.05)
    with stream(server):
        wait_until(lambda: server.feed.readers == 1)
    wait_until(lambda: server.feed.readers == 0)


def test_too_many_connections_are_turned_away_and_room_comes_back(server, monkeypatch):
    monkeypatch.setattr(serving, "PULSE_S", 0.05)
    with contextlib.ExitStack() as held:
        for _ in range(serving.CONNECTIONS):
            held.enter_context(stream(server))
        with pytest.raises((http.client.HTTPException, OSError)):
            ask(server)
    wait_until(lambda: server.feed.readers == 0)
    assert ask(server)[0] == 200


def test_a_port_that_is_taken_and_a_wrong_address():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=rf"port {port} is taken: choose another with --port, or 0"):
            Server(Feed(), {}, "127.0.0.1", port)
    with pytest.raises(InputError, match=r"cannot serve at '203.0.113.7': it is no address of this machine"):
        Server(Feed(), {}, "203.0.113.7", 0)


def test_the_address_is_that_of_a_browser(server):
    assert server.address == f"http://127.0.0.1:{server.port}/"
    with Server(Feed(), {}, "localhost", 0) as named:
        assert named.address == f"http://localhost:{named.port}/"


def test_no_thread_outlives_the_server():
    before = threading.active_count()
    with Server(Feed(), {}, "127.0.0.1", 0) as server, stream(server):
        wait_until(lambda: server.feed.readers == 1)
    wait_until(lambda: threading.active_count() <= before)


def wait_until(true, patience=10.0):
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)
