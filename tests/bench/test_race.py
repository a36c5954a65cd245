from __future__ import annotations

import io
import json
import os

import numpy as np
import pytest

from minnet.bench import peers, race, table, worker
from minnet.bench.task import Task
from minnet.errors import InputError
from minnet.network.spec import NetworkSpec
from minnet.training import OptimizerSpec, RunSpec, TrainingSpec


def task(batch=128, optimizer="adam", activation="relu", **extra):
    spec = RunSpec(
        network=NetworkSpec((16,), activation),
        training=TrainingSpec(batch_size=batch),
        optimizer=OptimizerSpec(optimizer),
    )
    return Task(spec, **extra)


class Scripted:
    """A contestant's process, played: it notes when it is asked and fails when it is told to."""

    log: list = []  # noqa: RUF012
    busy = False

    def __init__(self, task):
        self.kind = None
        self.open = True

    def ask(self, **request):
        assert not Scripted.busy
        if "peer" in request:
            self.kind = request["peer"]
            return {"prepare_s": 1.0, "samples": 128, "facts": {}}
        Scripted.log.append((request["epoch"], self.kind))
        if self.kind == "jax" and request["epoch"] == 4:
            raise race.Dropout("Segmentation fault")
        seconds = {"minnet": 0.1, "jax": 0.2, "torch": 0.4}[self.kind]
        if request["epoch"] <= race.WARM_UP:
            seconds += 100
        return {"seconds": seconds, "cpu_s": seconds, "idle_cpu_s": 0.0, "loss": 1 / request["epoch"]}

    def close(self):
        self.open = False


@pytest.fixture
def scripted(monkeypatch):
    Scripted.log = []
    monkeypatch.setattr(race, "Worker", Scripted)
    monkeypatch.setattr(race, "SETTLE_S", 0)
    monkeypatch.setattr(race, "refusal", lambda kind, task: None)


def test_contestants_take_turns_and_who_begins_rotates(scripted):
    race.race(task(), ["minnet", "torch"], rounds=2)
    kinds = [kind for _, kind in Scripted.log]
    assert [epoch for epoch, _ in Scripted.log] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert kinds == ["torch", "minnet", "minnet", "torch"] * 2


def test_warm_up_does_not_count(scripted):
    outcome = race.race(task(), ["minnet", "torch"], rounds=3)
    assert outcome.lanes["minnet"].timed == [0.1] * 3
    assert outcome.ratio("minnet", "torch").median == pytest.approx(0.25)


def test_who_fails_is_out_with_the_reason_and_the_others_go_on(scripted):
    outcome = race.race(task(), ["minnet", "jax", "torch"], rounds=5)
    assert outcome.skipped == {"jax": "Segmentation fault"}
    assert [len(lane.timed) for lane in outcome.lanes.values()] == [5, 5]
    assert any("jax: left out, Segmentation fault" in line for line in table.notes(outcome))


def test_all_processes_are_ended(scripted, monkeypatch):
    made = []
    monkeypatch.setattr(race, "Worker", lambda task: made.append(Scripted(task)) or made[-1])

    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        race.race(task(), ["minnet", "torch"], tick=interrupt)
    assert [each.open for each in made] == [False, False]


def lanes(**losses):
    return {
        label: race.Lane(label, 1, 128, 0.0, {}, seconds=[1.0] * len(loss), loss=loss) for label, loss in losses.items()
    }


def test_a_peer_that_trains_something_else_is_named():
    outcome = race.Outcome(task(), lanes(minnet=[2.0, 1.0], jax=[2.02, 0.98], torch=[2.0, 1.3], roof=[None, None]), {})
    assert outcome.strangers() == {"torch": "loss 1.3 in epoch 2, but 1 for minnet"}


def test_a_peer_that_diverges_is_named():
    assert "torch" in race.Outcome(task(), lanes(minnet=[2.0], torch=[float("nan")]), {}).strangers()


def test_small_losses_may_differ_by_rounding():
    assert not race.Outcome(task(), lanes(minnet=[0.002], torch=[0.004]), {}).strangers()


def test_a_missing_peer_is_skipped_with_the_reason(monkeypatch):
    monkeypatch.setitem(peers.KINDS, "jax", peers.KINDS["jax"]._replace(package="no_such_package"))
    assert peers.refusal("jax", task()) == 'not installed: pip install "minnet[bench]"'


def test_a_peer_without_the_method_or_the_activation_is_skipped():
    assert peers.refusal("sklearn", task(optimizer="rmsprop")) == "has no rmsprop of this form"
    assert peers.refusal("sklearn", task(activation="gelu")) == "has no activation gelu"
    assert peers.refusal("sklearn", task()) is None


def test_compilation_needs_a_compiler(monkeypatch):
    monkeypatch.setitem(peers.KINDS, "torch-compile", peers.KINDS["torch-compile"]._replace(package="numpy"))
    monkeypatch.setattr(peers.shutil, "which", lambda name: None)
    assert "C++ compiler" in peers.refusal("torch-compile", task())


