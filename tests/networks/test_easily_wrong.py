"""Figures that are easily got wrong: each of specs/counting.md for these families, from first principles."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import pytest

import archcalc
from archcalc.dims import Polynomial, ceil_div, substitute, variable
from archcalc.results.cost import NetworkCost
from archcalc.spec.library import all_names


def by_name(cost: NetworkCost, field: str) -> dict[str, int]:
    return {layer.name: getattr(layer, field) for layer in cost.layers}


def test_lenet5_parameters_layer_by_layer() -> None:
    """LeCun et al. 1998: 60,000 trainable parameters; the codes of the output are fixed and are none."""
    cost = archcalc.analyze("lenet5")
    expected = {"C1": 156, "S2": 12, "C3": 1_516, "S4": 32, "C5": 48_120, "F6": 10_164, "OUT": 0}
    assert by_name(cost, "params") == expected
    assert cost.totals.params == 60_000
    assert cost.totals.buffers == 840


def test_lenet5_connections_layer_by_layer() -> None:
    """LeCun et al. 1998: 340,908 connections, of which 840 of the output."""
    cost = archcalc.analyze("lenet5")
    expected = {"C1": 122_304, "S2": 5_880, "C3": 151_600, "S4": 2_000, "C5": 48_120, "F6": 10_164, "OUT": 840}
    assert by_name(cost, "connections") == expected
    assert cost.totals.connections == sum(expected.values()) == 340_908


def test_lenet5_neurons() -> None:
    """The paper's figures by layer: 4,704 of C1, 1,176 of S2, 1,600 of C3, 400 of S4, then 120, 84 and 10."""
    cost = archcalc.analyze("lenet5")
    expected = {"C1": 4_704, "S2": 1_176, "C3": 1_600, "S4": 400, "C5": 120, "F6": 84, "OUT": 10}
    assert by_name(cost, "neurons") == expected


def test_lenet5_sees_its_whole_input() -> None:
    """C5 sees 32 x 32: 5, 6, 14, 16, 32 pixels after each layer."""
    seen = {layer.name: layer.receptive_field for layer in archcalc.analyze("lenet5").layers}
    sizes = [field.size for name in ("C1", "S2", "C3", "S4", "C5") if (field := seen[name])]
    assert sizes == [(5, 5), (6, 6), (14, 14), (16, 16), (32, 32)]


@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [
        ("alexnet", 60_965_224, 724_406_816),
        ("alexnet@torchvision", 61_100_840, 714_188_480),
        ("alexnet@ungrouped", 62_378_344, 1_135_256_096),
        ("vgg16", 138_357_544, 15_470_264_320),
        ("googlenet", 6_998_552, 1_582_671_872),
        ("googlenet@torchvision", 6_624_904, 1_498_376_192),
        ("resnet50", 25_557_032, 3_857_973_248),
        ("resnet50@torchvision", 25_557_032, 4_089_184_256),
    ],
)
def test_totals(name: str, params: int, macs: int) -> None:
    totals = archcalc.analyze(name).totals
    assert (totals.params, totals.macs) == (params, macs)


def test_inputs_of_alexnet() -> None:
    assert archcalc.analyze("alexnet").input == (3, (227, 227))
    assert archcalc.analyze("alexnet@torchvision").input == (3, (224, 224))


def test_neurons_of_alexnet() -> None:
    """The paper prints 253,440 for the first layer; 55 x 55 x 96 = 290,400, and then they sum to its "650,000"."""
    cost = archcalc.analyze("alexnet")
    neurons = {name: count for name, count in by_name(cost, "neurons").items() if count}
    assert list(neurons.values()) == [290_400, 186_624, 64_896, 64_896, 43_264, 4_096, 4_096, 1_000]
    assert cost.totals.neurons == 659_272


def test_receptive_field_of_vgg16() -> None:
    field = next(layer for layer in archcalc.analyze("vgg16").layers if layer.name == "pool5").receptive_field
    assert field is not None
    assert field.size == (212, 212)
    assert field.jump == (Fraction(32), Fraction(32))


def test_heads_of_googlenet() -> None:
    without, having = archcalc.analyze("googlenet"), archcalc.analyze("googlenet", with_heads=True)
    assert (having.totals.params, having.totals.macs) == (13_378_280, 1_591_044_096)
    assert sum(layer.params for layer in having.layers if layer.head) == 13_378_280 - 6_998_552
    assert not any(layer.head for layer in without.layers)
    assert archcalc.analyze("googlenet@torchvision", with_heads=True).totals.params == 13_004_888


