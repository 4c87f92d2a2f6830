"""Networks as functions of what stays free: the integer engine's numbers, layer by layer, and its refusals."""

from __future__ import annotations

from fractions import Fraction

import pytest

from archcalc.dims import evaluate
from archcalc.engine import live as engine_live
from archcalc.engine.free import Search
from archcalc.engine.live import live
from archcalc.engine.network import analyze, load
from archcalc.results.cost import shape_list
from archcalc.results.formula import is_met
from archcalc.results.live import LiveNotation, Texts
from archcalc.source import SpecError
from archcalc.spec.library import all_names
from archcalc.spec.limits import DEFAULT_LIMITS
from tests.page.settings import drawn, total

# By what their variables do: windows; make_divisible; heads that must divide; windows of attention; two inputs.
SAMPLE = ["lenet5", "mobilenet_v2", "vit_b_16", "swin_t", "t5_small"]


def written(notation: LiveNotation, numbers: dict[str, int]) -> str:
    """As the page writes it."""

    def text(parts: Texts) -> str:
        return "".join(part if isinstance(part, str) else str(evaluate(part, numbers)) for part in parts)

    shown = [
        f"{of.name}={text(of.text)}" if of.name else text(of.text)
        for of in notation.arguments
        if of.default is None or text(of.text) != str(of.default)
    ]
    return notation.operator + (f"({', '.join(shown)})" if shown else "") + text(notation.ending)


def agrees(name: str, count: int) -> tuple[int, int]:
    """How many settings were computed and refused; a mismatch of any layer is an error."""
    network = load(name)
    found = live(network)
    computed = refused = 0
    for numbers, cost, _ in drawn(network, found, count):
        broken = [of for of in found.assumptions if not is_met(of, numbers)]
        if any(of.relation == "!=" for of in broken):
            continue  # another structure, which the formulas do not speak of
        assert (cost is None) == bool(broken), (name, numbers, broken)
        if cost is None:
            refused += 1
            continue
        computed += 1
        for quantity, x in found.totals.items():
            assert evaluate(x, numbers) == total(cost, quantity), (name, quantity, numbers)
        for layer, of in zip(found.layers, cost.layers, strict=True):
            assert evaluate(layer.amounts["macs"], numbers) == of.macs, (name, of.name, numbers)
            assert [evaluate(x, numbers) for x in layer.y] == shape_list(of.out_shape)
            assert written(layer.notation, numbers) == of.notation
    return computed, refused


@pytest.mark.parametrize("name", SAMPLE)
def test_the_forms_give_the_engines_numbers(name: str) -> None:
    computed, _ = agrees(name, 12)
    assert computed >= 4


def test_what_the_engine_refuses_is_refused() -> None:
    assert agrees("gpt2", 24)[1] >= 3  # heads that do not divide the width


def test_a_difference_of_variables_that_leaves_no_channels_is_refused() -> None:
    found = live("shufflenet_v1_x1_0_g1")  # its first branch has 144 * width - stem channels
    numbers = {**found.point, "stem": 144}
    assert any(not is_met(of, numbers) for of in found.assumptions)
    with pytest.raises(SpecError):
        analyze("shufflenet_v1_x1_0_g1", set={"stem": 144})


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(all_names()))
def test_the_forms_of_every_network(name: str) -> None:
    assert sum(agrees(name, 25)) >= 10


def test_variables_are_free_in_units_that_their_values_are_of() -> None:
    found = {of.name: of for of in live("mobilenet_v2").free}
    assert found["width"].unit == Fraction(1, 20)
    assert found["width"].value == 1
    assert found["resolution"].unit == 1
    assert found["batch"].number == 1
    assert live("gpt2").point["past"] == 0


# A factor between whole numbers; windows that divide; a variable that stays free beside those before it and not beside
# all; none that does.
@pytest.mark.parametrize("name", ["densenet121", "swin_t", "shufflenet_v1_x1_0_g3", "ciresan-1", "gemma3_1b"])
def test_variables_that_are_tried_together_stay_free_as_one_by_one(name: str) -> None:
    search = Search(load(name), {}, None, DEFAULT_LIMITS, with_heads=False)
    free, structure, fixed = search.free()
    one_by_one, left = search.beside_each(search.in_order(), {})
    assert (free, fixed) == (tuple(one_by_one.values()), left)
    assert structure.graph.nodes == search.structure(free).graph.nodes


def test_what_has_no_slider_says_why() -> None:
    fixed = {of.name: of.reason for of in live("resnet50").fixed}
    assert "decides the structure" in fixed["depth"]
    assert "decides the structure" in fixed["stride_at"]
    assert "the count of a repeat depends on depth" in {of.name: of.reason for of in live("gpt2").fixed}["depth"]


def test_an_input_and_a_setting_are_where_the_sliders_begin() -> None:
    by_input = live("resnet18", input=(3, 160, 160))
    assert by_input.point["resolution"] == 160
    assert live("resnet18", set={"resolution": 160}).totals == by_input.totals
    other = live("resnet18", input=(3, 160, 224), batch=4)  # no resolution is that
    assert "resolution" not in other.point
    assert evaluate(other.totals["macs"], other.point) == other.cost.totals.macs


def test_symbols_and_results_of_rules_are_functions_too() -> None:
    found = live("resnet18")
    conv1 = next(of for of in found.layers if of.layer.name == "conv1").operations[0]
    numbers = {**found.point, "resolution": 100}
    results = {rule.quantity: x for rule, x in zip(conv1.rules, conv1.results, strict=True)}
    assert evaluate(conv1.given["in_height"], numbers) == 100
    # 50 x 50 positions of 64 kernels of 7 x 7 x 3, by hand
    assert not isinstance(results["MACs"], str)
    assert evaluate(results["MACs"], numbers) == 50 * 50 * 64 * 147


def test_what_an_operation_is_told_does_not_depend_on_networks_before() -> None:
    """Texts of rules that are alike are made once in a process, and hold nothing of the first network."""
    engine_live._texts.clear()  # of tests before
    live("resnet18")
    after = [of for layer in live("alexnet").layers for of in layer.operations]
    engine_live._texts.clear()
    alone = [of for layer in live("alexnet").layers for of in layer.operations]
    assert [(of.name, of.results, of.given, of.assumptions) for of in after] == [
        (of.name, of.results, of.given, of.assumptions) for of in alone
    ]
    assert not [result for of in alone for result in of.results if isinstance(result, str) and result[:1].isdigit()]


def test_variables_that_are_layers_are_told_by_their_names() -> None:
    told = {fixed.name: fixed.value for fixed in live("nas_bench_201").fixed}
    assert told["op"] == f"[{', '.join(['conv3x3'] * 6)}]"
    text = "network: n\ninput: features(4)\nvariables: {act: relu, two: relu >> silu}\nlayers: {a: act >> two}"
    assert [(fixed.name, fixed.value) for fixed in live(text).fixed] == [("act", "relu"), ("two", "layers")]
    for name in ("darts", "nas_bench_101", "nas_bench_201@skip", "resnet50"):
        assert not [fixed for fixed in live(name).fixed if "object at" in fixed.value or "=" in fixed.value]
