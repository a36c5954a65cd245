"""Do the tests of training bite? The loop is broken as public code breaks it; each time the comparison with the
slow loop must fail."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from numpy.testing import assert_allclose
from slow_training import make_split, slow_training, spec

import minnet
from minnet import jit
from minnet.training import epoch as epoch_module
from minnet.training import run as run_module

UPDATE = "    update(params, grads, slots, memory, blocks, coefficients)\n"
WEIGHTS_ONLY = UPDATE.replace("blocks", "blocks[k : k + 1]")
COMPILED = {
    "biases skipped": (UPDATE, "    for k in range(0, 6, 2):\n    " + WEIGHTS_ONLY),
    "biases by plain gradient descent": (
        UPDATE,
        "    for k in range(0, 6, 2):\n    " + WEIGHTS_ONLY + "    for k in range(1, 6, 2):\n"
        "        for i in range(blocks[k, 0], blocks[k, 0] + blocks[k, 2]):\n"
        "            params[i] -= lr * grads[i]\n",
    ),
    "t advanced per layer": ("table[step]", "table[min(3 * step + 2, n_steps - 1)]"),
    "last batch dropped": ("(order.size + batch - 1) // batch", "order.size // batch"),
}


def plain(function):
    return getattr(function, "py_func", function)


def check(name="adam", **training):
    split, run = make_split(), spec(name, {"lr": 0.05}, **training)
    expected = slow_training(run, split, np.full(10, 0.05), l2=training.get("l2", 0.0))
    assert_allclose(minnet.train(run, split).params, expected, rtol=1e-9, atol=1e-12)


def test_the_true_loop_passes():
    check()
    check(l2=0.1)


@pytest.mark.parametrize("label", COMPILED)
def test_broken_loop_is_caught(label, monkeypatch):
    before, after = COMPILED[label]
    source = "\n".join(inspect.getsource(part) for part in (plain(epoch_module.move), epoch_module.epoch))
    assert source.count(before) == 1
    namespace = dict(vars(epoch_module))
    exec(source.replace(before, after), namespace)
    monkeypatch.setattr(jit, "cache_folder", lambda: None)

    def broken_kernel(*dtypes):
        return jit.compile(namespace["epoch"], epoch_module.epoch_signature(*dtypes))

    monkeypatch.setattr(run_module, "epoch_kernel", broken_kernel)
    with pytest.raises(AssertionError):
        check()


def test_l2_divided_by_the_batch_is_caught(monkeypatch):
    penalty = run_module.Run._penalty.fget
    divided = property(lambda self: penalty(self)._replace(l2=penalty(self).l2 / 5))
    monkeypatch.setattr(run_module.Run, "_penalty", divided)
    with pytest.raises(AssertionError):
        check(l2=0.1)


def test_moments_lost_between_epochs_are_caught(monkeypatch):
    train_epoch = run_module.Run.train_epoch

    def forgetful(self):
        self.state.slots[:] = 0
        train_epoch(self)

    monkeypatch.setattr(run_module.Run, "train_epoch", forgetful)
    with pytest.raises(AssertionError):
        check()
