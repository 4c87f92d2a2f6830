"""Other tools on networks of tokens: several inputs, attention, tied outputs; each figure to the last integer."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")
pytestmark = pytest.mark.torch

from archcalc.results.reconciliation import Reconciliation  # noqa: E402
from archcalc.source import SpecError  # noqa: E402
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


FURTHER = ["torchlens", "torchscan", "torchscan_macs", "onnx_tool", "ultralytics_thop"]
# Printed 2026-11-30 for transformers 5.24.0 with torch 2.14.1, of 16 tokens, attention eager: ptflops 0.7.5, thop
# 0.1.1.post2209072238, ultralytics-thop 2.2.3, calflops 0.3.2, TorchLens 2.36.1, torchscan 0.2.0, onnx-tool 1.0.1.
OF_TRANSFORMERS = {
    "bert_base": {
        "torch_flop_counter": 2_728_525_824,
        "fvcore": 1_365_798_912,
        "ptflops": 1_365_934_848,
        "ptflops_aten": 1_365_590_784,
        "thop": 1_360_773_120,
        "torchinfo": 109_482_240,
        "torchprofile": 1_364_606_976,
        "calflops_macs": 1_364_262_912,
        "calflops": 2_730_098_688,
        "torchlens": 2_740_917_504,
        "torchscan": 2_721_858_848,
        "torchscan_macs": 1_359_544_320,
        "onnx_tool": 1_389_585_488,
        "ultralytics_thop": 1_365_491_712,
    },
    "gpt2": {
        "torch_flop_counter": 3_962_462_208,
        "fvcore": 1_982_767_104,
        "ptflops": 1_981_658_112,
        "ptflops_aten": 1_982_558_208,
        "thop": 618_786_816,
        "torchinfo": 163_343_662_080,
        "torchprofile": 1_983_934_464,
        "calflops_macs": 1_981_231_104,
        "calflops": 3_964_118_016,
        "torchlens": 3_974_836_224,
        "torchscan": 1_237_077_520,
        "torchscan_macs": 617_558_016,
        "onnx_tool": 2_053_668_176,
        "ultralytics_thop": 623_505_408,
    },
}


def _coding(result: Reconciliation) -> dict[str, int]:
    (tool,) = result.tools
    return {part.words.partition(",")[0]: part.number for part in tool.coding}


@pytest.mark.parametrize("tool", [*TOOLS, *(pytest.param(tool, marks=pytest.mark.slow) for tool in FURTHER)])
@pytest.mark.parametrize("name", list(OF_TRANSFORMERS))
def test_models_of_transformers(name: str, tool: str) -> None:
    """transformers' own BertModel and GPT2LMHeadModel: each figure to the last integer."""
    pytest.importorskip("transformers")
    sizes = {"tokens": [16], "types": [16]} if name == "bert_base" else [16]
    result = reconcile(name, [tool], input=sizes, library="transformers")
    if not result.tools:
        pytest.skip(result.missing[tool])
    (found,) = result.tools
    assert found.difference == 0
    assert found.figure.number == OF_TRANSFORMERS[name][found.name]


def test_why_tools_differ_on_models_of_transformers() -> None:
    """By hand, of 12 layers with 16 tokens, 12 heads and 3,072 hidden channels.

    ptflops 0.7.5 patches functions after transformers has taken hold of `gelu`, so that none of 2 for an element of
    the activation is counted; and it counts 1 for each of 16 x 16 pairs of a head in the softmax.
    """
    pytest.importorskip("transformers")
    pytest.importorskip("ptflops")
    found = reconcile("bert_base", ["ptflops"], input={"tokens": [16], "types": [16]}, library="transformers")
    assert _coding(found) == {"GELUActivation": -2 * 12 * 16 * 3072, "BertSelfAttention": 12 * 12 * 16 * 16}
    assert found.model == "BertModel of transformers"
    conv = reconcile("gpt2", ["ptflops"], input=[16], library="transformers")
    # Conv1D is no nn.Linear but torch.addmm, of which it counts each bias once and not at 16 positions
    assert _coding(conv)["Conv1D"] == 12 * (3 * 768 + 768 + 3072 + 768) * (1 - 16)


@pytest.mark.parametrize("tool", FURTHER)
@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("resnet18@torchvision", [3, 64, 64]),
        pytest.param("vit_b_16", None, marks=pytest.mark.slow),
        pytest.param("swin_t", [3, 64, 64], marks=pytest.mark.slow),
    ],
)
def test_further_tools(name: str, size: list[int] | None, tool: str) -> None:
    """Tools that are run where they are asked for, on torchvision's models."""
    result = reconcile(name, [tool], input=size)
    if not result.tools:
        pytest.skip(result.missing[tool])
    assert [each.difference for each in result.tools] == [0]


def test_torchlens_leaves_no_traces() -> None:
    """It wraps torch's functions, and leaves them so; ptflops, which patches them by name, then finds none of them."""
    pytest.importorskip("torchlens")
    relu = torch.nn.functional.relu
    assert reconcile("ciresan-1", ["torchlens"]).is_explained
    assert torch.nn.functional.relu is relu


def test_a_library_that_does_not_define_it() -> None:
    with pytest.raises(SpecError, match="transformers does not define lenet5"):
        reconcile("lenet5", ["thop"], library="transformers")


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
