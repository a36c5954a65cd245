"""Schedules: against their formulas, against recorded PyTorch values, and against bad input."""

from __future__ import annotations

import json
import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose, assert_array_equal

from minnet import schedules
from minnet.errors import InputError

LR = 0.3
T = 60
GOLDEN = reference.golden("schedules_torch.json")["cases"]


def cosine_wave(share):
    return 0.5 * (1.0 + math.cos(math.pi * share))


def restarts(t, period, multiplier, end):
    length = period
    while t >= length:
        t, length = t - length, length * multiplier
    return end + (1 - end) * cosine_wave(t / length)


def one_cycle(t, rise, div, final_div, total=T):
    """Return the factor of PyTorch's OneCycleLR: its peak is at step rise T - 1, its end at T - 1."""
    peak, low, final = rise * total - 1, 1 / div, 1 / div / final_div
    if t <= peak:
        return 1 + (low - 1) * cosine_wave(t / peak)
    return final + (1 - final) * cosine_wave((t - peak) / (total - 1 - peak))


# schedule, parameters, the factor at time t of a run of T
FORMULAS = [
    ("constant", {}, lambda t: 1.0),
    ("exponential", {"k": 0.07}, lambda t: math.exp(-0.07 * t)),
    ("exponential", {}, lambda t: 0.01 ** (t / T)),
    ("inverse_time", {"k": 0.2}, lambda t: 1 / (1 + 0.2 * t)),
    ("inverse_time", {}, lambda t: 1 / (1 + 9 * t / T)),
    ("inverse_sqrt", {}, lambda t: 1 / math.sqrt(t + 1)),
    ("inverse_sqrt", {"scale": 4}, lambda t: 1 / math.sqrt(1 + t / 4)),
    ("step", {"drop": 0.5, "every": 7}, lambda t: 0.5 ** (t // 7)),
    ("step", {}, lambda t: 0.1 ** (t // 20)),
    ("step", {"drop": 0, "every": 7}, lambda t: float(t < 7)),
    ("linear", {}, lambda t: 1 - t / T),
    ("linear", {"end": 0.25}, lambda t: 1 - 0.75 * t / T),
    ("polynomial", {}, lambda t: (1 - t / T) ** 2),
    ("polynomial", {"power": 0.5, "end": 0.1}, lambda t: 0.1 + 0.9 * (1 - t / T) ** 0.5),
    ("cosine", {}, lambda t: cosine_wave(t / T)),
    ("cosine", {"period": 9, "end": 0.2}, lambda t: restarts(t, 9, 1, 0.2)),
    ("cosine", {"period": 4, "multiplier": 2}, lambda t: restarts(t, 4, 2, 0)),
    ("cosine", {"period": 3, "multiplier": 1.5}, lambda t: restarts(t, 3, 1.5, 0)),
    ("one_cycle", {}, lambda t: one_cycle(t, 0.3, 25, 1e4)),
    ("one_cycle", {"rise": 0.6, "div": 5, "final_div": 3}, lambda t: one_cycle(t, 0.6, 5, 3)),
    ("plateau", {}, lambda t: 1.0),
]
IDS = [f"{name}-{'-'.join(params) or 'defaults'}" for name, params, _ in FORMULAS]
every_schedule = pytest.mark.parametrize("name", schedules.names())


def test_the_formulas_cover_the_table():
    assert {name for name, _, _ in FORMULAS} == set(schedules.names())
    assert schedules.names() == [
        "constant", "exponential", "inverse_time", "inverse_sqrt", "step", "linear", "polynomial", "cosine",
        "one_cycle", "plateau",
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "params", "factor"), FORMULAS, ids=IDS)
def test_a_schedule_is_its_formula(name, params, factor):
    rates = schedules.create(name, lr=LR, **params).bind(T)(np.arange(T))
    assert_allclose(rates, [LR * factor(t) for t in range(T)], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("name", "params", "factor"), FORMULAS, ids=IDS)
def test_warmup_grows_linearly_and_then_the_schedule_starts(name, params, factor):
    steps = 5
    rates = schedules.create(name, lr=LR, warmup=steps, **params).bind(T + steps)(np.arange(T + steps))
    assert_allclose(rates[:steps], LR * factor(0) * np.arange(1, steps + 1) / steps, rtol=1e-12)
    assert_allclose(rates[steps:], [LR * factor(t) for t in range(T)], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("name", "params", "factor"), FORMULAS, ids=IDS)
def test_epochs_are_a_unit_of_time(name, params, factor):
    """At four steps per epoch, the start of epoch e is where the schedule per step is after e steps."""
    per_epoch = schedules.create(name, lr=LR, per="epoch", **params).bind(4 * T, steps_per_epoch=4)
    if name == "one_cycle":  # its last step is the run's last, whatever the unit
        assert_allclose(per_epoch(np.arange(4 * T)), schedules.create(name, LR, **params).bind(4 * T)(np.arange(4 * T)))
        return
    assert_allclose(per_epoch(4 * np.arange(T)), [LR * factor(t) for t in range(T)], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["torch"])
def test_a_schedule_is_pytorchs(case):
    sched = schedules.parse(case["schedule"])
    if case["values"] is None:
        rates = sched.bind(case["total_steps"])(np.arange(len(case["lrs"])))
    else:
        sched, rates = sched.bind(steps_per_epoch=3), []
        for epoch, value in enumerate(case["values"]):
            rates.append(sched(3 * epoch + 2))
            sched.observe(value)
    assert len(set(case["lrs"])) > 2
    assert_allclose(rates, case["lrs"], rtol=1e-11, atol=1e-16)


@every_schedule
def test_rates_are_finite_and_never_negative_even_after_the_end(name):
    for per in schedules.PER:
        for warmup in (0, 0.7, 2):
            sched = schedules.create(name, lr=LR, per=per, warmup=warmup).bind(40, steps_per_epoch=7)
            rates = sched(np.arange(400))
            assert np.isfinite(rates).all()
            assert (rates >= 0).all()
            assert (rates <= LR * (1 + 1e-15)).all()
            # After the end of a run nothing springs back up.
            assert (rates[40:] <= rates[39] + 1e-15).all()


@every_schedule
@pytest.mark.parametrize("extreme", ["low", "high"])
def test_the_bounds_of_the_parameters_are_safe(name, extreme):
    params = {key: getattr(p, extreme) for key, p in schedules.get(name).parameters.items()}
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        sched = schedules.create(name, lr=1e300, **params).bind(10)
        sched.observe(1.0)
        sched.observe(2.0)
        rates = sched(np.array([0, 1, 9, 10**6, 10**12]))
    assert np.isfinite(rates).all()
    assert (rates >= 0).all()


@every_schedule
@pytest.mark.parametrize("total", [1, 2, 3])
def test_very_short_runs(name, total):
    rates = schedules.create(name, lr=LR).bind(total)(np.arange(total))
    assert np.isfinite(rates).all()
    assert (rates >= 0).all()


@every_schedule
def test_scalars_arrays_and_shapes(name):
    sched = schedules.create(name, lr=LR).bind(T, 6)
    rates = sched(np.arange(12))
    assert rates.dtype == np.float64
    for step in (7, np.int64(7), np.array(7)):
        rate = sched(step)
        assert type(rate) is float
        assert rate == rates[7]
    assert_array_equal(sched(np.arange(12).reshape(3, 4)), rates.reshape(3, 4))
    assert sched([]).shape == (0,)


@pytest.mark.parametrize("steps", [-1, [0, -2], np.nan, np.inf])
def test_steps_are_counted_from_zero(steps):
    with pytest.raises(InputError, match="0 or more"):
        schedules.create("constant")(steps)


def test_an_inexact_boundary_counts_as_reached():
    """0.3 / 0.1 is 2.9999999999999996 in binary."""
    steps = np.arange(60)
    dropped = schedules.create("step", per="epoch", drop=0.5, every=0.1).bind(steps_per_epoch=10)
    assert_allclose(dropped(steps), 0.5**steps)
    sawtooth = schedules.create("cosine", per="epoch", period=0.1).bind(steps_per_epoch=100)
    assert_allclose(sawtooth(10 * steps), 1.0)
    growing = schedules.create("cosine", period=1, multiplier=10)
    assert_allclose(growing([0, 1, 11, 111, 1111, 11111, 111111]), 1.0)


# ------------------------------------------------------------------------------------------- plateau


def plateau(**params):
    options = {"factor": 0.5, "patience": 1, "threshold": 0.1} | params
    return schedules.create("plateau", lr=1.0, **options).bind(steps_per_epoch=2)


def test_plateau_by_hand():
    sched = plateau()
    #        best  bad(0.95 > 0.9)  bad -> drop  best  bad  bad -> drop
    losses = [1.0, 0.95, 0.91, 0.5, 0.49, 0.48]
    wanted = [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25]
    for epoch, loss in enumerate(losses):
        assert sched(2 * epoch) == sched(2 * epoch + 1) == wanted[epoch]
        sched.observe(loss)
    assert sched(12) == 0.25
    # What was in force stays on record, so that the run can be drawn afterwards.
    assert_array_equal(sched(np.arange(14)), np.repeat(wanted, 2))


def test_plateau_has_a_floor_and_takes_nan_for_no_progress():
    sched = plateau(min=0.2, patience=0)
    for value in (math.nan, math.inf, 1.0, math.nan, math.inf, 1.0):
        sched.observe(value)
    assert sched(100) == 0.2
    assert_array_equal(sched(2 * np.arange(7)), [1, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2])


def test_bind_gives_a_fresh_plateau_and_leaves_the_other_alone():
    one = plateau(patience=0)
    two = one.bind(steps_per_epoch=2)
    for _ in range(3):
        one.observe(1.0)
    assert one(10) == 0.25
    assert two(10) == 1.0
    assert one.bind(10, 2)(9) == 1.0


def test_unbound_plateau_uses_its_newest_factor():
    sched = schedules.create("plateau", lr=1.0, patience=0)
    sched.observe(1.0)
    sched.observe(1.0)
    assert sched(0) == 0.5


@every_schedule
def test_only_plateau_listens(name):
    sched = schedules.create(name, lr=LR).bind(T, 6)
    before = sched(np.arange(T))
    for _ in range(5):
        sched.observe(1.0)
    assert (sched(np.arange(T)) != before).any() == (name == "plateau")


# -------------------------------------------------------------------------------- lengths and binding


NEED_TOTAL = {"exponential", "inverse_time", "step", "linear", "polynomial", "cosine", "one_cycle"}


@every_schedule
def test_a_missing_length_is_named(name):
    sched = schedules.create(name, lr=LR)
    assert sched.needs_total == (name in NEED_TOTAL)
    if name not in NEED_TOTAL:
        assert sched(3) > 0
        return
    with pytest.raises(InputError, match=r"needs the length of the run: give total= \(in steps\)"):
        sched(3)
    with_total = schedules.create(name, lr=LR, total=T)
    assert not with_total.needs_total
    assert_array_equal(with_total(np.arange(T)), sched.bind(T)(np.arange(T)))


def test_a_given_parameter_needs_no_length():
    assert not schedules.create("exponential", k=0.1).needs_total
    assert not schedules.create("step", every=5).needs_total
    assert not schedules.create("cosine", period=5).needs_total


def test_epochs_need_their_length():
    with pytest.raises(InputError, match="counts epochs"):
        schedules.create("step", every=1, per="epoch")(0)
    with pytest.raises(InputError, match="counts epochs"):
        schedules.create("constant", warmup=1, per="epoch").bind(100)(0)


def test_a_given_total_has_precedence_and_the_end_holds():
    rates = schedules.create("linear", lr=1.0, total=10, end=0.5).bind(1000)(np.arange(30))
    assert_allclose(rates[[0, 5, 10, 29]], [1.0, 0.75, 0.5, 0.5])
    epochs = schedules.create("linear", lr=1.0, total=5, warmup=1, per="epoch").bind(1000, 10)
    assert_allclose(epochs([0, 9, 10, 30, 50, 60]), [0.1, 1.0, 1.0, 0.5, 0.0, 0.0])


def test_a_warmup_longer_than_the_run():
    with pytest.raises(InputError, match="shorten warmup"):
        schedules.create("cosine", warmup=10).bind(10)
    with pytest.raises(InputError, match="shorten warmup"):
        schedules.create("cosine", warmup=2, per="epoch").bind(10, 5)
    assert schedules.create("constant", lr=1.0, warmup=10).bind(5)(4) == 0.5


@pytest.mark.parametrize("total", [0, -1, math.nan, "many"])
def test_bad_lengths_of_a_run(total):
    with pytest.raises(InputError, match="total_steps must be a number from 1"):
        schedules.create("cosine").bind(total)


# ---------------------------------------------------------------------------------------- bad input


@every_schedule
def test_every_parameter_is_checked(name):
    for key, p in schedules.get(name).parameters.items():
        for value in (p.low - 1.0, p.high * 2.0, math.nan, math.inf, -math.inf, "1", True, [1.0]):
            with pytest.raises(InputError, match=rf"'{name}': {key} must be a number from"):
                schedules.create(name, **{key: value})
    for key in ("lr", "warmup"):
        for value in (-1, math.nan, math.inf, None, "0.1", 10**400):
            with pytest.raises(InputError, match=f"{key} must be a number"):
                schedules.create(name, **{key: value})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.create("cosin"), "unknown schedule 'cosin': did you mean 'cosine'?"),
        (lambda: schedules.get("stepp"), "did you mean 'step'?"),
        (lambda: schedules.create("step", evry=3), "'evry': did you mean 'every'?"),
        (lambda: schedules.create("constant", total=3), "unknown parameter 'total'"),
        (lambda: schedules.create("step", per="epochs"), "did you mean 'epoch'?"),
        (lambda: schedules.create("plateau", patience=1.5), "whole number"),
        (lambda: schedules.create("linear", end=None), "end must be a number"),
        (lambda: schedules.parse("step:evry=3"), "did you mean 'every'?"),
        (lambda: schedules.parse("step:warmpu=3"), "did you mean 'warmup'?"),
        (lambda: schedules.parse("step:every"), "cannot read 'every'"),
        (lambda: schedules.parse("step:"), "cannot read ''"),
        (lambda: schedules.parse("step:=3"), "cannot read '=3'"),
        (lambda: schedules.parse("step:every=often"), "every must be a number, got 'often'"),
        (lambda: schedules.parse("step:every=nan"), "every must be a number from"),
        (lambda: schedules.parse("step:every=3,every=4"), "has 'every' twice"),
        (lambda: schedules.parse(""), "unknown schedule ''"),
        (lambda: schedules.parse({"drop": 0.1}), "has no name"),
        (lambda: schedules.parse({"name": 3}), "is a text"),
        (lambda: schedules.parse({"name": "step", 3: 4}), "unknown parameter '3'"),
        (lambda: schedules.parse(3), "a text or a table"),
        (lambda: schedules.parse("step:lr=0.1", lr=0.2), "sets lr 0.1, but lr is 0.2"),
    ],
)  # fmt: skip
def test_bad_input_is_one_clear_line(make, message):
    with pytest.raises(InputError) as caught:
        make()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------------- texts, round trips, imports


