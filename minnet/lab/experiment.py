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
from minnet.lab.space import Axis, Range, Values, parse_axis, points, to_plain
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

TUNING_SEED = 0
DEFAULT = "race-digits"
ALIASES = {"race": DEFAULT}
BUDGETS = ("seeds", "trials", "target")
TEXTS = ("name", "title", "question")
CONTENT = ("data", "network", "training", "optimizer")
ENTRY_KEYS = ("name", "label", "style", "schedule", "network")
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
    network : dict, optional
        Fields of the network that differ from the experiment's, as ``{"init": "normal"}``.
    source : str
        Digest of a method of one's own, so that all runs are those of the version that was read.
    """

    name: str
    label: str
    style: str = "paper"
    fixed: dict[str, float] = field(default_factory=dict)
    searched: dict[str, Axis] = field(default_factory=dict)
    schedule: Any = None
    network: dict[str, Any] = field(default_factory=dict)
    source: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as its table in an experiment file."""
        table: dict[str, Any] = {"name": self.name, "label": self.label, "style": self.style}
        if self.schedule is not None:
            table["schedule"] = self.schedule
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
        Tuning runs per optimizer, all with seed 0.
    target : float
        Validation accuracy for epochs and seconds to target.
    network : NetworkSpec
    training : TrainingSpec
    entries : tuple of Entry
    title, question : str
        For the page.

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
    target: float
    network: NetworkSpec
    training: TrainingSpec
    entries: tuple[Entry, ...]
    title: str = ""
    question: str = ""

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Experiment:
        """Check the content of an experiment file and fill in what it leaves open.

        Raises
        ------
        InputError
            For an unknown key (naming the nearest) or a wrong value.
        """
        keys = [*TEXTS, "data", *BUDGETS, "network", "training", "optimizer", "optimizers"]
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
        entries = tuple(parse_entry(table) for table in _optimizer_tables(content))
        experiment = cls(
            name=_text("name", content.get("name", "race")),
            data=data,
            seeds=_count("seeds", content.get("seeds", 5)),
            trials=_count("trials", content.get("trials", 12)),
            target=_fraction("target", content.get("target", 0.95)),
            network=base.network,
            training=base.training,
            entries=entries,
            title=_text("title", content.get("title", "")),
            question=_text("question", content.get("question", "")),
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
            "data": self.data,
            "seeds": self.seeds,
            "trials": self.trials,
            "target": self.target,
            "network": run["network"],
            "training": run["training"],
            "optimizer": [entry.to_dict() for entry in self.entries],
        }

    def digest(self) -> str:
        """Return six characters that stand for what is trained, budgets and names aside."""
        content = {key: self.to_dict()[key] for key in CONTENT}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:6]

    def points(self, entry: Entry) -> list[dict[str, float]]:
        """Return the hyperparameters that the tuning of one entry tries."""
        return [{**entry.fixed, **p} for p in points(entry.searched, self.trials, TUNING_SEED)]

    def run_spec(self, entry: Entry, hyper: Mapping[str, float], seed: int) -> RunSpec:
        """Return one run of an entry."""
        training = self.training
        if entry.schedule is not None:
            training = dataclasses.replace(training, schedule=entry.schedule)
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
            runs = [self.run_spec(entry, hyper, TUNING_SEED) for hyper in self.points(entry)]
            for run in runs:
                schedules.parse(run.training.schedule, run.optimizer.settings["lr"])


def parse_entry(content: Any) -> Entry:
    """Read one ``[[optimizer]]`` table, or the name of a method.

    Without `lr`, the range that the method declares is searched.

    Raises
    ------
    InputError

    Examples
    --------
    >>> parse_entry("adam").searched
    {'lr': Range(low=1e-05, high=0.1, scale='log')}
    >>> parse_entry({"name": "sgd", "label": "too small", "lr": 0.001}).fixed
    {'lr': 0.001}
    """
    if isinstance(content, Entry):
        return content
    if isinstance(content, str | optimizers.Method):
        content = {"name": content}
    if not isinstance(content, Mapping) or "name" not in content:
        raise InputError(f"an optimizer needs a name, as in {{ name = 'adam' }}, not {content!r}")
    name, style = _text("name", optimizers.name_of(content["name"])), _text("style", content.get("style", "paper"))
    method = optimizers.get(name, style)
    for key in content:
        check_name(f"key of optimizer {name}", key, [*ENTRY_KEYS, *method.defaults])
    label = _text("label", content.get("label", name))
    if not label.strip() or len(label) > LONGEST_LABEL:
        raise InputError(f"the label of an optimizer has 1 to {LONGEST_LABEL} characters, not {len(label)}")
    axes = {key: parse_axis(f"{label}: {key}", content[key]) for key in method.defaults if key in content}
    if "lr" not in axes:
        axes["lr"] = method.space["lr"]
    return Entry(
        name=name,
        label=label,
        style=style,
        fixed={key: axis for key, axis in axes.items() if not isinstance(axis, Range | Values)},
        searched={key: axis for key, axis in axes.items() if isinstance(axis, Range | Values)},
        schedule=content.get("schedule"),
        network=dict(_table("network", content)),
        source=method.digest,
    )


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
    return sorted(path.stem for path in resources.folder("experiments").glob("*.toml"))


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
    if path.parent.parts not in ((), ("experiments",)) or name not in shipped():
        what = "experiment file" if path.suffix or len(path.parts) != 1 else "experiment"
        raise InputError(f"no {what} {str(path)!r}: {suggest(name, shipped())}")
    return resources.folder("experiments") / f"{name}.toml"


def resolve(source: Any = None, **keywords: Any) -> Experiment:
    """Return the experiment that a source and keywords describe; keywords win.

    Parameters
    ----------
    source : str, Path, dict or Experiment, optional
        Path of an experiment file, the name of one that comes with minnet, or its content. Without it, the
        race on `data`: race-mnist for "mnist", and so on.
    **keywords
        `name`, `title`, `question`, `data`, `optimizers`, `seeds`, `trials`, `target`, `style` (of all
        optimizers), and any field of `NetworkSpec` and `TrainingSpec`. None means not given.

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
        check_name("keyword", key, [*TEXTS, "data", *BUDGETS, "optimizers", "style", *network, *training])
    content = dict(_content(source, given.get("data")))
    for key, value in given.items():
        if key in network or key in training:
            section = "network" if key in network else "training"
            content[section] = {**_table(section, content), key: value}
        elif key == "optimizers":
            content.pop("optimizer", None)
            content[key] = value
        else:
            content[key] = value
    if style is not None:
        content["optimizer"] = [_in_style(table, style) for table in _optimizer_tables(content)]
        content.pop("optimizers", None)
    return Experiment.from_dict(content)


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
    if isinstance(content, Entry):
        content = content.to_dict()
    if isinstance(content, Mapping):
        return {**content, "style": style}
    return {"name": content, "style": style}


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


def _count(key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_RUNS:
        raise InputError(f"{key} must be a whole number from 1 to {MOST_RUNS}, not {value!r}")
    return value


def _fraction(key: str, value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not 0 < value <= 1:
        raise InputError(f"{key} must be an accuracy above 0 and up to 1, not {value!r}")
    return float(value)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
