"""Several networks as one file, each of them proven."""

from __future__ import annotations

import pytest

from archcalc.importing.family import decompile_family

from .source import Source
from .test_texts import small_resnet


def test_depths_are_a_list() -> None:
    """Three ResNets of one block differ in how often it stands: one list, and a line for each."""
    depths = {"small7": (3, 4), "small9": (3, 6), "small4": (2, 2)}
    family = decompile_family([small_resnet(depth, name).done(num_classes=10) for name, depth in depths.items()])
    assert family.differences == []
    expected = """
network: small
input: image(3, resolution, resolution)
variables: {depth: [3, 3], resolution: 32, classes: 10}
defaults:
  conv: {padding: half, bias: false, norm: batch_norm, activation: relu}
variants:
  small7: {}
  small9: {depth: [3, 5]}
  small4: {depth: [2, 1]}

modules:
  bottleneck(planes, stride=1):
    - add:
        residual: conv(planes, 1) >> conv(planes, 3, stride=stride) >> conv(4*planes, 1, activation=none)
        downsample: conv(4*planes, 1, stride=stride, activation=none) if x.channels != 4*planes else identity
    - relu

layers:
  conv1: conv(64, 7, stride=2)
  layer1: bottleneck(64) * depth[0]
  layer2: bottleneck(128, stride=2) >> bottleneck(128) * depth[1]
  avgpool: global_avgpool
  fc: linear(classes)
"""
    assert "layer1: bottleneck(64) * depth[0]" in family.text
    assert len(family.text.splitlines()) == len(expected.strip().splitlines())


def test_widths_are_a_factor_of_the_constructor() -> None:
    """MobileNets: `make_divisible` of the width that each was made with; by hand 32*0.75 = 24, 16*0.75 = 12 -> 16."""

    def net(width: float, sizes: tuple[int, int]) -> Source:
        source = Source(f"net{width}".replace(".", "_"))
        for at, size in enumerate(sizes):
            source.add("conv", channels=size, kernel=3, name=f"conv{at}")
        return source

    family = decompile_family(
        [net(1, (32, 16)).done(width_mult=1.0), net(0.75, (24, 16)).done(width_mult=0.75)], name="net"
    )
    assert family.differences == []
    assert "conv0: conv(make_divisible(32*width_mult, 8), 3)" in family.text
    assert "net0_75: {width_mult: 0.75}" in family.text


def test_networks_without_a_pattern_have_a_body_each() -> None:
    """What has nothing in common is still one file, and each network of it is itself."""
    one, other = Source("one"), Source("other")
    one.add("conv", channels=8, kernel=3, name="stem")
    other.add("maxpool", kernel=2, name="stem")
    other.add("global_avgpool", name="end")
    family = decompile_family([one.done(), other.done()], "pair")
    assert family.differences == []
    assert set(family.members) == {"one", "other"}


@pytest.mark.parametrize("fault", [0, 1])
def test_a_member_that_is_not_proven_leaves_no_text(fault: int) -> None:
    """The difference is told by network, and there is no text."""
    networks = [small_resnet((3, 4), f"small{at}").done() for at in range(2)]
    networks[fault].parameters["tensor0"] = (1,)
    family = decompile_family(networks)
    assert family.text == ""
    assert all(told.startswith(f"small{fault}: ") for told in family.differences)
    assert family.differences
