"""Networks of the library as modules of torch, read back: the spec is proven, its costs are those that they had."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

import archcalc  # noqa: E402
from archcalc.spec.library import all_names  # noqa: E402
from tests.benchmarks.importing.models import round_trip  # noqa: E402

pytestmark = pytest.mark.torch

SMALL: dict[str, dict[str, Any]] = {  # of every kind of module that torch lacks, with few layers
    "lenet5": {},
    "resnet18": {},
    "convnext_tiny": {},
    "enet": {},
    "mamba_130m": {"depth": 1},
    "mixtral_8x7b": {"depth": 2},
    "detr_resnet50": {"depth": 1, "stages": [1, 1, 1, 1]},
    "dit_s_8": {"depth": 2},
    "siglip_base": {"depth": 1, "text_depth": 1},
    "falcon_7b": {"depth": 3},
}


def assert_back(name: str, set: dict[str, Any] | None = None) -> None:
    """Proven, nothing unknown, with the parameters and MACs of the spec that it came from."""
    row = round_trip(name, set)
    assert row.error == ""
    assert row.proven
    assert row.is_exact
    assert (row.unknown, row.unused) == (0, 0)


@pytest.mark.parametrize("name", SMALL)
def test_there_and_back(name: str) -> None:
    assert_back(name, SMALL[name])


UNTOLD = {
    "yolo_v1@darknet": "a layer with weights of its own at every position is read as opaque",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in all_names() if not name.startswith(tuple(UNTOLD))])
def test_all_there_and_back(name: str) -> None:
    assert_back(name)


def test_the_input_may_be_a_tensor() -> None:
    found = archcalc.from_torch(torch.nn.Conv2d(3, 4, 3), torch.zeros(1, 3, 8, 8))
    assert found.macs == 4 * 27 * 6 * 6


def test_merges_have_their_place_in_the_graph_that_was_built() -> None:
    """Sums of blocks are functions of the model, and in the block that the spec has them in: it comes back as one."""
    found = archcalc.from_torch(archcalc.to_torch("gpt2", set={"depth": 3}, device="meta"), "tokens(16)")
    assert found.is_proven
    assert "blocks * 3" in found.text
    assert "add(identity, layer_norm >> mlp)" in found.text
    assert "add_block" not in found.text
