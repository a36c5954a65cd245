"""What an experiment file says, checked: data, network, training, budgets, and who competes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minnet import optimizers, resources, schedules
from minnet.errors import InputError, check_name, suggest
from minnet.lab.claims import Claim, parse_claims
from minnet.lab.halving import FACTOR, rungs
from minnet.lab.space import DESIGNS, Axis, Range, Values, parse_axis, points, to_plain
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

TUNING_SEED = 0
DEFAULT = "race-digits"
ALIASES = {"race": DEFAULT}
BUDGETS = ("seeds", "trials", "target", "tune", "points", "defaults", "extend", "halving")
TUNED = ("lr", "all")
TEXTS = ("name", "title", "question", "see")
GALLERY = ("order", "claim")  # what the gallery says of an experiment besides
CONTENT = ("data", "network", "training", "optimizer")
ENTRY_KEYS = ("name", "label", "style", "schedule", "training", "network")
SHARED = ("epochs", "validation", "split_seed", "schedule")  # what a competitor's table of training cannot hold
LONGEST_LABEL = 300
MOST_RUNS = 100_000


@dataclass(frozen=True)
class Entry:
    """One competitor: a method, what is fixed about it and what is tuned.

    Parameters
    ----------
    name : str
        Of the method.
    label : str
        What tables and figures call it; unique within an experiment.
    style : str
    fixed : dict of str to float
        Hyperparameters that are given.
    searched : dict of str to Range or Values
        Hyperparameters that are tuned.
    schedule : str or dict, optional
        Instead of the experiment's.
    training, network : dict, optional
        Fields of training and network that differ from the experiment's, as ``{"batch_size": 32}``.
    source : str
        Digest of a method of one's own, so that all runs are those of the version that was read.
    """

    name: str
    label: str
    style: str = "paper"
    fixed: dict[str, float] = field(default_factory=dict)
    searched: dict[str, Axis] = field(default_factory=dict)
    schedule: Any = None
    training: dict[str, Any] = field(default_factory=dict)
    network: dict[str, Any] = field(default_factory=dict)
    source: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as its table in an experiment file."""
        table: dict[str, Any] = {"name": self.name, "label": self.label, "style": self.style}
        if self.schedule is not None:
            table["schedule"] = self.schedule
        if self.training:
            table["training"] = self.training
        if self.network:
            table["network"] = self.network
        axes = {**self.fixed, **self.searched}
        return {**table, **{name: to_plain(axes[name]) for name in sorted(axes)}}


