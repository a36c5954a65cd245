"""The leaderboard of a real comparison against its recomputation without minnet."""

from __future__ import annotations

import csv

import pytest
import recompute

from minnet import compare


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small comparison on the digits, with a method that diverges at its larger step sizes."""
    out = tmp_path_factory.mktemp("small")
    optimizers = ["adam", "momentum", {"name": "sgd", "lr": {"values": [0.1, 1.0, 1e6]}}]
    compare(
        {"data": "digits", "optimizer": optimizers}, out=out, hidden=(12,), epochs=4, trials=3, seeds=5, target=0.85
    )
    return out


@pytest.mark.parametrize("method", ["adam", "momentum", "sgd"])
def test_the_leaderboard_follows_from_the_curves(folder, method):
    rows = recompute.compare(folder, method)
    assert {name for name, _, _ in rows} >= {"epochs_to_target", "val_accuracy_median", "test_accuracy_median"}
    assert [row for row in rows if not recompute.agree(*row[1:])] == []


def test_a_wrong_number_is_found(folder, tmp_path, capsys):
    for name in ("leaderboard", "trials", "curves", "targets"):
        (tmp_path / f"{name}.csv").write_bytes((folder / f"{name}.csv").read_bytes())
    assert recompute.main(tmp_path, []) == 0
    rows = recompute.read(tmp_path, "leaderboard")
    rows[1]["val_accuracy_median"] = "0.5"
    with (tmp_path / "leaderboard.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert recompute.main(tmp_path, []) == 1
    assert "1 numbers differ" in capsys.readouterr().out
