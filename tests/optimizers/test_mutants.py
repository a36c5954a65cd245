"""Do the tests bite? Every method is broken on purpose, in each way that public code gets it wrong, and each
broken copy must fail the checks that the true one passes."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from method_checks import STEPPED, STYLED, check_golden, check_reference, needs_golden

from minnet import optimizers
from minnet.optimizers import Method


def scaled(method: Method, name: str) -> Method:
    """A hyperparameter 10 % off."""

    def coefficients(t, lr, **hyper):
        if name == "lr":
            return method.coefficients(t, lr * 0.9, **hyper)
        return method.coefficients(t, lr, **{**hyper, name: hyper[name] * 0.9})

    return replace(method, coefficients=coefficients)


def fixed(method: Method, column: str, value: float) -> Method:
    """A coefficient that stays at one value: no bias correction, no ε."""

    def coefficients(t, lr, **hyper):
        return {**method.coefficients(t, lr, **hyper), column: np.full(len(t), value)}

    return replace(method, coefficients=coefficients)


def late(method: Method) -> Method:
    """Steps counted from 2, or t advanced twice per step."""
    return replace(method, coefficients=lambda t, lr, **hyper: method.coefficients(t + 1, lr, **hyper))


def rewritten(method: Method, change: ast.NodeTransformer) -> Method | None:
    """The rule with its source changed; None if there is nothing to change."""
    source = textwrap.dedent(inspect.getsource(method.rule))
    tree = change.visit(ast.parse(source))
    if ast.unparse(tree) == ast.unparse(ast.parse(source)):
        return None
    namespace = dict(vars(inspect.getmodule(method.rule)))
    exec(compile(ast.fix_missing_locations(tree), f"<mutant of {method.name}>", "exec"), namespace)
    return replace(method, rule=namespace[method.rule.__name__])


def is_sqrt(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "sqrt"


def is_eps(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "eps"


class EpsInside(ast.NodeTransformer):
    """√v + ε becomes √(v + ε)."""

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Add) and is_sqrt(node.left) and is_eps(node.right):
            node.left.args[0] = ast.BinOp(node.left.args[0], ast.Add(), node.right)
            return node.left
        return node


class EpsOutside(ast.NodeTransformer):
    """√(v + ε) becomes √v + ε."""

    def visit_Call(self, node):
        self.generic_visit(node)
        if is_sqrt(node) and isinstance(node.args[0], ast.BinOp) and is_eps(node.args[0].right):
            eps = node.args[0].right
            node.args[0] = node.args[0].left
            return ast.BinOp(node, ast.Add(), eps)
        return node


class PlusForMinus(ast.NodeTransformer):
    """Every minus becomes a plus: a step uphill."""

    def visit_Sub(self, node):
        return ast.Add()


class NoSquare(ast.NodeTransformer):
    """g · g becomes g · |g|: the sign of the gradient leaks into its mean square."""

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Mult) and isinstance(node.right, ast.Name) and node.right.id in ("g", "step"):
            left = node.left.right if isinstance(node.left, ast.BinOp) else node.left
            if isinstance(left, ast.Name) and left.id == node.right.id:
                node.right = ast.Call(ast.Name("abs", ast.Load()), [node.right], [])
        return node


def mutants() -> Iterator[tuple[str, tuple[Method, str]]]:
    for name, style in STYLED:
        method, paper = optimizers.get(name, style), optimizers.get(name)
        if style != "paper" and (method.rule, method.coefficients) == (paper.rule, paper.coefficients):
            continue  # other defaults only: nothing more to break
        label = f"{name}/{style}"
        for hyper in method.defaults:
            yield f"{label}: {hyper} 10 % off", (scaled(method, hyper), style)
        for column in method.columns:
            if column.startswith("unbias"):
                yield f"{label}: {column} dropped", (fixed(method, column, 1.0), style)
            if column == "eps":
                yield f"{label}: no eps", (fixed(method, column, 0.0), style)
        if any(column.startswith("unbias") for column in method.columns):
            yield f"{label}: t one ahead", (late(method), style)
        for change in (EpsInside, EpsOutside, PlusForMinus, NoSquare):
            mutant = rewritten(method, change()) if method.rule else None
            if mutant is not None:
                yield f"{label}: {change.__name__}", (mutant, style)


MUTANTS = dict(mutants())
# Compiled, a root of a negative number is a NaN that the comparison finds; interpreted, Python raises.
CAUGHT = (AssertionError, ValueError, ZeroDivisionError)


def test_there_are_mutants_of_every_kind():
    kinds = {label.split(": ")[1] for label in MUTANTS}
    assert {"EpsInside", "EpsOutside", "PlusForMinus", "NoSquare", "t one ahead", "unbias_m dropped"} <= kinds
    assert {label.split("/")[0] for label in MUTANTS} == set(STEPPED)


@pytest.mark.parametrize("label", MUTANTS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_mutant_is_caught(label):
    method, style = MUTANTS[label]
    with pytest.raises(CAUGHT):
        check_reference(method, style)
    if needs_golden(method.name, style):
        with pytest.raises(CAUGHT):
            check_golden(method, style)
