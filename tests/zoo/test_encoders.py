"""Encoders, pictures with texts and scans as transformers defines them, one of each kind."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the torch extra is not installed")
pytest.importorskip("transformers", reason="the zoo extra is not installed")

from archcalc.torch_bridge.verify.verify import verify
from archcalc.torch_bridge.zoo.models import Known
from archcalc.torch_bridge.zoo.scans import MODELS

pytestmark = pytest.mark.torch

WHOLE = {"params", "macs"}
IN_STEPS = WHOLE | {"state", "macs_past_127", "state_past_127"}


@pytest.mark.parametrize(
    ("name", "quantities"),
    [
        ("bert_base", WHOLE),
        ("clip_vit_b_32", WHOLE),
        ("siglip_base", WHOLE),
        ("detr_resnet50", WHOLE),
        ("llava_1_5_7b", WHOLE),
        ("t5_small", IN_STEPS),
        ("bart_base", IN_STEPS),
        ("whisper_tiny", IN_STEPS),
    ],
)
def test_networks_are_as_transformers_defines_them(name: str, quantities: set[str]) -> None:
    found = verify(name, ["transformers"])
    assert found.differences == []
    assert found.not_counted == []
    assert {check.quantity for check in found.checks} == quantities


def test_an_output_of_its_own_that_transformers_ties_is_named() -> None:
    found = verify("t5_v1_1_small", ["transformers"])
    assert found.differences == []
    (tied,) = found.not_counted
    assert (tied.quantity, tied.ours) == ("params", 76_961_152)  # of the published file, recalled
    assert tied.theirs == 76_961_152 - 32_128 * 512
    assert "ties" in tied.reason


def test_scans_differ_by_formulas_that_are_said() -> None:
    found = verify("mamba_config", ["transformers"])
    assert found.differences == []
    macs = {check.quantity: check for check in found.not_counted}["macs"]
    padded, scanned = 32 * 1536 * 4 * 3, 32 * (1536 * 16 + 1536) * 64  # more, and not counted, by hand
    assert (padded, scanned) == (589_824, 53_477_376)
    assert macs.theirs == macs.ours + padded - scanned == 10_185_277_440  # type: ignore[operator]
    assert "1536*4 more" in macs.reason
    assert "counted as 1536*16*64, " in macs.reason
    assert "has 2*1536*16 + 1536 at each position" in macs.reason


@pytest.mark.parametrize(
    ("name", "quantity", "more"),
    [
        # Of the chunks of one layer, by hand: 2,151,677,952 products of two layers are 4,303,355,904.
        ("mamba2_config", "macs", 64 * (2_151_677_952 - (2 * 8192 * 128 + 8192) * 64 + 10_240 * 4 * 3)),
        ("mamba2_config", "macs_past_64", 64 * (8192 * 128 - (2 * 8192 * 128 + 8192) + 10_240 * 4)),
        ("jamba", "macs", 28 * (8192 * 4 * 3 - (8192 * 16 + 8192) * 16)),
        ("qwen3_next", "macs", 36 * (32 * 128 * (3 * 64 * 128 + 3 * 128**2) - 3 * 32 * 128**2 * 128 + 8192 * 4 * 3)),
        ("qwen3_next", "macs_past_127", 36 * (8192 * 4 - 3 * 32 * 128**2)),
    ],
)
def test_formulas_of_scans_by_hand(name: str, quantity: str, more: int) -> None:
    known = MODELS[name].known_of(quantity)
    assert known is not None
    assert known.more == more


def test_a_difference_that_is_known_hides_no_other() -> None:
    known = Known(more=-5)
    assert known.explains(12, 7)
    assert not known.explains(12, 8)
    assert not known.explains(12, 12)


def test_a_scan_in_steps_keeps_what_the_cache_has_but_one_position() -> None:
    found = verify("mamba2_130m", ["transformers"])
    assert found.differences == []
    states = {check.quantity: (check.ours, check.theirs) for check in found.not_counted}
    ours, theirs = states["state_past_64"]
    assert (ours, theirs) == (24 * (1536 * 128 + 1792 * 3), 24 * (1536 * 128 + 1792 * 4))
