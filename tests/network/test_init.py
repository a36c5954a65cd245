"""Initial weights: their distributions, and the text that asks for them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose, assert_array_equal

from minnet.errors import InputError
from minnet.network import SCHEMES, Layout, NetworkSpec
from minnet.network.init import initial_params

FAN_IN, FAN_OUT = 300, 500
DEVIATION = {
    "glorot_uniform": math.sqrt(2 / (FAN_IN + FAN_OUT)),
    "glorot_normal": math.sqrt(2 / (FAN_IN + FAN_OUT)),
    "he_uniform": math.sqrt(2 / FAN_IN),
    "he_normal": math.sqrt(2 / FAN_IN),
    "lecun_uniform": math.sqrt(1 / FAN_IN),
    "lecun_normal": math.sqrt(1 / FAN_IN),
    "normal": 1.0,
    "normal:0.05": 0.05,
    # A standard normal cut at two deviations has deviation .8796.
    "truncated_normal:0.1": 0.08796,
    "torch": math.sqrt(1 / (3 * FAN_IN)),
    "sparse:15": math.sqrt(15 / FAN_IN),
    "zeros": 0.0,
}


def draw(init, bias_init="auto", widths=(FAN_IN, FAN_OUT), seed=0, dtype="float64"):
    layout = Layout(widths)
    return layout.layers(initial_params(layout, init, bias_init, np.random.default_rng(seed), dtype))[0]


def test_every_scheme_is_checked():
    assert {init.partition(":")[0] for init in DEVIATION} == set(SCHEMES)


@pytest.mark.parametrize("init", DEVIATION)
def test_mean_and_deviation(init):
    W, b = draw(init)
    assert_allclose(W.std(), DEVIATION[init], rtol=0.02)
    assert abs(W.mean()) <= 4 * DEVIATION[init] / math.sqrt(W.size)
    if init != "torch":
        assert_array_equal(b, 0)


@pytest.mark.parametrize("init", ["glorot_uniform", "he_uniform", "lecun_uniform", "torch"])
def test_uniform_fills_its_range(init):
    W, _ = draw(init)
    bound = DEVIATION[init] * math.sqrt(3)
    assert np.abs(W).max() <= bound
    assert np.abs(W).max() > 0.999 * bound


def test_truncated_normal_is_cut_at_two_deviations():
    W, _ = draw("truncated_normal:0.1")
    assert 0.19 < np.abs(W).max() <= 0.2


def test_sparse_gives_every_unit_as_many_weights():
    W, _ = draw("sparse:15")
    assert_array_equal((W != 0).sum(axis=0), 15)
    assert_array_equal((draw("sparse:15", widths=(4, 3))[0] != 0).sum(axis=0), 4)


@pytest.mark.parametrize("layer", reference.golden("init_torch.json")["layers"], ids=lambda c: str(c["fan_in"]))
def test_torch_default(layer):
    W, b = draw("torch", widths=(layer["fan_in"], layer["fan_out"]))
    for ours, theirs in ((W, layer["weight"]), (b, layer["bias"])):
        assert_allclose(ours.std(), theirs["std"], rtol=0.05)
        assert np.abs(ours).max() <= layer["bound"]
        assert_allclose([ours.min(), ours.max()], [theirs["min"], theirs["max"]], rtol=0.01)


def test_biases_and_dtypes():
    assert_allclose(draw("zeros", "normal:0.5")[1].std(), 0.5, rtol=0.1)
    assert_array_equal(draw("he_normal", dtype="float32")[0], draw("he_normal")[0].astype("f4"))
    assert_array_equal(draw("he_normal", seed=1)[0], draw("he_normal", seed=1)[0])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"init": "he_norml"}, "did you mean 'he_normal'"),
        ({"init": "he_normal:2"}, "takes no number"),
        ({"init": "normal:x"}, "positive number"),
        ({"init": "normal:-1"}, "positive number"),
        ({"init": "sparse:1.5"}, "positive whole number"),
        ({"bias_init": "sparse"}, "unknown bias init"),
        ({"activation": "rleu"}, "did you mean 'relu'"),
        ({"hidden": (0,)}, "no layer size"),
        ({"hidden": (True,)}, "no layer size"),
        ({"dropout": 1.0}, "outside"),
        ({"loss": "mse", "output": "softmax"}, "any output activation but softmax"),
        ({"loss": "cross_entropy", "output": "sigmoid"}, "belongs to"),
        ({"loss": "mse", "label_smoothing": 0.1}, "label_smoothing"),
    ],
)
def test_bad_specs_say_what_is_wrong(keys, message):
    with pytest.raises(InputError, match=message):
        NetworkSpec(**keys)


def test_auto_suits_the_activation():
    assert NetworkSpec(activation="relu").resolved().init == "he_normal"
    assert NetworkSpec(activation="sigmoid").resolved().init == "glorot_uniform"
    assert NetworkSpec(activation="lecun_tanh").resolved().init == "lecun_normal"
    assert NetworkSpec(init="torch").resolved().bias_init == "torch"
    assert NetworkSpec(loss="mse").resolved().output == "sigmoid"
