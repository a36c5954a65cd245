"""The compiled form: rules in single precision, and product loops that stay in registers. Needs no GPU."""

from __future__ import annotations

import inspect
import re

import assembly
import pytest
from numba import types

from minnet import optimizers
from minnet.cuda import epoch, evaluation, scalars
from minnet.cuda.member import innermost, kind_of
from minnet.cuda.move import TURN
from minnet.cuda.shape import Shape
from minnet.cuda.target import device
from minnet.cuda.tiling import LARGE, SMALL
from minnet.network.activations import ACTIVATIONS

CAPABILITIES = ((8, 0), (9, 0))
RULES = {
    method.rule: f"{name}/{style}"
    for name in optimizers.names()
    for style in optimizers.get(name).style_names
    if (method := innermost(optimizers.get(name, style))).rule is not None
}


@pytest.fixture(autouse=True)
def compiler(monkeypatch):
    assembly.require_compiler()
    return monkeypatch


@pytest.mark.parametrize("rule", RULES, ids=RULES.values())
def test_rules_hold_no_double(rule, compiler):
    n = len(inspect.signature(rule).parameters)
    for capability in CAPABILITIES:
        assembly.pretend(compiler, capability)
        ptx = assembly.ptx_of_function(device(rule), (types.float32,) * n, capability)
        assert f".target sm_{capability[0]}{capability[1]}" in ptx
        assert ".f32" in ptx
        assert ".f64" not in ptx


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_hold_no_double(name, compiler):
    assembly.pretend(compiler, (8, 0))
    for function, n in zip(scalars.activation(name), (1, 2)):
        assert ".f64" not in assembly.ptx_of_function(function, (types.float32,) * n, (8, 0))


@pytest.mark.parametrize(("block", "capability"), [(LARGE, (8, 0)), (LARGE, (9, 0)), (SMALL, (9, 0))])
def test_products_stay_in_registers(capability, block, compiler, tmp_path):
    assembly.pretend(compiler, capability)
    kinds = tuple(kind_of(optimizers.get(name)) for name in ("adam", "sgd"))
    shape = Shape((784, 128, 10), 128, "relu", "cross_entropy", "softmax", "classification", False, False, False, block)
    kernels = {
        "epoch": (epoch.epoch_kernel(shape, kinds), assembly.epoch_signature()),
        "evaluation": (evaluation.evaluation_kernel(shape), assembly.evaluation_signature()),
    }
    for name, (kernel, signature) in kernels.items():
        ptx = assembly.ptx_of(kernel, signature, capability, block.threads, block.resident)
        assert not re.search(r"\b(ld|st)\.local|\.func\b", ptx), name
        assert "ld.shared.v4.f32" in ptx
        code, said = assembly.assemble(ptx, capability, tmp_path)
        registers = int(re.search(r"Used (\d+) registers", said)[1])
        assert registers * block.threads * block.resident <= 65536
        loops = assembly.inner_loops(code)
        assert not [loop for loop in loops if {"LDL", "STL"} & {*loop}], name  # registers spill outside loops only
        products = assembly.product_loops(loops)
        assert len(products) >= 2
        for loop in products:
            assert loop["DADD"] + loop["DMUL"] + loop["DFMA"] == 0, (name, dict(loop))
        if name == "epoch":
            share = 0.65 if block is LARGE else 0.35
            assert max(loop["FFMA"] / loop.total() for loop in products) > share  # of the widest tile
            assert max(assembly.asked_first(loops)) >= TURN * 3  # Adam: a weight and two slots
