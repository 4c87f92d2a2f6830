"""Every network of the library: its graph as calls, their text, and the graph of the text, which is the same."""

from __future__ import annotations

import pytest

from archcalc.engine.network import load
from archcalc.importing.decompile import decompile
from archcalc.spec.library import all_names

from .from_graph import calls_of

SMALL = [
    "alexnet",
    "densenet121",
    "googlenet",
    "inception_v3",
    "lenet5",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "resnet18",
    "resnet50",
    "shufflenet_v2",
    "squeezenet",
    "swin_t",
    "t5_small",
    "unet",
    "vgg16",
    "vit_b_16",
]


def assert_proven(name: str, with_scopes: bool) -> None:
    """The text of a network of the library is proven to be it; parameters of the calls are all stored."""
    imported = decompile(calls_of(load(name).graph(with_heads=False), with_scopes))
    assert imported.proof.differences == []
    assert imported.text.startswith("network: ")
    assert imported.proof.unused == []


@pytest.mark.parametrize("name", [name for name in SMALL if name in all_names()])
@pytest.mark.parametrize("with_scopes", [False, True], ids=["bare", "scopes"])
def test_networks(name: str, with_scopes: bool) -> None:
    """Some of every kind."""
    assert_proven(name, with_scopes)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in all_names() if name not in SMALL])
@pytest.mark.parametrize("with_scopes", [False, True], ids=["bare", "scopes"])
def test_all_networks(name: str, with_scopes: bool) -> None:
    """All others."""
    assert_proven(name, with_scopes)
