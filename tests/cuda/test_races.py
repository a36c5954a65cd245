"""What a simulator cannot show by its results: threads that race, read what nobody wrote, or wait for different things.

On hardware ``compute-sanitizer --tool racecheck`` (memcheck, initcheck, synccheck) looks for the same.
"""

from __future__ import annotations

import inspect
import sys

import numpy as np
import pytest
from populations import samples, spec

from minnet.cuda import epoch, evaluation, layers, product, reduce, whole
from minnet.cuda.population import Population
from minnet.cuda.target import SIMULATED, cuda
from minnet.cuda.tiling import Block, Tiling

if not SIMULATED:
    pytest.skip("watches the simulator: NUMBA_ENABLE_CUDASIM=1", allow_module_level=True)

import racecheck

TALL = Block(Tiling(16, 8, 8, 4, 4), Tiling(16, 8, 8, 4, 4), 1)  # several strips of a result, four threads
SMALL = {"hidden": (9,), "batch_size": 6, "epochs": 1}
RUNS = [
    spec("adam", **SMALL, dropout=0.3, input_dropout=0.2),
    spec("sgd", **SMALL, clip_norm=0.1, clip_value=0.05, l2=0.1),
    spec("momentum", **SMALL, clip_value=0.05, max_norm=0.7),
    spec("sam(lookahead)", hyper={"k": 1}, **SMALL, max_norm=0.3),
]
# A module's barriers, in the order of its source.
BARRIERS = [
    (module, line)
    for module in (product, layers, reduce, whole, epoch, evaluation)
    for line, text in enumerate(inspect.getsource(module).splitlines(), start=1)
    if text.strip() == "cuda.syncthreads()"
]


def train(block: Block | None = None) -> None:
    population = Population(RUNS, samples(), block)
    population.work.copy_to_device(np.full(population.work.shape, np.nan, np.float32))  # read by nobody before written
    everyone = range(len(RUNS))
    population.train_epoch(everyone)
    population.measure(everyone)
    assert all(np.isfinite(population.params(run)).all() for run in everyone)
    assert all(np.isfinite(member.history[-1]["train_loss"]) for member in population.members)


@pytest.mark.parametrize("block", [None, TALL], ids=["small", "tall"])
def test_threads_meet_only_at_barriers(block, monkeypatch):
    asked = racecheck.watch(monkeypatch)
    train(block)
    assert asked["shared"] > 0
    assert asked["global"] > 0


class Without:
    """``cuda`` as a module sees it, but for the barrier at one line of its source."""

    def __init__(self, line: int) -> None:
        self.line = line

    def __getattr__(self, name):
        return getattr(cuda, name)

    def syncthreads(self):
        if sys._getframe(1).f_lineno != self.line:
            cuda.syncthreads()


@pytest.mark.parametrize(
    ("module", "line"), BARRIERS, ids=[f"{module.__name__.rpartition('.')[2]}:{line}" for module, line in BARRIERS]
)
def test_every_barrier_is_needed(module, line, monkeypatch):
    racecheck.watch(monkeypatch)
    monkeypatch.setattr(module, "cuda", Without(line))
    with pytest.raises(racecheck.Fault):
        train(TALL)
