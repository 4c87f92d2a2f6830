from __future__ import annotations

import csv
import io
import json

import pytest

from archcalc import analyze
from archcalc.engine.cost.conventions import ARITHMETIC
from archcalc.engine.explain import explained, ruled
from archcalc.graph import Node
from archcalc.ops import OPERATORS
from tests.cli.running import run


def rules(*arguments: str) -> dict[str, tuple[str, str, str]]:
    rows = csv.DictReader(io.StringIO(run("explain", *arguments, "--format", "csv").stdout))
    first: dict[str, tuple[str, str, str]] = {}
    for row in rows:
        first.setdefault(row["quantity"], (row["formula"], row["numbers"], row["result"]))
    return first


def test_a_convolution_rule_numbers_and_result() -> None:
    found = rules("googlenet", "conv1")
    assert found["weights"] == ("channels*in_channels*kernel**2", "64*3*7**2", "9408")
    assert found["params"] == ("weights + biases", "9408 + 64", "9472")
    assert found["MACs"] == (
        "channels*in_channels*kernel**2*out_height*out_width", "64*3*7**2*112*112", "118013952",
    )  # fmt: skip
    assert found["receptive field"] == ("size + (kernel - 1)*jump", "1 + (7 - 1)*1", "7x7")
    assert found["jump"] == ("jump*stride", "1*2", "2")


def test_connections_of_the_table_of_lenet() -> None:
    found = rules("lenet5", "C3")
    assert found["weights"] == ("60*kernel**2", "60*5**2", "1500")
    assert found["connections"][2] == "151600"
    text = run("explain", "lenet5", "C3").stdout
    assert "The table connects 60 of 6 x 16 pairs of maps." in text
    assert "Source: LeCun et al. 1998, section II.A" in text


def test_groups_say_what_they_require() -> None:
    found = run("explain", "alexnet", "conv2").stdout
    assert "(in_channels//groups)*channels*kernel**2" in found
    assert "in_channels is divisible by groups" in found


def test_what_is_declared_zero_says_why() -> None:
    assert "Declared zero:" in run("explain", "googlenet", "dropout").stdout


def test_a_layer_of_a_head_needs_no_option() -> None:
    assert "aux1.conv of googlenet" in run("explain", "googlenet", "aux1.conv").stdout


def test_json_adds_explanations() -> None:
    (network,) = json.loads(run("explain", "vgg16", "conv1.1", "--format", "json").stdout)["networks"]
    assert [layer["name"] for layer in network["layers"]] == ["conv1.1"]
    first = network["explanations"][0]
    assert first["symbols"]["kernel"] == 3
    assert first["source"]


def test_an_end_of_a_name_that_fits_one_layer_is_enough() -> None:
    assert "conv2.1.shortcut of resnet50" in run("explain", "resnet50", "1.shortcut").stdout
    assert "conv1 of resnet50" in run("explain", "resnet50", "conv1.norm").stdout


@pytest.mark.parametrize(
    ("layer", "code", "words"),
    [
        ("spatial", "ambiguous-layer", "`spatial` is the end of 16 layers of resnet50"),
        ("residual", "ambiguous-layer", "`residual` is the end of 16 blocks of resnet50"),
        ("con1", "unknown-layer", "did you mean `conv1`"),
        ("zzzzzz", "unknown-layer", "`archcalc show resnet50` lists the layers"),
    ],
)
def test_other_names_are_errors(layer: str, code: str, words: str) -> None:
    found = run("explain", "resnet50", layer, code=2).stderr
    assert f"error[{code}]" in found
    assert words in found


def test_a_whole_network() -> None:
    found = run("explain", "googlenet", columns=100).stdout
    assert all(len(line) <= 100 for line in found.splitlines())
    for words in ("What is counted", "FLOPs (arithmetic)", "Declared zero, and why", "Notes of the spec"):
        assert words in found
    (largest, *_) = [line.split() for line in found.splitlines() if line.startswith("conv2 ")]
    assert largest[-3:-1] == ["346,816,512", "21.9%"]


