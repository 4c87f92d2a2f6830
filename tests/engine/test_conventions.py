"""Conventions of tools against what the tools report: one operator at a time, and whole networks."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import archcalc
from archcalc.engine.cost.components import decompose
from archcalc.engine.cost.conventions import CONVENTIONS, FVCORE_FUSED, TOOLS, terms_of
from archcalc.engine.cost.kinds import MULTIPLIED, NOT_COMPARED
from archcalc.engine.cost.versions import VERSIONS
from archcalc.engine.network import load
from archcalc.ops import OPERATORS
from archcalc.results.convention import AMOUNTS
from archcalc.results.reconciliation import PARTS
from tests.cli.running import run

MEASURED = Path(__file__).parent / "conventions"
NAMES = list(CONVENTIONS)


def rows(name: str) -> list[dict[str, str]]:
    with (MEASURED / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", rows("operators.csv"), ids=lambda row: row["case"])
def test_one_operator(row: dict[str, str], tmp_path: Path) -> None:
    spec = tmp_path / "one.yaml"
    spec.write_text(f"network: one\ninput: {row['input']}\nlayers:\n  it: {row['layer']}\n", encoding="utf-8")
    expected = {name: int(row[name]) for name in row if name in CONVENTIONS}
    ours = {name: archcalc.analyze(str(spec), convention=name).totals.flops for name in expected}
    assert ours == expected
    assert len(expected) == len(TOOLS) - 1  # torchvision documents networks, not operators


# What a tool counts of torchvision's code and not of the network, in elements measured by hooks on the models:
# calls of functions (3,226,160 elements of relu in GoogLeNet; 8,967,488 of relu, 574,752 inputs of max pooling and
# 2,002,400 of average pooling in Inception v3), and the pooling of VGG from 7x7 to 7x7, of 25,088 inputs and outputs.
RELU, MAXIMUM, AVERAGE, IDLE = 8_967_488, 574_752, 2_002_400, 25_088
CODING: dict[str, dict[str, int]] = {
    "googlenet@torchvision": {"ptflops": -3_226_160},
    "inception_v3": {"ptflops": -RELU - MAXIMUM - AVERAGE, "thop": -AVERAGE},
    **{
        name: {"ptflops": 2 * IDLE, "thop": 2 * IDLE}
        | dict.fromkeys(("fvcore", "torchprofile", "calflops", "deepspeed"), IDLE)
        for name in ("vgg16", "vgg19")
    },
}


@pytest.mark.parametrize("network", list(dict.fromkeys(row["network"] for row in rows("networks.csv"))))
def test_whole_network(network: str) -> None:
    reported = {row["convention"]: int(row["figure"]) for row in rows("networks.csv") if row["network"] == network}
    ours = {
        name: archcalc.analyze(network, convention=name).totals.flops + CODING.get(network, {}).get(name, 0)
        for name in reported
    }
    assert ours == reported
    assert len(reported) == len(TOOLS) - 1


# An export of a batch norm alone has nothing to fold it into: 31 for each of 2,048 elements; behind a convolution,
# as in every network below, it is a bias.
UNFOLDED = {("bn2d_affine", "onnx_tool"): 30 * 2048, ("bn2d_noaffine", "onnx_tool"): 30 * 2048}


@pytest.mark.parametrize("row", rows("versions.csv"), ids=lambda row: row["case"])
def test_one_operator_in_other_versions(row: dict[str, str], tmp_path: Path) -> None:
    spec = tmp_path / "one.yaml"
    spec.write_text(f"network: one\ninput: {row['input']}\nlayers:\n  it: {row['layer']}\n", encoding="utf-8")
    expected = {name: int(row[name]) for name in row if name in CONVENTIONS and row[name]}
    ours = {
        name: archcalc.analyze(str(spec), convention=name).totals.flops + UNFOLDED.get((row["case"], name), 0)
        for name in expected
    }
    assert ours == expected
    assert len(expected) >= 14
    assert {convention.name for convention in VERSIONS if convention.name != "onnx_tool"} <= expected.keys()


# Coding again: a mean over positions that modules' hooks do not see (62,720 elements in MobileNet v2, 50,176 in
# DenseNet-121), with the 1,280 or 1,024 outputs; there a ReLU that is a function, of as many elements; in Inception v3
# an average pooling of 3x3 windows, at 2,002,400 outputs; the pooling of VGG from 7x7 to 7x7.
MEAN, DENSE = 62_720, 50_176
CODING_OF_VERSIONS: dict[str, dict[str, int]] = {
    "mobilenet_v2": dict.fromkeys(("thop_0_0", "ultralytics_thop", "torchscan", "torchscan_macs"), -MEAN - 1280)
    | {"ptflops_0_6": -MEAN},
    "densenet121": {"ptflops_0_6": -2 * DENSE} | dict.fromkeys(("thop_0_0", "ultralytics_thop"), -DENSE - 1024),
    "googlenet@torchvision": {"ptflops_0_6": -3_226_160},
    "inception_v3": {
        "ptflops_0_6": -RELU - MAXIMUM - AVERAGE,
        "thop_0_0": -AVERAGE,
        "ultralytics_thop": -10 * AVERAGE,
    },
    **dict.fromkeys(
        ("vgg11", "vgg16", "vgg19"),
        dict.fromkeys(("thop_0_0", "ultralytics_thop", "torchscan", "torchscan_macs"), 2 * IDLE)
        | dict.fromkeys(("ptflops_0_6", "torchlens", "onnx_tool"), IDLE),
    ),
}


@pytest.mark.parametrize("network", list(dict.fromkeys(row["network"] for row in rows("networks_of_versions.csv"))))
def test_whole_network_in_other_versions(network: str) -> None:
    found = [row for row in rows("networks_of_versions.csv") if row["network"] == network]
    reported = {row["convention"]: int(row["figure"]) for row in found}
    ours = {
        name: archcalc.analyze(network, convention=name).totals.flops + CODING_OF_VERSIONS.get(network, {}).get(name, 0)
        for name in reported
    }
    assert ours == reported


def test_two_per_mac_and_documentation() -> None:
    macs = 4_089_184_256  # torchvision documents 4.089 for resnet50
    for name, expected in {"two_per_mac": 2 * macs, "torchvision": macs, "macs": macs}.items():
        assert archcalc.analyze("resnet50@torchvision", convention=name).totals.flops == expected


@pytest.mark.parametrize("name", NAMES)
def test_layers_add_up_to_the_totals(name: str) -> None:
    """By three ways: layer by layer, by equal operations, and by what the convention counts."""
    cost = archcalc.analyze("googlenet", convention=name, batch=3, with_heads=True)
    assert cost.totals.flops == sum(layer.flops for layer in cost.layers)
    assert cost.totals.flops == sum(term.worth * many for term, many in terms_of(cost))
    assert cost.totals.flops > 0


def test_a_scope_and_heads_count_as_the_rest() -> None:
    whole = archcalc.analyze("googlenet", convention="ptflops")
    parts = [archcalc.analyze("googlenet", convention="ptflops", scope=stage) for stage in whole.stages()]
    assert sum(part.totals.flops for part in parts) == whole.totals.flops
    assert archcalc.analyze("googlenet", convention="ptflops", with_heads=True).totals.flops > whole.totals.flops


def test_components_add_up_to_every_convention() -> None:
    graph = load("resnet18@torchvision").graph()
    components = decompose(graph, TOOLS)
    for convention in TOOLS:
        total = sum(component.many * component.worth.get(convention.name, 0) for component in components)
        assert total == archcalc.analyze("resnet18@torchvision", convention=convention.name).totals.flops
    # 224x224: 18 layers of normalised elements as measured by hooks are the elements of all convolutions' outputs
    norm = next(component for component in components if component.part == "norm" and component.words != "parameters")
    assert norm.many == archcalc.analyze("resnet18@torchvision").totals.neurons - 1000
    assert norm.worth == {"fvcore": 2, "ptflops": 2, "thop": 4, "torchprofile": 1, "calflops": 2, "deepspeed": 2}


def test_components_are_of_a_kind_of_work() -> None:
    """The kinds in their order, and of each the largest first."""
    components = decompose(load("resnet18@torchvision").graph(), TOOLS)
    assert {(component.operator, component.part) for component in components} == {
        ("conv", "MACs"),
        ("linear", "MACs"),
        ("linear", "bias"),
        ("batch_norm", "norm"),
        ("relu", "activation"),
        ("maxpool", "pooling"),
        ("global_avgpool", "pooling"),
    }
    order = [(PARTS.index(component.part), -component.many) for component in components]
    assert order == sorted(order)


# One operator of each family that some tool counts, a softmax among them.
KINDS = """\
network: kinds
input: image(4, 6, 6)
layers:
  up: deconv(2, 2, stride=2)
  norm: lrn(3)
  slope: prelu
  copies: upsample(2)
  pool: adaptive_avgpool(3)
  fc: linear(5)
  softmax: softmax
