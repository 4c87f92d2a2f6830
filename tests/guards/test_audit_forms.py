"""What `archcalc audit` computes of other sizes and classes by one closed form is what expansions of these give."""

from __future__ import annotations

from itertools import pairwise

import pytest

from archcalc.claims.cases import Case, Values
from archcalc.claims.forms import Forms
from archcalc.claims.names import Names
from archcalc.engine.network import analyze, load


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_b0", "vit_b_16"])
def test_other_sizes_and_classes(name: str) -> None:
    forms = Forms(load(name), (3, 224, 224))
    for column, convention in {"macs": "macs", "params": "macs", "flops_fvcore": "fvcore"}.items():
        for size, classes in ((256, None), (160, 10), (None, 21)):
            settings = {"resolution": size, "classes": classes}
            given = {key: value for key, value in settings.items() if value is not None}
            totals = analyze(name, set=given, convention=convention).totals
            expected = totals.flops if column.startswith("flops") else getattr(totals, column)
            assert forms.number(column, None if size is None else (3, size, size), classes) == expected


def test_where_no_form_says_it_nothing_is_said() -> None:
    forms = Forms(load("alexnet"), (3, 227, 227))
    assert forms.number("macs", (3, 32, 32), None) is None  # a window that is larger than its input
    assert forms.number("macs", (3, 224, 256), None) is None  # two values for one variable
    assert forms.number("macs", (1, 224, 224), None) is None  # other channels
    assert forms.number("size_bytes", (3, 256, 256), None) is None


def test_one_expansion_serves_all_sizes() -> None:
    values = Values(Names())
    found = [values.value(Case("resnet18", "macs", resolution=(size, size))) for size in (128, 160, 256, 288, 320, 384)]
    assert all(one and other and one < other for one, other in pairwise(found))
    assert values.expanded == 1  # its own; the form is expanded once beside it
