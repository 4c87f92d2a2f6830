"""What is kept between steps: by hand, by published figures, and by what transformers allocates."""

from __future__ import annotations

from typing import Any

import pytest

import archcalc
from archcalc.engine.cost.allocations import ENGINES, RULES
from archcalc.engine.cost.cache import cache_of
from archcalc.results.cache import Cache, Kind

DECODER = """
network: decoder
input: tokens(length)
variables: {length: 16, past: 0, width: 512, heads: 8, kv_heads: 2, windows: [none, none, none, none]}
defaults:
  linear: {bias: false}
modules:
  attention(window):
    - attend(heads=heads, kv_heads=kv_heads, causal=true, window=window):
        q: linear(width) >> rotary
        k: linear(kv_heads*64) >> rotary >> cache(past, window)
        v: linear(kv_heads*64) >> cache(past, window)
    - linear(width)
  block(window): add(identity, rms_norm >> attention(window))
layers:
  tokens: embedding(1000, width)
  blocks: (block(w) for w in windows)
"""

LATENT = """
network: latent
input: tokens(length)
variables: {length: 16, past: 0, depth: 61, width: 7168, heads: 128, way: made}
defaults:
  linear: {bias: false}
  conv: {bias: false}
modules:
  made:
    queries: linear(heads*192)
    down:    tap(x) >> linear(576)
    latent:  slice_channels(0, 512) >> rms_norm >> cache(past)
    up:      linear(heads*256)
    mixed:
      attend(heads=heads, causal=true):
        q: tap(queries)
        k:
          concat:
            nope: slice_channels(0, heads*128)
            rope: tap(down) >> slice_channels(512, 576) >> rotary >> cache(past) >> repeat_channels(heads)
        v: slice_channels(heads*128, heads*256)
    out: linear(width)
  absorbed:
    queries: linear(heads*192)
    down:    tap(x) >> linear(576)
    latent:  slice_channels(0, 512) >> rms_norm >> cache(past)
    mixed:
      attend(heads=heads, kv_heads=1, causal=true):
        q:
          concat:
            nope: tap(queries) >> slice_channels(0, heads*128) >> conv(heads*512, 1, groups=heads)
            rope: tap(queries) >> slice_channels(heads*128, heads*192) >> rotary
        k:
          concat:
            nope: identity
            rope: tap(down) >> slice_channels(512, 576) >> rotary >> cache(past)
        v: identity
    up:  conv(heads*128, 1, groups=heads)
    out: linear(width)
  block: add(identity, way)
layers:
  tokens: embedding(1000, width)
  blocks: block * depth
"""

TRANSLATOR = """
network: translator
input:
  source: tokens(source_length)
  target: tokens(length)
variables: {source_length: 50, length: 12, past: 0, width: 128, heads: 4}
modules:
  cross(memory):
    attend(heads=heads):
      q: linear(width)
      k: tap(memory) >> linear(width)
      v: tap(memory) >> linear(width)
  causal:
    attend(heads=heads, causal=true):
      q: linear(width)
      k: linear(width) >> cache(past)
      v: linear(width) >> cache(past)
  decoder(memory):
    - add(identity, causal)
    - add(identity, cross(memory))
layers:
  embedded: embedding(1000, width)
  memory:   linear(width)
  targets:  tap(target) >> embedding(1000, width)
  decoder:  decoder(memory) * 3
"""

RECURRENT = """
network: recurrent
input: tokens(length)
variables: {length: 12, width: 64}
modules:
  mixer:
    - depthwise(4, padding=causal, activation=silu)
    - gru(96)
layers:
  tokens: embedding(1000, width)
  mixer:  mixer * 1
"""


def kinds(found: Cache) -> dict[Kind, tuple[int, int]]:
    return {part.kind: (part.layers, part.elements) for part in found.parts}


def sizes(found: Cache) -> dict[str, int | None]:
    return {of.rule.name: of.size_bytes for of in found.reserved}


def test_keys_and_values_of_all_positions() -> None:
    found = cache_of(DECODER, past=99, batch=3)
    assert kinds(found) == {Kind.FULL: (4, 3 * 4 * 2 * 2 * 64 * 100)}
    assert found.size_bytes == 2 * 307_200
    assert found.next_bytes == 2 * 4 * 2 * 2 * 64


