"""Formulas of an operation: which sizes are symbols, under which names, and what is said where there are none."""

from __future__ import annotations

import random
from pathlib import Path

import archcalc
from archcalc.engine.explain import explained
from archcalc.results.explanation import Explanation
from tests.engine.small import network


def explanation(layers: str, input: str = "image(3, 16, 16)", name: str = "a") -> Explanation:
    cost = archcalc.analyze(network(layers, input))
    layer = next(layer for layer in cost.layers if layer.name == name)
    return explained(cost, layer)[0]


def formulas(layers: str, input: str = "image(3, 16, 16)", name: str = "a") -> dict[str, tuple[str, str, str]]:
    rules = explanation(layers, input, name).rules
    return {rule.quantity: (rule.formula, rule.numbers, rule.result) for rule in rules}


def test_a_square_kernel_is_one_symbol_and_another_is_one_for_each_axis() -> None:
    assert formulas("a: conv(8, (3, 3))")["weights"] == ("channels*in_channels*kernel**2", "8*3*3**2", "216")
    uneven = formulas("a: conv(8, (1, 7), padding=half)")
    assert uneven["weights"] == ("channels*in_channels*kernel_height*kernel_width", "8*3*1*7", "168")
    assert formulas("a: conv(8, 3)", "sequence(3, 16)")["weights"] == ("channels*in_channels*kernel", "8*3*3", "72")


def test_numbers_of_four_sides_are_counted() -> None:
    found = formulas("a: crop(sides=(1, 2, 3, 4))")
    assert found["height"] == ("in_height - sides_1 - sides_2", "16 - 1 - 2", "13")
    assert found["width"] == ("in_width - sides_3 - sides_4", "16 - 3 - 4", "9")
    assert explanation("a: crop(sides=(1, 2))").given.keys() >= {"sides_height", "sides_width"}


def test_what_is_as_by_default_is_no_symbol() -> None:
    """Dividing by one group, or a stride of 1, would only lengthen a formula."""
    assert explanation("a: conv(8, 3)").given.keys() == {
        *("channels", "kernel", "in_channels", "in_height", "in_width", "out_height", "out_width")
    }
    grouped = explanation("a: conv(6, 1, groups=3)")
    assert grouped.given["groups"] == 3
    assert grouped.assumptions == ["in_channels is divisible by groups", "channels is divisible by groups"]


def test_extents_of_the_output_have_symbols_where_they_are_not_those_of_the_input() -> None:
    macs = {
        "a: conv(8, 3)": "channels*in_channels*kernel**2*out_height*out_width",
        "a: deconv(8, 2, stride=2)": "channels*in_channels*in_height*in_width*kernel**2",
    }
    for layers, formula in macs.items():
        assert formulas(layers)["MACs"][0] == formula
    at_each = formulas("a: linear(4)", "sequence(3, 5)")
    assert at_each["length"] == ("in_length", "", "5")
    assert at_each["MACs"] == ("channels*in_channels*in_length", "4*3*5", "60")


def test_branches_are_counted_from_one() -> None:
    found = explanation("a: concat(identity, conv(5, 1))", name="a")
    rules = {rule.quantity: (rule.formula, rule.numbers, rule.result) for rule in found.rules}
    assert rules["channels"] == ("in1_channels + in2_channels", "3 + 5", "8")
    assert rules["height"] == ("in_height", "", "16")
    assert rules["receptive field"] == ("union of the branches", "1x1", "1x1")
    assert found.remark == "Declared zero: copies."


def test_a_rule_that_needs_numbers_says_so() -> None:
    found = explanation("a: adaptive_avgpool(4)")
    assert found.given == {}
    assert found.remark == "This rule needs the numbers themselves: no symbols are shown."
    assert explanation("a: conv(8, 3)").remark == ""


def test_what_is_not_known_is_told() -> None:
    found = explanation("a: opaque(4)")
    assert found.remark == "Unknown: its arithmetic is not known; totals with it are lower bounds."
    assert formulas("a: opaque(4)")["MACs"] == ("not told", "", "unknown")


