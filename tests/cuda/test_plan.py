"""What the host works out for an epoch, mostly while the one before is trained."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_array_equal
from populations import spec

from minnet.cuda import table
from minnet.cuda.member import Member
from minnet.cuda.plan import Plan

N, WIDTH = 20, 14


def members(*specs):
    return [Member(each, N, validated=True) for each in specs]


def expected(member, epoch):
    steps = np.arange((epoch - 1) * 4, epoch * 4)
    return table.rows(member.optimizer, member.spec.training, steps, WIDTH)


def test_orders_and_tables_are_those_of_each_run():
    settings = {"epochs": 3, "batch_size": 6}
    runs = members(
        spec("adam", seed=1, **settings),
        spec("adam", seed=2, **settings),
        spec("adam", seed=2, hyper={"lr": 0.5}, **settings),
        spec("sgd", seed=1, schedule="cosine", **settings),
        spec("sgd", seed=1, weight_decay=0.1, schedule="cosine", **settings),
    )
    plan = Plan(runs, N, WIDTH)
    for epoch, active in ((1, range(5)), (2, [0, 2, 3, 4]), (3, [3, 4])):
        orders, rows = plan.of_epoch(epoch, active)
        plan.prepare(epoch + 1, active)
        for run in active:
            assert_array_equal(rows[run], expected(runs[run], epoch))
            order = np.random.default_rng([runs[run].spec.seed, 1, epoch]).permutation(N)
            assert_array_equal(orders[plan.seeds.index(runs[run].spec.seed)], order)


def test_a_schedule_that_listens_is_asked_after_the_epoch():
    (run,) = members(spec("sgd", schedule="plateau:patience=0,factor=0.5", epochs=3, batch_size=6))
    plan = Plan([run], N, WIDTH)
    run.schedule.observe(1.0)
    plan.prepare(3, [0])
    run.schedule.observe(2.0)
    _, rows = plan.of_epoch(3, [0])
    assert_array_equal(rows[0], expected(run, 3))
    assert not np.array_equal(rows[0], expected(run, 2))


def test_runs_that_differ_in_their_seed_share_their_coefficients(monkeypatch):
    made = []
    monkeypatch.setattr(Member, "table", lambda self, epoch, width: made.append(epoch) or np.zeros((4, 2, width)))
    plan = Plan(members(*[spec("adam", seed=seed, batch_size=6) for seed in range(9)]), N, WIDTH)
    plan.of_epoch(1, range(9))
    plan.prepare(2, range(9))
    plan.of_epoch(2, range(9))
    plan.prepare(3, range(9))  # there is no third epoch
    assert made == [1, 2]
