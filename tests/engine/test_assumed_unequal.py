"""A comparison that free variables leave undecided counts as unequal; what fails because of it says so."""

from __future__ import annotations

import pytest

import archcalc
from tests.engine.small import network

SHORTCUT = """
    first: conv(n, 1)
    block:
      add:
        convs: conv(8, 1)
        shortcut: identity if x.channels == 8 else conv(wide, 1)
    """


def test_a_failure_names_what_was_assumed() -> None:
    small = network(SHORTCUT, more="variables: {n: 8, wide: 9}")
    assert archcalc.analyze(small).totals.params == 2 * 8 + 9 * 8
    with pytest.raises(archcalc.SpecError) as caught:
        archcalc.closed_form(small, ["n"])
    (found,) = caught.value.diagnostics
    assert found.code == "shape-mismatch"
    assert [note for note in found.note_texts() if note.startswith("assumed: n is not 8 (small.yaml:")]


def test_without_free_variables_nothing_is_assumed() -> None:
    small = network(SHORTCUT, more="variables: {n: 7, wide: 9}")
    with pytest.raises(archcalc.SpecError) as caught:
        archcalc.analyze(small)
    assert not [note for note in caught.value.diagnostics[0].note_texts() if "assumed" in note]


def test_what_does_not_fail_holds_under_the_assumption() -> None:
    small = network(SHORTCUT, more="variables: {n: 8, wide: 8}")
    graph = small.graph(free=["n"])
    assert [assumed.code for assumed in graph.assumptions] == ["unequal"]
