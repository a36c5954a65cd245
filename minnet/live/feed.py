"""The latest state of something, for readers that come, go and may be slow."""

from __future__ import annotations

import threading
from collections.abc import Generator


class Feed:
    """The latest message of every kind. Nothing else is kept, and nobody who publishes waits for a reader.

    Examples
    --------
    >>> feed = Feed()
    >>> feed.publish("progress", "1 of 3")
    >>> feed.publish("progress", "2 of 3")
    >>> feed.close()
    >>> list(feed.follow(patience=1.0))
    [[('progress', '2 of 3')]]
    """

    def __init__(self) -> None:
        self.readers = 0
        self._latest: dict[str, tuple[int, str]] = {}  # with the number of the message
        self._count = 0
        self._closed = False
        self._changed = threading.Condition()

    def publish(self, kind: str, message: str) -> None:
        """Replace the message of a kind."""
        with self._changed:
            if self.latest(kind) != message:
                self._count += 1
                self._latest[kind] = self._count, message
                self._changed.notify_all()

    def latest(self, kind: str) -> str:
        """Return the message of a kind; nothing if there is none yet."""
        return self._latest.get(kind, (0, ""))[1]

    def follow(self, patience: float) -> Generator[list[tuple[str, str]]]:
        """Yield what a reader has not seen yet, until the feed is closed; an empty list after silence."""
        seen = 0
        with self._changed:
            self.readers += 1
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._count > seen or self._closed, patience)  # noqa: B023
                    new = [(kind, text) for kind, (number, text) in self._latest.items() if number > seen]
                    seen, closed = self._count, self._closed
                if new or not closed:
                    yield new
                if closed:
                    return
        finally:
            with self._changed:
                self.readers -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Publish nothing more: readers get what they have not seen, and end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def drain(self, patience: float) -> None:
        """Wait until no reader is left, but not for ever."""
        with self._changed:
            self._changed.wait_for(lambda: self.readers == 0, patience)
