"""The anatomy of a step: recorded from a real training, explained by the rule's own source."""

import math

import numpy as np
import pytest

import minnet
from minnet import optimizers
from minnet.errors import InputError
from minnet.lab.anatomy import anatomy, locals_of


def test_every_intermediate_of_adam_follows_from_those_before():
    rows = anatomy(optimizers.get("adam"), steps=30).rows
    assert [row["t"] for row in rows] == list(range(1, 31))
    m = v = 0.0
    w = rows[0]["w"]
    for t, row in enumerate(rows, start=1):
        m, v = 0.9 * m + 0.1 * row["g"], 0.999 * v + 0.001 * row["g"] ** 2
        assert row["w"] == pytest.approx(w, rel=1e-6)
        assert row["m"] == pytest.approx(m, rel=1e-4, abs=1e-9)
        assert row["v"] == pytest.approx(v, rel=1e-4)
        assert row["m_hat"] == pytest.approx(m / (1 - 0.9**t), rel=1e-4, abs=1e-8)
        assert row["v_hat"] == pytest.approx(v / (1 - 0.999**t), rel=1e-4)
        assert row["Δw"] == pytest.approx(-0.001 * row["m_hat"] / (math.sqrt(row["v_hat"]) + 1e-8), rel=1e-3, abs=1e-7)
        w += row["Δw"]


def test_the_weight_has_gradients_of_both_signs():
    g = np.array([row["g"] for row in anatomy(optimizers.get("sgd"), steps=50).rows])
    assert (g > 0).any()
    assert (g < 0).any()
    assert (g != 0).mean() > 0.9


def test_a_step_size_is_used():
    rows = anatomy(optimizers.get("sgd"), hyper={"lr": 0.5}, steps=3).rows
    assert all(row["Δw"] == pytest.approx(-0.5 * row["g"], rel=1e-3, abs=1e-7) for row in rows)


def test_a_method_of_ones_own_and_a_wrapper():
    @minnet.rule
    def dissected(w, g, v, lr=0.1):
        v = 0.9 * v + g
        push = lr * v
        return w - push, v

    for row in anatomy(optimizers.get(dissected), steps=3).rows:
        assert row["Δw"] == pytest.approx(-row["push"], rel=1e-3, abs=1e-7)
    assert "push" in anatomy(optimizers.get("lookahead(dissected)"), steps=3).rows[0]


def test_layers_have_slots_but_no_variables():
    row = anatomy(optimizers.get("lars"), steps=2).rows[0]
    assert list(row) == ["t", "w", "g", *optimizers.get("lars").slots, "Δw"]


def test_a_full_batch_method_has_none():
    with pytest.raises(InputError, match="whole steps"):
        anatomy(optimizers.get("lbfgs"))


def test_local_variables_of_every_branch():
    def rule(w, g, lr):
        if g > 0:
            up = lr * g
            return w - up
        down = -lr * g
        return w + down

    inside = locals_of(rule)
    assert inside(1.0, 2.0, 0.5) == {"up": 1.0}
    assert inside(1.0, -2.0, 0.5) == {"down": 1.0}