@pytest.mark.parametrize(
    "name",
    [
        "lenet5",
        "lenet@tfslim",
        "alexnet",
        "vgg11@lrn",
        "googlenet@torchvision",
        "resnet20",
        "resnet18@option-a",
        "ciresan-1",
        "zfnet",
        "nin-cifar10",
        "overfeat-fast",
        "bn_inception",
        "inception_v3",
        "inception_v4",
        "inception_resnet_v1",
        "squeezenet1_0@complex-bypass",
        "enet",
        "fractalnet20",
    ],
)
def test_every_layer_explains_itself_with_the_engines_numbers(name: str) -> None:
    cost = analyze(name, with_heads=True)
    for layer in cost.layers:
        parts = explained(cost, layer)
        by_name = [rule for part in parts for rule in part.rules if rule.quantity == "MACs"]
        assert sum(int(rule.result.replace(",", "")) for rule in by_name) == layer.macs
        assert all(part.source for part in parts)


def test_fields_of_outputs_that_differ() -> None:
    """Of two outputs of a window over maps upsampled by 2, one may reach a pixel that the other does not."""
    found = rules("enet", "decoder.bottleneck5.main.body")
    formula, numbers, result = found["receptive field"]
    assert (formula, numbers) == ("the largest of outputs that differ, after upsampling", "")
    seen = next(layer for layer in analyze("enet").layers if layer.name == "decoder.bottleneck5.main.body")
    assert seen.receptive_field is not None
    assert result == "x".join(map(str, seen.receptive_field.size))


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_operator_explains_its_worked_examples(name: str) -> None:
    """On symbols wherever its rules allow it, else on the numbers, and always with the engine's numbers."""
    for number, example in enumerate(OPERATORS[name].examples):
        operator, x = example.operation(OPERATORS[name])
        node = Node("layer", "layer", operator, (-1,), x, example.y, -1, (0, 0))
        rules, _, _ = ruled(node, ARITHMETIC)
        results = {rule.quantity: rule.result for rule in rules}
        for quantity, value in example.expect.items():
            title = {"macs": "MACs"}.get(quantity, quantity)
            if title in results and results[title] != "unknown":
                assert results[title] == f"{value:,}", (number, quantity)


@pytest.mark.parametrize(
    ("layer", "height"),
    [
        (("resnet50", "conv1"), ("ceil(in_height/2)", "ceil(224/2)", "112")),
        (("googlenet", "inception_3a.5x5.conv_2"), ("in_height", "28", "28")),
        (("googlenet", "pool1"), ("in_height//2", "112//2", "56")),
        (("vgg16", "pool1"), ("in_height//kernel", "224//2", "112")),
        (("lenet5", "C3"), ("in_height - kernel + 1", "14 - 5 + 1", "10")),
    ],
)
def test_extents_are_short(layer: tuple[str, str], height: tuple[str, str, str]) -> None:
    """The window's own numbers stand in the shape where symbols for them would make a long formula."""
    found = rules(*layer)["height"]
    assert (found[0], found[1] or found[2], found[2]) == height
    if layer[0] == "resnet50":
        assert "kernel**2" in rules(*layer)["weights"][0]


@pytest.mark.parametrize(
    ("example", "weights"),
    [
        (("bottleneck.yaml:direct", "spatial"), "256*256*3**2"),
        (("bottleneck.yaml:reduced", "reduce"), "64*256*1**2"),
        (("bottleneck.yaml:reduced", "expand"), "256*64*1**2"),
        (("reduction.yaml:direct", "5x5"), "256*128*5**2"),
        (("reduction.yaml:reduced", "5x5"), "256*32*5**2"),
    ],
)
def test_the_arithmetic_of_savings(example: tuple[str, str], weights: str) -> None:
    assert rules(f"specs/examples/{example[0]}", example[1])["weights"][1] == weights
