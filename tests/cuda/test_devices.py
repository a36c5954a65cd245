"""Discovery, refusals and budgets."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from populations import samples, spec

from minnet.cli import group
from minnet.cuda import devices
from minnet.cuda.memory import Need, need
from minnet.cuda.population import capacity, shape_of
from minnet.cuda.target import SIMULATED
from minnet.cuda.tiling import LARGE, SMALL, choose
from minnet.errors import InputError


def test_the_list_names_a_device_or_says_why_there_is_none():
    result = CliRunner().invoke(group, ["list", "--devices"])
    try:
        names = [device.name for device in devices.found()]
    except InputError as error:
        reason = str(error)
    else:
        assert result.exit_code == 0
        assert all(name in result.stdout for name in names)
        return
    assert result.exit_code == 2
    assert reason in result.stderr
    assert len(reason.splitlines()) == 1
    assert "--device cpu" in reason


@pytest.mark.skipif(SIMULATED, reason="the simulator is a device")
def test_no_driver_is_one_line(monkeypatch):
    from minnet.cuda.target import numba_cuda

    class Absent:
        def __iter__(self):
            raise numba_cuda.cudadrv.error.CudaSupportError("no driver")

    monkeypatch.setattr(numba_cuda, "gpus", Absent())
    with pytest.raises(InputError, match="no driver of NVIDIA"):
        devices.require()
    monkeypatch.setattr(numba_cuda, "gpus", [])
    with pytest.raises(InputError, match="knows of no GPU"):
        devices.found()


def test_what_does_not_fit_is_refused_before_it_is_tried():
    with pytest.raises(InputError, match=r"one run needs 2 GB, of which 0\.9 GB are free"):
        Need(fixed=10**9, run=10**9).most(free=10**9)


def test_a_run_needs_its_state_and_a_block_its_buffers():
    shape, split = shape_of([spec()], samples()), samples()
    small, large = (need(shape, split, rows, 14, blocks) for rows, blocks in ((1, 1), (3, 2)))
    assert large.run - small.run == 2 * 4 * shape.layout.size
    assert large.fixed - small.fixed == 4 * shape.work


@pytest.mark.usefixtures("device")
def test_capacity_follows_the_memory(monkeypatch):
    from minnet.cuda import population

    specs, split = [spec("adam")], samples()
    plenty = capacity(specs, split)
    free = population.free_memory(devices.require())
    monkeypatch.setattr(population, "free_memory", lambda device: free // 2)
    assert 0.4 * plenty < capacity(specs, split) < 0.6 * plenty


def test_memory_that_numba_has_not_yet_given_back_is_free(monkeypatch):
    from minnet.cuda import population

    class Context:
        pending = 300

        def __init__(self):
            self.deallocations = self

        def clear(self):
            self.pending = 0

        def get_memory_info(self):
            return SimpleNamespace(free=1000 - self.pending)

    context = Context()
    monkeypatch.setattr(population, "cuda", SimpleNamespace(current_context=lambda: context))
    assert population.free_memory(devices.Device("any", (9, 0), 132, 1000)) == 1000


def test_more_numbers_than_32_bits_count_are_refused():
    small = samples()
    large = replace(small, X_train=np.broadcast_to(np.uint8(0), (70_000, 70_000)), y_train=np.zeros(70_000, np.int64))
    with pytest.raises(InputError, match=r"counts to 4,294,967,294, and the data or the network have 4,9\d\d,"):
        shape_of([spec()], large)
    with pytest.raises(InputError, match="counts to"):
        shape_of([spec(hidden=(200_000, 200_000))], small)


@pytest.mark.skipif(SIMULATED, reason="the simulator has no driver")
def test_what_the_driver_complains_of_is_one_line():
    from minnet.cuda.intrinsics import CudaAPIError, launching

    with (
        pytest.raises(InputError, match=r"the driver says \[702\] .*LAUNCH_TIMEOUT; train fewer runs") as told,
        launching(),
    ):
        raise CudaAPIError(702, "Call to cuMemcpyDtoH results in CUDA_ERROR_LAUNCH_TIMEOUT")
    assert len(str(told.value).splitlines()) == 1


@pytest.mark.parametrize("block", [LARGE, SMALL])
def test_blocks_fit_a_multiprocessor(block):
    assert block.wide.threads == block.narrow.threads
    assert block.threads & (block.threads - 1) == 0
    assert 4 * block.floats + 8 * block.threads + 8 <= 48 * 1024
    assert block.resident * (4 * block.floats + 8 * block.threads) <= 200 * 1024


def test_tiles_suit_the_shape():
    assert choose((784, 128, 10), 128) is LARGE
    assert choose((784, 30, 10), 10) is SMALL
