"""A study of real training: what it says agrees with the runs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from minnet.errors import InputError
from minnet.landscape import Line, parts, study
from minnet.report.landscape_text import sentences
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec


def test_walks_begin_together_and_end_at_the_solutions(found):
    for walk in found.walks:
        assert walk.epochs.tolist() == [0, 1, 2, 3, 4]
        assert_allclose(walk.points[0], found.walks[0].points[0])
        assert_allclose(walk.points[-1], walk.result.params, rtol=1e-6)


def test_the_loss_is_that_of_the_histories(found):
    """All training samples: the float64 of the study against the float32 of the runs."""
    assert found.samples == 1293
    for walk in found.walks:
        assert_allclose(found.losses[walk.label], [row["train_loss"] for row in walk.rows], rtol=1e-5)


def test_lines_lead_from_solution_to_solution(found):
    assert [(line.first, line.second) for line in found.lines] == [
        ("sgd", "momentum"),
        ("sgd", "adam"),
        ("momentum", "adam"),
    ]
    rows = {walk.label: walk.result.history[-1] for walk in found.walks}
    for line in found.lines:
        for place, label in ((0, line.first), (-1, line.second)):
            for name in ("train_loss", "train_accuracy", "val_loss", "val_accuracy"):
                assert_allclose(getattr(line, name)[place], rows[label][name], rtol=1e-5, atol=1e-9)


def test_the_barrier_is_what_rises_above_the_chord():
    t, flat = np.linspace(0, 1, 5), np.ones(5)
    loss, accuracy = np.array([1.0, 1.0, 5.0, 2.0, 3.0]), np.array([0.9, 0.8, 0.6, 0.8, 0.9])
    line = Line("a", "b", t, loss, accuracy, flat, flat)
    assert (line.barrier, line.top) == (3.0, 0.5)
    assert line.accuracy_lost == pytest.approx(0.3)
    assert dataclasses.replace(line, train_loss=2 - t * t).barrier == pytest.approx(0.25)
    assert dataclasses.replace(line, train_loss=t * t).barrier == 0
    assert dataclasses.replace(line, train_loss=np.array([1, 1, np.nan, 1, 1])).barrier == np.inf


def test_the_best_has_the_best_validation_accuracy(found):
    rows = {walk.label: walk.result.history[-1]["val_accuracy"] for walk in found.walks}
    assert rows[found.best] == max(rows.values())


def test_it_tells_every_part_of_its_work(found, told, runs):
    assert len(told) == parts(runs(), cells=5)
    assert {"sgd trained", "from momentum to adam", "the loss on the plane", "sharpness along adam"} <= set(told)


def test_sentences_hold_the_numbers(found):
    text = " ".join(sentences(found))
    assert f"The plane holds {100 * found.share:.0f} % of the variance" in text
    assert "sgd can bear a sharpness of 6.67" in text
    assert "momentum can bear a sharpness of 38" in text
    assert "adam can bear" not in text


def test_sentences_tell_barriers(found):
    def told(lines):
        return " ".join(sentences(dataclasses.replace(found, lines=lines)))

    flat = [dataclasses.replace(line, train_loss=0 * line.t, train_accuracy=0 * line.t) for line in found.lines]
    text = told(flat)
    assert "between 3 of 3 pairs of solutions less than 2 points of training accuracy are lost" in text
    assert "There is no barrier on any line." in text
    hill = 1 - (2 * flat[0].t - 1) ** 2
    text = told([dataclasses.replace(flat[0], train_loss=0.5 * hill, train_accuracy=-0.1 * hill), *flat[1:]])
    assert "between 2 of 3 pairs" in text
    assert "The highest barrier, 0.5 of training loss, lies between sgd and momentum." in text


def test_what_diverges_is_followed_as_long_as_it_is_finite(split, runs):
    found = study(runs({"sgd": 0.3, "momentum": 1e38}, epochs=3), split, cells=3, samples=100)
    lost = found.walks[1]
    assert lost.result.diverged
    assert len(lost.points) < 4
    assert np.isfinite(lost.points).all()
    assert found.best == "sgd"
    assert found.lines == []


def test_wrong_input_is_refused(split, runs):
    one, other = runs({"sgd": 0.1, "adam": 0.1}).values()
    with pytest.raises(InputError, match="points = 1 must be at least 2"):
        study({"sgd": one}, split, points=1)
    with pytest.raises(InputError, match="differ in their seed"):
        study({"a": one, "b": dataclasses.replace(other, seed=4)}, split)
    with pytest.raises(InputError, match="differ in their network"):
        study({"a": one, "b": dataclasses.replace(other, network=NetworkSpec((5,)))}, split)
    with pytest.raises(InputError, match=r"every method diverged \(step sizes: sgd 1e\+38\)"):
        study(runs({"sgd": 1e38}), split)
    with pytest.raises(InputError, match="three different points"):
        study(runs({"sgd": 0.1}, epochs=1), split)
    with pytest.raises(InputError, match="at least one"):
        study({}, split)


def test_an_autoencoder_has_a_landscape_as_well(split):
    network = NetworkSpec((5,), "tanh", loss="binary_cross_entropy", task="autoencoder")
    run = RunSpec("digits", network, TrainingSpec(epochs=2), OptimizerSpec("adam", hyper={"lr": 0.01}))
    found = study({"adam": run}, split, cells=2, samples=5000)
    assert_allclose(found.losses["adam"], [row["train_loss"] for row in found.walks[0].rows], rtol=1e-5)
    assert (found.sharpness["adam"] > 0).all()