@dataclass(frozen=True)
class Experiment:
    """A fair set of runs: every optimizer gets the same network, data, budget and seeds.

    Parameters
    ----------
    name : str
        Short, used for the default folder.
    data : str
        As for `minnet.load_dataset`.
    seeds : int
        Final runs of every winner. Seed i gives every method the same initial weights and order of batches.
    trials : int
        Points that the tuning of every optimizer tries, all with seed 0. An optimizer with nothing to tune has one
        run; all others have equally many, or the experiment is refused.
    targets : tuple of float
        Validation accuracies for epochs and seconds to target; the first is the leaderboard's.
    network : NetworkSpec
    training : TrainingSpec
    entries : tuple of Entry
    title, question : str
        For the page.
    tune : {"lr", "all"}
        What is searched of an optimizer that leaves it open: the step size, or all that its method declares.
    design : {"auto", "grid", "halton", "sobol"}
        How the points lie; `points` in a file. See `minnet.lab.space.points`.
    defaults : bool
        Whether every optimizer that is tuned also tries the method's own defaults. This trial is counted apart; it
        may be selected like the others, since every method has it and nobody would pass over it.
    extend : int
        At most so many times every optimizer gets further trials because the best point of one lies at the end of
        its range: beyond that end for those of which this is true, around their best point for the others, so that
        all have equally many.
    halving : int
        Factor of successive halving (`minnet.lab.halving`); 0 trains every trial to the end.
    see : str
        What there is to see in the result.
    order : int
        Its place among the experiments of its part.
    claims : tuple of Claim
        What is to come out, checked by `minnet experiment`. They are about the experiment as its file says it:
        `resolve` drops them when keywords change it.

    Examples
    --------
    >>> race = Experiment.from_dict({"data": "digits", "trials": 3, "optimizers": "sgd, adam"})
    >>> [point["lr"] for point in race.points(race.entries[0])]
    [0.001, 0.1, 10.0]
    """

    name: str
    data: str
    seeds: int
    trials: int
    targets: tuple[float, ...]
    network: NetworkSpec
    training: TrainingSpec
    entries: tuple[Entry, ...]
    title: str = ""
    question: str = ""
    tune: str = "lr"
    design: str = "auto"
    defaults: bool = True
    extend: int = 2
    halving: int = 0
    see: str = ""
    order: int = 0
    claims: tuple[Claim, ...] = ()

    @property
    def target(self) -> float:
        """The target of the leaderboard."""
        return self.targets[0]

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Experiment:
        """Check the content of an experiment file and fill in what it leaves open.

        Raises
        ------
        InputError
            For an unknown key (naming the nearest) or a wrong value.
        """
        keys = [*TEXTS, *GALLERY, "data", *BUDGETS, "targets", "network", "training", "optimizer", "optimizers", "vary"]
        if "problem" in content:
            raise InputError(
                "this is a suite of several problems: run it with minnet compare or minnet.lab.compare_suite"
            )
        for key in content:
            check_name("key of the experiment", key, keys)
        data = _text("data", content.get("data", "digits"))
        base = RunSpec.from_dict(
            {
                "data": data,
                "network": _floats(NetworkSpec, _table("network", content)),
                "training": _floats(TrainingSpec, _table("training", content)),
            }
        )
        if not base.training.validation > 0:
            raise InputError("validation = 0 leaves nothing to select step sizes on: set for example 0.1")
        tune = _choice("tune", content.get("tune", "lr"), TUNED)
        tables = varied(_optimizer_tables(content), _table("vary", content))
        entries = tuple(parse_entry(table, tune) for table in tables)
        experiment = cls(
            name=_text("name", content.get("name", "race")),
            data=data,
            seeds=_count("seeds", content.get("seeds", 5)),
            trials=_count("trials", content.get("trials", 12)),
            targets=_targets(content.get("targets", content.get("target", 0.95))),
            network=base.network,
            training=base.training,
            entries=entries,
            title=_text("title", content.get("title", "")),
            question=_text("question", content.get("question", "")),
            tune=tune,
            design=_choice("points", content.get("points", "auto"), DESIGNS),
            defaults=_flag("defaults", content.get("defaults", True)),
            extend=_count("extend", content.get("extend", 2), least=0),
            halving=_factor(content.get("halving", 0)),
            see=_text("see", content.get("see", "")),
            order=_count("order", content.get("order", 0), least=0),
            claims=parse_claims(content.get("claim", ()), [entry.label for entry in entries]),
        )
        experiment._check()
        return experiment

    def to_dict(self) -> dict[str, Any]:
        """Return the resolved experiment in plain types; `from_dict` reads it back."""
        run = RunSpec(data=self.data, network=self.network, training=self.training).to_dict()
        return {
            "name": self.name,
            "title": self.title,
            "question": self.question,
            **({"see": self.see} if self.see else {}),
            **({"order": self.order} if self.order else {}),
            "data": self.data,
            "seeds": self.seeds,
            "trials": self.trials,
            "target": self.target,
            **({"targets": list(self.targets)} if len(self.targets) > 1 else {}),
            "tune": self.tune,
            "points": self.design,
            "defaults": self.defaults,
            "extend": self.extend,
            "halving": self.halving,
            "network": run["network"],
            "training": run["training"],
            "optimizer": [entry.to_dict() for entry in self.entries],
            **({"claim": [claim.to_dict() for claim in self.claims]} if self.claims else {}),
        }

    def digest(self) -> str:
        """Return six characters that stand for what is trained, budgets and names aside."""
        content = {key: self.to_dict()[key] for key in CONTENT}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:6]

    def points(self, entry: Entry) -> list[dict[str, float]]:
        """Return the hyperparameters that the tuning of one entry tries; its defaults and further trials are apart."""
        return [{**entry.fixed, **p} for p in points(entry.searched, self.trials, TUNING_SEED, self.design)]

    def default_point(self, entry: Entry) -> dict[str, float] | None:
        """Return what an entry is without tuning, or None if that is no trial of its own."""
        if not (self.defaults and entry.searched):
            return None
        method = optimizers.get(entry.name, entry.style, entry.source)
        return {**entry.fixed, **{name: float(method.defaults[name]) for name in entry.searched}}

    def rungs(self, entry: Entry) -> list[tuple[int, int]]:
        """Return how many of an entry's trials are trained up to which epoch."""
        trials, epochs = len(self.points(entry)), self.training.epochs
        return rungs(trials, epochs, self.halving) if self.halving else [(trials, epochs)]

    def run_spec(self, entry: Entry, hyper: Mapping[str, float], seed: int) -> RunSpec:
        """Return one run of an entry."""
        own = _floats(TrainingSpec, entry.training)
        if entry.schedule is not None:
            own["schedule"] = entry.schedule
        training = dataclasses.replace(self.training, **own)
        optimizer = OptimizerSpec(entry.name, entry.style, dict(hyper), entry.source)
        plain = RunSpec(self.data, self.network, training, optimizer, seed)
        if not entry.network:
            return plain
        content = plain.to_dict()
        network = {**content["network"], **_floats(NetworkSpec, entry.network)}
        return RunSpec.from_dict({**content, "network": network})

    def _check(self) -> None:
        labels = [entry.label for entry in self.entries]
        for label in labels:
            if labels.count(label) > 1:
                raise InputError(f"two optimizers are labelled {label!r}: give each its own label")
        for entry in self.entries:
            default = self.default_point(entry)
            for hyper in [*self.points(entry), *([default] if default else [])]:
                run = self.run_spec(entry, hyper, TUNING_SEED)
                schedules.parse(run.training.schedule, run.optimizer.settings["lr"])
        self._check_budgets()

    def _check_budgets(self) -> None:
        tuned = [entry for entry in self.entries if entry.searched]
        amounts = {entry.label: len(self.points(entry)) for entry in tuned}
        for label, amount in amounts.items():
            if amount != max(amounts.values()):
                raise InputError(
                    f"{label} has {amount} values to try and others {max(amounts.values())} trials: budgets must be "
                    f"equal, so give it as many values, a range, or set trials = {amount}"
                )
        if self.halving and tuned and len(self.rungs(tuned[0])) == 1:
            raise InputError(
                f"halving = {self.halving} needs at least {self.halving} trials and {self.halving} epochs: "
                "raise trials or epochs, or set halving = 0"
            )


