"""Several problems in one experiment: data, network and batch may differ, the methods are the same.

Every problem is an ordinary comparison with its own folder, store and page. What they say together is a view of their
leaderboards and hides none of them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import math
import os
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minnet import machine, training
from minnet.errors import InputError, NothingYet
from minnet.files import write_text
from minnet.lab import driver, scores
from minnet.lab.comparison import Comparison
from minnet.lab.database import hold
from minnet.lab.driver import Progress, Silent
from minnet.lab.experiment import TUNING_SEED, Experiment, read, resolve
from minnet.lab.trials import load_split

if TYPE_CHECKING:
    import pandas as pd

FILE = "suite.toml"
TEXTS = ("name", "title", "question", "see", "order")
RUN = ("jobs", "engine", "scheduler", "device", "data_dir", "wait")
RISK = 0.05  # of the critical difference
TIMES = {"epochs": "epochs_to_target", "seconds": "seconds_to_target"}
SINGLE = ("rank", "test_accuracy_median", *TIMES.values())


@dataclass(frozen=True)
class Problem:
    """One problem of a suite: an experiment and the folder, within that of the suite, that its results go to."""

    name: str
    experiment: Experiment

    @property
    def folder(self) -> str:
        """The name as a folder."""
        return _plain(self.name)


@dataclass(frozen=True)
class Suite:
    """The same methods on several problems.

    Examples
    --------
    >>> small = {"name": "small", "optimizers": "sgd,adam", "training": {"epochs": 3},
    ...          "problem": [{"name": "narrow", "network": {"hidden": [8]}}, {"name": "wide"}]}
    >>> [(p.name, p.experiment.network.hidden, p.experiment.training.epochs) for p in Suite.from_dict(small).problems]
    [('narrow', (8,), 3), ('wide', (128,), 3)]
    """

    name: str
    problems: tuple[Problem, ...]
    title: str = ""
    question: str = ""

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], **keywords: Any) -> Suite:
        """Check the content of a suite's file: an experiment whose ``[[problem]]`` tables say what differs.

        Keywords are those of `minnet.lab.resolve` and win over all problems.
        """
        tables = content.get("problem")
        if not isinstance(tables, list) or not tables or not all(isinstance(table, Mapping) for table in tables):
            raise InputError("problem must be a list of tables, each headed [[problem]]")
        name = content.get("name", "suite")
        if not isinstance(name, str):
            raise InputError(f"name must be text, not {name!r}")
        shared = {key: value for key, value in content.items() if key not in (*TEXTS, "problem")}
        suite = cls(
            name,
            tuple(_problem(name, shared, table, keywords) for table in tables),
            str(content.get("title", "")),
            str(content.get("question", "")),
        )
        suite._check()
        return suite

    def to_dict(self) -> dict[str, Any]:
        """Return the resolved suite in plain types; `from_dict` reads it back."""
        problems = [{**problem.experiment.to_dict(), "name": problem.name} for problem in self.problems]
        return {"name": self.name, "title": self.title, "question": self.question, "problem": problems}

    def digest(self) -> str:
        """Return six characters that stand for what is trained, budgets and names aside."""
        parts = " ".join(f"{problem.name} {problem.experiment.digest()}" for problem in self.problems)
        return hashlib.sha256(parts.encode()).hexdigest()[:6]

    def _check(self) -> None:
        folders = [problem.folder for problem in self.problems]
        labels = [entry.label for entry in self.problems[0].experiment.entries]
        for problem in self.problems:
            if folders.count(problem.folder) > 1:
                raise InputError(f"two problems are called {problem.name!r}: give each its own name")
            if [entry.label for entry in problem.experiment.entries] != labels:
                raise InputError(
                    f"problem {problem.name!r} has other optimizers than {self.problems[0].name!r}: "
                    "a suite compares the same ones everywhere"
                )


@dataclass
class SuiteComparison:
    """What came out of a suite.

    Attributes
    ----------
    suite : dict
        Resolved, as in suite.toml.
    comparisons : dict of str to Comparison
        Those that are finished, by the name of the problem.
    folders : dict of str to str
        Where each lies within the folder of the suite.
    """

    suite: dict[str, Any]
    comparisons: dict[str, Comparison]
    folders: dict[str, str]

    @property
    def leaderboard(self) -> pd.DataFrame:
        """What all problems say together, see `aggregate`."""
        return aggregate({name: each.leaderboard for name, each in self.comparisons.items()})

    @property
    def profiles(self) -> pd.DataFrame:
        """Performance profiles of the times to target, see `profiles`."""
        return profiles({name: each.leaderboard for name, each in self.comparisons.items()})

    @property
    def critical_difference(self) -> float:
        """How far apart mean ranks must be to show a difference, see `critical_difference`."""
        return critical_difference(len(self.leaderboard), len(self.comparisons))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables by the names of their files."""
        return {"suite": self.leaderboard, "profiles": self.profiles}

    def save(self, folder: str | os.PathLike) -> Path:
        """Write suite.toml, the tables and the page that links those of the problems; return the page's path."""
        import tomli_w

        from minnet.report.suite_page import render

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / FILE, tomli_w.dumps(self.suite))
        for name, table in self.tables().items():
            write_text(folder / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
        write_text(folder / "suite.html", render(self))
        return folder / "suite.html"


Watch = Callable[[int, Problem, Path | None], AbstractContextManager[Progress]]


def compare_suite(
    suite: Any,
    *,
    out: Any = None,
    watch: Watch | None = None,
    waiting: Callable[[], None] = lambda: None,
    **keywords: Any,
) -> SuiteComparison:
    """Compare methods on every problem of a suite.

    Parameters
    ----------
    suite : str, Path, dict or Suite
        A suite's file, the name of one that comes with minnet, its content, or what `resolve_suite` returned.
    out : str or Path, optional
        Folder for results: one for every problem in it, as `minnet.compare` writes it, and what they say together.
        The same call resumes.
    watch : callable, optional
        Called with the position of a problem, the problem and its folder; a context manager that gives whom to tell
        about its runs.
    waiting : callable
        Called if another process works in the folder and, with `wait`, its end is waited for.
    **keywords
        `jobs`, `engine`, `scheduler`, `device`, `data_dir`, `wait` as for `minnet.compare`; all others as for
        `minnet.lab.resolve`: they win over all problems.

    Returns
    -------
    SuiteComparison

    Examples
    --------
    >>> widths = [{"name": str(width), "network": {"hidden": [width]}} for width in (4, 8)]
    >>> suite = {"optimizers": "sgd,adam", "trials": 1, "seeds": 1, "extend": 0, "problem": widths}
    >>> result = compare_suite(suite, epochs=1, jobs=1)
    >>> sorted(result.leaderboard["optimizer"]), [*result.comparisons]
    (['adam', 'sgd'], ['4', '8'])
    """
    run = {key: keywords.pop(key) for key in RUN if key in keywords}
    suite = suite if isinstance(suite, Suite) else resolve_suite(suite, **keywords)
    result = SuiteComparison(suite.to_dict(), {}, {problem.name: problem.folder for problem in suite.problems})
    with contextlib.ExitStack() as held:
        if out is not None:
            held.enter_context(contextlib.closing(hold(Path(out), waiting if run.get("wait") else None)))
        for position, problem in enumerate(suite.problems):
            folder = None if out is None else Path(out) / problem.folder
            with watch(position, problem, folder) if watch else contextlib.nullcontext(Silent()) as progress:
                comparison = driver.compare(problem.experiment, out=folder, progress=progress, **run)
            result.comparisons[problem.name] = comparison
            if out is not None:
                result.save(out)
    return result


def seconds_per_epoch(experiment: Experiment, data_dir: Any = None) -> dict[str, float]:
    """Return what an epoch of every method takes here, by its label: one epoch of each is trained to know it."""
    first = experiment.entries[0]
    split = load_split(experiment.run_spec(first, experiment.points(first)[0], TUNING_SEED), data_dir)
    seconds = {}
    with machine.blas_threads(1):
        for entry in experiment.entries:
            run = experiment.run_spec(entry, experiment.points(entry)[0], TUNING_SEED)
            run = dataclasses.replace(run, training=dataclasses.replace(run.training, epochs=1))
            result = training.train(run, split)
            seconds[entry.label] = result.train_s + result.eval_s / len(result.history)
    return seconds


def load_suite(folder: Any) -> SuiteComparison:
    """Return the suite that lies in a folder, with those of its problems that have come to their final runs."""
    folder = Path(folder)
    suite = resolve_suite(folder / FILE)
    comparisons = {}
    for problem in suite.problems:
        with contextlib.suppress(NothingYet):
            comparisons[problem.name] = driver.load(folder / problem.folder)
    if not comparisons:
        raise NothingYet(f"no problem of the suite in {folder} has results yet: run minnet compare with it again")
    return SuiteComparison(suite.to_dict(), comparisons, {problem.name: problem.folder for problem in suite.problems})


def is_suite(source: Any) -> bool:
    """Return whether a file, a name or a content is that of a suite: it has problems."""
    if isinstance(source, str | Path):
        source = read(source)
    return isinstance(source, Suite) or (isinstance(source, Mapping) and "problem" in source)


def resolve_suite(source: Any, **keywords: Any) -> Suite:
    """Return the suite that a file, the name of a shipped one or a content describes; keywords win."""
    content = read(source) if isinstance(source, str | Path) else source
    return Suite.from_dict(content, **keywords)


def default_folder(source: Any, suite: Suite) -> Path:
    """Return where results go by default: runs/NAME, with a suffix if options changed what is trained."""
    plain = resolve_suite(source)
    suffix = "" if plain.digest() == suite.digest() else f"-{suite.digest()}"
    return Path("runs") / f"{_plain(suite.name)}{suffix}"


def aggregate(boards: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return what the leaderboards of several problems say together, the lowest mean rank first.

    Parameters
    ----------
    boards : mapping of str to DataFrame
        Leaderboards by problem, of the same methods.

    Returns
    -------
    DataFrame
        One row per method: rank, optimizer, mean_rank, best_rank and worst_rank over the problems (equal median test
        accuracies share their mean rank); profile_score_epochs and profile_score_seconds: the mean height of the
        performance profile of its times to target, up to 4 times the best (`minnet.lab.scores`); then for every
        problem its rank, test_accuracy_median, epochs_to_target and seconds_to_target, headed "problem: column".
    """
    import pandas as pd

    table = pd.DataFrame(index=next(iter(boards.values()))["optimizer"])
    single, ranks = {}, pd.DataFrame(index=table.index)
    for name, board in boards.items():
        board = board.set_index("optimizer")
        ranks[name] = board["test_accuracy_median"].rank(ascending=False)
        single.update({f"{name}: {column}": {**board, "rank": ranks[name]}[column] for column in SINGLE})
    table["mean_rank"] = ranks.mean(axis=1)
    table["best_rank"], table["worst_rank"] = ranks.min(axis=1), ranks.max(axis=1)
    for unit in TIMES:
        table[f"profile_score_{unit}"] = pd.Series(scores.profile_scores(_times(boards, unit)))
    table = pd.concat([table, pd.DataFrame(single)], axis=1)
    table = table.sort_values(["mean_rank", "profile_score_epochs"], ascending=[True, False], kind="stable")
    table.insert(0, "rank", table["mean_rank"].rank(method="min").astype("int64"))
    table = table.rename_axis("optimizer").reset_index()
    return table[["rank", *table.columns.drop("rank")]]


def profiles(boards: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the performance profiles of the times to target, as the corners of their staircases.

    Parameters
    ----------
    boards : mapping of str to DataFrame
        Leaderboards by problem, of the same methods.

    Returns
    -------
    DataFrame
        unit ("epochs" or "seconds"), optimizer, ratio (from 1 to 4), and share: on which share of the problems the
        method reached the target within so many times the best method's time. Between two ratios the share is that
        of the lower one; the mean height is the profile score of `aggregate`.
    """
    import pandas as pd

    rows = []
    for unit in TIMES:
        ratios = scores.performance_ratios(_times(boards, unit))
        corners = {1.0, scores.LONGEST, *(ratio for each in ratios.values() for ratio in each.values())}
        places = sorted(corner for corner in corners if corner <= scores.LONGEST)
        for method, each in ratios.items():
            shares = scores.performance_profile(list(each.values()), places)
            rows += [(unit, method, place, share) for place, share in zip(places, shares)]
    return pd.DataFrame(rows, columns=["unit", "optimizer", "ratio", "share"])


def _times(boards: Mapping[str, pd.DataFrame], unit: str) -> dict[str, dict[str, float]]:
    """Return the times to target by problem and method."""
    return {name: dict(zip(board["optimizer"], board[TIMES[unit]])) for name, board in boards.items()}


def critical_difference(methods: int, problems: int, risk: float = RISK) -> float:
    """Return how far apart the mean ranks of two methods must be to show a difference (Nemenyi's test).

    References
    ----------
    Demšar (2006), Statistical comparisons of classifiers over multiple data sets, JMLR 7

    Examples
    --------
    >>> round(critical_difference(4, 14), 2)  # Demšar's example
    1.25
    """
    from scipy.stats import studentized_range

    if methods < 2:
        return math.nan
    q = studentized_range.ppf(1 - risk, methods, math.inf) / math.sqrt(2)
    return float(q * math.sqrt(methods * (methods + 1) / (6 * problems)))


def _problem(suite: str, shared: Mapping[str, Any], table: Mapping[str, Any], keywords: Mapping[str, Any]) -> Problem:
    """Return one problem: what all share, what its table says instead, and the keywords."""
    name = table.get("name")
    if not isinstance(name, str) or not _plain(name):
        raise InputError('every [[problem]] needs a name, as in name = "digits, wide"')
    own = {key: value for key, value in table.items() if key != "name"}
    content = {key: value for key, value in shared.items() if not _replaced(key, own)}
    for key, value in own.items():
        both = isinstance(value, Mapping) and isinstance(content.get(key), Mapping)
        content[key] = {**content[key], **value} if both else value
    content = {"title": name, **content, "name": f"{suite}, {name}"}
    try:
        return Problem(name, resolve(content, **keywords))
    except InputError as error:
        raise InputError(f"problem {name!r}: {error}") from error


def _replaced(key: str, own: Mapping[str, Any]) -> bool:
    """Return whether a problem says otherwise what is shared under another name."""
    names = next((names for names in (("optimizer", "optimizers"), ("target", "targets")) if key in names), ())
    return any(name in own for name in names)


def _plain(name: str) -> str:
    """Return a name as that of a folder.

    Examples
    --------
    >>> _plain("digits, 64-32")
    'digits-64-32'
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")
