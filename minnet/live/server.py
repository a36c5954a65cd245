"""Files and news over HTTP: they can be read, nothing can be changed, and nobody who works waits for a browser."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import platform
import re
import socket
import socketserver
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from types import TracebackType

from minnet.errors import InputError
from minnet.live.feed import Feed
from minnet.live.guard import is_loopback, refusal

PULSE_S = 10.0  # a browser hears so often that the server is there; who has left is noticed then
PATIENCE_S = 20.0  # for a browser that doesn't take what it asked for
FAREWELL_S = 5.0  # for all browsers to take the last state
CONNECTIONS = 64

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class File:
    """What lies at a path."""

    kind: str
    content: bytes


class Server:
    """Serves some files and the news that these show while a `with` block lasts.

    `/events` sends the messages of the feed as server-sent events. When the block ends, every browser gets the last
    state.

    Parameters
    ----------
    feed : Feed
    files : mapping
        By path.
    host : str
        Address to listen at. Any other than this machine's own loopback lets others read the page.
    port : int
        0 takes any free one.

    Raises
    ------
    InputError
        If the port is taken or the address is none of this machine.
    """

    def __init__(self, feed: Feed, files: Mapping[str, File], host: str, port: int) -> None:
        self.feed, self.files, self.host = feed, files, host
        try:
            self._listener = _Listener(self, host, port)
        except OSError as error:
            raise InputError(_why(error, host, port)) from None
        self.port = int(self._listener.server_address[1])

    @property
    def address(self) -> str:
        """Where the page is."""
        with contextlib.suppress(ValueError):
            address = ipaddress.ip_address(self.host)
            name = (
                platform.node() if address.is_unspecified else f"[{address}]" if address.version == 6 else str(address)
            )
            return f"http://{name}:{self.port}/"
        return f"http://{self.host}:{self.port}/"

    def __enter__(self) -> Server:
        threading.Thread(target=self._listener.serve_forever, name="minnet-live", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.feed.close()
        self.feed.drain(FAREWELL_S)
        self._listener.shutdown()
        self._listener.server_close()


class _Listener(socketserver.ThreadingTCPServer):
    """One thread per connection, and not too many."""

    allow_reuse_address = os.name != "nt"  # there it would let two servers share a port
    daemon_threads = True
    block_on_close = False

    def __init__(self, server: Server, host: str, port: int) -> None:
        self.server = server
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self.address_family, *_, address = found[0]
        self._room = threading.BoundedSemaphore(CONNECTIONS)
        super().__init__((str(address[0]), int(address[1])), _Handler)

    def process_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: who has left or is too slow is no concern of those who train."""


class _Handler(BaseHTTPRequestHandler):
    timeout = PATIENCE_S
    server: _Listener

    def do_GET(self) -> None:
        """Answer."""
        served, path = self.server.server, self.path.partition("?")[0]
        names = () if is_loopback(served.host) else (platform.node(), socket.gethostname())
        if why := refusal(self.headers, served.host, names):
            self._answer(403, File("text/plain", f"refused: {why}\n".encode()))
        elif path == "/events":
            self._stream(served.feed)
        elif path in served.files:
            self._answer(200, served.files[path])
        else:
            self._answer(404, File("text/plain", b"nothing here\n"))

    def _answer(self, status: int, file: File) -> None:
        self._head(status, file.kind, {"Content-Length": str(len(file.content))})
        self.wfile.write(file.content)

    def _stream(self, feed: Feed) -> None:
        self._head(200, "text/event-stream", {})
        with contextlib.closing(feed.follow(PULSE_S)) as news:
            for messages in news:
                text = "".join(_event(kind, message) for kind, message in messages)
                self.wfile.write((text or ": here\n\n").encode("utf-8", "replace"))
            self.wfile.write(_event("end", "").encode())

    def _head(self, status: int, kind: str, more: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, **more, "Content-Type": f"{kind}; charset=utf-8"}.items():
            self.send_header(name, value)
        self.end_headers()

    def version_string(self) -> str:
        return "minnet"

    def log_message(self, format: str, *args: object) -> None:
        pass


def _event(kind: str, message: str) -> str:
    r"""Return a message as server-sent events have it.

    Examples
    --------
    >>> _event("page", "two\nlines")
    'event: page\ndata: two\ndata: lines\n\n'
    """
    data = "".join(f"data: {line}\n" for line in re.split(r"\r\n|\r|\n", message))
    return f"event: {kind}\n{data}\n"


def _why(error: OSError, host: str, port: int) -> str:
    """Return in one line why a server can't listen, and what to do."""
    if error.errno in (errno.EADDRINUSE, errno.EACCES):
        said = "is taken" if error.errno == errno.EADDRINUSE else "is not for everybody"
        return f"port {port} {said}: choose another with --port, or 0 for any free one"
    return f"cannot serve at {host!r}: it is no address of this machine; use 127.0.0.1 or leave out --host"
