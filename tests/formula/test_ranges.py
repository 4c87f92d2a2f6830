"""For which values a form holds: those that the integer engine takes, and no others."""

from __future__ import annotations

import pytest

from archcalc import SpecError, load
from archcalc.dims import Assumption, minimum, variable
from archcalc.engine.formula.forms import formulas
from archcalc.engine.formula.ranges import Range, ranges_of
from archcalc.report.formula import assumption, condition
from archcalc.results.formula import Counter
from tests.engine.small import network

r, w = variable("r"), variable("w")


def is_taken(name: str, **values: int) -> bool:
    try:
        load(name).graph(values, with_heads=False)
    except SpecError:
        return False
    return True


@pytest.mark.parametrize(
    "name",
    ["alexnet", "bn_inception", "googlenet@torchvision", "lenet5", "overfeat-accurate", "squeezenet1_0", "zfnet"],
)
def test_a_resolution_holds_where_the_network_takes_it(name: str) -> None:
    (counter,) = formulas(name).exact.counters
    for resolution in range(1, 110):
        holds = resolution >= counter.least and resolution % counter.period in counter.residues
        assert holds == is_taken(name, resolution=resolution), resolution


def test_both_axes_of_enet() -> None:
    """Its downsampling is undone, so that only multiples of 8 come back to their size."""
    found = formulas("enet", ["height", "width"])
    assert [condition(counter) for counter in found.exact.counters] == [
        "height >= 8, a multiple of 8",
        "width >= 8, a multiple of 8",
    ]
    for size in range(1, 40):
        assert is_taken("enet", height=size, width=64) == (size % 8 == 0)
    stored = formulas("enet", ["height", "width"], ["params"])  # in which no size is
    assert [counter.step for counter in stored.simple.counters] == [8, 8]


@pytest.mark.parametrize(
    ("assumed", "expected"),
    [
        (Assumption("", "", (r + 1) // 4 - 2, 1, ">="), Range(11)),
        (Assumption("", "", (r // 2) * (r // 3), 4, ">="), Range(6)),
        (Assumption("", "", r, 7, "divisible"), Range(1, 7, (0,))),
        (Assumption("", "", (r + 1) // 2, r // 2, "=="), Range(1, 2, (0,))),
        (Assumption("", "", (r + 9) // 16, (r + 1) // 16, "=="), Range(1, 16, (0, 1, 2, 3, 4, 5, 6, 15))),
        (Assumption("", "", r // 2 * 2, r, "!="), None),  # left as it is
        (Assumption("", "", 20 - r, 1, ">="), None),  # falls
        (Assumption("", "", minimum(r - 9, 5) ** 2, 20, ">="), None),  # falls at first: 64 at 1, 0 at 9
        (Assumption("", "", r, w, "divisible"), None),  # two variables
        (Assumption("", "", 8, r, "divisible"), None),  # no remainder decides
    ],
)
def test_assumptions_as_ranges(assumed: Assumption, expected: Range | None) -> None:
    ranges, others = ranges_of({"r": 1, "w": 1}, [assumed])
    assert ranges["r"] == (expected or Range())
    assert others == ([] if expected else [assumed])


def test_remainders_too_many_to_list_stay_assumptions() -> None:
    """Multiples of 64 and of 81 are those of 5,184, of which no list of remainders is made."""
    by_64, by_81 = (Assumption("", "", r, divisor, "divisible") for divisor in (64, 81))
    ranges, others = ranges_of({"r": 1}, [by_64, by_81])
    assert ranges["r"] == Range(1, 64, (0,))
    assert others == [by_81]


@pytest.mark.parametrize(
    ("given", "step", "offset", "expected"),
    [
        (Range(67), 32, 3, Range(2)),
        (Range(1), 32, 0, Range(1)),
        (Range(1), 32, 3, Range(0)),
        (Range(1, 8, (0,)), 32, 0, Range(1)),
        (Range(1, 8, (0,)), 32, 3, None),
        (Range(10, 8, (0,)), 2, 0, Range(8, 4, (0,))),
        (Range(1, 6, (0, 2, 4)), 1, 0, Range(2, 2, (0,))),
    ],
)
def test_ranges_along_a_step(given: Range, step: int, offset: int, expected: Range | None) -> None:
    assert given.along(step, offset) == expected


def test_what_two_variables_share_is_said() -> None:
    small = network("a: conv(8*w, 1, groups=g)", "image(8, 4, 4)", "variables: {w: 1, g: 2}")
    found = formulas(small, ["w", "g"])
    assert [assumption(assumed) for assumed in found.exact.assumptions] == [
        "8 is divisible by g",
        "8 w is divisible by g",
    ]


@pytest.mark.parametrize(
    ("counter", "expected"),
    [
        (Counter("classes", "classes"), "classes >= 1"),
        (Counter("r", "n", 32, 11, 2), "r = 32 n + 11, n >= 2: 75, 107, 139, ..."),  # type: ignore[arg-type]
        (Counter("r", "r", least=31, period=32, residues=(0, 1, 2, 31)), "r >= 31, r mod 32 is 0 to 2 or 31"),
        (Counter("r", "n", 2, 0, 8, 4), "r = 2 n, n >= 8 and a multiple of 4: 16, 24, 32, ..."),  # type: ignore[arg-type]
    ],
)
def test_conditions_in_words(counter: Counter, expected: str) -> None:
    assert condition(counter) == expected
