"""Several cores train as one does, but for rounding; and a team cannot hang."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numba import njit
from slow_training import make_split, spec

import minnet
from minnet import jit
from minnet.network.layout import BIAS, Layout
from minnet.network.pieces import part_of, pieces_of
from minnet.training import run as run_module
from minnet.training.barrier import FAILED, fail, make_board, meet
from minnet.training.run import Run

pytestmark = pytest.mark.skipif(
    jit.INTERPRETED, reason="an interpreter's threads cannot wait for each other by looking"
)

CASES = {
    "sgd": {},
    "adam": {},
    "adam with l2": {"name": "adam", "l2": 0.1, "decay_biases": True},
    "adadelta with decay": {"name": "adadelta", "weight_decay": 0.01},
    "muon": {"name": "muon"},
    "lookahead": {"name": "lookahead(adam)"},
    "clipped": {"name": "momentum", "clip_norm": 0.01},
    "max norm": {"name": "momentum", "max_norm": 0.5},
    "dropout": {"network": {"dropout": 0.4}},
    "input dropout": {"network": {"input_dropout": 0.4}},
    "sam": {"name": "sam(momentum)"},
}


def trained(case, threads, monkeypatch, split_by_features=True, dtype="float64"):
    settings = dict(CASES[case])
    name, network = settings.pop("name", case if case in ("sgd", "adam") else "adam"), settings.pop("network", None)
    monkeypatch.setattr(run_module, "by_features", lambda *sizes: split_by_features)
    split = make_split(n=23, dtype=np.uint8 if "l2" in case else np.float32)
    run = Run(spec(name, network=network, batch_size=10, dtype=dtype, **settings), split, threads)
    for _ in range(3):
        run.train_epoch()
    return run


@pytest.mark.parametrize("split_by_features", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_as_one_core(case, split_by_features, monkeypatch):
    one = trained(case, 1, monkeypatch)
    for threads in (2, 3):
        team = trained(case, threads, monkeypatch, split_by_features)
        assert team.team.workers == threads
        np.testing.assert_allclose(team.params, one.params, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(team.norms, one.norms, rtol=1e-9)
        assert team.running_loss == pytest.approx(one.running_loss, rel=1e-9)
        assert np.abs(one.params - one.network.init(one.spec.seed)).max() > 1e-4


def test_more_workers_than_rows(monkeypatch):
    one, team = trained("adam", 1, monkeypatch), trained("adam", 13, monkeypatch)
    np.testing.assert_allclose(team.params, one.params, rtol=1e-9, atol=1e-12)


def test_same_bits_every_time(monkeypatch):
    runs = [trained("adam", 3, monkeypatch, dtype="float32") for _ in range(3)]
    assert len({run.params.tobytes() for run in runs}) == 1


@pytest.mark.parametrize("split_by_features", [False, True])
def test_a_team_finds_out_together_that_the_loss_is_not_finite(split_by_features, monkeypatch):
    monkeypatch.setattr(run_module, "by_features", lambda *sizes: split_by_features)
    wild = spec("sgd", {"lr": 1e200}, network={"activation": "relu"}, batch_size=5)
    results = [minnet.train(wild, make_split(), threads=threads) for threads in (1, 2)]
    assert [result.diverged for result in results] == [True, True]
    assert results[0].diverged_step == results[1].diverged_step


def test_on_real_images():
    from minnet.training import NetworkSpec, RunSpec, TrainingSpec

    split = minnet.load_dataset("synthetic:600").split()
    spec = RunSpec(data="synthetic", network=NetworkSpec(hidden=(40,)), training=TrainingSpec(epochs=2, batch_size=50))
    losses = [minnet.train(spec, split, threads=threads).history[-1]["train_loss"] for threads in (1, 2)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_a_worker_that_fails_lets_the_others_go(monkeypatch):
    run = trained("adam", 3, monkeypatch)
    kernel, lock, calls = run.kernel, threading.Lock(), []

    def failing(*arguments):
        with lock:
            calls.append(arguments)
            number = len(calls)
        if number == 2:
            raise RuntimeError("lost a worker")
        return kernel(*arguments)

    run.kernel = failing
    with pytest.raises(RuntimeError, match="lost a worker"):
        run.train_epoch()
    run.kernel = kernel
    run.train_epoch()


def test_an_interrupted_caller_lets_the_others_go(monkeypatch):
    """A Ctrl-C may come when the others have been started, and before the caller's own work has begun."""

    class Interrupted(list):
        def __getitem__(self, place):
            if place == 0:
                raise KeyboardInterrupt
            return super().__getitem__(place)

    run = trained("adam", 3, monkeypatch)
    rescued = []
    rescue = threading.Timer(20, lambda: (rescued.append(True), fail(run.team.shared.board)))
    rescue.start()
    run.team.works = Interrupted(run.team.works)
    with pytest.raises(KeyboardInterrupt):
        run.train_epoch()
    rescue.cancel()
    assert not rescued


def test_a_caller_that_fails_lets_the_others_go(monkeypatch):
    run = trained("adam", 3, monkeypatch)
    kernel = run.kernel

    def failing(shared, share, *rest):
        if share.worker == 0:
            raise RuntimeError("lost the caller")
        return kernel(shared, share, *rest)

    run.kernel = failing
    with pytest.raises(RuntimeError, match="lost the caller"):
        run.train_epoch()


def test_threads_that_cannot_start(monkeypatch):
    run = trained("adam", 3, monkeypatch)
    before = run.params.copy()
    start = threading.Thread.start

    def refuse(thread):
        if thread.name.startswith("minnet-team") and thread.name.endswith("_1"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start"):
        run.train_epoch()
    np.testing.assert_array_equal(run.params, before)


@njit(nogil=True)
def visit(board, workers, rounds, seen, mine):
    """Everybody writes, meets, and reads what all have written; meets again."""
    for round in range(rounds):
        seen[mine * 8] = round
        if not meet(board, workers):
            return -1
        for other in range(workers):
            if seen[other * 8] != round:
                return round
        if not meet(board, workers):
            return -1
    return rounds


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_barrier(workers):
    board, seen = make_board(), np.zeros(8 * workers, np.int64)
    with ThreadPoolExecutor(workers) as pool:
        results = list(pool.map(lambda mine: visit(board, workers, 500, seen, mine), range(workers)))
    assert results == [500] * workers


def test_nobody_waits_after_a_failure():
    board = make_board()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(visit, board, 2, 1, np.zeros(16, np.int64), 0)
        fail(board)
        assert waiting.result(timeout=20) == -1
    assert board[FAILED] == 1


def test_parts_cover_everything():
    for n in (0, 5, 16, 100, 101_770):
        for workers in (1, 2, 3, 7):
            parts = [part_of(worker, workers, n) for worker in range(workers)]
            assert parts[0][0] == 0
            assert parts[-1][1] == n
            assert all(before[1] == after[0] for before, after in itertools.pairwise(parts))


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_pieces_are_every_parameter_once(workers):
    layout = Layout((784, 300, 7, 40, 10))
    owned = np.zeros(layout.size, int)
    for worker in range(workers):
        pieces = pieces_of(layout, worker, workers)
        for (start, height, size, role), (layer, row, n) in zip(pieces.blocks.tolist(), pieces.places.tolist()):
            owned[start : start + height * size] += 1
            fan_in, fan_out = layout.widths[layer], layout.widths[layer + 1]
            bias = role == BIAS
            assert start == layout.starts[layer] + (fan_in * fan_out + row if bias else row * fan_out)
            assert size == (n if bias else n * fan_out)
    assert (owned == 1).all()
