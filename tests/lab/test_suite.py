from __future__ import annotations

import math
import signal
import tomllib

import pandas as pd
import pytest

from minnet.errors import InputError
from minnet.lab.database import hold
from minnet.lab.experiment import read, resolve, shipped
from minnet.lab.suite import (
    Suite,
    aggregate,
    compare_suite,
    critical_difference,
    default_folder,
    is_suite,
    load_suite,
    profiles,
    resolve_suite,
    seconds_per_epoch,
)

SUITES = [name for name in shipped() if is_suite(name)]


@pytest.fixture
def two(small):
    """The small experiment on two problems."""
    small["problem"] = [
        {"name": "small, wide", "network": {"hidden": [9]}},
        {"name": "long", "training": {"epochs": 6}, "target": 0.8, "optimizers": "sgd,adam"},
    ]
    return small


def board(accuracies, epochs):
    return pd.DataFrame(
        {
            "optimizer": list(accuracies),
            "test_accuracy_median": list(accuracies.values()),
            "epochs_to_target": epochs,
            "seconds_to_target": [2 * each for each in epochs],
        }
    )


def test_what_several_leaderboards_say_together():
    table = aggregate(
        {
            "first": board({"a": 0.9, "b": 0.8, "c": 0.7}, [2.0, 1.0, math.inf]),
            "second": board({"b": 0.6, "a": 0.6, "c": 0.5}, [4.0, 4.0, 8.0]),
        }
    ).set_index("optimizer")
    assert list(table.index) == ["a", "b", "c"]
    assert list(table["rank"]) == [1, 2, 3]
    assert list(table["mean_rank"]) == [1.25, 1.75, 3.0]
    assert list(table["best_rank"]) == [1.0, 1.5, 3.0]
    assert list(table["worst_rank"]) == [1.5, 2.0, 3.0]
    assert list(table["first: rank"]) == [1.0, 2.0, 3.0]
    assert list(table["second: test_accuracy_median"]) == [0.6, 0.6, 0.5]
    # ratios a: 2, 1; b: 1, 1; c: inf, 2; heights (4 - ratio) / 3
    assert table["profile_score_epochs"].tolist() == pytest.approx([(2 / 3 + 1) / 2, 1.0, 1 / 3])
    assert table["profile_score_seconds"].tolist() == pytest.approx([(2 / 3 + 1) / 2, 1.0, 1 / 3])


def test_profiles_are_staircases_whose_mean_height_is_the_score():
    boards = {
        "first": board({"a": 0.9, "b": 0.8, "c": 0.7}, [2.0, 1.0, math.inf]),
        "second": board({"b": 0.6, "a": 0.6, "c": 0.5}, [4.0, 4.0, 20.0]),
    }
    table = profiles(boards)
    assert set(table["unit"]) == {"epochs", "seconds"}
    steps = table[table["unit"] == "epochs"].pivot(index="optimizer", columns="ratio", values="share")
    assert steps.to_dict("index") == {
        "a": {1.0: 0.5, 2.0: 1.0, 4.0: 1.0},
        "b": {1.0: 1.0, 2.0: 1.0, 4.0: 1.0},
        "c": {1.0: 0.0, 2.0: 0.0, 4.0: 0.0},
    }
    height = steps[1.0] * (2 - 1) / 3 + steps[2.0] * (4 - 2) / 3
    assert height.to_dict() == pytest.approx(aggregate(boards).set_index("optimizer")["profile_score_epochs"].to_dict())