def test_parse_reads_texts_tables_and_schedules():
    wanted = schedules.create("step", lr=0.2, drop=0.5, every=5, per="epoch", warmup=1)
    assert schedules.parse("step:drop=0.5,every=5,per=epoch,warmup=1", lr=0.2) == wanted
    assert schedules.parse(" step : drop = 0.5, every = 5, per = epoch, warmup = 1, lr = 2e-1") == wanted
    table = {"name": "step", "drop": 0.5, "every": 5, "per": "epoch", "warmup": 1}
    assert schedules.parse(table, lr=0.2) == wanted
    assert "lr" not in table
    assert schedules.parse(wanted) == schedules.parse(wanted, lr=0.2) == wanted
    assert schedules.parse("cosine").lr == 1.0


@pytest.mark.parametrize(("name", "params", "factor"), FORMULAS, ids=IDS)
def test_a_schedule_survives_json_pickle_and_repr(name, params, factor):
    total = {"total": 50} if schedules.get(name).takes_total else {}
    for options in ({}, {"per": "epoch", "warmup": 2, **total}):
        sched = schedules.create(name, lr=LR, **params, **options)
        assert schedules.parse(json.loads(json.dumps(sched.to_dict()))) == sched
        assert eval(repr(sched), {"Schedule": schedules.Schedule}) == sched
        bound = pickle.loads(pickle.dumps(sched.bind(4000, 10)))
        assert bound == sched.bind(4000, 10)
        assert hash(bound) == hash(sched.bind(4000, 10))
        assert_array_equal(bound(np.arange(90)), sched.bind(4000, 10)(np.arange(90)))


@every_schedule
def test_every_schedule_can_be_listed_and_described(name):
    kind = schedules.get(name)
    assert kind.title
    assert kind.formula in kind.describe()
    assert all(key in kind.describe() for key in kind.parameters)
    assert set(kind.defaults) == set(kind.parameters)
    assert all(p.meaning for p in kind.parameters.values())
    text = schedules.create(name, lr=LR, warmup=3).describe()
    assert text.startswith(f"{name}: ")
    assert "α₀ = 0.3" in text
    assert "warmup = 3" in text
    assert "None" not in text


def test_only_numpy_is_imported():
    code = (
        "import sys, minnet.schedules as s; s.create('cosine').bind(5)([0]);"
        "print([m for m in ('numba', 'scipy', 'matplotlib', 'pandas', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
