"""The driver of a comparison: tune every optimizer with equal budget, rerun the winners on paired seeds."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from minnet.errors import InputError, NothingYet
from minnet.lab import engine as engines
from minnet.lab import halving, provenance, stats
from minnet.lab.comparison import Comparison, build, write_experiment
from minnet.lab.experiment import CONTENT, TUNING_SEED, Experiment, resolve
from minnet.lab.space import to_plain
from minnet.lab.store import Store
from minnet.lab.trials import RESULTS_VERSION, Trial, fingerprint, load_split
from minnet.lab.tuning import Part, Tuning

if TYPE_CHECKING:
    from minnet.data import Split


class Progress(Protocol):
    """Who is told how a comparison proceeds. Only `begun`, `measured` and `epoch` are called from other threads.

    Four methods may be missing. `planned(total, why)` tells that more runs are planned now, and why. `begun(parts,
    where)` tells that a run begins (again, if it lost its worker), and where: on which worker, or "" for this
    process. `measured(run_id, row)` tells what a run measured after an epoch, just before `epoch`; engines far away
    may leave it out. `interrupted()` is called in the signal handler at every Ctrl-C while runs are under way: after
    the first one no run begins, and those that need more than a minute end with their epoch; another one changes
    nothing by itself.
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

    def begun(self, parts: Sequence[Part], where: str) -> None:
        """Say nothing."""

    def measured(self, run_id: str, row: Mapping[str, Any]) -> None:
        """Say nothing."""

    def epoch(self, run_id: str, epoch: int) -> None:
        """Say nothing."""

    def ran(self, parts: Sequence[Part], record: Mapping[str, Any], stored: bool) -> None:
        """Say nothing."""

    def planned(self, total: int, why: str) -> None:
        """Say nothing."""

    def interrupted(self) -> None:
        """Say nothing."""

    def waiting(self) -> None:
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
    wait: bool = False,
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
    engine : str
        Where to train: "local", in threads of this process; "dask", on the workers of a Dask cluster;
        "joblib:BACKEND", through a backend of joblib ("joblib:loky", "joblib:ray"). The results do not depend on it.
    scheduler : str, optional
        Address of Dask's scheduler, as in "tcp://10.0.0.1:8786".
    device : {"cpu", "cuda"}
        What to train on. A GPU trains the runs of one network and batch size together; `jobs` is then not used.
    data_dir : str or Path, optional
        Where to look for the data first.
    wait : bool
        Whether to wait where another process is working in `out`; otherwise that is an error.
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
        After Ctrl-C, once the runs under way have ended: those that need more than a minute end with their epoch
        and are lost; what is finished is kept.

    Examples
    --------
    >>> result = compare(optimizers="sgd,adam", trials=1, seeds=1, epochs=1, hidden=(8,), jobs=1)
    >>> list(result.leaderboard["trials"])
    [1, 1]
    """
    spec = resolve(experiment, **keywords)
    engines.check_engine(engine, scheduler, jobs)
    engines.check_device(device, engine, [spec.run_spec(entry, {}, TUNING_SEED) for entry in spec.entries])
    jobs = engines.usable_jobs(jobs) if engine == "local" else jobs
    folder = None if out is None else Path(out)
    progress = progress or Silent()
    told = getattr(progress, "interrupted", Silent().interrupted)
    with Store(folder, wait=getattr(progress, "waiting", Silent().waiting) if wait else None) as store:
        _claim(store, spec)
        split = load_split(spec.run_spec(spec.entries[0], {}, TUNING_SEED), data_dir)
        if folder is not None:
            write_experiment(spec.to_dict(), folder)
        crew = engines.create(
            engine, lambda run: split, jobs=jobs, scheduler=scheduler, data_dir=data_dir, device=device
        )
        with crew, engines.stop_on_interrupt(told) as stop:
            session = {**provenance.session(crew.jobs, engine, device), "data": _describe(split)}
            store.begin(session)
            _Race(spec, store, crew, stop, progress).run(session["data"]["sha256"])
        store.end()
        comparison = read(store)
        if folder is not None:  # before another process may work here
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
        raise NothingYet(f"the comparison in {folder} has no final runs yet: resume it with the command that began it")
    return comparison


def read(store: Store) -> Comparison:
    """Return the comparison that a store holds."""
    experiment = store.info("experiment")
    if experiment is None:
        raise NothingYet(f"{store.path} holds no experiment yet: run minnet compare with this folder first")
    plan = store.plan()
    records = store.records(row["run_id"] for row in plan)
    sessions = store.sessions()
    facts: dict[str, Any] = {
        "results_version": RESULTS_VERSION,
        "sessions": len(sessions),
        "machines": store.info("machines", {}),
        "runs_planned": sum(row["kind"] != "final" for row in plan)
        + len(experiment["optimizer"]) * experiment["seeds"],  # final runs are planned when the tuning is done
        "runs_finished": sum(row["run_id"] in records for row in plan),
    }
    if sessions:
        facts = {**provenance.of_runs(sessions, {run["session"] for run in records.values()}), **facts}
    tuning = store.info("tuning", {})
    if tuning and not tuning.get("halving"):
        tuning = {**tuning, "replay": _replay(experiment, tuning, plan, records)}
    portraits = store.portraits(row["run_id"] for row in plan)
    return build(experiment, facts, store.info("rules", {}), plan, records, tuning, portraits)


def _replay(
    experiment: Mapping[str, Any],
    tuning: Mapping[str, Any],
    plan: Sequence[Mapping[str, Any]],
    records: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Return what successive halving would have saved and selected among the points that were trained in full.

    The trial of a method's defaults is trained to the end in any case, and may be selected in any case.
    """
    epochs, points = experiment["training"]["epochs"], tuning.get("points", 0)
    replays, others = [], []
    for label in (table["label"] for table in experiment["optimizer"]):
        runs, default = (
            [records[row["run_id"]] for row in plan if (row["optimizer"], row["kind"]) == (label, kind)
             and row["run_id"] in records]
            for kind in ("tune", "default")
        )  # fmt: skip
        runs = runs[:points]
        if not len(runs) == points >= halving.FACTOR <= epochs:
            continue
        replay = halving.replay(runs, epochs)
        replays.append(replay)
        best, chosen = (each[stats.winner(each)] for each in ([*runs, *default], [runs[replay.winner], *default]))
        if best["id"] != chosen["id"]:
            lost = stats.counted(best, "val_accuracy") - stats.counted(chosen, "val_accuracy")
            others.append({"optimizer": label, "lr": chosen["lr"], "lr_in_full": best["lr"], "lost": lost})
    return {
        "factor": halving.FACTOR,
        "optimizers": len(replays),
        "epochs": sum(replay.epochs for replay in replays),
        "full": sum(replay.full for replay in replays),
        "others": others,
    }