def varied(tables: Iterable[Any], vary: Mapping[str, Any]) -> list[Any]:
    """Return every optimizer once for every combination of the values of some fields.

    Parameters
    ----------
    tables : list
        Optimizers: names or tables.
    vary : mapping of str to list
        Values of fields of training and network.

    Examples
    --------
    >>> for table in varied(["adam"], {"batch_size": [32, 128], "schedule": ["cosine"]}):
    ...     print(table)
    {'name': 'adam', 'label': 'adam, batch 32', 'training': {'batch_size': 32}, 'schedule': 'cosine'}
    {'name': 'adam', 'label': 'adam, batch 128', 'training': {'batch_size': 128}, 'schedule': 'cosine'}
    """
    for key, values in vary.items():
        check_name("field to vary", key, ["schedule", *_own_fields(TrainingSpec), *_own_fields(NetworkSpec)])
        if not isinstance(values, list | tuple) or not values:
            raise InputError(f"vary: {key} must be a list of values, not {values!r}")
    result = list(tables)
    for key, values in vary.items():
        result = [_with(table, key, value, named=len(values) > 1) for table in result for value in values]
    return result


def _with(content: Any, key: str, value: Any, named: bool) -> dict[str, Any]:
    """Return an optimizer's table with a field set, and `named` after it."""
    table = _as_table(content)
    label = table.get("label", optimizers.name_of(table.get("name", "")))
    section = next(
        (s for s, spec in (("training", TrainingSpec), ("network", NetworkSpec)) if key in _own_fields(spec)), ""
    )
    if key in (_table(section, table) if section else table):
        raise InputError(f"{label} sets {key} itself, which is to vary: drop one of the two")
    table["label"] = f"{label}, {_named(key, value)}" if named else label
    return {**table, section: {**_table(section, table), key: value}} if section else {**table, key: value}


