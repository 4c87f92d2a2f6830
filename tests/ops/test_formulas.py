"""Interpolation, norms and activations: what is counted is what their formulas have."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from archcalc.ops import (
    OPERATORS,
    Shape,
    features,
    image,
    sequence,
)
from tests.ops.making import arithmetic, make

# Interpolation.


@pytest.mark.parametrize(
    ("mode", "x", "additions", "multiplications"),
    [
        # between two values, a + t*(b - a): along a row; two rows and between them; two planes and between them
        ("bilinear", sequence(1, 3), 2, 1),
        ("bilinear", image(1, 3, 3), 2 * 3, 3),
        ("bilinear", Shape(1, (3, 3, 3)), 2 * 7, 7),
        # four rows of four values and one between them, each a sum of four products (Keys 1981)
        ("bicubic", image(1, 3, 3), 5 * 3, 5 * 4),
    ],
)
def test_interpolations_of_one_output(mode: str, x: Shape, additions: int, multiplications: int) -> None:
    counted: Any = arithmetic(make("upsample", scale=2, mode=mode), x)
    outputs = x.positions * 2**x.rank
    assert (counted.additions, counted.multiplications) == (additions * outputs, multiplications * outputs)
    assert counted.status == "counted"


# Norms.


def test_batch_norm_without_statistics_counts_as_instance_norm() -> None:
    x = image(3, 4, 5)
    batch = make("batch_norm", statistics=False)
    assert batch.parameters(x).buffers == 0
    assert arithmetic(batch, x) == arithmetic(make("instance_norm", scale=True, shift=True), x)


def test_group_norm_at_its_extremes() -> None:
    x = image(6, 4, 5)
    plain = {"scale": False, "shift": False}
    one = arithmetic(make("group_norm", groups=1, **plain), x)
    assert one == arithmetic(make("layer_norm", whole=True, **plain), x)
    assert arithmetic(make("group_norm", groups=6, **plain), x) == arithmetic(make("instance_norm"), x)


# Activations: the operations of the formula that the docstring shows are those that are counted.

FORMULAS = {name: cls for name, cls in OPERATORS.items() if hasattr(cls, "formula")}
TRANSCENDENTALS = {"exp", "log", "tanh", "erf"}
BINARY = {ast.Add: "additions", ast.Sub: "additions", ast.Mult: "multiplications", ast.Div: "divisions"}


def operations(formula: str) -> dict[str, int]:
    """How often a formula uses each kind of elementary operation; of a choice, the longer side."""
    found = dict.fromkeys((*BINARY.values(), "comparisons", "transcendentals"), 0)

    def walk(node: ast.AST) -> None:
        if isinstance(node, ast.IfExp):
            longer, shorter = operations(ast.unparse(node.body)), operations(ast.unparse(node.orelse))
            for kind in found:
                found[kind] += max(longer[kind], shorter[kind])
            walk(node.test)
            return
        if isinstance(node, ast.BinOp):
            found[BINARY[type(node.op)]] += 1
        elif isinstance(node, ast.Compare):
            found["comparisons"] += 1
        elif isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name)
            found["transcendentals" if node.func.id in TRANSCENDENTALS else "comparisons"] += 1
        for child in ast.iter_child_nodes(node):
            walk(child)

    walk(ast.parse(formula, mode="eval"))
    return found


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_are_counted(name: str) -> None:
    operator = make(name, **FORMULAS[name].examples[0].arguments)
    formula = str(vars(FORMULAS[name])["formula"])
    counted = arithmetic(operator, features(1))._asdict()
    assert {kind: counted[kind] for kind in operations(formula)} == operations(formula)


@pytest.mark.parametrize(
    ("approximate", "formula"),
    [
        (False, "0.5 * x * (1 + erf(x * 0.7071))"),
        (True, "0.5 * x * (1 + tanh(0.7978 * (x + 0.044715 * x * x * x)))"),
    ],
)
def test_gelu_is_counted(approximate: bool, formula: str) -> None:
    counted = arithmetic(make("gelu", approximate=approximate), features(1))._asdict()
    assert {kind: counted[kind] for kind in operations(formula)} == operations(formula)
