from __future__ import annotations

import pytest

from minnet.lab.halving import best, replay, rungs, trained, until


def run(*accuracies, diverged=False):
    """A run with these validation accuracies after its epochs, the first before training."""
    rows = [{"epoch": e, "val_accuracy": a, "val_loss": 1 - a} for e, a in enumerate(accuracies)]
    return {"diverged": diverged, "history": rows}


@pytest.mark.parametrize(
    ("trials", "epochs", "factor", "expected"),
    [
        (9, 9, 3, [(9, 1), (3, 3), (1, 9)]),
        (12, 20, 3, [(12, 2), (4, 6), (1, 20)]),
        (8, 100, 2, [(8, 12), (4, 25), (2, 50), (1, 100)]),
        (100, 4, 2, [(100, 1), (50, 2), (25, 4)]),
        (2, 50, 3, [(2, 50)]),
        (50, 2, 3, [(50, 2)]),
    ],
)
def test_every_rung_has_fewer_trials_and_more_epochs(trials, epochs, factor, expected):
    assert rungs(trials, epochs, factor) == expected
    assert expected[0][0] == trials
    assert expected[-1][1] == epochs


def test_the_best_are_chosen_as_the_winner_is():
    records = [until(run(0.1, a), 1) for a in (0.5, 0.9, 0.7, 0.9)]
    assert best(records, 2) == [1, 3]
    assert best(records, 1) == [1], "of equal ones the earlier"
    assert best([*records, {**records[1], "diverged": True, "val_accuracy": 1.0}], 4) == [0, 1, 2, 3]
    assert best(records[:1], 3) == [0]


def test_a_run_so_far_has_not_diverged_yet():
    lost = run(0.1, 0.5, 0.6, diverged=True)
    assert [until(lost, epochs)["diverged"] for epochs in (1, 2, 9)] == [False, True, True]
    assert until(lost, 1)["val_accuracy"] == 0.5
    assert (trained(lost), trained(until(lost, 1))) == (2, 1)


def test_what_halving_would_have_done_by_hand():
    late = run(0, 0.1, 0.2, 0.2, 0.3, 0.9)  # the best in the end, hopeless at first
    early = run(0, 0.6, 0.6, 0.7, 0.7, 0.7)
    middle = run(0, 0.5, 0.6, 0.8, 0.8, 0.8)
    lost = run(0, 0.7, diverged=True)
    outcome = replay([late, early, middle, lost], epochs=4, factor=2)
    # 4 trials for 1 epoch (one diverges in it), 2 for 2, 1 for 4
    assert (outcome.winner, outcome.epochs) == (1, 4 * 1 + 2 * 2 + 1 * 4)
    assert outcome.full == 3 * 5 + 1
    assert replay([late, middle], epochs=1, factor=2).winner == 1
    assert replay([late, middle], epochs=5, factor=3).winner == 0, "too few trials for a rung: all to the end"
