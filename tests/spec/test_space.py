"""`space:` of a file: its size, what narrows it, and what is wrong with it; sizes are products by hand."""

from itertools import product
from typing import Any

import pytest

from archcalc.engine.network import analyze, load
from archcalc.engine.sweep.axes import axis
from archcalc.engine.sweep.plan import make_plan
from archcalc.engine.sweep.run import collected
from archcalc.engine.validate import findings_of_space
from archcalc.report.show import space_text
from archcalc.source import SpecError
from archcalc.spec.limits import DEFAULT_LIMITS

SPEC = """network: net
input: image(3, 8, 8)
variables: {kernel: '[3] * 3', width: 1, n: 1, op: relu}
variants:
  net@wide: {width: 2, kernel: '[3] * 4'}
space:
  kernel[*]: [1, 3, 5]
  kernel[0]: [7]
  width: 0.25:1.5:0.25
  net@wide:
    op: [relu, none]
    width: [2, 3]
requires: {few layers: n * len(kernel) < 9}
layers:
  convs: (conv(8*width, k, padding=half) >> op for k in kernel)
  last: conv(8, 1) * n
"""


def axes(over: list[str], set: dict[str, Any] | None = None, name: str = "net") -> dict[str, int]:
    network = load(SPEC)._replace(name=name)
    return {each.name: each.size for each in make_plan(network, [axis(text) for text in over], set=set).axes}


def test_the_space_of_a_network_is_told_exactly_with_what_its_variant_adds() -> None:
    plain, wide = (analyze(load(SPEC)._replace(name=name)).space for name in ("net", "net@wide"))
    assert plain is not None
    assert wide is not None
    assert plain.size == 3 * 3 * 1 * 6
    assert wide.size == 3 * 3 * 3 * 1 * 2 * 2
    assert space_text(plain) == "One of 54 in its space: kernel[*] 1, 3, 5 (2 times); kernel[0] 7; width 0.25:1.5:0.25."
    found = analyze(load(SPEC)).to_dict()["space"]
    assert found == {"size": 54, "axes": {"kernel[*]": ["1", "3", "5"], "kernel[0]": ["7"], "width": ["0.25:1.5:0.25"]}}


@pytest.mark.parametrize(
    ("over", "set", "expected"),
    [
        ([], {}, {"kernel[1]": 3, "kernel[2]": 3, "kernel[0]": 1, "width": 6}),
        (["width=1"], {}, {"kernel[1]": 3, "kernel[2]": 3, "kernel[0]": 1, "width": 1}),
        (["kernel[2]=3"], {"width": "1"}, {"kernel[1]": 3, "kernel[0]": 1, "kernel[2]": 1}),
        (["kernel[*]=3,5"], {"width": "1"}, {"kernel[0]": 2, "kernel[1]": 2, "kernel[2]": 2}),
        (["kernel[*]=3,5", "kernel[1]=1"], {"width": "1", "kernel[2]": "3"}, {"kernel[0]": 2, "kernel[1]": 1}),
        (["kernel=[1,1,1];[3,3,3]"], {"width": "1"}, {"kernel": 2}),
        (["kernel[1]=3,5"], {"width": "1", "kernel[*]": "1"}, {"kernel[1]": 2}),
        (["n=1:2"], {"kernel": "[3]", "width": 1}, {"n": 2}),
    ],
)
def test_what_is_asked_for_stands_in_place_of_the_axes_that_it_meets(
    over: list[str], set: dict[str, Any], expected: dict[str, int]
) -> None:
    assert axes(over, set) == expected


@pytest.mark.parametrize(
    ("over", "set", "message"),
    [
        (["kernel[3]=3"], {}, "`kernel` is a list of 3, and has no item 3"),
        (["width[*]=3"], {}, "`width` is no list, and `width[*]` an item of one"),
        (["kernel[0]=3", "kernel[0]=5"], {}, "kernel[0] is given twice"),
        (["kernel=[3]", "kernel[0]=5"], {}, "kernel[0] is in kernel too"),
        (["kernel[0]=3"], {"kernel[0]": "1"}, "kernel[0] is set, and swept over"),
        (["depth[0]=3"], {}, "net has no variable `depth`"),
        ([], {"kernel[*]": "3", "width": "1"}, "nothing to sweep over"),
    ],
)
def test_mistakes_are_told_before_anything_is_computed(over: list[str], set: dict[str, str], message: str) -> None:
    with pytest.raises(SpecError) as error:
        axes(over, set)
    assert message in error.value.diagnostics[0].message


def test_of_networks_with_different_spaces_only_what_is_asked_for_is_swept() -> None:
    networks = [load(SPEC)._replace(name=name) for name in ("net", "net@wide")]
    assert [each.name for each in make_plan(networks, [axis("n=1:2")]).axes] == ["n"]
    with pytest.raises(SpecError, match="have different spaces"):
        make_plan(networks, [])


def test_a_sweep_without_axes_is_of_the_space_and_each_row_is_what_analyze_gives() -> None:
    plan = make_plan(load(SPEC), [], quantities=["params", "macs"], set={"width": "1"})
    columns = collected(plan).columns
    rows = {
        tuple(int(columns[f"kernel[{at}]"][row]) for at in range(3)): (columns["params"][row], columns["macs"][row])
        for row in range(9)
    }
    # by hand: c*8*k*k + 8 parameters of each convolution over 64 positions, and 72 of the last
    for kernels in product([7], [1, 3, 5], [1, 3, 5]):
        weights = [c * 8 * k * k for c, k in zip((3, 8, 8), kernels, strict=True)]
        assert rows[kernels] == (sum(weights) + 3 * 8 + 72, (sum(weights) + 64) * 64)


def test_values_that_no_layer_takes_and_items_that_are_none_are_findings_at_their_place() -> None:
    text = SPEC.replace("kernel[*]: [1, 3, 5]", "kernel[*]: [1, 0]").replace("kernel[0]: [7]", "kernel[3]: [7]")
    found = findings_of_space(load(text).spec, DEFAULT_LIMITS)
    assert [(each.code, each.line, each.message) for each in found] == [
        ("bad-axis", 8, "net: `kernel` is a list of 3, and has no item 3"),
        ("bad-axis", 7, "kernel[*]=0 of net@wide: conv: kernel is 0; it must be at least 1"),
    ]
    assert findings_of_space(load(SPEC).spec, DEFAULT_LIMITS) == []


def test_what_a_file_requires_is_refused_in_its_words() -> None:
    with pytest.raises(SpecError) as error:
        analyze(load(SPEC), set={"n": 3})
    (found,) = error.value.diagnostics
    assert (found.code, found.message, found.line) == ("requirement", "net requires few layers", 13)