def test_fields_grow_by_what_came_before() -> None:
    """A 3x3 after a 3x3 of stride 2: 3 + 2*2; the mean of 7 positions that are 2 apart: 3 + 6*2."""
    first = "a: conv(4, 3, stride=2)\n"
    assert formulas(f"{first}b: conv(4, 3)", name="b")["receptive field"] == (
        "size + (kernel - 1)*jump", "3 + (3 - 1)*2", "7x7",
    )  # fmt: skip
    assert formulas(f"{first}b: conv(4, 3, dilation=2)", name="b")["receptive field"] == (
        "size + dilation*(kernel - 1)*jump", "3 + 2*(3 - 1)*2", "11x11",
    )  # fmt: skip
    assert formulas(f"{first}b: global_avgpool", name="b")["receptive field"] == (
        "all positions together, inside the input", "", "15x15",
    )  # fmt: skip
    assert formulas(f"{first}b: maxpool(2)", name="b")["jump"] == ("jump*stride", "2*2", "4")
    assert formulas(f"{first}b: relu", name="b")["receptive field"] == ("that of its input", "", "3x3")


def test_sums_of_params_and_of_operations() -> None:
    """By hand: 3*8*9 weights and 8 biases; 14*14 positions; the weights of each kind of operation are those said."""
    found = formulas("a: conv(8, 3)")
    assert found["channels"] == ("channels", "", "8")
    assert found["params"] == ("weights + biases", "216 + 8", "224")
    assert found["FLOPs (arithmetic)"] == ("2*macs + additions", "2*42,336 + 1,568", "86,240")
    assert found["connections"][2] == "43,904"
    assert "params" not in formulas("a: conv(8, 3, bias=false)")  # the weights are all of them
    without = formulas("a: relu")
    assert (without["params"], without["MACs"]) == (("0", "", "0"), ("0", "", "0"))
    assert without["shape"] == ("that of its input", "", "3x16x16")
    assert without["FLOPs (arithmetic)"] == ("comparisons", "", "768")
    assert formulas("a: dropout").keys() == {"shape", "params", "MACs", "connections", "receptive field"}


def test_running_statistics_are_no_params() -> None:
    found = formulas("a: batch_norm")
    assert found["params of the norm"] == ("2*in_channels", "2*3", "6")
    assert found["buffers"] == ("2*in_channels", "2*3", "6")
    assert "params" not in found


def test_a_vector_has_no_field_and_a_stride_of_one_no_jump() -> None:
    assert "receptive field" not in formulas("a: linear(3)", "features(2)")
    assert "jump" not in formulas("a: conv(8, 3)")


def test_only_what_differs_from_macs_has_flops() -> None:
    small = network("a: conv(8, 3)", "image(3, 16, 16)")
    for convention, formula in {"macs": None, "two_per_mac": "2*macs", "fvcore": "macs"}.items():
        cost = archcalc.analyze(small, convention=convention)
        rules = {rule.quantity: rule.formula for rule in explained(cost, cost.layers[0])[0].rules}
        assert rules.get(f"FLOPs ({convention})") == formula


def test_fields_are_told_along_every_axis() -> None:
    layers = "a: conv(8, (1, 7), padding=half, stride=(1, 2))\nb: conv(8, 3, padding=half, stride=2)"
    first = formulas(layers, "image(3, 64, 32)")
    assert first["receptive field"] == ("size + (kernel - 1)*jump", "1 + (1 - 1)*1 by 1 + (7 - 1)*1", "1x7")
    assert first["jump"] == ("jump*stride", "1*1 by 1*2", "1x2")
    second = formulas(layers, "image(3, 64, 32)", "b")
    assert second["receptive field"][1:] == ("1 + (3 - 1)*1 by 7 + (3 - 1)*2", "3x11")
    pooled = formulas(f"{layers}\nc: global_avgpool", "image(3, 64, 32)", "c")
    # by hand: positions 0 to 31, 2 apart, of 3 rows from row -1 on; 8 positions, 4 apart, of 11 columns from -5 on
    assert pooled["receptive field"][1:] == ("", "64x32")
    assert pooled["local receptive field"][1:] == ("", "3x11")
    volume = formulas("a: conv(8, (3, 5, 3), padding=half)", "volume(3, 8, 8, 8)")
    assert volume["receptive field"][1] == "1 + (3 - 1)*1 by 1 + (5 - 1)*1 by 1 + (3 - 1)*1"
    assert formulas("a: conv(8, 3)")["receptive field"] == ("size + (kernel - 1)*jump", "1 + (3 - 1)*1", "3x3")


