import re

import numpy as np
import pytest

from minnet.report import protocol, verdict
from minnet.report.curves import bands
from minnet.report.facts import edge_of_range, gather
from minnet.report.text import some
from minnet.report.verdict import sentences


def test_clear_winner(make):
    comparison = make(gap=0.01)
    told = sentences(comparison)
    best = gather(comparison)[0]
    assert len(told) <= 3
    assert told[0].startswith("sgd at step size ")
    assert "wins" in told[0]
    assert f"{100 * best.test:.2f} %" in told[0]
    assert "98 % interval" in told[0]
    assert "diverged (" in told[-1]


def test_no_difference(make):
    told = sentences(make(gap=0.0))
    assert told[0].startswith("No difference shown between ")
    assert "wins" not in " ".join(told)
    assert "98 % interval −" in told[0]


def test_everything_diverged(make):
    told = sentences(make(diverged=True))
    assert told[0] == "Every run diverged, 56 tuning trials in all, so there is no winner: try smaller step sizes."
    assert told[1] == "No method reached the target of 95 % validation accuracy."
    assert re.fullmatch(r"The step sizes tried lie between \S+ and \S+\.", told[2])


def test_everything_diverged_in_the_final_runs_too(make):
    comparison = make()
    comparison.trials["diverged"] = True
    comparison.trials["test_accuracy"] = np.nan
    comparison.leaderboard["diverged_trials"] = comparison.leaderboard["trials"]
    for column in ("test_accuracy_median", "test_accuracy_low", "test_accuracy_high", "val_accuracy_median"):
        comparison.leaderboard[column] = 0.0
    assert "no winner" in sentences(comparison)[0]


def test_one_seed_claims_nothing(make):
    told = sentences(make(seeds=1, gap=0.05))
    assert told[0].startswith("No difference shown")
    assert "one seed" in told[0]


def test_one_method(make):
    told = sentences(make(names=("adam",)))
    assert "nothing to compare it with" in told[0]


def test_a_diverged_final_run_counts_as_nothing_right(make, judged):
    comparison = make(gap=0.01)
    first = comparison.leaderboard["optimizer"][0]
    lost = (comparison.trials["optimizer"] == first) & (comparison.trials["seed"] == 1)
    lost &= comparison.trials["kind"] == "final"
    comparison.trials.loc[lost, ["diverged", "test_accuracy"]] = [True, np.nan]
    told = sentences(judged(comparison))
    assert told[0].startswith("No difference shown")
    assert f"final runs diverged too and count as 0 ({first} 1 of 4)" in told[-1]


def test_a_leader_that_tests_worse_is_said_so(make, judged):
    comparison = make(gap=0.01)
    board = comparison.leaderboard
    board.loc[[0, 1], "rank"] = [2, 1]
    assert "tests better" in sentences(judged(comparison))[0]


def test_target(make):
    assert "No method reached the target of 99.9 %" in sentences(make(target=0.999))[1]
    told = sentences(make())[1]
    assert "fewest epochs (3) with adam" in told
    assert told.endswith("; sgd did not reach it.")

    narrow = make(names=("momentum", "adam"), target=0.968)
    reached = narrow.targets.set_index("optimizer")["reached"]
    assert reached["adam"] == 4
    assert reached["momentum"] == 2
    told = sentences(narrow)[1]
    assert told.endswith("; momentum did not reach it in the median of the runs (momentum 2 of 4 did).")


def test_edge_of_range(make):
    tried = np.array([0.1, 1.0, 10.0])
    assert edge_of_range(0.1, tried) == "lowest"
    assert edge_of_range(10.0, tried) == "highest"
    assert edge_of_range(1.0, tried) == ""
    assert edge_of_range(1.0, np.array([1.0, 1.0])) == ""
    comparison = make(names=("adam", "sgd"))
    kept = comparison.trials
    adam = (kept["optimizer"] == "adam") & (kept["kind"] == "tune")
    chosen = kept.loc[adam & kept["selected"], "lr"].item()
    comparison.trials = kept[~adam | (kept["lr"] <= chosen)]
    assert "the best step size of adam (highest) lies at the end" in sentences(comparison)[-1]


def timed(make, times, spread=0.02):
    """Return a race of three methods with these seconds to the target and runs that differ by `spread`."""
    comparison = make(names=("adam", "sgd", "momentum"))
    for name, time in times.items():
        board, curves = comparison.leaderboard, comparison.curves
        board.loc[board["optimizer"] == name, ["epochs_to_target", "seconds_to_target"]] = [2.0, time]
        mine = curves["optimizer"] == name
        curves.loc[mine, "train_s"] = time * curves.loc[mine, "epoch"] * (1 + spread * (curves.loc[mine, "seed"] == 1))
    return sentences(comparison)[1]


