"""Texts that are known: each was written by hand from the source beside it, as a person would write it."""

from __future__ import annotations

from typing import Any

import pytest

from archcalc.importing.decompile import decompile
from archcalc.importing.definitions import Definitions
from archcalc.importing.imported import Imported
from archcalc.ops import features, image

from .source import Source


def assert_text(imported: Imported, expected: str) -> None:
    """The text is proven and is this one."""
    assert imported.proof.differences == []
    assert imported.text == expected.lstrip("\n")


def bottleneck(source: Source, name: str, inplanes: int, planes: int, stride: int = 1) -> None:
    """The block of torchvision's ResNet: arguments and names are those of its class."""
    arguments = {"inplanes": inplanes, "planes": planes, "stride": stride, "groups": 1}
    with source.module(name, "Bottleneck", **arguments):
        begin = len(source.calls.calls) - 1
        source.conv_norm(planes, 1, name="1")
        source.conv_norm(planes, 3, stride, name="2")
        long = source.conv_norm(4 * planes, 1, name="3", activation="")
        short = begin
        if stride != 1 or inplanes != 4 * planes:
            with source.module("downsample", "Sequential"):
                with source.module("0", "Conv2d"):
                    source.add("conv", begin, channels=4 * planes, kernel=1, stride=stride, bias=False)
                with source.module("1", "BatchNorm2d"):
                    short = source.add("batch_norm")
        source.add("add", long, short)
        with source.module("relu", "ReLU"):
            source.add("relu")


def small_resnet(depth: tuple[int, ...] = (3, 4), name: str = "small") -> Source:
    """Two stages of bottlenecks."""
    source = Source(name)
    source.conv_norm(64, 7, 2, name="1")
    channels = 64
    for number, count in enumerate(depth):
        planes = 64 * 2**number
        with source.module(f"layer{number + 1}", "Sequential"):
            for at in range(count):
                bottleneck(source, str(at), channels, planes, 2 if at == 0 and number else 1)
                channels = 4 * planes
    with source.module("avgpool", "AdaptiveAvgPool2d"):
        source.add("global_avgpool")
    with source.module("fc", "Linear"):
        source.add("linear", channels=10)
    return source


RESNET = """
network: small
input: image(3, resolution, resolution)
variables: {resolution: 32, classes: 10}
defaults:
  conv: {padding: half, bias: false, norm: batch_norm, activation: relu}

modules:
  bottleneck(planes, stride=1):
    - add:
        residual: conv(planes, 1) >> conv(planes, 3, stride=stride) >> conv(4*planes, 1, activation=none)
        downsample: conv(4*planes, 1, stride=stride, activation=none) if x.channels != 4*planes else identity
    - relu

layers:
  conv1: conv(64, 7, stride=2)
  layer1: bottleneck(64) * 3
  layer2: bottleneck(128, stride=2) >> bottleneck(128) * 3
  avgpool: global_avgpool
  fc: linear(classes)
"""


def test_classes_become_modules_with_arguments_of_their_constructors() -> None:
    """`planes` and `stride` are free, `inplanes` is what comes in, the projection is there where channels change."""
    assert_text(decompile(small_resnet().done(num_classes=10)), RESNET)


def test_without_modules_a_block_is_a_merge_and_what_follows() -> None:
    """Names as in a prototxt: `res2a` is the sum of a block, stages are the stems of its neighbours' names."""
    source = Source("small")
    source.add("conv", channels=8, kernel=3, padding=1, name="conv1")
    for stage, channels in ((2, 8), (3, 16)):
        for letter in "abc":
            begin = len(source.calls.calls) - 1
            stride = 2 if letter == "a" and stage == 3 else 1
            name = f"res{stage}{letter}"
            source.add("conv", channels=channels, kernel=3, stride=stride, padding=1, name=f"{name}_branch2a")
            source.add("relu", name=f"{name}_branch2a_relu")
            long = source.add("conv", channels=channels, kernel=3, padding=1, name=f"{name}_branch2b")
            short = begin
            if letter == "a" and stage == 3:
                short = source.add("conv", begin, channels=channels, kernel=1, stride=stride, name=f"{name}_branch1")
            source.add("add", short, long, name=name)
            source.add("relu", name=f"{name}_relu")
    source.add("global_avgpool", name="pool5")
    expected = """
network: small
input: image(3, resolution, resolution)
variables: {resolution: 32}

modules:
  residual(channels, stride=1):
    - add:
        branch1: conv(channels, 1, stride=stride) if x.channels != channels else identity
        residual: conv(channels, 3, stride=stride, padding=half, activation=relu) >> conv(channels, 3, padding=half)
    - relu

layers:
  conv1: conv(8, 3, padding=half)
  res2: residual(8) * 3
  res3: residual(16, stride=2) >> residual(16) * 2
  pool5: global_avgpool
"""
    assert_text(decompile(source.done()), expected)


