"""Tuning: which trials every optimizer gets, and which of them is selected.

Trials come in batches, and what is in a batch follows from the records of those before, from nothing else: doing it
again with the same records plans the same trials, so that an interrupted tuning goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from minnet.lab import halving, stats
from minnet.lab.experiment import TUNING_SEED, Entry, Experiment
from minnet.lab.space import FURTHER, beyond, further
from minnet.lab.trials import Trial

DEFAULT_TRIAL = -1
FEWEST = 3  # trials below which an end of those tried says nothing
Records = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Part:
    """The part that a run plays: for one optimizer, in tuning ("tune"), untuned ("default") or as a final run."""

    optimizer: str
    position: int
    kind: str
    trial: int
    run: Trial

    def row(self, selected: bool) -> dict[str, Any]:
        """Return the part as a row of the store's plan."""
        return {
            "optimizer": self.optimizer,
            "position": self.position,
            "kind": self.kind,
            "trial": self.trial,
            "seed": self.run.run.seed,
            "run_id": self.run.id,
            "selected": int(selected),
        }

    @property
    def hyper(self) -> dict[str, float]:
        """Its hyperparameters."""
        return dict(self.run.run.optimizer.hyper)

    def until(self, epochs: int) -> Part:
        """Return the part with a run of so many epochs."""
        whole = epochs >= self.run.run.training.epochs
        return replace(self, run=replace(self.run, stop_after=0 if whole else epochs))