"""


def test_every_family_is_of_its_kind_of_work(tmp_path: Path) -> None:
    spec = tmp_path / "kinds.yaml"
    spec.write_text(KINDS, encoding="utf-8")
    components = decompose(load(str(spec)).graph(), TOOLS)
    assert {(component.operator, component.part) for component in components} == {
        ("deconv", "MACs"),
        ("deconv", "bias"),
        ("lrn", "norm"),
        ("prelu", "activation"),
        ("upsample", "other"),
        ("adaptive_avgpool", "pooling"),
        ("linear", "MACs"),
        ("linear", "bias"),
        ("softmax", "activation"),
    }
    # by hand: 32 weights at 6x6 inputs or at 12x12 outputs; 5 elements at one position, of which thop counts 3 and -1
    many = {(component.operator, component.words): component.many for component in components}
    assert many["deconv", "MACs"] == 32 * 36
    assert many["deconv", "weights times output positions"] == 32 * 144
    assert (many["softmax", "outputs"], many["softmax", "positions"]) == (5, 1)
    worth = {component.words: component.worth for component in components if component.operator == "softmax"}
    assert worth["outputs"] == {"ptflops": 1, "thop": 3, "calflops": 1, "deepspeed": 1}
    assert worth["positions"] == {"thop": -1}


@pytest.mark.parametrize(
    ("read", "of_fvcore"), [("image(2, 4, 4)", {"fvcore": 1}), ("sequence(2, 16)", {}), ("volume(2, 4, 2, 2)", {})]
)
def test_inputs_of_pooling_are_one_component(read: str, of_fvcore: dict[str, int], tmp_path: Path) -> None:
    """The network's own input, 2 * 16 elements of it; fvcore counts those of images alone."""
    spec = tmp_path / "inputs.yaml"
    spec.write_text(f"network: inputs\ninput: {read}\nlayers:\n  pool: global_avgpool\n", encoding="utf-8")
    components = decompose(load(str(spec)).graph(), TOOLS)
    (inputs,) = (component for component in components if component.words == "inputs")
    assert (inputs.part, inputs.many) == ("pooling", 32)
    assert inputs.worth == {"ptflops": 2, "thop": 1, "calflops": 1, "deepspeed": 1, **of_fvcore}