def test_inverted_residuals_have_two_conditions() -> None:
    """MobileNetV2: an expansion unless its ratio is 1, a shortcut where shapes allow it."""
    source = Source("small")
    source.conv_norm(16, 3, 2, name="1")
    with source.module("features", "Sequential"):
        inp = 16
        for at, (ratio, oup, stride) in enumerate([(1, 16, 1), (6, 24, 2), (6, 24, 1), (6, 32, 2), (6, 32, 1)]):
            with source.module(str(at), "InvertedResidual", inp=inp, oup=oup, stride=stride, expand_ratio=ratio):
                begin = len(source.calls.calls) - 1
                if ratio != 1:
                    source.add("conv", channels=ratio * inp, kernel=1, activation=None)
                source.add("depthwise", kernel=3, stride=stride, padding=1)
                source.add("conv", channels=oup, kernel=1)
                if stride == 1 and inp == oup:
                    source.add("add", begin, len(source.calls.calls) - 1)
                inp = oup
    expected = """
network: small
input: image(3, resolution, resolution)
variables: {resolution: 32}

modules:
  inverted_residual(oup, expand_ratio, stride=1):
    add:
      shortcut: identity if stride == 1 and x.channels == oup else none
      residual:
        - conv(expand_ratio*x.channels, 1) if expand_ratio != 1 else identity
        - depthwise(3, stride=stride, padding=half)
        - conv(oup, 1)

layers:
  conv1: conv(16, 3, stride=2, padding=half, bias=false, norm=batch_norm, activation=relu)
  features:
    - inverted_residual(16, 1)
    - inverted_residual(24, 6, stride=2)
    - inverted_residual(24, 6)
    - inverted_residual(32, 6, stride=2)
    - inverted_residual(32, 6)
"""
    assert_text(decompile(source.done()), expected)


def test_a_module_of_two_inputs_takes_the_second_as_an_argument() -> None:
    """A U-Net's way up: `Up(x, skip)`; what it refers to keeps its name."""
    source = Source("small", input=image(1, 32, 32))
    kept = []
    for at, channels in enumerate((8, 16)):
        with source.module(f"down{at + 1}", "Double"):
            source.add("conv", channels=channels, kernel=3, padding=1)
            kept.append(source.add("conv", channels=channels, kernel=3, padding=1))
        source.add("maxpool", kernel=2)
    with source.module("deep", "Double"):
        source.add("conv", channels=32, kernel=3, padding=1)
        source.add("conv", channels=32, kernel=3, padding=1)
    for at, channels in enumerate((16, 8)):
        with source.module(f"up{at + 1}", "Up"):
            up = source.add("deconv", channels=channels, kernel=2, stride=2)
            source.add("concat", kept.pop(), up)
            with source.module("double", "Double"):
                source.add("conv", channels=channels, kernel=3, padding=1)
                source.add("conv", channels=channels, kernel=3, padding=1)
    expected = """
network: small
input: image(1, resolution, resolution)
variables: {resolution: 32}

modules:
  double(channels): conv(channels, 3, padding=half) * 2
  up(skip): concat(skip, deconv(x.channels//2, 2, stride=2)) >> double(x.channels//2)

layers:
  down1: double(8)
  maxpool: maxpool(2)
  down2: double(16)
  maxpool_2: maxpool(2)
  deep: double(32)
  up1: up(down2)
  up2: up(down1)
"""
    assert_text(decompile(source.done()), expected)


def test_a_layer_that_is_called_again_is_shared() -> None:
    """One set of weights: one is stored, and the proof holds that."""
    source = Source("small", input=features(8))
    with source.module("first", "Linear"):
        source.add("linear", channels=8, weights=("first.weight",))
    with source.module("act", "ReLU"):
        source.add("relu")
    with source.module("first", "Linear"):
        source.add("linear", channels=8, weights=("first.weight",))
    imported = decompile(source.done())
    assert imported.proof.differences == []
    assert "share(first)" in imported.text


def test_tied_weights_are_told() -> None:
    """A linear layer with the weights of an embedding, and what reads nothing comes from a source."""
    source = Source("small", input=image(4, 8, 8))
    source.add("conv", channels=16, kernel=1, name="embed", weights=("w",), bias=False)
    source.add("global_avgpool", name="pool")
    source.add("linear", channels=16, name="out", weights=("own",), bias=False)
    imported = decompile(source.done())
    assert imported.proof.differences == []
    assert "weights=" not in imported.text


