"""Populations: the same weights and histories as on the CPU, for all that a run can ask for."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from populations import check, samples, seeded, spec, trained

from minnet import optimizers
from minnet.cuda.member import innermost
from minnet.cuda.population import Population, shape_of
from minnet.cuda.target import SIMULATED
from minnet.cuda.tiling import LARGE, SMALL, Block, Tiling
from minnet.errors import InputError
from minnet.network.activations import ACTIVATIONS

pytestmark = pytest.mark.usefixtures("device")

METHODS = [name for name in optimizers.names() if innermost(optimizers.get(name)).rule is not None]
# The rules that differ, each once.
STYLES = list(
    {
        (method.rule, method.coefficients): (name, style)
        for name in METHODS
        for style in optimizers.get(name).style_names
        if (method := optimizers.get(name, style)).base is None
    }.values()
)


slow = pytest.mark.skipif(
    SIMULATED and "MINNET_SLOW" not in os.environ, reason="a minute each in the simulator: set MINNET_SLOW=1"
)


def test_every_method_and_style_in_one_launch():
    assert len(METHODS) > 25
    styles = [*STYLES, ("lookahead", "paper"), ("sam", "paper")]
    check([spec(name, style, epochs=1, hidden=(3,)) for name, style in styles], samples(16))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(activation):
    check([spec("momentum", activation=activation, hyper={"lr": 0.1}, epochs=1)], samples())


@pytest.mark.parametrize(
    ("loss", "output"),
    [("cross_entropy", "auto"), ("binary_cross_entropy", "auto"), *[("mse", output) for output in ACTIVATIONS]],
)
def test_every_loss(loss, output):
    check([spec("adam", loss=loss, output=output, hyper={"lr": 0.01}, epochs=1)], samples())


@pytest.mark.parametrize(("loss", "output"), [("binary_cross_entropy", "auto"), ("mse", "identity")])
def test_autoencoders(loss, output):
    runs = [
        spec("adam", task="autoencoder", loss=loss, output=output, hyper={"lr": lr}, seed=seed, epochs=4)
        for seed, lr in ((1, 0.01), (2, 0.05))
    ]
    population = check(runs, samples(classes=2))
    assert population.members[1].history[-1]["train_accuracy"] > 0.1  # some of the variance is explained


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "mse"])
def test_samples_with_weights(loss):
    split = samples()
    weights = np.random.default_rng(5).exponential(size=len(split.X_train))
    weighted = replace(split, weights=weights / weights.mean())
    check([spec("adam", loss=loss)], weighted)
    if loss == "mse":
        check([spec("adam", loss=loss, task="autoencoder", input_dropout=0.2)], weighted)
    else:
        check([spec("adam", loss=loss, dropout=0.3, label_smoothing=0.2, hidden=(9,))], weighted)


def test_smoothing_is_for_labels():
    split = samples()
    rows = np.eye(3)[split.y_train], np.eye(3)[split.y_val], np.eye(3)[split.y_test]
    check([spec(label_smoothing=0.2)], replace(split, y_train=rows[0], y_val=rows[1], y_test=rows[2]))


@pytest.mark.parametrize("hidden", [(), (9,), (4, 3), (11, 7, 5)])
@pytest.mark.parametrize("classes", [2, 9])
def test_layers_wider_and_narrower_than_the_tiles(hidden, classes):
    check([spec("adam", hidden=hidden, activation="silu")], samples(23, 13, classes))


@pytest.mark.parametrize(
    ("tiles", "hidden"),
    [
        ((Tiling(16, 16, 8, 8, 8), Tiling(32, 8, 8, 8, 8)), (21, 18)),  # several groups of four in both directions
        ((Tiling(8, 16, 8, 4, 4), Tiling(16, 8, 8, 4, 4)), (18,)),
        ((Tiling(16, 8, 4, 8, 8), Tiling(32, 4, 8, 4, 8)), (11,)),
    ],
)
def test_tiles_of_other_forms(tiles, hidden):
    check([spec("adam", hidden=hidden, batch_size=19, epochs=1)], samples(42, 35, 9), block=Block(*tiles, 1))


@slow
@pytest.mark.parametrize("block", [LARGE, SMALL], ids=["large", "small"])
def test_the_blocks_of_hardware(block):
    """One step, or two: in the simulator each of the 256 threads is one of Python's."""
    check([spec("adam", hidden=(70,), batch_size=70, epochs=1)], samples(75, 10, 9), block=block)


@pytest.mark.parametrize("batch", [1, 4, 15, 100])
def test_batches(batch):
    check([spec("adam", batch_size=batch, epochs=1)], samples(14))


def test_samples_that_are_no_bytes():
    check([spec("adam")], samples(dtype="float32"))


def test_regularisers_each_run_its_own():
    settings = [
        {"l2": 0.1},
        {"l2": 0.1, "decay_biases": True},
        {"weight_decay": 0.3},
        {"weight_decay": 0.3, "decay_biases": True},
        {"clip_value": 0.01},
        {"clip_norm": 0.05},
        {"clip_norm": 0.05, "clip_value": 0.02, "l2": 0.2},
        {"max_norm": 0.8},
        {"max_norm": 0.8, "weight_decay": 0.3, "l2": 0.01},
        {"label_smoothing": 0.2},
    ]
    check([spec("momentum", hyper={"lr": 0.5}, **each) for each in settings], samples())


