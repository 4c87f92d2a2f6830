"""Forms for people: at values for which they say that they hold they give what the integer engine counts."""

from __future__ import annotations

import random
from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from typing import Any, Literal

import pytest

from archcalc import SpecError, analyze, load
from archcalc.dims import Polynomial
from archcalc.dims.atoms import NamedSum, Variable, atoms_inside
from archcalc.engine.cost.conventions import CONVENTIONS
from archcalc.engine.cost.quantities import ADDITIVE, FLOPS, QUANTITIES
from archcalc.engine.formula.forms import formulas
from archcalc.engine.groups import grouped
from archcalc.engine.network import Network
from archcalc.report.formula import in_variables, text
from archcalc.results.cost import NetworkCost
from archcalc.results.formula import Counter, Forms, Formulas
from tests.engine.sample import free_width, lengths_of, sampled
from tests.engine.small import network

COMPARED = ("macs", "params", "connections", "activations", "neurons", "buffers", "additions", "flops_arithmetic")


def free_of(name: str) -> dict[str, Fraction | int | None]:
    """The sizes of the input, classes, lengths, words, the width (a multiplier in quarters, or of layers) and batch."""
    settable = load(name).spec.settable
    free: dict[str, Fraction | int | None] = dict.fromkeys(
        (name for name in ("resolution", "height", "classes") if name in settable), 1
    )
    return free | dict.fromkeys(lengths_of(name), 1) | free_width(name) | {"batch": None}


def some_point(form: Forms, chosen: random.Random) -> dict[str, Fraction]:
    """Values for which a form holds."""
    while True:
        point = {}
        for counter in form.counters:
            few = 4 if counter.variable == "batch" else 3 if counter.step >= 8 else 40
            numbers = range(counter.least, counter.least + max(few, 2 * counter.period))
            point[counter.variable] = counter.value(
                chosen.choice([n for n in numbers if n % counter.period in counter.residues])
            )
        with suppress(ValueError):
            form.numbers(point)
            return point


def costs_at(name: str | Network, point: Mapping[str, Fraction], **more: Any) -> NetworkCost:
    given = {variable: value for variable, value in point.items() if variable != "batch"}
    return analyze(name, set=given, batch=int(point.get("batch", 1)), **more)


def assert_same(found: Formulas, form: Forms, point: Mapping[str, Fraction], cost: NetworkCost) -> None:
    for quantity in found.quantities:
        expected = cost.totals.flops if quantity == "flops_arithmetic" else getattr(cost.totals, quantity)
        assert form.evaluate("", quantity, point) == expected, (quantity, point)


@pytest.mark.parametrize("name", sampled())
def test_every_network_and_quantity(name: str) -> None:
    found = formulas(name, free_of(name), COMPARED)
    chosen = random.Random(name)
    for form in (found.exact, found.simple):
        point = some_point(form, chosen)
        assert_same(found, form, point, costs_at(name, point))


@pytest.mark.parametrize("name", sampled())
def test_floors_vanish_at_a_step(name: str) -> None:
    """Nothing is rounded in the simple form, and at no smaller step of any variable would that be so."""
    found = formulas(name)
    numbers = [x for costs in found.simple.rows.values() for x in costs.values() if isinstance(x, Polynomial)]
    assert all(isinstance(atom, Variable | NamedSum) for x in numbers for atom in atoms_inside(x))
    is_rounded = any(
        not isinstance(atom, Variable | NamedSum)
        for costs in found.exact.rows.values()
        for x in costs.values()
        for atom in atoms_inside(x)
    )
    is_stepped = any(counter.period > 1 for counter in found.exact.counters)  # heads whose width is turned in pairs
    assert found.is_simpler == (is_rounded or is_stepped)


def test_the_step_is_least() -> None:
    """Half of it would leave a floor: costs at 16 n are no polynomial of degree two, for their third differences."""
    cost = [analyze("resnet50", set={"resolution": 16 * n}).totals.macs for n in range(1, 6)]
    third = [d - 3 * c + 3 * b - a for a, b, c, d in zip(cost, cost[1:], cost[2:], cost[3:], strict=False)]
    assert any(third)
    (counter,) = formulas("resnet50").simple.counters
    assert counter.step == 32