def test_a_damaged_problem_is_not_passed_over(fake, two, tmp_path):
    compare_suite(two, out=tmp_path, jobs=1)
    (tmp_path / "long" / "runs.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(InputError, match="damaged"):
        load_suite(tmp_path)


def test_equal_mean_ranks_share_their_rank():
    boards = {"1": board({"a": 0.9, "b": 0.8}, [1.0, 2.0]), "2": board({"a": 0.8, "b": 0.9}, [1.0, 1.0])}
    table = aggregate(boards)
    assert list(table["rank"]) == [1, 1]
    assert list(table["optimizer"]) == ["a", "b"], "the faster one stands first"


@pytest.mark.parametrize(("methods", "problems", "expected"), [(4, 14, 1.25), (5, 30, 1.11), (1, 3, math.nan)])
def test_the_critical_difference_is_that_of_the_books(methods, problems, expected):
    assert critical_difference(methods, problems) == pytest.approx(expected, abs=0.005, nan_ok=True)


def test_problems_override_what_they_share(two):
    wide, long = (problem.experiment for problem in Suite.from_dict(two).problems)
    assert (wide.network.hidden, wide.training.epochs, wide.target) == ((9,), 4, 0.9)
    assert long.training.batch_size == 8
    assert (long.network.hidden, long.training.epochs, long.target) == ((4,), 6, 0.8)
    assert (wide.entries[1].fixed, long.entries[1].fixed) == ({"beta1": 0.8}, {})
    assert wide.title == "small, wide"


def test_every_problem_is_an_ordinary_comparison_and_hides_behind_no_mean(fake, two, tmp_path):
    result = compare_suite(two, out=tmp_path, jobs=1)
    assert [*result.comparisons] == ["small, wide", "long"]
    files = {"suite.toml", "suite.csv", "profiles.csv", "suite.html", "runs.lock"}
    assert {*files, "small-wide", "long"} == {each.name for each in tmp_path.iterdir()}
    for name, folder in result.folders.items():
        single = pd.read_csv(tmp_path / folder / "leaderboard.csv").set_index("optimizer")
        together = pd.read_csv(tmp_path / "suite.csv").set_index("optimizer")
        for column in ("test_accuracy_median", "epochs_to_target"):
            assert together[f"{name}: {column}"].to_dict() == single[column].to_dict()
    page = (tmp_path / "suite.html").read_text()
    assert 'href="small-wide/report.html"' in page
    assert "adam" in page

    again = load_suite(tmp_path)
    assert again.suite == result.suite
    pd.testing.assert_frame_equal(again.leaderboard, result.leaderboard, check_exact=True)
    assert resolve_suite(tomllib.loads((tmp_path / "suite.toml").read_text())).to_dict() == result.suite


def test_only_one_process_works_in_the_folder_of_a_suite(fake, two, tmp_path):
    compare_suite(two, out=tmp_path, jobs=1)
    before, fake.calls = (tmp_path / "suite.csv").read_bytes(), []
    other = hold(tmp_path)
    told = []

    def waiting():
        told.append("waiting")
        other.close()

    with pytest.raises(InputError, match=r"another process is working in .*--wait"):
        compare_suite(two, out=tmp_path, jobs=1)
    assert (fake.calls, (tmp_path / "suite.csv").read_bytes()) == ([], before)
    compare_suite(two, out=tmp_path, jobs=1, wait=True, waiting=waiting)
    assert told == ["waiting"]


def test_an_interrupted_suite_goes_on_where_it_was(fake, two, tmp_path):
    whole = compare_suite(two, jobs=1).leaderboard
    total, fake.calls = len(fake.calls), []
    fake.stop_after, fake.on_stop = total - 3, lambda: signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        compare_suite(two, out=tmp_path, jobs=1)
    assert len(pd.read_csv(tmp_path / "suite.csv")) == 2, "what is finished is there"
    assert "Unfinished: 1 of 2 problems" in (tmp_path / "suite.html").read_text()
    done, fake.calls, fake.stop_after = total - 3, [], None
    resumed = compare_suite(two, out=tmp_path, jobs=1)
    assert len(fake.calls) == total - done
    times = [column for column in whole if "seconds" in column]
    pd.testing.assert_frame_equal(resumed.leaderboard.drop(columns=times), whole.drop(columns=times), check_exact=True)


def test_keywords_win_over_all_problems_and_get_a_folder_of_their_own(two):
    suite = resolve_suite(two, epochs=2, optimizers="sgd,momentum")
    assert [problem.experiment.training.epochs for problem in suite.problems] == [2, 2]
    assert default_folder(two, resolve_suite(two)).as_posix() == "runs/small"
    assert default_folder(two, resolve_suite(two, seeds=9)).as_posix() == "runs/small"
    assert default_folder(two, suite).as_posix() == f"runs/small-{suite.digest()}"


@pytest.mark.parametrize(
    ("problems", "message"),
    [
        ("digits", "must be a list of tables"),
        ([], "must be a list of tables"),
        ([{"data": "digits"}], "needs a name"),
        ([{"name": "a b"}, {"name": "a, b"}], "two problems are called"),
        ([{"name": "a"}, {"name": "b", "optimizers": "sgd"}], "problem 'b' has other optimizers than 'a'"),
        ([{"name": "a", "dat": "mnist"}], "problem 'a': unknown key of the experiment 'dat': did you mean 'data'"),
        ([{"name": "a", "training": {"epochs": 0.5}}], "problem 'a': .*epochs"),
    ],
)
def test_a_suite_that_is_wrong(small, problems, message):
    with pytest.raises(InputError, match=message):
        Suite.from_dict({**small, "problem": problems})


def test_a_suite_is_no_experiment_and_an_experiment_no_suite(two, small):
    assert is_suite(two)
    assert not is_suite("race-digits")
    with pytest.raises(InputError, match=r"minnet\.lab\.compare_suite"):
        resolve(two)


def test_a_folder_without_results(fake, two, tmp_path):
    compare_suite(two, out=tmp_path, jobs=1)
    for folder in ("small-wide", "long"):
        (tmp_path / folder / "runs.sqlite").unlink()
    with pytest.raises(InputError, match=r"no problem of the suite in .* has results yet"):
        load_suite(tmp_path)


def test_an_epoch_of_every_method_is_timed(small):
    small["data"] = "digits"
    seconds = seconds_per_epoch(resolve(small))
    assert [*seconds] == ["sgd", "adam"]
    assert all(0 < each < 10 for each in seconds.values())


@pytest.mark.parametrize("name", SUITES)
def test_every_shipped_suite_is_valid_and_says_what_it_asks(name):
    suite = resolve_suite(name)
    assert suite.name == name
    assert suite.title
    assert suite.question.endswith("?")
    assert len(suite.problems) >= 5
    assert len({problem.experiment.digest() for problem in suite.problems}) == len(suite.problems)


def test_the_five_minute_suite_needs_no_files():
    data = {problem.experiment.data.partition(":")[0] for problem in resolve_suite("suite-five-minutes").problems}
    assert data == {"digits", "synthetic"}
    assert read("suite-hour")["problem"]