def test_the_quickest_is_named_only_where_a_clock_can_tell(make):
    assert "the least training time (1 s) with adam" in timed(make, {"adam": 1.0, "sgd": 1.5, "momentum": 2.0})
    close = timed(make, {"adam": 1.0, "sgd": 1.03, "momentum": 2.0})
    assert "(1 s with adam) is within the noise of sgd;" in close
    noisy = timed(make, {"adam": 1.0, "sgd": 1.5, "momentum": 4.0}, spread=0.5)
    assert "within the noise of sgd;" in noisy
    short = timed(make, {"adam": 0.0032, "sgd": 0.0041, "momentum": 0.0055})
    assert "3.2 ms to 5.5 ms, are too short to rank" in short
    assert "least training time" not in short


def cut(comparison, planned=36):
    """Return the comparison as it stands when one seed of two methods and none of the others has run."""
    kept = list(comparison.leaderboard["optimizer"])[:2]
    part = (comparison.trials["seed"] <= 1) & comparison.trials["optimizer"].isin(kept)
    comparison.trials = comparison.trials[part | (comparison.trials["kind"] == "tune")]
    comparison.trials = comparison.trials[comparison.trials["optimizer"].isin(kept)]
    comparison.curves = comparison.curves[comparison.curves["optimizer"].isin(kept) & (comparison.curves["seed"] <= 1)]
    comparison.leaderboard = comparison.leaderboard[comparison.leaderboard["optimizer"].isin(kept)].assign(seeds=2)
    comparison.provenance |= {"runs_planned": planned, "runs_finished": 20}
    return comparison, kept


def test_an_unfinished_comparison_says_so_and_claims_no_more(make):
    comparison, kept = cut(make(gap=0.01))
    told = sentences(comparison)
    assert told[0].startswith("Unfinished: 20 of 36 runs")
    assert "wins" not in " ".join(told)
    said = " ".join([protocol.asked(comparison), *protocol.measured(comparison)])
    assert "2 seeds" in said
    assert "4 seeds" not in said
    assert "unfinished: 20 of 36 runs" in said
    assert all(name in protocol.asked(comparison) for name in kept)
    assert "rmsprop" not in said
    comparison.provenance["runs_finished"] = 36
    assert "nfinished" not in " ".join([*sentences(comparison), *protocol.measured(comparison)])


def test_before_the_first_final_run_nothing_is_said_of_seeds(make):
    comparison = make()
    comparison.trials = comparison.trials[comparison.trials["kind"] == "tune"]
    comparison.leaderboard = comparison.leaderboard.head(0)
    comparison.provenance |= {"runs_planned": 84, "runs_finished": 56}
    assert sentences(comparison)[1:] == ["56 tuning runs and no final run so far."]
    said = " ".join(protocol.measured(comparison))
    assert "No final run has finished yet." in said
    assert "test set was read" not in said


def test_a_crowd_is_counted_and_not_listed(make):
    comparison = make(gap=0.0)
    names = [f"method {i}" for i in range(40)]
    assert some(names, "method").endswith("and 34 other methods")
    assert len(" ".join(sentences(comparison))) < 900


def test_sensitivity_says_how_little_it_rests_on(make):
    comparison = make()
    told = verdict.sensitivity_reading(comparison, gather(comparison))
    assert "tuning seed 0 alone" in told
    assert "rough guide" in told
    assert verdict.spacing(gather(comparison)) == pytest.approx(12000 ** (1 / 7), rel=0.1)


def reading(comparison, measure, split, axis):
    names = [f.name for f in gather(comparison)]
    return verdict.reading(bands(comparison.curves, names, verdict.column(measure, split)), measure, split, axis)


def test_equal_methods_share_the_lead(make):
    comparison = make(names=("adam", "sgd", "momentum"))
    comparison.curves["val_accuracy"] = 0.5
    names = [f.name for f in gather(comparison)]
    told = reading(comparison, "accuracy", "validation", "epochs")
    assert told.startswith(f"After 6 epochs {names[0]}, {names[1]} and {names[2]} have the highest")


def test_readings_follow_the_data(make):
    comparison = make(gap=0.02)
    told = reading(comparison, "accuracy", "validation", "epochs")
    assert told.startswith("After 6 epochs sgd has the highest median validation accuracy")
    assert "lowest median training loss" in reading(comparison, "loss", "training", "seconds")
    assert "lowest" in reading(comparison, "loss", "validation", "epochs")


def test_the_protocol_is_that_of_the_experiment(make):
    told = " ".join(protocol.measured(make(trials=5, seeds=3, validation=0.2)))
    assert "5 trials" in told
    assert "3 seeds" in told
    assert "20 % of the training set" in told
    assert "128 units on digits for 6 epochs in batches of 128" in told
    assert "Nothing was tuned" in " ".join(protocol.measured(make(trials=1)))
    assert "chosen" not in protocol.asked(make())
