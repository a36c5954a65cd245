"""Ctrl-C as a request: no run begins any more, what runs is finished if that is a matter of a minute."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

FINISH_S = 60.0  # a run that would need longer after Ctrl-C ends with its epoch, and is not kept

Clock = Callable[[], float]


class Stop:
    """Whether to stop, and until when runs may go on. Takes no lock: a signal handler sets it."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self.clock = clock
        self.deadline = math.inf

    def set(self, patience: float = 0.0) -> None:
        """Begin no run any more, and finish those that run within `patience` seconds from the first request."""
        self.deadline = min(self.deadline, self.clock() + patience)

    def is_set(self) -> bool:
        """Return whether somebody asked to stop."""
        return self.deadline < math.inf


class Pace:
    """Follows one run, and decides after every epoch whether it still may go on.

    Parameters
    ----------
    epochs : int
        That the run will have at the end.
    stop : Stop

    Examples
    --------
    >>> seconds = iter([0.0, 10.0, 10.0, 10.0, 10.0])
    >>> stop = Stop(lambda: next(seconds))
    >>> pace = Pace(9, stop)
    >>> pace.reached(0), pace.reached(1)  # an epoch takes 10 seconds
    (None, None)
    >>> stop.set(patience=60)
    >>> pace.is_over()  # the other eight would take 80
    True
    """

    def __init__(self, epochs: int, stop: Stop) -> None:
        self.epochs, self.stop = epochs, stop
        self.epoch = 0
        self._begun = self._last = 0.0
        self._over = False

    def reached(self, epoch: int) -> None:
        """Note that an epoch is done; 0 is the state before training."""
        self.epoch, self._last = epoch, self.stop.clock()
        if epoch == 0:
            self._begun = self._last

    def is_over(self) -> bool:
        """Return whether the run is to end here; once said, it stays said."""
        if self.stop.is_set() and not self._over:
            self._over = self.stop.clock() + self._left() > self.stop.deadline
        return self._over

    def _left(self) -> float:
        """Return the seconds that the run still needs; for ever, if no epoch has shown how long one takes."""
        if self.epoch <= 0:
            return math.inf
        return (self.epochs - self.epoch) * (self._last - self._begun) / self.epoch


@contextlib.contextmanager
def stop_on_interrupt(told: Callable[[], None]) -> Iterator[Stop]:
    """Turn Ctrl-C into a request to stop, so that what runs can end and what is finished is kept.

    `told` is called, in the signal handler, at every Ctrl-C. Another one changes nothing here: to leave while
    threads compute is for a process to decide, not for a library. Outside the main thread signals cannot be
    caught: the request is then only made on leaving, as it always is, so that no thread goes on training for nobody.
    """
    stop = Stop()

    def request(number: int, frame: Any) -> None:
        stop.set(FINISH_S)
        told()

    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, request) if main else None
    try:
        yield stop
    finally:
        stop.set()
        if before is not None:
            signal.signal(signal.SIGINT, before)