def _named(key: str, value: Any) -> str:
    if key == "schedule":
        parts = dict(value) if isinstance(value, Mapping) else {"name": value}
        return " ".join([str(parts.pop("name", "")), *(f"{name} {part}" for name, part in parts.items())])
    return f"{'batch' if key == 'batch_size' else key.replace('_', ' ')} {value}"


def _own_fields(spec: type) -> list[str]:
    """Return the fields of training or network that a competitor may have to itself."""
    return [f.name for f in dataclasses.fields(spec) if f.name not in SHARED]


def parse_entry(content: Any, tune: str = "lr") -> Entry:
    """Read one ``[[optimizer]]`` table, or the name of a method.

    Without `lr`, the range that the method declares is searched; with ``tune="all"`` so are the method's other
    hyperparameters that the table leaves open.

    Raises
    ------
    InputError

    Examples
    --------
    >>> parse_entry("adam").searched
    {'lr': Range(low=1e-05, high=0.1, scale='log')}
    >>> parse_entry({"name": "sgd", "label": "too small", "lr": 0.001}).fixed
    {'lr': 0.001}
    >>> list(parse_entry("momentum", tune="all").searched)
    ['lr', 'momentum']
    """
    content = _as_table(content)
    name, style = _text("name", optimizers.name_of(content["name"])), _text("style", content.get("style", "paper"))
    method = optimizers.get(name, style)
    for key in content:
        check_name(f"key of optimizer {name}", key, [*ENTRY_KEYS, *method.defaults])
    label = _text("label", content.get("label", name))
    if not label.strip() or len(label) > LONGEST_LABEL:
        raise InputError(f"the label of an optimizer has 1 to {LONGEST_LABEL} characters, not {len(label)}")
    training = _table("training", content)
    for key in training:
        check_name(f"key of training of optimizer {name}", key, _own_fields(TrainingSpec))
    open_ = method.space if tune == "all" else {"lr": method.space["lr"]}
    given = {key: parse_axis(f"{label}: {key}", content[key]) for key in method.defaults if key in content}
    axes = {key: {**open_, **given}[key] for key in method.defaults if key in {**open_, **given}}
    return Entry(
        name=name,
        label=label,
        style=style,
        fixed={key: axis for key, axis in axes.items() if not isinstance(axis, Range | Values)},
        searched={key: axis for key, axis in axes.items() if isinstance(axis, Range | Values)},
        schedule=content.get("schedule"),
        training=training,
        network=_table("network", content),
        source=method.digest,
    )


def _as_table(content: Any) -> dict[str, Any]:
    """Return an optimizer, however it is given, as a table with a name."""
    if isinstance(content, Entry):
        content = content.to_dict()
    if isinstance(content, str | optimizers.Method):
        content = {"name": content}
    if not isinstance(content, Mapping) or "name" not in content:
        raise InputError(f"an optimizer needs a name, as in {{ name = 'adam' }}, not {content!r}")
    return dict(content)