def test_conventions_are_sound_data() -> None:
    for name, convention in CONVENTIONS.items():
        assert name == convention.name
        assert convention.source
        assert convention.about[0] in "0123456789" or convention.about[0].islower()
        assert bool(convention.version) == (convention in (*TOOLS, FVCORE_FUSED, *VERSIONS))
        for term in (*convention.terms, *convention.functions):
            assert term.amount in AMOUNTS
            assert term.worth != 0
            assert term.operators <= OPERATORS.keys()
        said = [(term.amount, name) for term in convention.terms for name in term.operators or OPERATORS]
        assert len(said) == len(set(said)), name  # nothing is counted by two terms


@pytest.mark.parametrize("name", [name for name in NAMES if name != "macs"])
def test_show_and_compare_under_every_convention(name: str) -> None:
    shown = run("show", "resnet18@torchvision", "--convention", name, "--by", "stage").stdout
    assert f"FLOPs ({name})" in shown
    assert f"convention {name} |" in shown
    header = run("compare", "lenet5", "resnet18", "--convention", name, "--format", "csv").stdout.splitlines()[0]
    assert f"flops_{name}" in header.split(",")


def test_explain_says_what_is_counted() -> None:
    found = " ".join(run("explain", "resnet50@torchvision", "--convention", "fvcore").stdout.split())
    assert "2 for a batch-normalised element" in found
    assert "11,113,984 2 22,227,968" in found
    layer = " ".join(run("explain", "resnet50@torchvision", "conv1", "--convention", "thop").stdout.split())
    assert "4*affine = 4*802,816 = 3,211,264" in layer


def test_the_list_of_conventions() -> None:
    text = run("conventions").stdout
    assert all(f"\n{name}" in f"\n{text}" for name in CONVENTIONS)
    assert "thop/vision/basic_hooks.py" in text
    table = list(csv.DictReader(run("conventions", "--format", "csv").stdout.splitlines()))
    assert {row["convention"] for row in table} == CONVENTIONS.keys()
    relu = [row for row in table if row["convention"] == "ptflops" and "relu" in row["operators"].split()]
    assert [(row["amount"], row["worth"]) for row in relu] == [("outputs", "2")]


def test_operators_that_multiply_are_those_with_macs() -> None:
    """But for torchvision's, which no counter of torch's knows."""
    found = {
        name
        for name, cls in OPERATORS.items()
        for operator, x in [example.operation(cls) for example in cls.examples]
        if operator.arithmetic(x, operator.infer(x)).macs
    }
    assert found - {"deform_conv"} == MULTIPLIED
    assert OPERATORS.keys() >= NOT_COMPARED


def test_fused_attention_is_no_operation_to_fvcore() -> None:
    """fvcore 0.1.5.post20221221 of timm 1.0's vit_base_patch16_224 and deit_tiny_patch16_224, on the CPU."""
    for name, figure in {"vit_b_16": 16_867_412_736, "deit_tiny": 1_079_579_328}.items():
        assert archcalc.analyze(name, convention="fvcore_fused").totals.flops == figure


@pytest.mark.parametrize("name", NAMES)
def test_closed_forms_are_what_a_convention_counts(name: str, tmp_path: Path) -> None:
    """Windows of average pooling that hang over the edge or lie in the padding among them, which thop's heir counts."""
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "network: net\ninput: image(2, resolution, resolution)\nvariables: {resolution: 16}\nlayers:\n"
        "  a: avgpool(3, stride=2, padding=1, count_include_pad=false)\n"
        "  b: conv(4, 3, padding=half, norm=batch_norm)\n"
        "  c: avgpool(3, stride=2, ceil=true)\n  d: avgpool(2, stride=1, padding=same)\n  e: global_avgpool\n",
        encoding="utf-8",
    )
    column = "macs" if name == "macs" else f"flops_{name}"
    form = archcalc.closed_form(str(spec), ["resolution"], column)
    for resolution in (7, 12, 33):
        assert form(resolution=resolution) == archcalc.analyze(str(spec), convention=name, set={
            "resolution": resolution}).totals.flops  # fmt: skip
