"""Tables of networks as data, and which of them says what about which spec."""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

TABLES = Path(__file__).parent / "tables"
ZOO = Path(__file__).parent / "zoo"  # totals of networks under their own names, as other libraries have them


class Row(NamedTuple):
    """A layer as a table has it."""

    name: str
    operator: str
    shape: tuple[int, int, int]  # channels, height, width; a vector has height and width 1
    weights: int
    biases: int
    norm_params: int
    params: int
    macs: int
    kernel: tuple[int, ...]  # nothing where the table has none
    stride: int | None
    padding: int | str | None
    dilation: int | None
    groups: int | None
    norm: str
    activation: str
    inputs: tuple[str, ...]


class Total(NamedTuple):
    """A network as the list of totals has it."""

    params: int
    macs: int
    confirmed_by: str


class Facts(NamedTuple):
    """What is known about a spec: its totals, and its rows where there is a table of them."""

    total: str
    table: str | None = None
    input: tuple[int, ...] | None = None  # where it is not the spec's own


@cache
def rows(table: str) -> tuple[Row, ...]:
    """Rows of a table, in its order."""
    with (TABLES / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(map(_row, csv.DictReader(file)))


def _row(cells: dict[str, str]) -> Row:
    pad, groups, dilation = cells["pad"], cells["groups"], cells["dilation"]
    return Row(
        name=cells["name"],
        operator=cells["operator"],
        shape=(int(cells["out_c"]), int(cells["out_h"]), int(cells["out_w"])),
        weights=int(cells["weights"]),
        biases=int(cells["biases"]),
        norm_params=int(cells["norm_params"]),
        params=int(cells["params"]),
        macs=int(cells["macs"]),
        kernel=tuple(map(int, cells["kernel"].split("x"))) if cells["kernel"] else (),
        stride=int(cells["stride"]) if cells["stride"] else None,
        padding=int(pad) if pad.isdigit() else pad or None,
        dilation=int(dilation) if dilation.isdigit() else None,
        groups=int(groups) if groups.isdigit() else None,
        norm=cells["batchnorm"],
        activation=cells["act"],
        inputs=tuple(cells["inputs"].split(";")),
    )


@cache
def totals() -> dict[str, Total]:
    """All totals by the names that the lists give them."""
    found: dict[str, Total] = {}
    for path in sorted([*TABLES.glob("*.json"), *ZOO.glob("*.json")]):
        entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        for entry in entries:
            name = entry.pop("network")
            assert name not in found
            found[name] = Total(**entry)
    return found


FACTS: dict[str, Facts] = {
    "lenet5": Facts("LeNet-5 (1998)", "lenet5-1998"),
    "lenet5@full": Facts("LeNet full C3 (modern)", "lenet5-full-c3"),
    "lenet@caffe": Facts("LeNet Caffe", "lenet-caffe"),
    "lenet@tfslim": Facts("LeNet TF-slim", "lenet-tfslim"),
    "alexnet": Facts("AlexNet (bvlc_alexnet, 227, groups)", "alexnet-caffe"),
    "alexnet@pruned": Facts("AlexNet (bvlc_alexnet, 227, groups)", "alexnet-caffe"),  # counted before pruning
    "caffenet": Facts("CaffeNet", "caffenet"),
    "alexnet@ungrouped": Facts("AlexNet one-tower ungrouped 227", "alexnet-ungrouped-227"),
    "alexnet@torchvision": Facts("AlexNet OWT (torchvision)", "alexnet-owt-torchvision"),
    "alexnet@tfslim": Facts("AlexNet v2 (TF-slim)", "alexnet-v2-tfslim"),
    "vgg11": Facts("VGG A", "vgg-A"),
    "vgg11@lrn": Facts("VGG A-LRN", "vgg-A-LRN"),
    "vgg11@bn": Facts("VGG A BN", "vgg-A-bn"),
    "vgg13": Facts("VGG B", "vgg-B"),
    "vgg13@bn": Facts("VGG B BN", "vgg-B-bn"),
    "vgg16@c": Facts("VGG C", "vgg-C"),
    "vgg16": Facts("VGG D", "vgg-D"),
    "vgg16@bn": Facts("VGG D BN", "vgg-D-bn"),
    "vgg19": Facts("VGG E", "vgg-E"),
    "vgg19@bn": Facts("VGG E BN", "vgg-E-bn"),
    **{
        f"vgg{depth}@torchvision": Facts(f"VGG {letter}", f"vgg-{letter}")
        for depth, letter in ((11, "A"), (13, "B"), (16, "D"), (19, "E"))
    },
    **{
        f"vgg{depth}@torchvision-bn": Facts(f"VGG {letter} BN", f"vgg-{letter}-bn")
        for depth, letter in ((11, "A"), (13, "B"), (16, "D"), (19, "E"))
    },
    "googlenet": Facts("GoogLeNet (Caffe, main)", "googlenet-caffe"),
    "googlenet@torchvision": Facts("GoogLeNet torchvision (no aux)", "googlenet-torchvision"),
    "googlenet@naive": Facts("GoogLeNet naive modules (derived)", "googlenet-naive-whole-net"),
    "resnet18": Facts("ResNet-18", "resnet18"),
    "resnet18@torchvision": Facts("ResNet-18", "resnet18"),
    "resnet18@option-a": Facts("ResNet-18 option A", "resnet18-optA"),
    "resnet18@option-c": Facts("ResNet-18 option C", "resnet18-optC"),
    "resnet34": Facts("ResNet-34", "resnet34"),
    "resnet34@torchvision": Facts("ResNet-34", "resnet34"),
    "resnet34@option-a": Facts("ResNet-34 option A", "resnet34-optA"),
    "resnet34@option-c": Facts("ResNet-34 option C", "resnet34-optC"),
    "plain18": Facts("plain-18", "plain18"),
    "plain34": Facts("plain-34", "plain34"),
    **{
        f"resnet{depth}{ours}": Facts(f"ResNet-{depth} {theirs}", f"resnet{depth}-{table}")
        for depth in (50, 101, 152)
        for ours, theirs, table in (
            ("", "v1", "v1"),
            ("@torchvision", "v1.5", "v1.5"),
            ("@tfslim", "TF-slim v1", "v1-tfslim"),
        )
    },
    **{
        f"resnet{depth}": Facts(f"ResNet-{depth} CIFAR (A)", f"resnet{depth}-cifar-optA")
        for depth in (20, 32, 44, 56, 110)
    },
    "resnet1202": Facts("ResNet-1202 CIFAR (A)"),
    "resnet20@option-b": Facts("ResNet-20 CIFAR (B)", "resnet20-cifar-optB"),
    **{f"resnet{depth}@option-b": Facts(f"ResNet-{depth} CIFAR (B)") for depth in (32, 44, 56, 110, 1202)},
    "nin-cifar10": Facts("NIN CIFAR-10", "nin-cifar10-avgpool2"),
    "nin-cifar10@maxpool": Facts("NIN CIFAR-10", "nin-cifar10-maxpool2"),
    "nin-imagenet": Facts("NIN ImageNet", "nin-imagenet"),
    "overfeat-fast": Facts("OverFeat fast", "overfeat-fast"),
    "overfeat-accurate": Facts("OverFeat accurate", "overfeat-accurate"),
    "zfnet": Facts("ZFNet", "zfnet"),
    "zfnet@wide": Facts("ZFNet wide 512-1024-512", "zfnet-wide-512-1024-512"),
    **{f"ciresan-{number}": Facts(f"Ciresan MLP {number}", f"ciresan-mlp-{number}") for number in range(1, 6)},
    "bn_inception": Facts("BN-Inception (Caffe)", "bn-inception-caffe"),
    "bn_inception@tfslim": Facts("BN-Inception (TF-slim inception_v2)", "bn-inception-tfslim"),
    "inception_v3": Facts("Inception v3", "inception-v3"),
    "inception_v4": Facts("Inception v4", "inception-v4"),
    "inception_resnet_v1": Facts("Inception-ResNet-v1 (paper)", "inception-resnet-v1-paper"),
    "inception_resnet_v1@facenet": Facts("Inception-ResNet-v1 (facenet)", "inception-resnet-v1-facenet"),
    "inception_resnet_v2": Facts("Inception-ResNet-v2 (paper)", "inception-resnet-v2-paper"),
    "inception_resnet_v2@tfslim": Facts("Inception-ResNet-v2 (TF-slim)", "inception-resnet-v2-slim"),
    "squeezenet1_0": Facts("squeezenet-v1.0-224", "squeezenet-v1.0-224"),
    "squeezenet1_0@caffe": Facts("squeezenet-v1.0-caffe-227", "squeezenet-v1.0-caffe-227"),
    "squeezenet1_0@pruned": Facts("squeezenet-v1.0-224", "squeezenet-v1.0-224"),  # counted before pruning
    "squeezenet1_0@simple-bypass": Facts("squeezenet-v1.0-simple-bypass-224", "squeezenet-v1.0-simple-bypass-224"),
    "squeezenet1_0@complex-bypass": Facts("squeezenet-v1.0-complex-bypass-224", "squeezenet-v1.0-complex-bypass-224"),
    "squeezenet1_1": Facts("squeezenet-v1.1-224", "squeezenet-v1.1-224"),
    "squeezenet1_1@caffe": Facts("squeezenet-v1.1-caffe-227", "squeezenet-v1.1-caffe-227"),
    "enet": Facts("ENet 512x512 (20 classes)", "enet-512x512"),
    "enet@encoder": Facts("ENet encoder 512x512 (20 classes)", "enet-encoder-512"),
    **{
        f"fractalnet{20 * 2**more}": Facts(f"FractalNet ultra-deep C={3 + more} ({20 * 2**more} layers)")
        for more in range(4)
    },
    "fractalnet20@released": Facts("FractalNet CIFAR C=3 (released)", "fractalnet-cifar-c3-released"),
    "fractalnet40@released": Facts("FractalNet CIFAR C=4", "fractalnet-cifar-c4"),
    "fractalnet34": Facts("FractalNet-34 ImageNet", "fractalnet34-imagenet"),
    "resnext50_32x4d": Facts("ResNeXt-50 32x4d"),
    **{f"resnext101_{groups}d": Facts(f"ResNeXt-101 {groups}d") for groups in ("32x4", "32x8", "64x4")},
    **{f"wide_resnet{depth}_2": Facts(f"Wide ResNet-{depth}-2") for depth in (18, 34, 50, 101)},
    **{
        f"wide_resnet{depth}_{k}": Facts(f"WRN-{depth}-{k}", f"wrn-{depth}-{k}")
        for depth, k in ((16, 8), (28, 10), (40, 4))
    },
    **{f"densenet{depth}": Facts(f"DenseNet-{depth}") for depth in (121, 161, 169, 201, 264)},
    **{f"densenet{depth}_k{k}": Facts(f"DenseNet (L={depth}, k={k})") for depth, k in ((40, 12), (100, 12), (100, 24))},
    **{
        f"densenet{depth}_k{k}_bc": Facts(f"DenseNet-BC (L={depth}, k={k})")
        for depth, k in ((100, 12), (250, 24), (190, 40))
    },
    **{f"convnext_{size}": Facts(f"ConvNeXt-{size[0].upper()}") for size in ("tiny", "small", "base", "large")},
    "mobilenet_v1": Facts("MobileNet", "mobilenet-v1"),
    "mobilenet_v1@tf": Facts("MobileNet"),  # whose windows lie otherwise than in the table
    **{
        f"mobilenet_v1@x{width.replace('.', '_')}": Facts(f"MobileNet {width}", f"mobilenet-v1-{width}")
        for width in ("0.75", "0.5", "0.25")
    },
    "mobilenet_v1@shallow": Facts("MobileNet, shallow", "mobilenet-v1-shallow"),
    "mobilenet_v1@full": Facts("MobileNet of full convolutions", "mobilenet-v1-full"),
    "mobilenet_v2": Facts("MobileNetV2"),
    "mobilenet_v2@x1_4": Facts("MobileNetV2 1.4"),
    **{f"mobilenet_v3_{size}": Facts(f"MobileNetV3-{size.title()}") for size in ("large", "small")},
    **{
        f"shufflenet_v2_x{ours}{of}": Facts(f"ShuffleNet V2 {theirs}{f' ({of[1:]})' if of else ''}")
        for ours, theirs in (("0_5", "0.5x"), ("1_0", "1x"), ("1_5", "1.5x"), ("2_0", "2x"))
        for of in ("", "@torchvision")
    },
    **{f"efficientnet_b{number}": Facts(f"EfficientNet-B{number}") for number in range(8)},
    **{f"efficientnet_v2_{size}": Facts(f"EfficientNetV2-{size.upper()}") for size in "sml"},
    **{f"mnasnet{width.replace('.', '_')}": Facts(f"MnasNet-B1 {width}") for width in ("0.5", "0.75", "1.0", "1.3")},
}

OF_ZOO = {entry["network"] for path in ZOO.glob("*.json") for entry in json.loads(path.read_text(encoding="utf-8"))}
FACTS |= {name: Facts(name) for name in sorted(OF_ZOO)}

# The same networks on images of another size.
AT_OTHER_SIZES: list[tuple[str, Facts]] = [
    ("enet", Facts("ENet 640x360", "enet-640x360", (3, 360, 640))),
    ("enet", Facts("ENet 1024x512", "enet-1024x512", (3, 512, 1024))),
    ("squeezenet1_0", Facts("squeezenet-v1.0-paper-227", "squeezenet-v1.0-paper-227", (3, 227, 227))),
    ("squeezenet1_0@caffe", Facts("squeezenet-v1.0-caffe-224", "squeezenet-v1.0-caffe-224", (3, 224, 224))),
]

# Checked by their totals alone: nobody wrote down their rows.
WITHOUT_TABLE = {
    *OF_ZOO,
    "mobilenet_v1@tf",  # values are held against a module by hand, in tests/torch/test_outputs
    "resnet1202",
    "resnet32@option-b",
    "resnet44@option-b",
    "resnet56@option-b",
    "resnet110@option-b",
    "resnet1202@option-b",
    "fractalnet20",
    "fractalnet40",
    "fractalnet80",
    "fractalnet160",
    # rows are held against the live model, in test_torchvision_more
    *(f"convnext_{size}" for size in ("tiny", "small", "base", "large")),
    *("mobilenet_v2", "mobilenet_v2@x1_4", "mobilenet_v3_large", "mobilenet_v3_small"),
    *(f"shufflenet_v2_x{width}{of}" for width in ("0_5", "1_0", "1_5", "2_0") for of in ("", "@torchvision")),
    *(f"efficientnet_b{number}" for number in range(8)),
    *(f"efficientnet_v2_{size}" for size in "sml"),
    *("mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3"),
    *("resnext50_32x4d", "resnext101_32x4d", "resnext101_32x8d", "resnext101_64x4d"),
    *(f"wide_resnet{depth}_2" for depth in (18, 34, 50, 101)),
    *(f"densenet{depth}" for depth in (121, 161, 169, 201, 264)),
    *("densenet40_k12", "densenet100_k12", "densenet100_k24"),
    *("densenet100_k12_bc", "densenet250_k24_bc", "densenet190_k40_bc"),
}

# With the heads that are used in training only.
WITH_HEADS: dict[str, Facts] = {
    "googlenet": Facts("GoogLeNet (Caffe, +2 aux)", "googlenet-caffe-aux"),
    "googlenet@torchvision": Facts("GoogLeNet torchvision +aux", "googlenet-torchvision-aux"),
    "inception_v3": Facts("Inception v3 + aux", "inception-v3-aux"),
}
