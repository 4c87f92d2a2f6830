"""Nets as published: totals that are known, of files that lie beside the checkout."""

from __future__ import annotations

from math import prod
from pathlib import Path

import pytest

from archcalc.importing.prototxt import read_prototxt
from tests.importing.prototxt.reading import totals

FOLDER = Path(__file__).parents[4] / "shared" / "import" / "prototxt"

# Parameters and MACs of one image. GoogLeNet, ResNet-50 and MobileNet as counted by another programme when the files
# were collected. By hand: LeNet 520 + 25,050 + 400,500 + 5,010 and 288,000 + 1,600,000 + 400,000 + 5,000; AlexNet and
# CaffeNet, whose convolutions have groups, 34,944 + 307,456 + 885,120 + 663,936 + 442,624 and three linear layers.
KNOWN = {
    "lenet_caffe": (431_080, 2_293_000),
    "bvlc_alexnet": (60_965_224, 724_406_816),
    "caffenet": (60_965_224, 724_406_816),
    "bvlc_googlenet": (6_998_552, 1_582_671_872),
    "msra_resnet50": (25_557_096, 3_857_973_248),
    "mobilenet_v1_caffe": (4_231_976, 568_740_352),
}


@pytest.mark.parametrize("name", KNOWN)
def test_totals_of_published_nets(name: str) -> None:
    path = FOLDER / f"{name}.prototxt"
    if not path.is_file():
        pytest.skip(f"{path} is not there: published nets lie beside the checkout")
    found = totals(read_prototxt(path))
    assert (found.params, found.macs) == KNOWN[name]


@pytest.mark.parametrize("name", ["msra_resnet152", "s_deploy_densenet121", "s_deploy_dpn92", "s_deploy_inception_v3"])
def test_every_tensor_of_a_net_is_stored_by_its_operators(name: str) -> None:
    path = FOLDER / f"{name}.prototxt"
    if not path.is_file():
        pytest.skip(f"{path} is not there: published nets lie beside the checkout")
    calls = read_prototxt(path)
    assert totals(calls).params == sum(prod(shape) for shape in calls.parameters.values())
    assert {weight for call in calls.calls for weight in call.weights} == {*calls.parameters, *calls.buffers}
