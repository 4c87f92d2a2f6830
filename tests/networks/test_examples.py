"""The small networks under specs/examples that figures of the ledger are about, held to counts made elsewhere."""

from pathlib import Path

import pytest

import archcalc
from archcalc.results.cost import Totals

EXAMPLES = Path(__file__).parents[2] / "specs" / "examples"


def totals(file: str, variant: str = "", **set: int) -> Totals:
    """Of an example, with values of its variables."""
    return archcalc.analyze(f"{EXAMPLES / file}.yaml" + (f":{variant}" if variant else ""), set=set).totals


@pytest.mark.parametrize(
    ("variant", "params", "depth"),
    [
        ("preact164", 1_703_258, 164),  # params: modules of pytorchcv 0.0.74, preresnet164bn_cifar10
        ("preact1001", 10_327_706, 1001),  # preresnet1001_cifar10
        ("preact200", 64_666_280, 200),  # preresnet200
    ],
)
def test_preactivation_resnets(variant: str, params: int, depth: int) -> None:
    found = totals("preactivation", variant)
    assert (found.params, found.depth) == (params, depth)


def test_inception_v3_of_keras_has_the_params_that_xception_prints() -> None:
    """Chollet 2016, Table 3; each channel of a convolution has a bias, a scale and a shift."""
    found = totals("inception_v3_keras")
    assert found.params == 23_626_728
    assert found.norm_params == 2 * (found.biases - 1000)


def test_metaparameters_of_squeezenet() -> None:
    """Defaults are SqueezeNet (Iandola et al. 2016, Table 1); 13, 19 and 21 MB for the other three (section 5)."""
    assert totals("squeeze_ratio", "sr0125").params == 1_248_424
    assert totals("squeeze_ratio").params == 1_248_424
    sizes = [totals("squeeze_ratio", variant).size_bytes for variant in ("sr0500", "sr0750", "pct99")]
    assert [size // 2**20 for size in sizes] == [12, 18, 20]
    assert [size // 10**6 for size in sizes] == [13, 19, 21]


def test_factorised_kernels_of_equal_width() -> None:
    """Szegedy et al. 2015, section 3: weights of a position, by hand."""
    counts = {
        variant: totals("factorised", variant).weights
        for variant in ("conv5x5", "conv3x3", "two3x3", "asymmetric", "two2x2")
    }
    assert counts == {
        "conv5x5": 25 * 64**2,
        "conv3x3": 9 * 64**2,
        "two3x3": 18 * 64**2,
        "asymmetric": 6 * 64**2,
        "two2x2": 8 * 64**2,
    }


def test_doubled_adds_a_layer_to_each_of_nine_modules() -> None:
    """Each 5x5 from a maps to b, 25*a*b + b, becomes 9*a*b + b + 9*b*b + b."""
    widths = [(16, 32), (32, 96), (16, 48), (24, 64), (24, 64), (32, 64), (32, 128), (32, 128), (48, 128)]
    googlenet, doubled = archcalc.analyze("googlenet").totals, totals("doubled")
    assert doubled.depth - googlenet.depth == len(widths)
    assert doubled.params - googlenet.params == sum(9 * b * b + b - 16 * a * b for a, b in widths)


def test_segnet_is_vgg16_twice() -> None:
    """Thirteen convolutions of VGG-16, the same backwards without the first, and a classifier of 64 maps."""
    vgg = sum(archcalc.analyze("vgg16", scope=f"conv{number}").totals.weights for number in range(1, 6))
    assert totals("segnet").weights == 2 * vgg - 64 * 3 * 9 + 64 * 12 * 9
    assert totals("segnet", height=360, width=640).depth == 26


def test_first_rows_of_inception_v3_as_printed() -> None:
    """Szegedy et al. 2015, Table 1: input sizes of the rows, and 35x35x288 of the first module."""
    layers = archcalc.analyze(f"{EXAMPLES / 'inception_v3_table1'}.yaml").layers
    assert [str(layer.in_shape) for layer in layers] == [
        "3x299x299",
        "32x149x149",
        "32x147x147",
        "64x147x147",
        "64x73x73",
        "80x71x71",
        "192x35x35",
    ]
    assert str(layers[-1].out_shape) == "288x35x35"
