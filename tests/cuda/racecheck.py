"""What NVIDIA's compute-sanitizer finds on a GPU, in the simulator: every access of a block's threads is noted.

`Watched` arrays refuse places that do not exist (memcheck), numbers that nobody has written (initcheck), and two
threads that meet at one number between two barriers, one of them to write (racecheck). And threads must wait at the
same line (synccheck).
"""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np
import pytest

from minnet.cuda import epoch, evaluation, simulator


class Fault(Exception):
    """What must not happen in a kernel."""


class Watched(np.ndarray):
    """An array whose numbers remember who has read and written them since the last barrier."""

    def __array_finalize__(self, base: Any) -> None:
        self.notes = getattr(base, "notes", None)

    def __getitem__(self, key: Any) -> Any:
        check_bounds(self.shape, key)
        found = super().__getitem__(key)
        if not isinstance(found, Watched):
            self.notes.read(self._address(key))
        return found

    def __setitem__(self, key: Any, value: Any) -> None:
        check_bounds(self.shape, key)
        places = range(*key.indices(len(self))) if isinstance(key, slice) else [key]
        for place in places:
            self.notes.written(self._address(place))
        super().__setitem__(key, value)

    def _address(self, key: Any) -> int:
        keys = key if isinstance(key, tuple) else (key,)
        return self.__array_interface__["data"][0] + sum(int(k) * s for k, s in zip(keys, self.strides, strict=True))


class Notes:
    """Who has read and written the numbers of one array."""

    def __init__(self, name: str, blank: bool) -> None:
        self.name, self.blank = name, blank
        self.writers: dict[int, tuple[int, int]] = {}
        self.readers: dict[int, tuple[int, set[int]]] = {}

    def read(self, address: int) -> None:
        """Note that the current thread reads a number."""
        thread, phase = now()
        writer = self.writers.get(address)
        if writer is None and self.blank:
            raise Fault(f"{self.name}: a number is read that nobody has written")
        if writer is not None and writer[1] == phase and writer[0] != thread:
            raise Fault(f"{self.name}: thread {thread} reads what {writer[0]} writes, and no barrier is between them")
        before, readers = self.readers.get(address, (phase, set()))
        self.readers[address] = phase, (readers | {thread} if before == phase else {thread})

    def written(self, address: int) -> None:
        """Note that the current thread writes a number."""
        thread, phase = now()
        writer, (read, readers) = self.writers.get(address), self.readers.get(address, (-1, set()))
        others = (readers - {thread} if read == phase else set()) | (
            {writer[0]} - {thread} if writer is not None and writer[1] == phase else set()
        )
        if others:
            raise Fault(f"{self.name}: thread {thread} writes what {others} use, and no barrier is between them")
        self.writers[address] = thread, phase


def now() -> tuple[int, int]:
    """Return the number of the current thread, and of barriers that it has passed."""
    current: Any = threading.current_thread()
    return current.thread_id, current.phase


def check_bounds(shape: tuple[int, ...], key: Any) -> None:
    """Refuse negative places, which NumPy takes from the end, and slices that reach beyond it."""
    for each, size in zip(key if isinstance(key, tuple) else (key,), shape, strict=False):
        first, end = (each.start, each.stop) if isinstance(each, slice) else (each, each + 1)
        if (first or 0) < 0 or (end is not None and end > size):
            raise Fault(f"place {each} of {size}")


def watch(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Watch all arrays of the kernels from now on; return how often each kind is asked for."""
    asked = {"shared": 0, "global": 0}
    lock = threading.Lock()

    def of_launch(key: Any, create: Any) -> Any:
        """Return what is kept under a key until the launch ends."""
        with lock:
            kept = simulator._launch().__dict__.setdefault("minnet_watched", {})
            if key not in kept:
                kept[key] = create()
            return kept[key]

    def watched(array: np.ndarray, notes: Notes) -> Any:
        found = array.view(Watched)
        found.notes = notes
        return found

    def bare(array: Any) -> Any:
        plain = simulator.bare(array)
        if not isinstance(plain, np.ndarray):
            return plain
        asked["global"] += 1
        return watched(plain, of_launch(plain.ctypes.data, lambda: Notes("global memory", False)))

    def shared(shape: int, dtype: Any) -> Any:
        asked["shared"] += 1
        frame = sys._getframe(1)
        return of_launch(frame.f_lineno, lambda: watched(np.empty(shape, dtype), Notes("shared memory", True)))

    def syncthreads(thread: Any) -> None:
        frame = sys._getframe(2)
        here = frame.f_code.co_qualname, frame.f_lineno
        there = of_launch(("barrier", thread.phase), lambda: here)
        if there != here:
            raise Fault(f"threads wait at different barriers: {here} and {there}")
        waits(thread)

    waits = simulator.Thread.syncthreads
    monkeypatch.setattr(epoch, "bare", bare)
    monkeypatch.setattr(evaluation, "bare", bare)
    monkeypatch.setattr(simulator.cuda.shared, "array", shared)
    monkeypatch.setattr(simulator.Thread, "syncthreads", syncthreads)
    return asked
