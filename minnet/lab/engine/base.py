"""What an engine is, and who is told what it does."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol

from minnet.lab.engine.stopping import Stop
from minnet.lab.trials import Trial


class Watcher(Protocol):
    """Who is told what happens to a trial. Called from whatever thread; a trial that lost its worker begins again."""

    def begun(self, trial: Trial, where: str) -> None:
        """A trial has begun; `where` names the machine or worker, and is empty for this process."""

    def epoch(self, trial: Trial, epoch: int, row: Mapping[str, Any] | None = None) -> None:
        """A trial has finished an epoch, and measured `row`. Engines far away may leave out some, or all."""


class Engine(Protocol):
    """Runs trials; used in a `with` block.

    Attributes
    ----------
    jobs : int
        Trials side by side, as far as known.
    machines : sequence of mappings
        What trained, for the provenance, apart from this process.
    """

    @property
    def jobs(self) -> int: ...  # noqa: D102

    @property
    def machines(self) -> Sequence[dict[str, Any]]: ...  # noqa: D102

    def __enter__(self) -> Engine: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def map(self, trials: Sequence[Trial], watcher: Watcher, stop: Stop) -> Generator[dict[str, Any]]:
        """Yield the records of the trials as they finish.

        After `stop` no trial begins any more; what runs is finished if that is a matter of a minute. An error of a
        trial is raised when the trials under way have ended and their records have been yielded.
        """
        ...
