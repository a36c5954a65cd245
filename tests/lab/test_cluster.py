"""The same comparison on real Dask workers, some of which die, and through joblib."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
import threading
from collections import Counter

import pandas as pd
import pytest
from dask_cluster import Cluster

import minnet
from minnet.errors import InputError
from minnet.lab.driver import Silent

distributed = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None,
    reason='needs Dask: pip install "minnet[dask]"',
)
RACE = {"optimizers": "sgd,adam", "trials": 3, "seeds": 2, "epochs": 4, "hidden": (8,)}
TIMES = ["seconds_to_target", "train_s", "eval_s", "compile_s"]
MINE = "def mine(w, g, v, lr=0.1):\n    v = 0.9 * v + g\n    return w - lr * v, v\n"


class Heard(Silent):
    """Who began where and what finished; `hook(self)` is called after every event."""

    def __init__(self, hook=lambda heard: None):
        self.begins, self.runs, self.hook = [], [], hook

    def begun(self, parts, where):
        self.begins.append((parts[0].run.id, where))
        self.hook(self)

    def ran(self, parts, record, stored):
        self.runs.append(record["id"])
        self.hook(self)


def same(one, other):
    for name in ("leaderboard", "trials", "curves"):
        a, b = (getattr(result, name).drop(columns=TIMES, errors="ignore") for result in (one, other))
        pd.testing.assert_frame_equal(a, b, check_exact=True)


@pytest.fixture(scope="module")
def local():
    return minnet.compare(jobs=2, **RACE)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        cluster.worker("steady", threads=2)
        yield cluster


@distributed
def test_a_worker_is_killed_in_the_middle_and_another_joins(local, cluster, tmp_path):
    victim, done = cluster.worker("victim"), []
    cluster.wait(2)

    def kill_at_work(heard):
        if not done and any(where == "victim" for _, where in heard.begins):
            victim.send_signal(signal.SIGKILL)
            done.append(heard.begins[-1])
            cluster.worker("late")

    heard = Heard(kill_at_work)
    longer = {**RACE, "epochs": 40, "batch_size": 4, "trials": 8}
    result = minnet.compare(engine="dask", scheduler=cluster.address, progress=heard, out=tmp_path, **longer)
    assert done, "the second worker had nothing to do"
    assert len(heard.runs) == len(set(heard.runs)) == len(set(result.trials["id"]))
    twice = [id for id, count in Counter(id for id, _ in heard.begins).items() if count > 1]
    assert done[0][0] in twice, "what the dead worker trained was not begun again"
    assert {facts["host"] for facts in result.provenance["machines"].values()}
    same(result, minnet.compare(jobs=2, **longer))


@distributed
def test_the_leaderboard_is_that_of_threads(local, cluster):
    same(minnet.compare(engine="dask", scheduler=cluster.address, **RACE), local)


@distributed
def test_a_method_of_ones_own_travels(cluster, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    race = {**RACE, "optimizers": "mine.py:mine,lookahead(mine.py:mine)", "trials": 1, "seeds": 1}
    same(minnet.compare(engine="dask", scheduler=cluster.address, **race), minnet.compare(jobs=1, **race))


@distributed
def test_the_first_ctrl_c_finishes_what_runs_and_cancels_the_rest(cluster, tmp_path):
    command = [sys.executable, "-m", "minnet", "compare", "--engine", "dask", "--scheduler", cluster.address,
               "--optimizers", "sgd,adam", "--trials", "30", "--seeds", "1", "--epochs", "150", "--batch-size", "4",
               "--hidden", "8", "--out", str(tmp_path)]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        seen = []
        for line in process.stdout:
            seen.append(line)
            if line.startswith("["):
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    kept = sum(line.startswith("[") for line in [*seen, *out.splitlines()])
    assert 2 <= kept < 60
    assert out.splitlines()[-1].startswith(f"interrupted: {kept} finished runs are kept")


@distributed
def test_a_scheduler_that_is_lost_costs_nothing_that_is_finished(local, tmp_path):
    def stop_scheduler(heard):
        if len(heard.runs) == 3:
            lost.scheduler.kill()

    with Cluster(tmp_path) as lost:
        lost.worker("only")
        with pytest.raises(InputError, match=r"lost the Dask scheduler at tcp://.*the same command resumes"):
            minnet.compare(engine="dask", scheduler=lost.address, progress=Heard(stop_scheduler), out=tmp_path, **RACE)
    heard = Heard()
    result = minnet.compare(out=tmp_path, progress=heard, jobs=1, **RACE)
    same(result, local)
    assert len(heard.begins) <= len(set(result.trials["id"])) - 3


@distributed
def test_a_trial_that_kills_every_worker_is_named(tmp_path, monkeypatch):
    def kill(heard):
        if heard.begins and not heard.runs:
            worker.send_signal(signal.SIGKILL)

    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    race = {**RACE, "epochs": 200, "batch_size": 2}
    with Cluster(tmp_path) as fragile:
        worker = fragile.worker("only")
        with pytest.raises(InputError, match=r"(sgd|adam) \{'lr': .*every worker that trained it died"):
            minnet.compare(engine="dask", scheduler=fragile.address, progress=Heard(kill), **race)


@distributed
def test_no_scheduler_there(monkeypatch):
    monkeypatch.setattr("minnet.lab.engine.cluster.CONNECT_S", 0.5)
    with pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1 "):
        minnet.compare(engine="dask", scheduler="tcp://127.0.0.1:1", **RACE)


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_through_joblib(local, backend):
    same(minnet.compare(engine=f"joblib:{backend}", jobs=2, **RACE), local)


@distributed
def test_a_cluster_without_workers_says_so_and_goes_on_with_the_first(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("minnet.lab.engine.cluster.LONELY_S", 0.2)
    race = {**RACE, "optimizers": "sgd", "trials": 1, "seeds": 1}
    with Cluster(tmp_path) as empty:
        timer = threading.Timer(1.0, empty.worker, ["first"])
        timer.start()
        result = minnet.compare(engine="dask", scheduler=empty.address, **race)
        timer.join()
    assert [record.getMessage() for record in caplog.records if record.name == "minnet"] == [
        f"no worker yet: start some with dask worker {empty.address}"
    ]
    assert len(result.leaderboard) == 1
