"""Races on a device: what each contestant is given, and the table."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.testing import assert_array_equal
from populations import samples

from minnet.bench import device_table
from minnet.bench.peers import SEVEN, Label, create
from minnet.bench.race import WARM_UP, Lane, Outcome
from minnet.bench.task import Task
from minnet.cli import group
from minnet.training import OptimizerSpec, RunSpec, TrainingSpec


def task(runs):
    return Task(RunSpec(training=TrainingSpec(batch_size=100), seed=3), device="cuda", runs=runs)


def test_runs_differ_in_their_seed():
    three = task(3)
    for run, spec in enumerate(three.specs):
        alone = Task(spec)
        assert_array_equal(three.orders(2)[run], alone.order(2))
        assert_array_equal(three.layers(run)[0][0], alone.layers()[0][0])


def test_the_processor_trains_one_run_beside_a_gpu():
    assert Label.parse("minnet-cuda").task(task(5)).runs == 5
    beside = Label.parse("minnet").task(task(5))
    assert (beside.runs, beside.device) == (1, "cpu")


def test_the_table_counts_per_run():
    many = Lane("minnet-cuda", 1, 1400, 1.0, {"runs": 10, "peak_gflops": 100.0}, seconds=[9.0] * WARM_UP + [2.0])
    one = Lane("minnet", 1, 1400, 1.0, {}, seconds=[9.0] * WARM_UP + [0.4])
    for lane in (many, one):
        lane.loss = [0.5]
    header, *rows = device_table.rows(Outcome(task(10), {"minnet-cuda": many, "minnet": one}, {}))
    table = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    assert [row[0] for row in rows] == ["minnet-cuda", "minnet"]
    assert table["minnet-cuda"]["ms/run"] == "200"
    assert table["minnet"]["minnet-cuda / peer, per run"] == "0.5"
    share = 100 * device_table.flops(task(10)) / 0.2 / 100e9
    assert table["minnet-cuda"]["of peak"] == f"{share:.1f} %"
    assert table["minnet"]["of peak"] == "-"


@pytest.mark.parametrize("peer", ["jax-vmap", "torch-vmap"])
@pytest.mark.parametrize("method", sorted(SEVEN))
def test_peers_train_the_same(peer, method):
    """On the CPU, where they have no GPU: the loss of the first of three runs is that of minnet alone."""
    pytest.importorskip(peer.partition("-")[0])
    three = replace(task(3), spec=replace(task(3).spec, optimizer=OptimizerSpec(method)))
    there, here = create(peer, three), create("minnet", replace(three, device="cpu", runs=1))
    for epoch in (1, 2):
        orders = three.orders(epoch)
        assert there.epoch(orders) == pytest.approx(here.epoch(orders[0]), rel=1e-4)
    assert there.facts() == {"runs": 3}


@pytest.mark.usefixtures("device")
def test_a_race(tmp_path):
    split, data, record = samples(30, 4), tmp_path / "small.npz", tmp_path / "bench.json"
    np.savez(data, X_train=split.X_train, y_train=split.y_train, X_test=split.X_val, y_test=split.y_val)
    done = CliRunner().invoke(group, [
        "bench", "--device", "cuda", "--data", str(data), "--hidden", "3", "--batch-size", "13", "--runs", "2",
        "--rounds", "1", "--peers", "minnet-cuda,minnet", "--json", str(record),
    ])  # fmt: skip
    assert done.exit_code == 0, done.output  # the first run's loss is that of the CPU
    assert "2 side by side on a GPU" in done.output
    (race,) = json.loads(record.read_text())["races"]
    assert race["peers"]["minnet-cuda"]["facts"]["runs"] == 2
