"""Other tools on networks of tokens: several inputs, attention, tied outputs; each figure to the last integer."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")
pytestmark = pytest.mark.torch

from archcalc.torch_bridge.counters.reconcile import reconcile  # noqa: E402

TOOLS = ["torch_flop_counter", "fvcore", "ptflops", "ptflops_aten", "thop", "torchinfo", "torchprofile"]
TOOLS += ["calflops_macs", "calflops"]
ENCODER = """
network: encoder
input:
  words: tokens(length)
  types: tokens(length)
variables: {length: 6, width: 8}
layers:
  embedded: add(embedding(20, width), tap(types) >> embedding(2, width))
  norm: layer_norm
  attention:
    - add:
        given: identity
        attended:
          - attend(heads=2):
              q: linear(width)
              k: linear(width)
              v: linear(width)
          - linear(width)
  mlp: add(identity, linear(4*width, activation=gelu) >> linear(width))
  last: select_token(0) >> linear(3, activation=tanh)
"""
DECODER = """
network: decoder
input: tokens(length)
variables: {length: 6, width: 8}
layers:
  tokens: embedding(20, width)
  positions: position_embedding(10)
  attention:
    - add:
        given: identity
        attended:
          - attend(heads=2, causal=true):
              q: linear(width)
              k: linear(width)
              v: linear(width)
          - linear(width)
  norm: rms_norm
  logits: linear(20, bias=false, weights=tokens)
"""


@pytest.mark.parametrize("text", [ENCODER, DECODER], ids=["encoder", "decoder"])
def test_every_figure_is_explained(text: str, tmp_path: Path) -> None:
    path = tmp_path / "network.yaml"
    path.write_text(text, encoding="utf-8")
    result = reconcile(str(path), TOOLS)
    assert {tool.name: tool.difference for tool in result.tools} == dict.fromkeys(
        [tool.name for tool in result.tools], 0
    )
    found = {tool.name: tool for tool in result.tools}
    assert set(found) | set(result.missing) >= {"torch_flop_counter", "ptflops_aten"}
    # 6 tokens: q, k, v, and what follows, 8 x 8 each; scores and sums 2 x 6 x 6 x 8; and the rest by hand
    attention = 4 * 6 * 8 * 8 + 2 * 6 * 6 * 8
    rest = 2 * 6 * 8 * 32 + 8 * 3 if "types" in text else 6 * 8 * 20
    assert found["torch_flop_counter"].figure.number == 2 * (attention + rest) == 2 * result.macs
    if "thop" in found:  # it sees no product of matrices
        assert "attend" not in " ".join(part.words for part in found["thop"].coding)


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        (
            "vit_b_16",
            {
                "thop": 11_286_254_592,
                "torchinfo": 173_232_616,
                "ptflops": 17_606_030_584,
                "torchprofile": 17_567_610_673,
            },
        ),
        ("swin_t", {"thop": 2_978_099_712, "torchinfo": 34_368_232, "ptflops": 3_128_183_416}),
    ],
)
def test_attention_that_is_one_module(name: str, printed: dict[str, int]) -> None:
    """torchvision's: the figures were printed 2026-11-22 and are printed again, and each is explained."""
    result = reconcile(name, list(printed))
    found = {tool.name: tool for tool in result.tools}
    assert set(found) | set(result.missing) == set(printed)
    for tool, number in printed.items():
        if tool not in found:
            assert "not installed" in result.missing[tool]
            continue
        assert found[tool].figure.number == number
        assert found[tool].difference == 0
        assert any(part.words.startswith("attention with its projections") for part in found[tool].coding)
