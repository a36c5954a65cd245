import numpy as np
import pandas as pd
import pytest

from minnet.report.curves import band, pieces, quantile, tolerance, value_at


def test_quantile_agrees_with_numpy_on_finite_values():
    values = np.random.default_rng(0).normal(size=(7, 5))
    for q in (0.0, 0.1, 0.5, 0.77, 1.0):
        np.testing.assert_allclose(quantile(values, q), np.quantile(values, q, axis=1))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_diverged_seed_counts_as_the_worst(bad):
    loss = np.array([[1.0, 2.0, bad]])
    assert quantile(loss, 0.5)[0] == 2.0
    assert np.isnan(quantile(loss, 0.9)[0])
    accuracy = np.array([[0.8, 0.9, np.nan]])
    assert quantile(accuracy, 0.5, worst=-np.inf)[0] == 0.8
    assert np.isnan(quantile(accuracy, 0.1, worst=-np.inf)[0])
    assert quantile(accuracy, 1.0, worst=-np.inf)[0] == 0.9


def test_no_seed_and_one_seed():
    assert np.isnan(quantile(np.empty((2, 0)), 0.5)).all()
    np.testing.assert_array_equal(quantile(np.array([[3.0], [np.nan]]), 0.9), [3.0, np.nan])


def rows(losses, seed, seconds=1.0):
    return [
        {
            "seed": seed,
            "epoch": epoch,
            "steps": 10 * epoch,
            "train_s": seconds * epoch,
            "val_loss": loss,
            "val_accuracy": 1 - loss,
        }
        for epoch, loss in enumerate(losses)
    ]


def test_band_takes_median_and_tenths_and_the_median_time():
    frame = pd.DataFrame([r for s in range(11) for r in rows([1.0, 0.1 * s], s, seconds=s + 1.0)])
    each = band(frame, "val_loss")
    assert each.seeds == 11
    np.testing.assert_array_equal(each.x("epochs"), [0, 1])
    np.testing.assert_array_equal(each.x("steps"), [0, 10])
    np.testing.assert_array_equal(each.x("seconds"), [0, 6])
    np.testing.assert_allclose(each.median, [1.0, 0.5])
    np.testing.assert_allclose(each.low, [1.0, 0.1])
    np.testing.assert_allclose(each.high, [1.0, 0.9])


def test_a_seed_that_stopped_early_is_not_forgotten():
    frame = pd.DataFrame(rows([0.9, 0.5, 0.4], 0) + rows([0.9, 0.6], 1) + rows([0.9, np.nan], 2))
    loss, accuracy = band(frame, "val_loss"), band(frame, "val_accuracy")
    np.testing.assert_allclose(loss.median, [0.9, 0.6, np.nan])
    np.testing.assert_allclose(accuracy.median, [0.1, 0.4, 0.0])  # as in the leaderboard: it counts as 0


def test_what_was_not_measured_is_no_zero():
    frame = pd.DataFrame(rows([np.nan, np.nan], 0) + rows([np.nan, np.nan], 1))
    assert not band(frame, "val_accuracy").finite


def test_band_of_nothing_is_empty():
    each = band(pd.DataFrame(columns=["seed", "epoch", "train_s", "val_loss"]), "val_loss")
    assert each.seeds == 0
    assert not each.finite


def test_pieces_cover_exactly_what_is_true():
    flags = np.array([False, True, True, False, True])
    assert [i for piece in pieces(flags) for i in range(piece.start, piece.stop)] == [1, 2, 4]
    assert pieces(np.zeros(3, dtype=bool)) == []


def test_tolerance_stops_at_the_first_bad_trial():
    lr = np.array([100.0, 0.001, 0.01, 0.1, 1.0])
    accuracy = np.array([0.97, 0.50, 0.965, 0.97, np.nan])
    assert tolerance(lr, accuracy) == pytest.approx(10)
    assert np.isnan(tolerance(lr, np.full(5, np.nan)))
    assert tolerance(np.array([0.1]), np.array([0.9])) == 1


def test_value_at_takes_the_last_measurement():
    x, y = np.array([0.0, 1.0]), np.array([5.0, 6.0])
    assert value_at(x, y, 7.0) == 6.0
    assert np.isnan(value_at(x, y, -1.0))