class Tuning:
    """The tuning of all optimizers of an experiment.

    Parameters
    ----------
    spec : Experiment
    data_sha256 : str
    train : callable
        ``train(tuning, parts)`` trains some of the parts planned so far and returns the records by id.
    """

    def __init__(self, spec: Experiment, data_sha256: str, train: Callable[[Tuning, Sequence[Part]], Records]) -> None:
        self.spec, self.data_sha256, self.train = spec, data_sha256, train
        self.trials = [self._points(i, entry) for i, entry in enumerate(spec.entries)]
        self.defaults = [self._default(i, entry) for i, entry in enumerate(spec.entries)]
        self.records: dict[str, Mapping[str, Any]] = {}
        self.extended: list[dict[str, Any]] = []
        self.epochs = 0  # that the points of the tuned optimizers were trained for

    @property
    def tuned(self) -> list[int]:
        """Positions of the optimizers that have something to tune."""
        return [i for i, entry in enumerate(self.spec.entries) if entry.searched]

    @property
    def parts(self) -> list[Part]:
        """All parts planned so far, each with its longest run."""
        return [part for mine in self.trials for part in mine] + [part for part in self.defaults if part is not None]

    @property
    def total(self) -> int:
        """Number of runs planned so far: every rung of a trial is one."""
        rungs = [count for entry in self.spec.entries for count, _ in self.spec.rungs(entry)]
        more = sum(map(len, self.trials)) - sum(len(self.spec.points(entry)) for entry in self.spec.entries)
        return sum(rungs) + more + sum(part is not None for part in self.defaults)

    @property
    def opening(self) -> list[Part]:
        """The parts to begin with: all points up to the end of their first rung, and the defaults."""
        first = []
        for entry, mine in zip(self.spec.entries, self.trials):
            count, epochs = self.spec.rungs(entry)[0]
            first += [part.until(epochs) for part in mine[:count]]
        return first + [part for part in self.defaults if part is not None]

    @property
    def why(self) -> str:
        """Why there are further trials, in a few words."""
        ends = ", ".join(f"{label} ({side})" for label, side in self.extended[-1].items())
        return f"best at the end of those tried: {ends}; {FURTHER} further trials for every method"

    def run(self) -> list[Part]:
        """Train trials until there are no more, and return the selected one of every optimizer."""
        self._climb()
        for _ in range(self.spec.extend):
            fresh = self._further()
            if not fresh:
                break
            self._run(fresh)
        return [self.winner(i) for i in range(len(self.spec.entries))]

    def winner(self, position: int) -> Part:
        """Return the best of those trained to the end; of equal ones the default is the last."""
        whole = [part for part in self.trials[position] if not part.run.stop_after]
        default = self.defaults[position]
        candidates = whole if default is None else [*whole, default]
        return candidates[stats.winner([self.records[part.run.id] for part in candidates])]

    def facts(self) -> dict[str, Any]:
        """Return what a report says about the tuning, in plain types."""
        facts: dict[str, Any] = {"further": self.extended, "per_round": FURTHER, "defaults": {}}
        if self.tuned:
            first = self.spec.entries[self.tuned[0]]
            facts["points"], facts["trials"] = len(self.spec.points(first)), len(self.trials[self.tuned[0]])
        for part in self.defaults:
            if part is not None:
                best = self.winner(part.position)
                accuracy, most = (stats.counted(self.records[p.run.id], "val_accuracy") for p in (part, best))
                facts["defaults"][part.optimizer] = {"val_accuracy": accuracy, "best": most, "selected": best is part}
        if self.spec.halving and self.tuned:
            rungs = self.spec.rungs(first)
            full = len(self.tuned) * facts["points"] * self.spec.training.epochs
            facts["halving"] = {
                "factor": self.spec.halving,
                "rungs": [list(rung) for rung in rungs],
                "epochs": self.epochs,
                "full": full,
            }
        return facts

    def _points(self, position: int, entry: Entry) -> list[Part]:
        return [self._part(position, "tune", i, hyper) for i, hyper in enumerate(self.spec.points(entry))]

    def _default(self, position: int, entry: Entry) -> Part | None:
        hyper = self.spec.default_point(entry)
        return None if hyper is None else self._part(position, "default", DEFAULT_TRIAL, hyper)

    def _part(self, position: int, kind: str, trial: int, hyper: Mapping[str, float]) -> Part:
        entry = self.spec.entries[position]
        run = self.spec.run_spec(entry, hyper, TUNING_SEED)
        return Part(entry.label, position, kind, trial, Trial("tune", run, self.data_sha256))

    def _run(self, parts: Iterable[Part]) -> None:
        """Train some parts, which take the place of those with shorter runs."""
        batch = sorted(parts, key=lambda part: (part.trial, part.position))
        for part in batch:
            if part.kind == "tune":
                self.trials[part.position][part.trial : part.trial + 1] = [part]
        self.records.update(self.train(self, batch))

    def _climb(self) -> None:
        """Train the points, rung by rung, and the defaults."""
        batch, rung = self.opening, 0
        while batch:
            self._run(batch)
            points = [part for part in batch if part.kind == "tune" and part.position in self.tuned]
            self.epochs += sum(halving.trained(self.records[part.run.id]) for part in points)
            batch = [part for i in self.tuned for part in self._promoted(i, rung)]
            rung += 1

    def _promoted(self, position: int, rung: int) -> list[Part]:
        """Return the best trials of a rung as parts of the next one; none after the last."""
        rungs = self.spec.rungs(self.spec.entries[position])[rung : rung + 2]
        if len(rungs) < 2:
            return []
        (_, reached), (count, epochs) = rungs
        mine = [part for part in self.trials[position] if part.run.epochs == reached]
        return [mine[k].until(epochs) for k in halving.best([self.records[part.run.id] for part in mine], count)]

    def _further(self) -> list[Part]:
        """Plan a round of further trials for every tuned optimizer, if the best point of one lies at an end.

        All get equally many or, where one has no more to try (a list of values), none.
        """
        sides, fresh = {}, {}
        for i in self.tuned:
            axes, points = self.spec.entries[i].searched, len(self.spec.points(self.spec.entries[i]))
            if points < FEWEST:
                return []
            tried = [part for part in (*self.trials[i], self.defaults[i]) if part is not None]
            best = tried.index(self.winner(i))
            hypers = [part.hyper for part in tried]
            sides[i] = beyond(axes, hypers, best, 1 / (points - 1))
            fresh[i] = further(axes, hypers, best, 1 / (points - 1))
        if not any(sides.values()) or not all(fresh.values()):
            return []
        self.extended.append({self.spec.entries[i].label: side for i, side in sides.items() if side})
        return [
            self._part(i, "tune", len(self.trials[i]) + k, hyper)
            for i, mine in fresh.items()
            for k, hyper in enumerate(mine)
        ]