def test_inception_3a() -> None:
    """387,072 weights without the 1x1 reductions; with them 163,328, and 157,184 without the pool's projection."""
    naive = archcalc.analyze("googlenet@naive").stages()["inception_3a"]
    reduced = archcalc.analyze("googlenet").stages()["inception_3a"]
    assert sum(layer.weights for layer in naive) == 387_072
    assert sum(layer.weights for layer in reduced) == 163_328
    assert sum(layer.macs for layer in reduced) == 163_328 * 28 * 28
    projection = next(layer for layer in reduced if layer.name == "inception_3a.pool.conv")
    assert 163_328 - projection.weights == 157_184
    assert round(157_184 / 387_072, 3) == 0.406


@pytest.mark.parametrize(
    ("size", "width", "params", "macs"),
    [
        ("large", "0.75", 3_993_528, 154_560_624),
        ("small", "0.75", 2_041_872, 43_399_344),
        ("large", "1.25", 7_551_976, 355_221_920),
        ("small", "1.25", 3_205_384, 90_800_864),
    ],
)
def test_widths_of_mobilenet_v3(size: str, width: str, params: int, macs: int) -> None:
    """As in timm 1.0.31 (mobilenetv3_large_075 and so on): a block expands what it reads, scaled and rounded."""
    totals = archcalc.analyze(f"mobilenet_v3_{size}", set={"width": width}).totals
    assert (totals.params, totals.macs) == (params, macs)


def test_where_stages_of_shufflenet_begin() -> None:
    """24 channels become 116: 24 and 92 in the authors' code, 58 and 58 in torchvision; later stages double both."""
    for name, left, right in (("shufflenet_v2_x1_0", 24, 92), ("shufflenet_v2_x1_0@torchvision", 58, 58)):
        given = {layer.name: layer.out_shape.channels for layer in archcalc.analyze(name).layers}
        assert (given["stage2.down.left.expand"], given["stage2.down.right.expand"]) == (left, right)
        assert (given["stage3.down.left.expand"], given["stage3.down.right.expand"]) == (116, 116)


def test_resnet50_at_multiples_of_32() -> None:
    form = archcalc.closed_form("resnet50@torchvision", ["resolution"])
    n = variable("n")
    assert substitute(form.number, {"resolution": 32 * n}) == 83_410_944 * n**2 + 2_048_000


def six_terms(r: Polynomial) -> Polynomial:
    """What ResNet-50 costs at every resolution, as design/architecture.md prints it."""
    terms = [(9_408, 2), (245_760, 4), (1_310_720, 8), (7_471_104, 16), (14_417_920, 32)]
    total = sum((factor * ceil_div(r, step) ** 2 for factor, step in terms), 0 * r + 2_048_000)
    assert isinstance(total, Polynomial)
    return total


def test_resnet50_has_six_terms() -> None:
    form = archcalc.closed_form("resnet50@torchvision", ["resolution"])
    assert isinstance(form.number, Polynomial)
    assert form == six_terms(variable("resolution"))
    assert len(form.number.terms) == 6
    assert str(form) == (
        "9408*ceil(resolution/2)**2 + 245760*ceil(resolution/4)**2 + 1310720*ceil(resolution/8)**2 "
        "+ 7471104*ceil(resolution/16)**2 + 14417920*ceil(resolution/32)**2 + 2048000"
    )


def test_resnet50_at_any_resolution() -> None:
    """The formula and the integer engine at 300 resolutions, 1 among them."""
    form = archcalc.closed_form("resnet50@torchvision", ["resolution"])
    network = archcalc.load("resnet50@torchvision")
    chosen = random.Random(50)
    for resolution in [1, 2, 31, 32, 33, 224, *(chosen.randrange(1, 3000) for _ in range(294))]:
        exact = archcalc.analyze(network, set={"resolution": resolution}).totals.macs
        assert form(resolution=resolution) == exact


EXAMPLES = Path(__file__).parents[2] / "specs" / "examples"


@pytest.mark.parametrize(
    ("file", "weights", "size", "ratio"),
    [
        # one 3x3 convolution against 1x1 to 64, 3x3, 1x1 back; "nearly 10" in the literature
        ("bottleneck", (589_824, 16_384 + 36_864 + 16_384), 64, 8.47),
        # 128 maps into 256 kernels of 5x5, and through 32 maps; "about 4" in the literature
        ("reduction", (819_200, 4_096 + 204_800), 100, 3.92),
    ],
)
def test_examples(file: str, weights: tuple[int, int], size: int, ratio: float) -> None:
    """What reducing first saves, without biases, in weights and in multiply-accumulates alike."""
    direct, reduced = (archcalc.analyze(f"{EXAMPLES / file}.yaml:{variant}") for variant in ("direct", "reduced"))
    assert (direct.totals.params, reduced.totals.params) == weights
    assert (direct.totals.weights, reduced.totals.weights) == weights
    assert (direct.totals.macs, reduced.totals.macs) == tuple(count * size**2 for count in weights)
    assert round(direct.totals.weights / reduced.totals.weights, 2) == ratio
    assert {cost.layers[-1].out_shape for cost in (direct, reduced)} == {(256, (size, size))}


