"""Bytes of what a step keeps, at a data type of its own: a cache in 8 bits beside weights in 16."""

from __future__ import annotations

import json

import pytest

import archcalc
from tests.cli.running import run


def test_bytes_of_weights_and_of_the_state() -> None:
    """GPT-2 after 1,000 tokens, by hand: 12 layers keep keys and values of 768 channels at 1,001 positions."""
    elements = 12 * 2 * 768 * 1001
    cost = archcalc.analyze("gpt2", set={"past": 1000}, step=True, dtype="bf16", state_dtype="fp8")
    assert (cost.totals.state_bytes, cost.totals.size_bytes) == (elements, 2 * 124_439_808)
    alike = archcalc.analyze("gpt2", set={"past": 1000}, step=True, dtype="bf16")
    assert (alike.totals.state_bytes, alike.state_dtype) == (2 * elements, "bf16")
    assert sum(layer.state_bytes for layer in cost.layers) == elements
    assert cost["blocks"].totals.state_bytes == elements


def test_the_command_says_which() -> None:
    asked = ("gpt2", "--step", "--set", "past=1000", "--dtype", "bf16", "--state-dtype", "fp8")
    assert "18,450,432 bytes at fp8 = 17.60 MiB" in " ".join(run("show", *asked).stdout.split())
    (found,) = json.loads(run("show", *asked, "--format", "json").stdout)["networks"]
    assert (found["dtype"], found["state_dtype"]) == ("bf16", "fp8")
    assert "kept" in run("check", *asked, "--max", "state_bytes=18MiB").stdout
    assert "over" in run("check", *asked[:-2], "--max", "state_bytes=18MiB", code=1).stdout


def test_an_unknown_one_is_refused() -> None:
    assert "did you mean `fp8`" in run("show", "gpt2", "--step", "--state-dtype", "fp9", code=2).stderr
    with pytest.raises(ValueError, match="no dtype is called fp9"):
        archcalc.analyze("gpt2", state_dtype="fp9")