def test_further_outputs_and_what_reaches_none() -> None:
    """Outputs after the first are kept; a dead operation is a note, and its tensors are named."""
    source = Source("small")
    stem = source.add("conv", channels=8, kernel=3, name="stem")
    source.add("conv", stem, channels=4, kernel=1, name="dead", weights=("dead.weight",))
    aux = source.add("global_avgpool", stem, name="aux")
    source.add("conv", stem, channels=8, kernel=3, name="last")
    imported = decompile(source.done(aux, stem))
    expected = """
network: small
input: image(3, resolution, resolution)
variables: {resolution: 32}

layers:
  stem: conv(8, 3)
  last: conv(8, 3)

outputs:
  out1: tap(stem) >> global_avgpool
  out2: tap(stem)
"""
    assert_text(imported, expected)
    assert imported.proof.unused == ["dead.weight"]
    assert any("1 operations reach no output" in note for note in imported.notes)
    assert imported.outputs == {"out1": "out1", "out2": "out2"}


def test_unknown_operations_are_listed_with_their_reason() -> None:
    """What has no operator is opaque: its parameters are exact, and it is told."""
    source = Source("small")
    source.add("conv", channels=8, kernel=3, name="stem")
    source.add("opaque", channels=8, params=100, name="odd")
    source.calls.calls[-1].reason = "aten::fft has no operator"
    imported = decompile(source.done())
    assert imported.proof.differences == []
    assert [(of.name, of.layer, of.reason) for of in imported.unknown] == [("odd", "odd", "aten::fft has no operator")]


def test_names_that_a_spec_cannot_have() -> None:
    """Reserved words, digits first and dashes; the map of names tells where each went."""
    source = Source("9-small net")
    first = source.add("conv", channels=8, kernel=3, name="1x1-conv/reduce")
    source.add("conv", first, channels=8, kernel=3, padding=1, name="concat")
    source.add("add", first, len(source.calls.calls) - 1, name="x")
    imported = decompile(source.done())
    assert imported.proof.differences == []
    assert imported.text.startswith("network: 9-small_net\n")
    assert set(imported.names) == {"1x1-conv/reduce", "concat", "x"}


def test_numbers_that_depend_on_the_input_are_functions_of_it() -> None:
    """DeepLab resizes to the input: what two readings at two sizes tell; a structure that differs is said."""

    def read(resolution: int, has_more: bool = False) -> Source:
        source = Source("small", input=image(3, resolution, resolution))
        source.add("conv", channels=8, kernel=3, stride=2, padding=1, name="stem")
        if has_more:
            source.add("relu", name="more")
        source.add("upsample", size=(resolution, resolution), mode="bilinear", name="resize")
        return source

    imported = decompile(read(32).done(), read(64).done())
    assert imported.proof.differences == []
    assert "upsample(mode=bilinear, size=(height, width))" in imported.text
    assert "the same at height=64, width=64" in imported.proof.held
    alone = decompile(read(32).done(), read(64, has_more=True).done())
    assert alone.proof.differences == []
    assert "input: image(3, 32, 32)" in alone.text
    assert any("at another size" in note for note in alone.notes)


def test_no_rule_is_made_up_that_any_two_numbers_have() -> None:
    """7 and 29 channels at 32 and 64 pixels lie on a line, as any two points do: it says nothing of other sizes."""

    def read(resolution: int, channels: int) -> Source:
        source = Source("small", input=image(3, resolution, resolution))
        source.add("conv", channels=channels, kernel=3, name="stem")
        return source

    alone = decompile(read(32, 7).done(), read(64, 29).done())
    assert alone.proof.differences == []
    assert "input: image(3, 32, 32)" in alone.text
    (note,) = [note for note in alone.notes if "at another size" in note]
    assert "`stem`" in note
    twice = decompile(read(32, 64).done(), read(64, 128).done())
    assert "conv(2*resolution, 3)" in twice.text


def test_the_same_network_at_two_sizes_keeps_its_variables() -> None:
    """Nothing depends on the size: the text is that of one reading, and the second is held too."""
    wide = Source("small", input=image(3, 64, 64))
    narrow = Source("small", input=image(3, 32, 32))
    for source in (narrow, wide):
        source.add("conv", channels=8, kernel=3, name="stem")
    imported = decompile(narrow.done(), wide.done())
    assert imported.proof.held[-1] == "the same at resolution=64"


def test_a_plainer_text_is_tried_where_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules that cannot be made leave a text without them, which is proven too, and says so."""

    def fail(*_: Any) -> None:
        raise ValueError("no module today")

    monkeypatch.setattr(Definitions, "define", fail)
    imported = decompile(small_resnet().done(num_classes=10))
    assert imported.proof.differences == []
    assert "modules:" not in imported.text
    assert imported.notes == ["the text does not show the modules of the source: ValueError: no module today"]
