"""The driver of a comparison: tune every optimizer with equal budget, rerun the winners on paired seeds."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from minnet import machine
from minnet.errors import InputError
from minnet.lab import provenance, stats
from minnet.lab.comparison import Comparison, build, write_experiment
from minnet.lab.engine import check_device, check_engine, map_unordered, stop_on_interrupt, usable_jobs
from minnet.lab.experiment import CONTENT, TUNING_SEED, Entry, Experiment, resolve
from minnet.lab.space import to_plain
from minnet.lab.store import Store
from minnet.lab.trials import RESULTS_VERSION, Trial, fingerprint, load_split, run_trial

if TYPE_CHECKING:
    from minnet.data import Split


@dataclass(frozen=True)
class Part:
    """The part that a run plays: for one optimizer, in tuning or as a final run."""

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


class Progress(Protocol):
    """Who is told how a comparison proceeds. Only `epoch` is called from the threads that train.

    If there is a method `interrupted()`, it is called in the signal handler at every Ctrl-C while runs are under
    way: after the first one they end with their epoch, another one changes nothing by itself.
    """

    def started(self, experiment: Experiment, total: int, finished: int) -> None:
        """`total` runs are planned; `finished` of the tuning runs were in the store already."""

    def epoch(self, run_id: str, epoch: int) -> None:
        """A run has finished an epoch."""

    def ran(self, parts: Sequence[Part], record: Mapping[str, Any], stored: bool) -> None:
        """A run is finished and safe, or (`stored`) was so before. It may play several parts."""


class Silent:
    """Progress that nobody watches."""

    def started(self, experiment: Experiment, total: int, finished: int) -> None:
        """Say nothing."""

    def epoch(self, run_id: str, epoch: int) -> None:
        """Say nothing."""

    def ran(self, parts: Sequence[Part], record: Mapping[str, Any], stored: bool) -> None:
        """Say nothing."""

    def interrupted(self) -> None:
        """Say nothing."""


def compare(
    experiment: Any = None,
    *,
    out: Any = None,
    jobs: int | None = None,
    engine: str = "local",
    scheduler: str | None = None,
    device: str = "cpu",
    data_dir: Any = None,
    progress: Progress | None = None,
    **keywords: Any,
) -> Comparison:
    """Compare optimization methods on one network, fairly.

    Every optimizer gets the same number of tuning runs, all on seed 0, and is judged by the validation
    accuracy after the last epoch. The winner of each is rerun on seeds 1, 2, ...: seed i gives every method
    the same initial weights and the same order of batches. Only these runs read the test set.

    An optimizer whose hyperparameters are all given has nothing to tune: it gets one tuning run.

    Parameters
    ----------
    experiment : str, Path, dict or Experiment, optional
        An experiment file, the name of one that comes with minnet, or its content. Without it, the
        lecture's race.
    out : str or Path, optional
        Folder for results. Finished runs are kept there at once, and the same call resumes; more `seeds` or
        `trials` add only what is missing. Without it, nothing is written.
    jobs : int, optional
        Runs side by side; one per usable core if not given. The results do not depend on it, the times may.
    engine : {"local"}
        Where to train: in threads of this process.
    scheduler : str, optional
        Address for an engine that takes one; "local" does not.
    device : {"cpu"}
        What to train on.
    data_dir : str or Path, optional
        Where to look for the data first.
    progress : Progress, optional
        Told about every run.
    **keywords
        As for `minnet.lab.resolve`: `data`, `optimizers`, `trials`, `seeds`, `epochs`, `target`, `hidden`,
        `activation`, `batch_size`, `schedule`, `style` ... They win over the experiment file.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        (a `ValueError`) If the experiment is wrong, or `out` holds another one or is in use.
    KeyboardInterrupt
        After Ctrl-C, once the runs under way have ended their epoch; what is finished is kept.

    Examples
    --------
    >>> result = compare(optimizers="sgd,adam", trials=1, seeds=1, epochs=1, hidden=(8,), jobs=1)
    >>> list(result.leaderboard["trials"])
    [1, 1]
    """
    spec = resolve(experiment, **keywords)
    check_engine(engine, scheduler)
    check_device(device)
    jobs = usable_jobs(jobs)
    folder = None if out is None else Path(out)
    progress = progress or Silent()
    told = getattr(progress, "interrupted", Silent().interrupted)
    with Store(folder) as store:
        _claim(store, spec)
        session = provenance.session(jobs, engine, device)
        split = load_split(spec.run_spec(spec.entries[0], {}, TUNING_SEED), data_dir)
        session["data"] = _describe(split)
        _note(store, session, new=True)
        if folder is not None:
            write_experiment(spec.to_dict(), folder)
        with machine.blas_threads(1), stop_on_interrupt(told) as stop:
            _Race(spec, store, split, jobs, stop, progress).run(session["data"]["sha256"])
        session["finished"] = provenance.now()
        _note(store, session)
        comparison = read(store)
    if folder is not None:
        comparison.save(folder)
    return comparison


def load(folder: Any) -> Comparison:
    """Return the comparison that the store of a folder holds, finished or not.

    Raises
    ------
    InputError
        If there is no store, it is damaged, or no optimizer has come to its final runs.
    """
    with Store(Path(folder), write=False) as store:
        comparison = read(store)
    if comparison.leaderboard.empty:
        raise InputError(f"the comparison in {folder} has no final runs yet: resume it with the command that began it")
    return comparison


def read(store: Store) -> Comparison:
    """Return the comparison that a store holds."""
    experiment = store.info("experiment")
    if experiment is None:
        raise InputError(f"{store.path} holds no experiment yet: run minnet compare with this folder first")
    plan = store.plan()
    records = store.records(row["run_id"] for row in plan)
    sessions = store.info("sessions", [])
    facts: dict[str, Any] = {
        "results_version": RESULTS_VERSION,
        "sessions": len(sessions),
        "runs_planned": sum(row["kind"] == "tune" for row in plan)
        + len(experiment["optimizer"]) * experiment["seeds"],  # final runs are planned when the tuning is done
        "runs_finished": sum(row["run_id"] in records for row in plan),
    }
    if sessions:
        facts = {**sessions[-1], "started": sessions[0]["started"], **facts}
    return build(experiment, facts, store.info("rules", {}), plan, records)


class _Race:
    """One session of an experiment: what is planned, what is missing, what is told."""

    def __init__(
        self,
        spec: Experiment,
        store: Store,
        split: Split,
        jobs: int,
        stop: threading.Event,
        progress: Progress,
    ) -> None:
        self.spec, self.store, self.split = spec, store, split
        self.jobs, self.stop, self.progress = jobs, stop, progress

    def run(self, data_sha256: str) -> None:
        """Tune, select, and run the winners on all seeds."""
        tuning = [part for i, entry in enumerate(self.spec.entries) for part in self._tuning(i, entry, data_sha256)]
        total = len(tuning) + len(self.spec.entries) * self.spec.seeds
        missing = set(self.store.missing(part.run.id for part in tuning))
        self.progress.started(self.spec, total, sum(part.run.id not in missing for part in tuning))
        self.store.set_plan([part.row(False) for part in tuning])
        tuning_records = self._train(sorted(tuning, key=lambda part: (part.trial, part.position)))
        winners = [self._winner(i, tuning, tuning_records) for i in range(len(self.spec.entries))]
        finals = [part for winner in winners for part in self._finals(winner, data_sha256)]
        chosen = {(part.position, part.trial) for part in winners}
        rows = [part.row((part.position, part.trial) in chosen) for part in tuning]
        self.store.set_plan(rows + [part.row(False) for part in finals])
        self.store.set_info("rules", {part.optimizer: self._rule(part) for part in winners})
        self._train(sorted(finals, key=lambda part: (part.run.run.seed, part.position)))

    def _tuning(self, position: int, entry: Entry, data_sha256: str) -> list[Part]:
        runs = [self.spec.run_spec(entry, hyper, TUNING_SEED) for hyper in self.spec.points(entry)]
        return [Part(entry.label, position, "tune", i, Trial("tune", run, data_sha256)) for i, run in enumerate(runs)]

    def _winner(self, position: int, tuning: Sequence[Part], records: Mapping[str, Any]) -> Part:
        mine = [part for part in tuning if part.position == position]
        return mine[stats.winner([records[part.run.id] for part in mine])]

    def _finals(self, winner: Part, data_sha256: str) -> list[Part]:
        entry, hyper = self.spec.entries[winner.position], winner.run.run.optimizer.hyper
        runs = [self.spec.run_spec(entry, hyper, seed) for seed in range(1, self.spec.seeds + 1)]
        return [
            Part(entry.label, winner.position, "final", winner.trial, Trial("final", run, data_sha256)) for run in runs
        ]

    def _rule(self, winner: Part) -> dict[str, Any]:
        """Return what the page says about the rule that ran."""
        entry, hyper = self.spec.entries[winner.position], dict(winner.run.run.optimizer.hyper)
        method = winner.run.run.optimizer.method
        return {
            "name": entry.name,
            "style": entry.style,
            "title": method.title,
            "formula": method.formula,
            "rule_source": method.source,
            "paper": method.paper,
            "notes": method.notes,
            "hyperparameters": method.settings(hyper),
            "space": {name: to_plain(axis) for name, axis in entry.searched.items()},
            "schedule": winner.run.run.training.schedule,
            "network": entry.network,
        }

    def _train(self, parts: Sequence[Part]) -> dict[str, dict[str, Any]]:
        """Run what is missing, keep every record at once, and return all records by id."""
        roles: dict[str, list[Part]] = {}
        for part in parts:
            roles.setdefault(part.run.id, []).append(part)
        missing = self.store.missing(roles)
        stored = self.store.records(set(roles) - set(missing))
        for id in roles:
            if id in stored:
                self.progress.ran(roles[id], stored[id], stored=True)
        with contextlib.closing(map_unordered(self._run, [roles[id][0].run for id in missing], self.jobs)) as records:
            try:
                for record in records:
                    if record is not None:
                        self.store.add(record)
                        self.progress.ran(roles[record["id"]], record, stored=False)
            except BaseException:
                self.stop.set()  # the runs under way are waited for: let them end soon
                raise
        if self.stop.is_set():
            raise KeyboardInterrupt
        return self.store.records(roles)

    def _run(self, trial: Trial) -> dict[str, Any] | None:
        """Run one trial, in whatever thread."""
        tell = functools.partial(self._tell, trial.id)
        return run_trial(trial, self.split, on_epoch=tell, should_stop=self.stop.is_set)

    def _tell(self, id: str, row: Mapping[str, Any]) -> None:
        self.progress.epoch(id, row["epoch"])


def _claim(store: Store, spec: Experiment) -> None:
    """Write the experiment into the store, unless it holds another one; budgets and texts may change."""
    before, now = store.info("experiment"), spec.to_dict()
    difference = before and _difference(_settings(before), _settings(now))
    if difference and store.path is not None:
        raise InputError(
            f"{store.path.parent} holds another experiment ({difference}): "
            "choose another folder with --out, or remove that one"
        )
    store.set_info("experiment", now)


def _settings(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides the runs: one value per field, one table per optimizer, and their order."""
    settings: dict[str, Any] = {}
    for section in CONTENT:
        value = experiment[section]
        if section == "optimizer":
            settings["the list of optimizers"] = [table["label"] for table in value]
            settings.update({f"optimizer {table['label']}": table for table in value})
        elif isinstance(value, Mapping):
            settings.update({f"{section}.{key}": value[key] for key in value})
        else:
            settings[section] = value
    return settings


def _difference(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Name the first setting that differs; nothing if none does."""
    for key in {**there, **here}:
        old, new = there.get(key), here.get(key)
        if old != new:
            return f"{key} differs" if isinstance(new, list | dict) else f"{key} is {old!r} there, {new!r} here"
    return ""


def _note(store: Store, session: Mapping[str, Any], new: bool = False) -> None:
    """Write down this session: when it starts, and again when it is done."""
    sessions = store.info("sessions", [])
    store.set_info("sessions", [*(sessions if new else sessions[:-1]), session])


def _describe(split: Split) -> dict[str, Any]:
    return {
        "name": split.name,
        "sha256": fingerprint(split),
        "train": len(split.y_train),
        "validation": len(split.y_val),
        "test": len(split.y_test),
        "features": split.n_features,
        "classes": split.n_classes,
    }