def test_reasons_are_words(tmp_path: Path) -> None:
    """A requirement between formulas, as of repeated branches, is said; a closed form would explain nothing."""
    path = tmp_path / "n.yaml"
    path.write_text(
        "network: n\ninput: image(8, 16, 12)\nlayers:\n  a: conv(12, 3, groups=4)\n"
        "  b: mul(global_avgpool, identity)\n  c: concat(conv(3, 1), identity)\n"
    )
    cost = archcalc.analyze(str(path))
    reasons = [reason for layer in cost.layers for of in explained(cost, layer) for reason in of.assumptions]
    assert "the branches have one extent along each axis, or 1, which is repeated" in reasons
    assert "in_channels is divisible by groups" in reasons
    assert not any("*" in reason or "//" in reason for reason in reasons)


def test_upsampled_maps_are_explained() -> None:
    """Figures of the engine and of the explanation are of one rule: none of these is an internal mismatch."""
    choose = random.Random(3)
    kinds = [
        "upsample(2)", "upsample((1, 2))", "upsample(3, mode=bilinear)", "pixel_shuffle(2)", "deconv(4, 3, stride=2)",
        "deconv(4, (1, 2), stride=(1, 3), dilation=(1, 2))", "conv(4, 3, stride=2, padding=1)", "maxpool(3, ceil=true)",
        "global_avgpool", "adaptive_avgpool((1, 3))", "add(identity, conv(4, 3, padding=half))",
        "avgpool(2, padding=1)", "mul(identity, global_avgpool >> conv(4, 1))", "opaque(4)", "pixel_unshuffle(2)",
    ]  # fmt: skip
    explained_layers = 0
    for _ in range(300):
        layers = " >> ".join(choose.choice(kinds) for _ in range(choose.randint(1, 4)))
        try:
            cost = archcalc.analyze(network(f"a: conv(4, 1)\nb: {layers}", "image(4, 12, 12)"))
        except archcalc.SpecError:
            continue
        for layer in cost.layers:
            explained_layers += len(explained(cost, layer))
    assert explained_layers > 500
    pooled = formulas("a: upsample(2)\nb: global_avgpool", "image(3, 8, 8)", "b")
    assert pooled["receptive field"][2] == "8x8"
    assert pooled["local receptive field"][2] == "1x1"


def test_a_global_branch_is_told_beside_the_local_path() -> None:
    """By hand: 3x3 windows at a jump of 1, one squeezed: 3, 5, 7 pixels, and all 32 of the input."""
    layers = (
        "a: conv(8, 3, padding=half)\nb: mul(identity, global_avgpool >> conv(8, 1))\n"
        "c: conv(8, 3, padding=half)\nd: conv(8, 3, stride=2, padding=half)"
    )
    found = formulas(layers, "image(8, 32, 32)", "d")
    assert found["receptive field"] == ("that of its input", "", "32x32")
    assert found["jump"] == ("all positions see the same", "", "0")
    assert found["local receptive field"] == ("size + (kernel - 1)*jump", "5 + (3 - 1)*1", "7x7")
    assert found["local jump"] == ("jump*stride", "1*2", "2")


def test_what_is_not_told_is_a_lower_bound() -> None:
    assert formulas("a: opaque(4)\nb: conv(4, 3)", name="b")["receptive field"][2] == "≥ 3x3"