def parse_optimizers(value: Any) -> list[Any]:
    """Read the short form: "lecture", "all", names with commas between, or a list of names and tables.

    Examples
    --------
    >>> parse_optimizers("sgd, adam")
    ['sgd', 'adam']
    """
    if isinstance(value, str):
        if value.strip() in ("lecture", "all"):
            return list(optimizers.names(value.strip()))
        value = [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, optimizers.Method):
        value = [value]
    if not isinstance(value, Iterable) or isinstance(value, Mapping):
        raise InputError(f"optimizers must be 'lecture', 'all' or a list of names, not {value!r}")
    value = list(value)
    if not value:
        raise InputError("optimizers is empty: name at least one, or write lecture or all")
    return value


def shipped() -> list[str]:
    """Return the names of the experiments that come with minnet.

    Examples
    --------
    >>> "race-digits" in shipped()
    True
    """
    return sorted(resources.experiments())


def read(source: str | Path) -> dict[str, Any]:
    """Return the content of an experiment file, given by path or by the name of one that comes with minnet.

    Where no such file exists, NAME.toml and experiments/NAME.toml are the one of that name as well.

    Raises
    ------
    InputError
        If there is no such file or it is no TOML.
    """
    path = Path(source)
    if not path.is_file():
        path = _shipped_file(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"cannot read the experiment file {path}: {_line(error)}") from error


def _shipped_file(path: Path) -> Path:
    """Return the file that comes with minnet under a name, for what is no file here."""
    name = path.stem if path.suffix == ".toml" else path.name
    name = ALIASES.get(name, name)
    files = resources.experiments()
    places = ((), ("experiments",), ("experiments", files[name].parent.name) if name in files else ())
    if path.parent.parts not in places or name not in files:
        if str(path) in resources.experiments(".py"):
            raise InputError(f"{path} is a script: run it with minnet experiment {path}")
        what = "experiment file" if path.suffix or len(path.parts) != 1 else "experiment"
        raise InputError(f"no {what} {str(path)!r}: {suggest(name, shipped())}")
    return files[name]


def resolve(source: Any = None, **keywords: Any) -> Experiment:
    """Return the experiment that a source and keywords describe; keywords win.

    Parameters
    ----------
    source : str, Path, dict or Experiment, optional
        Path of an experiment file, the name of one that comes with minnet, or its content. Without it, the
        race on `data`: race-mnist for "mnist", and so on.
    **keywords
        `name`, `title`, `question`, `data`, `optimizers`, `seeds`, `trials`, `target`, `tune`, `points`, `defaults`,
        `extend`, `halving`, `vary`, `style` (of all optimizers), and any field of `NetworkSpec` and `TrainingSpec`.
        None means not given.

    Raises
    ------
    InputError

    Examples
    --------
    >>> resolve(optimizers="sgd,adam", hidden=(16,), epochs=2).training.epochs
    2
    """
    given = {key: value for key, value in keywords.items() if value is not None}
    if "init_bias" in given:  # as the option is called
        if "bias_init" in given:
            raise InputError("init_bias and bias_init are two names of the same: give one")
        given["bias_init"] = given.pop("init_bias")
    style = given.pop("style", None)
    network, training = ([f.name for f in dataclasses.fields(spec)] for spec in (NetworkSpec, TrainingSpec))
    for key in given:
        check_name("keyword", key, [*TEXTS, "data", *BUDGETS, "optimizers", "vary", "style", *network, *training])
    content = dict(_content(source, given.get("data")))
    if given or style is not None:
        content.pop("claim", None)
    told = _told(content)
    for key, value in given.items():
        if key in network or key in training:
            section = "network" if key in network else "training"
            content[section] = {**_table(section, content), key: value}
        elif key in ("optimizers", "target"):
            content.pop({"optimizers": "optimizer", "target": "targets"}[key], None)
            content[key] = value
        else:
            content[key] = value
    if style is not None:
        content["optimizer"] = [_in_style(table, style) for table in _optimizer_tables(content)]
        content.pop("optimizers", None)
    experiment = Experiment.from_dict(content)
    if _told(content) == told:
        return experiment
    title, question = given.get("title", _headline(experiment)), given.get("question", "")
    return dataclasses.replace(experiment, title=title, question=question)  # the source's speak of something else


