"""Models of torchvision as texts: how long they are, and families of them as one file."""

from __future__ import annotations

from typing import Any

import pytest

from archcalc.importing.decompile import decompile
from archcalc.importing.family import decompile_family

pytest.importorskip("torchvision", reason="the torch extra is not installed")
pytestmark = pytest.mark.torch


def read(name: str, **settings: Any) -> Any:
    """The calls of a model by its name."""
    from archcalc.torch_bridge.trace import read_torch

    said = ", ".join(f"{key}={value}" for key, value in settings.items())
    return read_torch(f"torchvision:{name}({said})" if said else f"torchvision:{name}")


def lines(text: str) -> int:
    """Lines that are not empty."""
    return sum(1 for line in text.splitlines() if line.strip())


@pytest.mark.parametrize(
    ("name", "most"),
    [("resnet50", 20), ("googlenet", 32), ("mobilenet_v2", 31), ("densenet121", 24), ("shufflenet_v2_x1_0", 30)],
)
def test_texts_are_as_short_as_a_person_writes_them(name: str, most: int) -> None:
    """At most so many lines, proven."""
    imported = decompile(read(name))
    assert imported.proof.differences == []
    assert lines(imported.text) <= most


def test_the_names_are_those_of_the_constructor() -> None:
    """The modules of GoogLeNet take what its class takes."""
    text = decompile(read("googlenet")).text
    assert "inception(ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj):" in text
    assert "inception3a: inception(64, 96, 128, 16, 32, 32)" in text


@pytest.mark.parametrize(
    ("members", "most"),
    [
        ([("resnet18", {}), ("resnet34", {}), ("resnet50", {})], 32),
        ([("vgg11", {}), ("vgg13", {}), ("vgg16", {})], 22),
        ([("mobilenet_v2", {}), ("mobilenet_v2", {"width_mult": 0.75}), ("mobilenet_v2", {"width_mult": 1.4})], 36),
    ],
    ids=["resnet", "vgg", "mobilenet_v2"],
)
def test_families(members: list[tuple[str, dict[str, Any]]], most: int) -> None:
    """Every member is reproduced, and the file is no longer than one that a person wrote."""
    family = decompile_family([read(name, **settings) for name, settings in members])
    assert family.differences == []
    assert len(family.members) == len(members)
    assert lines(family.text) <= most


def test_what_depends_on_the_input_is_found_by_a_second_reading() -> None:
    """DeepLab's pooled branch is resized to the maps beside it, an eighth of the input: right at 160 and at 224."""
    from archcalc.torch_bridge.trace import read_torch

    sizes = [read_torch("torchvision:deeplabv3_resnet50", (3, size, size)) for size in (160, 224)]
    imported = decompile(*sizes)
    assert imported.proof.differences == []
    assert "the same at resolution=224" in imported.proof.held
    assert (
        "aspp_pooling: global_avgpool >> conv(256, 1) >> upsample(mode=bilinear, size=(x.height, x.width))"
        in imported.text
    )