class _Race:
    """One session of an experiment: what is planned, what is missing, what is told."""

    def __init__(
        self,
        spec: Experiment,
        store: Store,
        engine: engines.Engine,
        stop: engines.Stop,
        progress: Progress,
    ) -> None:
        self.spec, self.store, self.engine = spec, store, engine
        self.stop, self.progress = stop, progress

    def run(self, data_sha256: str) -> None:
        """Tune, select, and run the winners on all seeds."""
        tuning = Tuning(self.spec, data_sha256, self._tune)
        opening = {part.run.id: 0 for part in tuning.opening}
        for part in tuning.opening:
            opening[part.run.id] += 1
        missing = self.store.missing(opening)
        self.store.set_info("tuning", {})  # what is there tells of other budgets, until these are spent
        self._told = self._total(tuning)
        self.progress.started(self.spec, self._told, sum(opening.values()) - sum(opening[id] for id in missing))
        winners = tuning.run()
        finals = [part for winner in winners for part in self._finals(winner, data_sha256)]
        rows = [part.row(part in winners) for part in tuning.parts]
        self.store.set_plan(rows + [part.row(False) for part in finals])
        self.store.set_info("rules", {part.optimizer: self._rule(part) for part in winners})
        self.store.set_info("tuning", tuning.facts())
        self._train(sorted(finals, key=lambda part: (part.run.run.seed, part.position)))

    def _tune(self, tuning: Tuning, parts: Sequence[Part]) -> dict[str, dict[str, Any]]:
        """Train some trials; what is planned so far is written down and told first."""
        self.store.set_plan([part.row(False) for part in tuning.parts])
        if self._total(tuning) != self._told:
            self._told = self._total(tuning)
            getattr(self.progress, "planned", Silent().planned)(self._told, tuning.why)
        return self._train(parts)

    def _total(self, tuning: Tuning) -> int:
        """Return the number of runs that are planned, final runs included."""
        return tuning.total + len(self.spec.entries) * self.spec.seeds

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
            "training": entry.training,
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
        trials = [roles[id][0].run for id in missing]
        watcher = _Watcher(self.progress, roles)
        with contextlib.closing(self.engine.map(trials, watcher, self.stop)) as records:
            try:
                for record in records:
                    self.store.add(record)
                    self._note_machines()
                    self.progress.ran(roles[record["id"]], record, stored=False)
            except BaseException:
                self.stop.set()  # the runs under way are waited for: let them end soon
                raise
        if self.stop.is_set():
            raise KeyboardInterrupt
        return self.store.records(roles)

    def _note_machines(self) -> None:
        """Keep what is known of the machines that have trained so far, if that is news."""
        known = self.store.info("machines", {})
        now = {**known, **{each["host"]: each for each in self.engine.machines}}
        if now != known:
            self.store.set_info("machines", now)


class _Watcher:
    """Tells the progress what an engine says about trials."""

    def __init__(self, progress: Progress, roles: Mapping[str, Sequence[Part]]) -> None:
        self.progress, self.roles = progress, roles
        self._begun = getattr(progress, "begun", Silent().begun)
        self._measured = getattr(progress, "measured", Silent().measured)

    def begun(self, trial: Trial, where: str) -> None:
        """Pass it on."""
        self._begun(self.roles[trial.id], where)

    def epoch(self, trial: Trial, epoch: int, row: Mapping[str, Any] | None = None) -> None:
        """Pass it on."""
        if row is not None:
            self._measured(trial.id, row)
        self.progress.epoch(trial.id, epoch)


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