def _told(content: Mapping[str, Any]) -> str:
    """Return what the title and the question of an experiment speak of."""
    return json.dumps([content.get(key) for key in ("data", "network", "optimizers", "optimizer", "vary")], default=str)


def _headline(experiment: Experiment) -> str:
    """Return who races on what."""
    labels = [entry.label for entry in experiment.entries]
    few = " and ".join(filter(None, [", ".join(labels[:-1]), labels[-1]]))
    return f"{few if len(labels) <= 4 else f'{len(labels)} methods'} on {experiment.data}"


def default_folder(source: Any, experiment: Experiment) -> Path:
    """Return where results go by default: runs/NAME, with a suffix if options changed what is trained.

    So the same command resumes, and another one does not meet its results.
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", experiment.name).strip("-.") or "race"
    plain = Experiment.from_dict(_content(source, experiment.data))
    suffix = "" if plain.digest() == experiment.digest() else f"-{experiment.digest()}"
    return Path("runs") / f"{name}{suffix}"


def _content(source: Any, data: Any) -> Mapping[str, Any]:
    """Return the content of an experiment before keywords."""
    if isinstance(source, Experiment):
        return source.to_dict()
    if isinstance(source, Mapping):
        return source
    if source is not None:
        return read(source)
    if data is None or f"race-{data}" in shipped():
        return read(DEFAULT if data is None else f"race-{data}")
    return {**read("race-mnist"), "name": f"race-{data}", "title": f"The race on {data}", "data": data}


def _optimizer_tables(content: Mapping[str, Any]) -> list[Any]:
    if "optimizer" in content and "optimizers" in content:
        raise InputError("give either [[optimizer]] tables or the short form optimizers = ..., not both")
    if "optimizer" not in content:
        return parse_optimizers(content.get("optimizers", "lecture"))
    tables = content["optimizer"]
    if not isinstance(tables, list) or not tables:
        raise InputError("optimizer must be a list of tables, each headed [[optimizer]]")
    return tables


def _in_style(content: Any, style: str) -> Any:
    """Return an optimizer's table, or name, with another style."""
    return {**_as_table(content), "style": style}


def _table(key: str, content: Mapping[str, Any]) -> dict[str, Any]:
    table = content.get(key, {})
    if not isinstance(table, Mapping):
        raise InputError(f"{key} must be a table, not {table!r}")
    return dict(table)


def _floats(spec: type, table: Mapping[str, Any]) -> dict[str, Any]:
    """Write whole numbers as floats where the spec has floats: 0 and 0.0 are then the same run."""
    real = [f.name for f in dataclasses.fields(spec) if isinstance(f.default, float)]
    return {key: float(value) if key in real and type(value) is int else value for key, value in table.items()}


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise InputError(f"{key} must be text, not {value!r}")
    return value


def _choice(key: str, value: Any, allowed: Iterable[str]) -> str:
    check_name(key, _text(key, value), allowed)
    return value


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{key} must be true or false, not {value!r}")
    return value


def _factor(value: Any) -> int:
    """Return the factor of successive halving; 0 for none."""
    if isinstance(value, bool):
        return FACTOR if value else 0
    if not isinstance(value, int) or not (value == 0 or 2 <= value <= MOST_RUNS):
        raise InputError(
            f"halving must be true, false or a whole number from 2 (one trial in so many goes on), not {value!r}"
        )
    return value


def _targets(value: Any) -> tuple[float, ...]:
    values = list(value) if isinstance(value, list | tuple) else [value]
    targets = tuple(dict.fromkeys(_fraction("target", each) for each in values))
    if not targets:
        raise InputError("target is an empty list: give a validation accuracy, as 0.95")
    return targets


def _count(key: str, value: Any, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST_RUNS:
        raise InputError(f"{key} must be a whole number from {least} to {MOST_RUNS}, not {value!r}")
    return value


def _fraction(key: str, value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not 0 < value <= 1:
        raise InputError(f"{key} must be an accuracy above 0 and up to 1, not {value!r}")
    return float(value)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
