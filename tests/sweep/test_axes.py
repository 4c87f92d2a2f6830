"""Values of variables as they are typed, and mistakes in them at their place."""

from __future__ import annotations

import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import archcalc
from archcalc.engine.sweep.axes import axis, axis_of
from archcalc.results.sweep import Value
from archcalc.source import SpecError


def values(text: str) -> list[Value]:
    found = axis(text)
    return [found.value(index) for index in range(found.size)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("r=96:320:32", [96, 128, 160, 192, 224, 256, 288, 320]),
        ("r=96:200:32", [96, 128, 160, 192]),
        ("r=3:6", [3, 4, 5, 6]),
        ("r=7", [7]),
        ("r = 3, 5,7 ", [3, 5, 7]),
        ("r=1:3,10,2:4", [1, 2, 3, 10, 4]),
        ("r=-2:2:2", [-2, 0, 2]),
        ("r=0", [0]),
        ("w=0.25:1:0.25", [Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), 1]),
        ("w=0.1,0.25,2", [Fraction(1, 10), Fraction(1, 4), 2]),
        ("w=.25:1:.25,+3,1.5/2", [Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), 1, 3]),
        ("w=1/3:1:1/3", [Fraction(1, 3), Fraction(2, 3), 1]),
        ("w=0.1:0.35:0.1", [Fraction(1, 10), Fraction(1, 5), Fraction(3, 10)]),
        ("w=0.000000000000001,1000000000000000", [Fraction(1, 10**15), 10**15]),  # 10^30 multiples: past 64 bits
        ("d=[2,2,2,2];[3, 4, 6, 3]", ["[2,2,2,2]", "[3,4,6,3]"]),
        ("d=[2,2],[3,4]", ["[2,2]", "[3,4]"]),
        ("b=basic,bottleneck", ["basic", "bottleneck"]),
        ("r=3/0", ["3/0"]),  # an expression, which each expansion refuses
        ("b=1:2,none", ["1", "2", "none"]),
        ("p=maxpool(3, 2),none", ["maxpool(3,2)", "none"]),
    ],
)
def test_values(text: str, expected: list[Value]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("96:160:32", [96, 128, 160]),
        (range(2, 9, 3), [2, 5, 8]),
        (np.arange(3), [0, 1, 2]),
        ([0.1, 0.2], [Fraction(1, 10), Fraction(1, 5)]),
        (np.array([0.5, 1.0]), [Fraction(1, 2), 1]),
        ([Fraction(1, 3), 1], [Fraction(1, 3), 1]),
        (5, [5]),
        ([[2, 2], [3, 4]], ["[2,2]", "[3,4]"]),
        ([[2, 2]], ["[2,2]"]),
        (["basic", "bottleneck"], ["basic", "bottleneck"]),
        ([True, False], ["true", "false"]),
    ],
)
def test_values_from_python(given: Any, expected: list[Value]) -> None:
    found = axis_of("name", given)
    assert [found.value(index) for index in range(found.size)] == expected


@pytest.mark.parametrize(
    ("text", "message", "marked"),
    [
        ("96:320", "an axis is a variable", "96:320"),
        ("r=", "a value is missing", "="),
        ("r=1,,2", "a value is missing", ","),
        ("r=1:9:0", "the step of a range is more than 0", "1:9:0"),
        ("r=1:9:-1", "the step of a range is more than 0", "1:9:-1"),
        ("r=5:3", "the range ends at 3, before it begins at 5", "5:3"),
        ("r=1:x", "`x` is no number", "x"),
        ("r=1:2:3:4", "a start, an end and a step", "1:2:3:4"),
        ("r=8,1::2", "`` is no number", ":"),
        ("r=1:1e9", "`1e9` is no number", "1e9"),
        ("r=2 3", "", "2 3"),
        ("r=1,9999999999999999", "15 digits at most", "9999999999999999"),
        ("r=1:9999999999999999999999", "15 digits at most", "9999999999999999999999"),
        ("r=[1", "", "["),
        ("r=1:99999999999", "at most 10,000,000 values", "1:99999999999"),
    ],
)
def test_mistakes_have_their_place(text: str, message: str, marked: str) -> None:
    with pytest.raises(SpecError) as found:
        axis(text)
    (diagnostic,) = found.value.diagnostics
    assert diagnostic.code == "bad-axis"
    assert message in diagnostic.message
    assert diagnostic.source is not None
    assert diagnostic.span is not None
    assert diagnostic.source.text == text
    assert text[diagnostic.span.start : diagnostic.span.end] == marked
    assert diagnostic.help


@pytest.mark.parametrize(
    ("network", "over", "options", "code", "named"),
    [
        ("resnet18", {"resoluton": "32"}, {}, "unknown-variable", "resolution"),
        ("resnet18", {"resolution": "32"}, {"set": {"resolution": 64}}, "bad-axis", "set"),
        ("resnet18", {}, {}, "no-axes", "resolution"),
        ("resnet18", {"batch": "0,1"}, {}, "bad-axis", "batch"),
        ("resnet18", {"batch": "1/2"}, {}, "bad-axis", "batch"),
        ("resnet18", {"macs": "1,2"}, {}, "bad-axis", "macs"),
        (["bert_base", "bert_large"], {"resolution": "32"}, {}, "unknown-variable", "resolution"),
        ("resnet-18x", {"resolution": "32"}, {}, "unknown-network", "resnet18"),
        ("resnet18", dict.fromkeys(("resolution", "classes", "batch"), "1:10000000"), {}, "too-many-points", "sample"),
    ],
)
def test_sweeps_that_cannot_be(
    network: Any, over: dict[str, str], options: dict[str, Any], code: str, named: str
) -> None:
    with pytest.raises(SpecError, match=named) as found:
        archcalc.sweep(network, over, **options)
    assert found.value.diagnostics[0].code == code


@pytest.mark.parametrize(
    "text", ["r=3:6", "r=7", "r=3,5,9", "w=1/4:2:1/4", "b=basic,bottleneck,none", "d=[2,2];[3,4];5"]
)
def test_an_axis_travels(text: str) -> None:
    sent, arrived = axis(text), pickle.loads(pickle.dumps(axis(text)))
    assert [arrived.value(index) for index in range(arrived.size)] == values(text)
    assert (arrived.name, arrived.unit, arrived.multiples.dtype) == (sent.name, sent.unit, sent.multiples.dtype)


def test_columns_of_axes() -> None:
    indices = np.array([1, 0])
    assert axis("r=3:6").column(indices).tolist() == [4, 3]
    assert axis("r=3:6").column(indices).dtype == np.int64
    assert axis("w=0.1,0.2").column(indices).tolist() == [0.2, 0.1]
    assert axis("w=1/3,2/3").column(indices).tolist() == ["2/3", "1/3"]
    assert axis("w=0.1,1000000000000000").column(indices).tolist() == ["1000000000000000", "1/10"]
    assert axis("b=basic,none").column(indices).tolist() == ["none", "basic"]
