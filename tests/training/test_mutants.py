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

UPDATE = "update(params, grads, slots, memory, piece, table[step])"
COMPILED = {
    "biases skipped": (UPDATE, f"if piece[0, 3] != BIAS: {UPDATE}"),
    "biases by plain gradient descent": (
        UPDATE,
        f"if piece[0, 3] != BIAS: {UPDATE}\n"
        "                    else:\n"
        "                        for i in range(piece[0, 0], piece[0, 0] + piece[0, 2]):\n"
        "                            params[i] -= lr[step] * grads[i]",
    ),
    "t advanced per layer": (UPDATE, UPDATE.replace("[step]", "[min(3 * step + 2, n_steps - 1)]")),
    "a piece forgotten": ("if by_pieces:", "if by_pieces and k > 0:"),
    "last batch dropped": ("(order.size + batch - 1) // batch", "order.size // batch"),
}


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
    source = inspect.getsource(epoch_module.epoch)
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