def test_wrappers_with_regularisers():
    names = ("lookahead(adam)", "sam(sgd)", "sam(lookahead)", "lookahead(sam(adam))")
    runs = [spec(name, hyper={"lr": 0.05}, epochs=4) for name in names]
    check([*runs, *[spec(name, max_norm=0.7, clip_norm=0.3, l2=0.1, epochs=4) for name in names]], samples())


def test_dropout_takes_the_masks_of_the_cpu():
    rates = [(0.5, 0.0), (0.0, 0.3), (0.4, 0.2), (0.0, 0.0)]
    runs = [
        spec("adam", hidden=(9, 7), dropout=dropout, input_dropout=inputs, hyper={"lr": 0.02}, seed=seed)
        for seed, (dropout, inputs) in enumerate(rates, start=3)
    ]
    check(runs, samples())


@pytest.mark.parametrize(
    "schedule", ["cosine", "step:drop=0.5,every=1", "plateau:patience=0,factor=0.5", "linear:warmup=2"]
)
def test_schedules(schedule):
    check([spec("sgd", schedule=schedule, hyper={"lr": 2.0}, epochs=3)], samples())


def test_a_hundred_steps():
    population = check([spec("adam", epochs=20, batch_size=3, hidden=(9,))], samples())
    assert population.members[0].t == 100


@slow
def test_a_hundred_steps_of_every_method():
    population = check([spec(*style, epochs=1, hidden=(2,), batch_size=1) for style in STYLES], samples(104, 3, 2))
    assert {member.t for member in population.members} == {100}


def test_own_seeds_orders_and_more_runs_than_blocks():
    check([seeded(spec(name), seed) for seed in range(3) for name in ("sgd", "adam", "rmsprop")], samples())


def test_own_method(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "import math\n\n\ndef root(x):\n    return math.sqrt(abs(x) + 1e-8)\n\n\n"
        "def mine(w, g, v, lr=0.1, momentum=0.9):\n    v = momentum * v + (1 - momentum) * g / root(g)\n"
        "    return w - lr * v, v\n"
    )
    check([spec(f"{file}:mine"), spec("adam")], samples())


def test_divergence_ends_a_run_and_no_other():
    runs = [spec("sgd", hyper={"lr": lr}, activation="identity", loss="mse", output="identity", epochs=3)
            for lr in (0.01, 1e30, 0.02)]  # fmt: skip
    population = check(runs, samples())
    assert [member.diverged for member in population.members] == [False, True, False]
    last = population.members[1].history[-1]
    assert last["grad_norms"] is None
    assert np.isnan(last["train_accuracy"])


def test_same_bits_whatever_trains_beside():
    split, run = samples(), spec("adam", dropout=0.3, seed=5)
    alone = trained([run], split)
    among = trained([spec("sgd", dropout=0.1), run, spec("lion", dropout=0.2)], split)
    assert_array_equal(alone.params(0), among.params(1))
    assert alone.members[0].history[-1]["running_loss"] == among.members[1].history[-1]["running_loss"]


def test_kernels_are_compiled_before_the_clock_of_training_starts(monkeypatch):
    launched = []
    for name in ("_launch_epoch", "_launch_evaluation"):
        launch = getattr(Population, name)
        monkeypatch.setattr(
            Population,
            name,
            lambda self, *rest, launch=launch, **taken: launched.append(launch) or launch(self, *rest, **taken),
        )
    population = Population([spec("adam"), spec("sgd", seed=2)], samples())
    for run, member in enumerate(population.members):
        assert_array_equal(population.params(run), population._initial(run)[0])  # both were launched, and took no run
        assert (member.train_s, member.eval_s) == (0, 0)
    assert len(set(launched)) == 2


def test_results_read_the_test_set_only_if_asked():
    population = trained([spec("adam"), spec("sgd")], samples())
    silent, told = population.results([0], test=False)[0], population.results([0, 1], test=True)
    assert silent.test_accuracy is None
    for result in told:
        X, Y = population.split.X_test, result.network.targets(population.split.y_test)
        loss, accuracy = result.network.evaluate(result.params, X, Y)
        assert result.test_accuracy == pytest.approx(accuracy)
        assert result.test_loss == pytest.approx(loss, rel=1e-5)
        assert result.summary()["steps"] == 6


def test_no_validation_data():
    split = samples()
    object.__setattr__(split, "X_val", split.X_val[:0])
    object.__setattr__(split, "y_val", split.y_val[:0])
    population = trained([spec("sgd", schedule="plateau:patience=0")], split)
    assert np.isnan(population.members[0].history[-1]["val_loss"])


def test_methods_that_see_layers_are_refused_by_name():
    with pytest.raises(InputError, match="and lars, muon must see a layer"):
        Population([spec(name) for name in ("adam", "muon", "lars")], samples())


def test_double_precision_is_refused():
    with pytest.raises(InputError, match="float32, not float64"):
        Population([spec(dtype="float64")], samples())


def test_runs_of_several_shapes_are_refused():
    with pytest.raises(InputError, match="one network, one loss and one batch size"):
        shape_of([spec(hidden=(3,)), spec(hidden=(4,))], samples())