def test_an_unknown_peer_is_named_with_the_nearest():
    with pytest.raises(InputError, match="unknown peer 'sklern': did you mean 'sklearn'"):
        race.race(task(), ["sklern"])
    with pytest.raises(InputError, match="minnet@2"):
        peers.Label.parse("minnet@many")


def test_more_threads_than_cores_are_refused():
    with pytest.raises(InputError, match="may use"):
        race.race(task(threads=10_000), ["minnet"])


def test_libraries_are_told_their_threads():
    assert worker.environment(3)["OPENBLAS_NUM_THREADS"] == "3"
    assert "multi_thread_eigen=false" in worker.environment(1)["XLA_FLAGS"]
    assert "XLA_FLAGS" not in worker.environment(2) or os.environ.get("XLA_FLAGS")


def test_the_worker_speaks_json_one_line_each_way(monkeypatch):
    class Echo:
        def __init__(self, task):
            self.seen = []

        def epoch(self, order):
            self.seen.append(order)
            return float(len(order))

    monkeypatch.setattr(peers, "create", lambda name, task: Echo(task))
    monkeypatch.setattr(worker, "pin", lambda threads: None)
    lines = [{"peer": "minnet", "task": task().to_dict()}, {"epoch": 1}, {"epoch": 2}]
    requests = io.StringIO("\n".join(map(json.dumps, lines)))
    answers = io.StringIO()
    worker.serve(requests, answers)
    first, *epochs = map(json.loads, answers.getvalue().splitlines())
    assert first["samples"] == 1408
    assert [set(epoch) for epoch in epochs] == [{"seconds", "cpu_s", "idle_cpu_s", "loss"}] * 2
    assert epochs[0]["loss"] == 1408


def test_a_worker_that_ends_tells_its_last_words():
    contestant = race.Worker(task())
    try:
        with pytest.raises(race.Dropout, match="no_such_peer"):
            contestant.ask(peer="no_such_peer", task=task().to_dict())
    finally:
        contestant.close()


def test_everybody_gets_whole_batches_the_same_weights_and_orders():
    first, second = task(batch=100), Task.from_dict(task(batch=100).to_dict())
    assert first.split.X_train.shape == (1400, 64)
    np.testing.assert_array_equal(first.split.X_train, second.split.X_train)
    np.testing.assert_array_equal(first.order(3), second.order(3))
    assert not np.array_equal(first.order(3), first.order(4))
    for (W, b), (W2, b2) in zip(first.layers(), second.layers()):
        np.testing.assert_array_equal(W, W2)
        np.testing.assert_array_equal(b, b2)


def test_more_samples_or_larger_batches_than_there_are_is_an_error():
    with pytest.raises(InputError, match="samples = 5000"):
        _ = task(samples=5000).split
    with pytest.raises(InputError, match="larger than the 1437"):
        _ = task(batch=2000).split


@pytest.mark.parametrize("optimizer", ["adam", "momentum", "nesterov", "sgd"])
def test_scikit_learn_trains_the_same(optimizer):
    shared = task(batch=64, optimizer=optimizer)
    ours, theirs = (peers.create(name, shared) for name in ("minnet", "sklearn"))
    X, y, theirs.model.shuffle = theirs.X, theirs.y, False  # its own order would hide small differences
    losses = []
    for epoch in (1, 2, 3):
        order = shared.order(epoch)
        theirs.X, theirs.y = X[order], y[order]
        losses.append((ours.epoch(order), theirs.epoch(order)))
    np.testing.assert_allclose(*np.transpose(losses), rtol=2e-3)
    assert losses[2][0] < losses[0][0]


def test_scikit_learn_draws_a_fresh_order_for_every_epoch():
    contestant = peers.create("sklearn", task(batch=64))
    state = contestant.model.random_state.get_state()[1].copy()
    contestant.epoch(np.arange(0))
    assert not np.array_equal(state, contestant.model.random_state.get_state()[1])


def test_a_race_on_this_machine():
    outcome = race.race(task(batch=64), ["minnet", "sklearn", "roof"], rounds=3)
    assert outcome.skipped == {}
    assert outcome.strangers() == {}
    assert all(len(lane.timed) == 3 and min(lane.timed) > 0 for lane in outcome.lanes.values())
    assert outcome.lanes["roof"].facts["gflops"] > 0
    assert outcome.lanes["minnet"].busy_cores > 0
    json.dumps(outcome.to_dict(), allow_nan=False)


@pytest.mark.parametrize("name", ["jax", "torch", "torch-fused"])
@pytest.mark.parametrize("optimizer", sorted(peers.SEVEN))
def test_the_peers_train_the_same(name, optimizer):
    shared = task(batch=64, optimizer=optimizer)
    if reason := peers.refusal(name, shared):
        pytest.skip(f"{name} {reason}")
    contestants = [peers.create(each, shared) for each in ("minnet", name)]
    losses = np.array([[each.epoch(shared.order(epoch)) for epoch in (1, 2)] for each in contestants])
    np.testing.assert_allclose(losses[0], losses[1], rtol=2e-3)