@pytest.mark.parametrize(("stride", "is_simpler"), [(99, True), (101, False)])
def test_a_step_that_no_size_has_is_no_help(stride: int, is_simpler: bool) -> None:
    """Of 99^2 = 9,801 pixels there is a form, of 101^2 = 10,201 there is none."""
    layers = f"a: conv(4, 1, stride={stride})\nb: conv(4, 1, stride={stride})"
    found = formulas(network(layers, "image(3, r, r)", "variables: {r: 40000}"), ["r"])
    assert found.is_simpler == is_simpler
    assert found.simple.counters[0].step == (stride**2 if is_simpler else 1)


def test_resnet50() -> None:
    """As torchvision defines it. 4,089,184,256 at 224 pixels is what fvcore and torch's counter report."""
    found = formulas("resnet50@torchvision")
    macs = found.simple.rows[""]["macs"]
    assert text(macs) == "83,410,944 n^2 + 2,048,000"
    own = in_variables(macs, found.simple.counters)
    assert own is not None
    assert text(own) == "81,456 resolution^2 + 2,048,000"
    assert found.simple.evaluate("", "macs", {"resolution": 224}) == 4_089_184_256
    assert found.simple.counters == (Counter("resolution", "n", Fraction(32)),)
    assert text(found.exact.rows[""]["macs"]) == (
        "9,408 ceil(resolution/2)^2 + 245,760 ceil(resolution/4)^2 + 1,310,720 ceil(resolution/8)^2 "
        "+ 7,471,104 ceil(resolution/16)^2 + 14,417,920 ceil(resolution/32)^2 + 2,048,000"
    )


def test_a_network_by_hand() -> None:
    """Two convolutions, a pooling and a classifier, written down from their shapes."""
    small = network(
        """
        a: conv(8, 3, padding=half)
        b: conv(4*width, 3, stride=2, padding=half)
        pool: maxpool(2)
        fc: linear(10)
        """,
        "image(3, resolution, resolution)",
        "variables: {resolution: 32, width: 2}",
    )
    found = formulas(small, ["resolution", "width", "batch"])
    # r = 4 n: 8*3*9 r^2 + 4w*8*9 (r/2)^2 + 10 * 4w (r/4)^2 in each example
    assert text(found.simple.rows[""]["macs"]) == "batch n^2 (1,192 width + 3,456)"
    assert 8 * 3 * 9 * 16 == 3_456
    assert 4 * 8 * 9 * 4 + 40 == 1_192
    # weights and biases: 8*27 + 8, 4w*72 + 4w, 10 * 4w n^2 + 10
    assert text(found.simple.rows[""]["params"]) == "40 n^2 width + 292 width + 234"


