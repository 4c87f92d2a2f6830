"""Networks as transformers and timm define them: every one has a spec, and what is counted of a few is equal."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the torch extra is not installed")
pytest.importorskip("transformers", reason="the zoo extra is not installed")

from archcalc import analyze
from archcalc.engine.network import load
from archcalc.spec.library import all_names
from archcalc.torch_bridge.verify.verify import verify
from archcalc.torch_bridge.zoo.definitions import MODELS, zoo_model
from tests.networks.golden import OF_ZOO

pytestmark = pytest.mark.torch

# One of each kind; `archcalc verify --all` holds all of them.
FEW = ["gpt2", "llama3_2_1b", "qwen2_5_0_5b", "qwen3@transformers-moe", "gemma3_1b", "deepseek_v2_lite", "gpt_oss_20b"]


def test_every_definition_is_of_a_network() -> None:
    assert set(MODELS) <= set(all_names())
    assert {name for name in MODELS if zoo_model(load(name)) is None} == set()


@pytest.mark.parametrize("name", FEW)
def test_networks_are_as_their_library_defines_them(name: str) -> None:
    found = verify(name, ["transformers"])
    assert found.differences == []
    assert {check.quantity for check in found.checks if "_past_" not in check.quantity} == {"params", "macs", "state"}
    assert len(found.checks) == 5


def test_what_a_library_has_otherwise_is_said_with_its_factor() -> None:
    found = verify("falcon_40b", ["transformers"])
    known = {check.quantity: (check.ours, check.theirs) for check in found.not_counted}
    assert known["state_past_127"] == (7_864_320, 16 * 7_864_320)
    assert found.differences == []


def test_facts_are_those_of_the_library() -> None:
    """Totals that stand in files are what a live model gives, for the smallest of them."""
    assert "gpt2" in OF_ZOO
    checks = {check.quantity: check.theirs for check in verify("gpt2", ["transformers"]).checks}
    totals = analyze("gpt2").totals
    assert (checks["params"], checks["macs"]) == (totals.params, totals.macs) == (124_439_808, 145_824_153_600)


def test_what_is_too_large_for_memory_is_not_traced() -> None:
    (check,) = verify("llama3_405b", ["fvcore"]).checks
    assert (check.quantity, check.state) == ("runs", "not counted")