def test_examples_are_the_figures_of_the_literature() -> None:
    """69,632 and 208,896, and 2,415,919,104 against 285,212,672, and 8,192,000,000 against 2,088,960,000 MACs."""
    costs = [
        archcalc.analyze(f"{EXAMPLES / file}.yaml:{variant}").totals
        for file in ("bottleneck", "reduction")
        for variant in ("direct", "reduced")
    ]
    assert [cost.weights for cost in costs] == [589_824, 69_632, 819_200, 208_896]
    assert [cost.macs for cost in costs] == [2_415_919_104, 285_212_672, 8_192_000_000, 2_088_960_000]


@pytest.mark.parametrize("size", [1, 14, 33])
def test_ratio_of_the_bottleneck_at_every_size(size: int) -> None:
    direct, reduced = (
        archcalc.analyze(f"{EXAMPLES / 'bottleneck.yaml'}:{variant}", set={"resolution": size}).totals
        for variant in ("direct", "reduced")
    )
    assert direct.macs * 69_632 == reduced.macs * 589_824


def test_examples_are_not_listed() -> None:
    examples = {path.stem for path in EXAMPLES.glob("*.yaml")}
    assert examples >= {"bottleneck", "reduction"}
    assert not (examples | {"direct", "reduced"}) & set(all_names())


DEPTHS = {
    "lenet5": 5,  # convolutions and fully connected; the paper counts 7 with its subsampling layers
    "alexnet": 8,
    "googlenet": 22,
    "googlenet@torchvision": 22,
    "vgg11": 11,
    "vgg13": 13,
    "vgg16@c": 16,
    "vgg16": 16,
    "vgg19": 19,
    **{f"resnet{depth}": depth for depth in (18, 20, 32, 34, 44, 50, 56, 101, 110, 152, 1202)},
    **{f"resnet{depth}@torchvision": depth for depth in (18, 34, 50, 101, 152)},
    "plain18": 18,
    "plain34": 34,
    "mobilenet_v1": 28,  # Howard et al. 2017, section 3.2: depthwise and pointwise convolutions counted separately
    "zfnet": 8,  # Zeiler and Fergus 2013, Figure 3: "8 layer"
    "overfeat-fast": 8,  # Sermanet et al. 2013 number the layers of Table 1 to 8, of Table 3 to 9
    "overfeat-accurate": 9,
    # Ciresan et al. 2010, Table 1: hidden layers, and the output
    **{f"ciresan-{number}": hidden + 1 for number, hidden in enumerate((2, 3, 4, 5, 9), 1)},
    # Szegedy et al. 2016 say 42 of the network of their Table 1 (recalled); what was released has 48
    "inception_v3": 48,
    # Larsson et al. 2016: B * 2**(C - 1) convolutions with 5 blocks; the classifier is one layer more
    **{f"fractalnet{depth}": depth + 1 for depth in (20, 40, 80, 160)},
    "fractalnet20@released": 20 + 1,
    "fractalnet40@released": 40 + 1,
    # on ImageNet as ResNet-34 counts: 4 blocks of 8, the first convolution and the classifier
    "fractalnet34": 34,
}


@pytest.mark.parametrize("name", DEPTHS)
def test_depth(name: str) -> None:
    """Layers with weights, as papers count them: shortcut projections are none of them."""
    assert archcalc.analyze(name).totals.depth == DEPTHS[name]


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5])
def test_depth_of_a_fractal_block(columns: int) -> None:
    """Larsson et al. 2016, section 3.1: 2**(C - 1) convolutions on the longest path of 2**C - 1."""
    cost = archcalc.analyze("fractalnet20", set={"columns": columns})
    assert cost.totals.depth == 5 * 2 ** (columns - 1) + 1
    assert sum(layer.type == "conv" for layer in cost.layers) == 5 * (2**columns - 1)


def test_depth_with_pooling() -> None:
    """Szegedy et al. 2015: 22 layers, 27 with pooling."""
    assert archcalc.analyze("googlenet").totals.depth_with_pooling == 27
    assert archcalc.analyze("vgg16").totals.depth_with_pooling == 21


@pytest.mark.parametrize(
    ("name", "dtype", "size"),
    [
        ("resnet50", "fp32", 25_557_032 * 4),
        ("resnet50", "fp16", 25_557_032 * 2),
        ("vgg16", "fp32", 553_430_176),  # 528 MiB, which people call 528 MB
        ("alexnet", "int8", 60_965_224),
        ("alexnet", "int4", 30_482_612),
        ("lenet5", "int4", 30_000),
    ],
)
def test_size(name: str, dtype: str, size: int) -> None:
    assert archcalc.analyze(name, dtype=dtype).totals.size_bytes == size