def test_vgg16_by_hand() -> None:
    """The rows of the paper's table D at 32 n pixels: 9 c_in c_out positions, three linear layers after 7 x 7."""
    n, widths = 7, [(3, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 2), (128, 256, 4), (256, 256, 4), (256, 256, 4)]
    widths += [(256, 512, 8), (512, 512, 8), (512, 512, 8), (512, 512, 16), (512, 512, 16), (512, 512, 16)]
    convolutions = sum(9 * before * after * (32 // part) ** 2 for before, after, part in widths)
    found = formulas("vgg16")
    assert text(found.simple.rows[""]["macs"]) == f"{convolutions + 512 * 4096:,} n^2 + {4096 * (4096 + 1000):,}"
    assert found.simple.evaluate("", "params", {"resolution": 32 * n}) == 138_357_544  # as the paper's 138 million


def test_the_own_size_decides_the_remainder() -> None:
    """A form that did not hold for the paper's own 299 pixels would be no form of the network."""
    (counter,) = formulas("inception_v3").simple.counters
    assert counter == Counter("resolution", "n", Fraction(32), Fraction(11), 2)  # 75 = 2*32 + 11 pixels at least
    (counter,) = formulas("inception_v3", set={"resolution": 320}).simple.counters
    assert counter == Counter("resolution", "n", Fraction(32), Fraction(0), 3)


@pytest.mark.parametrize("by", ["stage", "layer"])
@pytest.mark.parametrize("name", ["googlenet", "enet", "resnet18@torchvision", "lenet5", "fractalnet20"])
def test_rows(name: str, by: Literal["stage", "layer"]) -> None:
    quantities = ("macs", "params", "connections", "activations", "flops_arithmetic")
    found = formulas(name, free_of(name), quantities, by, with_heads=True)
    chosen = random.Random(name)
    for form in (found.exact, found.simple):
        point = some_point(form, chosen)
        cost = costs_at(name, point, with_heads=True)
        rows = {row.name: row for row in grouped(cost, by)}
        assert list(form.rows) == list(rows)
        for row, costs in form.rows.items():
            for quantity in costs:
                expected = rows[row].flops if quantity == "flops_arithmetic" else getattr(rows[row], quantity)
                assert form.evaluate(row, quantity, point) == expected, (row, quantity, point)


@pytest.mark.parametrize("column", FLOPS)
def test_flops_of_every_convention(column: str) -> None:
    name = next(rule.name for rule in CONVENTIONS.values() if rule.column == column)
    found = formulas("resnet18", free_of("resnet18"), [column])
    for form in (found.exact, found.simple):
        point = some_point(form, random.Random(column))
        assert form.evaluate("", column, point) == costs_at("resnet18", point, convention=name).totals.flops


def test_batch_multiplies_work_and_not_what_is_stored() -> None:
    found = formulas("lenet5", ["batch"], ADDITIVE)
    (one, eight) = (
        {quantity: found.exact.evaluate("", quantity, {"batch": batch}) for quantity in ADDITIVE} for batch in (1, 8)
    )
    cost = analyze("lenet5", batch=8)
    for quantity in QUANTITIES:
        assert eight[quantity] == getattr(cost.totals, quantity), quantity
    assert eight["flops_arithmetic"] == cost.totals.flops == 8 * one["flops_arithmetic"]
    assert (eight["params"], eight["connections"]) == (one["params"], one["connections"])


def test_a_unit_counts_parts_of_a_width() -> None:
    found = formulas("vgg16", {"width": Fraction(1, 4)})
    assert found.exact.counters[0].letter == "n"
    for width in (Fraction(1, 4), Fraction(3, 4), 1, Fraction(5, 2)):
        assert found.exact.evaluate("", "macs", {"width": width}) == analyze("vgg16", set={"width": width}).totals.macs
    with pytest.raises(ValueError, match="width = n/4 with n >= 1, not 1/8"):
        found.exact.evaluate("", "macs", {"width": Fraction(1, 8)})


def test_the_unit_of_a_share_is_its_own() -> None:
    """A spec whose width is 3/4 has its own form among those of a width without a unit."""
    found = formulas("vgg16", ["width"], set={"width": "3/4"})
    assert found.exact.counters[0].step == Fraction(1, 4)
    assert found.costs[""]["macs"] == analyze("vgg16", set={"width": "3/4"}).totals.macs


def test_rounded_widths_lose_their_rounding_too() -> None:
    """MobileNet's make_divisible: at multiples of the step every channel count is what was asked for."""
    small = network(
        "a: conv(make_divisible(20*width, 8), 3, padding=half)\nb: conv(make_divisible(6*width, 4), 1)",
        "image(3, 8, 8)",
        "variables: {width: 1}",
    )
    found = formulas(small, {"width": Fraction(1, 4)}, ["params"])
    numbers = [x for x in found.simple.rows[""].values() if isinstance(x, Polynomial)]
    assert all(isinstance(atom, Variable) for x in numbers for atom in atoms_inside(x))
    for quarters in range(1, 60):
        width = Fraction(quarters, 4)
        expected = analyze(small, set={"width": width}).totals.params
        assert found.exact.evaluate("", "params", {"width": width}) == expected
        try:
            assert found.simple.evaluate("", "params", {"width": width}) == expected
        except ValueError:
            continue


def test_at_whole_numbers_a_variable_in_quarters_is_itself() -> None:
    """24, 48, 72 channels at widths of 1, 2, 3, 4 parameters each; 16 and not 12 at a half, 40 and not 36 at 3/2."""
    small = network("a: conv(make_divisible(24*width, 8), 1)", "image(3, 8, 8)", "variables: {width: 1}")
    found = formulas(small, {"width": Fraction(1, 4)}, ["params"])
    assert [(counter.letter, counter.step) for counter in found.simple.counters] == [("width", Fraction(1))]
    assert [found.simple.evaluate("", "params", {"width": width}) for width in (1, 2, 3)] == [96, 192, 288]
    halves = formulas(small, {"width": Fraction(1, 4)}, ["params"], set={"width": "1/2"})
    assert [(counter.letter, counter.step, counter.offset) for counter in halves.simple.counters] == [
        ("n", Fraction(1), Fraction(1, 2))
    ]
    for width, channels in ((Fraction(1, 2), 16), (Fraction(3, 2), 40)):
        assert halves.simple.evaluate("", "params", {"width": width}) == 4 * channels


def test_without_a_resolution_the_numbers_of_the_spec_are_free() -> None:
    assert list(formulas("enet").point) == ["height", "width", "classes"]
    assert list(formulas("ciresan-1").point) == ["classes"]
    # shares too, but no size of which a formula would need a choice
    assert list(formulas("specs/examples/squeeze_ratio.yaml").point) == ["classes", "ratio", "pct_3x3"]
    fixed = network("a: linear(3)", "features(5)")
    assert formulas(fixed).exact.counters == ()
    assert formulas(fixed).exact.rows[""] == {"macs": 15, "params": 18}


def test_letters_are_not_names_of_variables() -> None:
    small = network("a: conv(n, 3, stride=2, padding=half)", "image(3, r, r)", "variables: {r: 8, n: 4}")
    found = formulas(small, ["r", "n"])
    assert [counter.letter for counter in found.simple.counters] == ["m", "n"]
    assert found.simple.evaluate("", "macs", {"r": 8, "n": 4}) == 4 * 4 * 27 * 4


def test_an_unknown_cost_is_told() -> None:
    small = network("a: conv(4, 3)\nb: opaque(4)", "image(3, r, r)", "variables: {r: 8}")
    assert formulas(small, ["r"]).unknown == ("b",)
    assert formulas("lenet5").unknown == ()


@pytest.mark.parametrize(
    ("free", "quantity", "code", "said"),
    [
        (["depth"], "macs", "structural-variable", "depth"),
        (["widht"], "macs", "unknown-variable", "did you mean `width`?"),
        (["bacth"], "macs", "unknown-variable", "did you mean `batch`?"),
        ({"width": Fraction(1, 128)}, "macs", "bad-argument", "whole number for all values"),
        ({"width": 0}, "macs", "bad-unit", "above 0"),
        (["resolution"], "mac", "unknown-quantity", "did you mean `macs`?"),
        (["resolution"], "flops", "unknown-quantity", "say whose"),
        (["resolution"], "peak_activations", "unknown-quantity", "activations"),
    ],
)
def test_refusals(free: Any, quantity: str, code: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        formulas("resnet50", free, [quantity])
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert said in f"{found.message} {found.help}"


def test_a_form_refuses_values_at_which_it_is_another_network() -> None:
    """A residual block has a shortcut where its channels are those that it reads: 8 and 8, but 16 and 8 at twice."""
    layers = "a: conv(8*width, 1)\nb: add(identity if x.channels == 8 else none, conv(8, 1))"
    form = formulas(network(layers, "image(3, 4, 4)", "variables: {width: 2}"), ["width"], ["params"]).exact
    assert form.evaluate("", "params", {"width": 2}) == (3 * 16 + 16) + (16 * 8 + 8)
    with pytest.raises(ValueError, match="it holds where 8\\*width is not 8"):
        form.evaluate("", "params", {"width": 1})