def test_of_a_window_one_position_less() -> None:
    found = cache_of(DECODER + "\n", past=99, set={"windows": "[8, none, 8, none]"}, dtype="fp8")
    assert kinds(found) == {Kind.FULL: (2, 2 * 256 * 100), Kind.WINDOW: (2, 2 * 256 * 7)}
    assert {part.kind: part.next_bytes for part in found.parts} == {Kind.FULL: 512, Kind.WINDOW: 0}
    early = cache_of(DECODER, past=3, set={"windows": "[8, none, 8, none]"}, dtype="fp8")
    assert {part.kind: part.next_bytes for part in early.parts} == {Kind.FULL: 512, Kind.WINDOW: 512}


@pytest.mark.parametrize("way", ["made", "absorbed"])
def test_a_latent_takes_what_its_authors_print(way: str) -> None:
    """70.272 KB a token: "Insights into DeepSeek-V3", 2025, Table 1 (recalled)."""
    found = cache_of(LATENT, past=8191, set={"way": way})
    assert kinds(found) == {Kind.LATENT: (61, 61 * 576 * 8192)}
    assert found.next_bytes == 70_272
    assert found.size_bytes == 70_272 * 8192


def test_a_cache_that_is_expanded_and_formulas() -> None:
    """DeepSeek-V3 by hand: 128 heads of 192 channels of keys and 128 of values; formulas from its configuration."""
    found = cache_of(LATENT, past=8191)
    token = {name: size // 8192 for name, size in sizes(found).items() if size is not None}
    assert token["transformers_dynamic"] == 70_272
    assert token["transformers_expanded"] == token["preallocated"] == 2 * 61 * (128 * 192 + 128 * 128)
    assert token["formula_heads"] == 2 * 2 * 61 * 128 * 192
    assert token["formula_hidden"] == 2 * 2 * 61 * 7168
    assert token["formula_latent_twice"] == 2 * 2 * 61 * 512
    assert [round(float(f), 1) for of in found.reserved if (f := found.factor(of)) and of.rule.formula == "hidden"] == [
        24.9
    ]


def test_what_an_absorbed_latent_does_not_tell() -> None:
    found = cache_of(LATENT, past=7, set={"way": "absorbed"})
    assert sizes(found)["transformers_expanded"] is None
    assert sizes(found)["formula_heads"] is None
    assert all(of.reason for of in found.reserved if of.size_bytes is None)


def test_pages_by_hand() -> None:
    """100 positions of two full layers and two with a window of 8: 256 elements of one byte a position and layer."""
    found = sizes(cache_of(DECODER, past=99, batch=3, dtype="fp8", set={"windows": "[8, none, 8, none]"}))
    layers = 2 * 256
    assert found["transformers_dynamic"] == 3 * layers * (100 + 7)
    assert found["transformers_static"] == 3 * layers * (100 + 8)
    assert found["transformers_dynamic_4"] == 3 * layers * (100 + 100)
    assert found["vllm"] == 3 * layers * (112 + 16 + 16)
    assert found["vllm_no_hybrid"] == 3 * layers * (112 + 112)
    assert found["tensorrt_llm"] == 3 * layers * (128 + 32 + 32)
    assert found["tensorrt_llm_64"] == 3 * layers * (128 + 64 + 64)
    assert found["llama_cpp"] == layers * (512 + 512)
    assert found["llama_cpp_swa_full"] == layers * (512 + 512)
    assert found["formula_heads"] == 3 * 2 * 4 * 512 * 100
    assert found["formula_kv_heads"] == 3 * 2 * 4 * 128 * 100


def test_the_whole_context_at_once() -> None:
    found = cache_of(DECODER, past=99, context=4096, dtype="fp8")
    assert sizes(found)["transformers_static"] == 4 * 256 * 4096
    assert sizes(found)["vllm"] == 4 * 256 * 112


def test_another_input_is_kept_once() -> None:
    found = cache_of(TRANSLATOR, past=9)
    assert kinds(found) == {Kind.FULL: (3, 3 * 256 * 10), Kind.CROSS_ATTENTION: (3, 3 * 256 * 50)}
    assert {part.kind: part.next_bytes for part in found.parts}[Kind.CROSS_ATTENTION] == 0


def test_states_of_fixed_size() -> None:
    found = cache_of(RECURRENT, past=1_000_000)
    assert kinds(found) == {Kind.RECURRENT: (1, 96), Kind.CONVOLUTION: (1, 3 * 64)}
    assert {sizes(found)[rule.name] for rule in ENGINES} == {2 * (96 + 192)}
    assert found.next_bytes == 0


@pytest.mark.parametrize("spec", [DECODER, LATENT, TRANSLATOR, RECURRENT])
@pytest.mark.parametrize("batch", [1, 3])
def test_the_sum_is_the_state_of_the_totals(spec: str, batch: int) -> None:
    settings: tuple[dict[str, Any], ...] = ({}, {"past": 40})
    for given in settings:
        found = cache_of(spec, batch=batch, dtype="fp16", **given)
        inside = {**given, "length": 1} if given and "past:" in spec else {}
        totals = archcalc.analyze(spec, batch, inside, dtype="fp16").totals
        assert found.elements == totals.state + totals.state_once
        assert found.size_bytes == totals.state_bytes


@pytest.mark.parametrize("rule", [rule.name for rule in RULES if rule.formula != "latent_twice"])
def test_the_longest_past_within_a_limit(rule: str) -> None:
    windows = {"windows": "[8, none, 8, none]"}
    found = cache_of(DECODER, past=99, batch=2, most="3MiB", set=windows)
    (of,) = [of for of in found.reserved if of.rule.name == rule]
    assert of.largest_past is not None
    at, above = (cache_of(DECODER, past=of.largest_past + more, batch=2, set=windows) for more in (0, 1))
    assert (sizes(at)[rule] or 0) <= 3 * 2**20 < (sizes(above)[rule] or 0)


def test_the_longest_past_of_what_is_needed() -> None:
    found = cache_of(DECODER, past=0, most="1MiB")
    assert found.largest_past == 2**20 // (2 * 1024) - 1


def test_a_prefix_is_counted() -> None:
    found = cache_of(DECODER.replace("cache(past, window)", "cache(past + 4, window)"), past=9, dtype="fp8")
    assert found.size_bytes == 4 * 256 * 14


def test_keys_and_values_in_one_cache_are_no_latent() -> None:
    one = """
network: one
input: tokens(length)
variables: {length: 4, past: 0}
layers:
  tokens: embedding(10, 64)
  mixed:
    attend(heads=4, causal=true):
      q: linear(64)
      kv: linear(128) >> cache(past)
"""
    assert kinds(cache_of(one, past=9)) == {Kind.FULL: (1, 1280)}


@pytest.mark.parametrize(("network", "code"), [("lenet5", "nothing-kept"), ("network_that_is_none", "unknown-network")])
def test_networks_that_keep_nothing(network: str, code: str) -> None:
    with pytest.raises(archcalc.SpecError) as error:
        cache_of(network, past=9)
    assert [found.code for found in error.value.diagnostics] == [code]


def test_a_past_of_another_name() -> None:
    with pytest.raises(archcalc.SpecError, match="no variable `past`"):
        cache_of(DECODER.replace("past", "before"), past=9)


def test_numbers_that_are_none() -> None:
    with pytest.raises(ValueError, match="past is -1"):
        cache_of(DECODER, past=-1)
    with pytest.raises(ValueError, match="length is 0"):
        cache_of(DECODER, length=0)


def test_as_transformers_allocates() -> None:
    """A small Gemma 3 on the CPU: elements of its own cache objects, after 20 positions and then a step."""
    torch: Any = pytest.importorskip("torch")
    transformers: Any = pytest.importorskip("transformers", minversion="5.24")
    sizes_of = {"hidden_size": 64, "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 64}
    layers = ["sliding_attention", "full_attention"] * 2
    config = transformers.Gemma3TextConfig(
        **sizes_of, num_hidden_layers=4, layer_types=layers, sliding_window=8, intermediate_size=64, vocab_size=50
    )
    model = transformers.Gemma3ForCausalLM(config).eval()
    for cache, rule in (
        (transformers.DynamicCache(config=config), "transformers_dynamic"),
        (transformers.StaticCache(config=config, max_cache_len=32), "transformers_static"),
    ):
        with torch.no_grad():
            model(torch.zeros(2, 20, dtype=torch.long), cache=cache, use_cache=True)
            model(torch.zeros(2, 1, dtype=torch.long), cache=cache, use_cache=True)
        held = sum(layer.keys.numel() + layer.values.numel() for layer in cache.layers)
        found = cache_of(DECODER, past=20, batch=2, dtype="fp8", context=32, set={"windows": "[8, none, 8, none]"})
        assert sizes(found)[rule] == held, rule
