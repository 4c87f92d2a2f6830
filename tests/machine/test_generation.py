"""Answering a prompt: what is read of weights and cache, by hand, and what the sum of all steps is."""

from __future__ import annotations

import json

import pytest

import archcalc
from archcalc.engine.machine.generation import generation
from archcalc.engine.machine.roofline import roofline
from archcalc.results.time import Bound
from archcalc.source import SpecError
from tests.cli.running import run


def test_all_steps_are_summed() -> None:
    """Forty steps, more than are sampled: their sum is that of each of them."""
    found = generation("gpt2", "t4", 100, 41, dtype="fp16")
    steps = [
        roofline("gpt2", "t4", "fp16", step=True, set={"past": past, "length": 1}).floor_s for past in range(100, 140)
    ]
    assert found.decode_s == pytest.approx(sum(steps), rel=1e-6)
    assert found.phases[1].floor_s == steps[0]
    assert found.phases[2].floor_s == steps[-1]
    assert found.tokens_per_s == pytest.approx(40 / sum(steps), rel=1e-6)


def test_a_decoder_is_bound_by_what_it_reads() -> None:
    """LLaMA-3 8B in bf16 on an H100: 15.0 GB of weights at 3.35 TB/s are 4.48 ms a token, before any cache."""
    found = generation("llama3_8b", "h100-sxm", 2048, 2)
    read = 2 * (8_030_261_248 - 128256 * 4096)  # all parameters but the embedding, of which a row is read
    assert found.phases[1].floor_s == pytest.approx(read / 3350e9, rel=0.03)
    assert found.phases[1].floor_s > read / 3350e9
    assert found.phases[1].bound is Bound.MEMORY
    assert found.phases[0].bound is Bound.COMPUTE
    assert found.first_token_s > 2 * 2048 * (read / 2) / 989.4e12


def test_one_token_takes_no_step() -> None:
    found = generation("gpt2", "t4", 16, 1, dtype="fp16")
    assert [phase.name for phase in found.phases] == ["prefill"]
    assert found.decode_s == 0


def test_more_prompts_share_the_weights() -> None:
    one, many = (generation("gpt2", "t4", 16, 8, dtype="fp16", batch=batch) for batch in (1, 16))
    assert one.tokens_per_s < many.tokens_per_s < 16 * one.tokens_per_s


def test_what_generates_nothing_is_refused() -> None:
    with pytest.raises(SpecError, match="generates nothing"):
        generation("resnet50", "t4", 16)
    with pytest.raises(ValueError, match="one token or more"):
        generation("gpt2", "t4", 0)


@pytest.mark.parametrize("columns", [80, 120])
def test_the_command(columns: int) -> None:
    arguments = ("estimate", "gpt2", "--device", "t4", "--dtype", "fp16", "--prompt", "128", "--generate", "64")
    found = run(*arguments, columns=columns).stdout
    assert "gpt2 on Tesla T4: first token after" in found
    assert max(map(len, found.splitlines())) <= columns
    written = json.loads(run(*arguments, "--format", "json").stdout)
    assert written == json.loads(json.dumps(archcalc.generation("gpt2", "t4", 128, 64, dtype="fp16").to_dict()))
    assert len(run(*arguments, "--format", "csv").stdout.splitlines()) == 5


def test_floors_alone_are_told_of_a_prompt() -> None:
    said = run("estimate", "gpt2", "--device", "t4", "--stack", "cudnn-5.1", "--prompt", "8", code=2).stderr
    assert "floors alone" in said
