"""Networks with several inputs and with tokens, as torch models and beside modules written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.engine.network import load
from tests.cli.running import run, spec

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from archcalc.torch_bridge.model.build import build, example_inputs  # noqa: E402
from archcalc.torch_bridge.verify.verify import verify  # noqa: E402

TRANSLATES = """\
network: translates
input: {source: tokens(7), target: tokens(5)}
modules:
  attention(memory):
    - attend(heads=4):
        q: linear(16)
        k: tap(memory) >> linear(16)
        v: tap(memory) >> linear(16)
    - linear(16)
layers:
  embedded: embedding(50, 16)
  memory:   layer_norm
  other:    tap(target) >> embedding(30, 16)
  block:    add(identity, layer_norm >> attention(memory))
  out:      linear(30, bias=false, weights=other)
"""


class Translates(nn.Module):
    """The same, channels last, by products of all pairs or by torch's own attention."""

    def __init__(self, is_eager: bool) -> None:
        super().__init__()
        self.is_eager = is_eager
        self.source, self.target = nn.Embedding(50, 16), nn.Embedding(30, 16)
        self.memory, self.norm = nn.LayerNorm(16), nn.LayerNorm(16)
        self.q, self.k, self.v, self.last = (nn.Linear(16, 16) for _ in range(4))

    def forward(self, source: Any, target: Any) -> Any:
        memory, x = self.memory(self.source(source)), self.target(target)
        y = self.norm(x)
        q, k, v = (
            layer(read).unflatten(-1, (4, 4)).transpose(1, 2)
            for layer, read in ((self.q, y), (self.k, memory), (self.v, memory))
        )
        if self.is_eager:
            met = (q @ k.transpose(2, 3) / 2).softmax(-1) @ v
        else:
            met = functional.scaled_dot_product_attention(q, k, v)
        x = x + self.last(met.transpose(1, 2).flatten(2))
        return (x @ self.target.weight.t()).transpose(1, 2)


@pytest.mark.parametrize("is_eager", [True, False])
def test_two_inputs_of_tokens(is_eager: bool, tmp_path: Path) -> None:
    """By hand: 80 x 16 of two tables, 2 x 32 of norms, 4 x 272 of linear layers; MACs of 5 queries and 7 keys."""
    found = verify(spec(tmp_path, TRANSLATES), Translates(is_eager), values=True)
    assert found.differences == []
    figures = {check.quantity: check.theirs for check in found.checks}
    assert figures["params"] == 80 * 16 + 2 * 32 + 4 * (16 * 16 + 16)
    assert figures["macs"] == 16 * 16 * (5 + 7 + 7 + 5) + 2 * 5 * 7 * 16 + 5 * 16 * 30
    assert figures["values"] == "rounding"


def test_inputs_are_given_in_order_or_by_name(tmp_path: Path) -> None:
    path = spec(tmp_path, TRANSLATES)
    model: Any = archcalc.to_torch(path).eval()
    source, target = torch.randint(50, (2, 7)), torch.randint(30, (2, 5))
    assert tuple(model(source, target).shape) == (2, 30, 5)
    assert torch.equal(model(source, target), model(target=target, source=source))
    graph = load(path).graph()
    inputs = example_inputs(graph, 3)
    assert [(tuple(each.shape), each.dtype) for each in inputs] == [((3, 7), torch.int64), ((3, 5), torch.int64)]
    assert max(int(each.max()) for each in inputs) < 30
    meta = build(graph, device="meta")(*example_inputs(graph, 3, "meta"))
    assert (tuple(meta.shape), meta.device.type) == ((3, 30, 5), "meta")


MIXED = """\
network: mixed
input: {picture: 'image(3, 8, 8)', noise: features(4), self: 'sequence(6, 5)'}
layers:
  a: conv(6, 3)
  b: global_avgpool
  c: concat(flatten, tap(noise), tap(self) >> global_avgpool >> flatten)
  fc: linear(5)
outputs: {late: tap(noise) >> linear(2)}
"""

QUERIES = """\
network: queries
input: sequence(16, 6)
layers:
  memory: conv(16, 1)
  queries: trained(16, 3)
  found:
    attend(heads=2):
      q: tap(queries) >> linear(16)
      k: tap(memory) >> linear(16)
      v: tap(memory) >> linear(16)
  out: linear(7)
"""


def test_inputs_of_all_kinds_are_verified(tmp_path: Path) -> None:
    path = spec(tmp_path, MIXED)
    found = verify(path, ["torch", "fvcore"], export=True)
    assert found.differences == []
    assert {check.operation for check in found.of("torch", ["macs"])} >= {"a", "fc", "late"}
    assert "1 network" in run("verify", path, "--against", "torch").stdout
    assert verify(spec(tmp_path, TRANSLATES), ["torch", "fvcore"]).differences == []


def test_what_depends_on_no_input_is_a_batch_of_one(tmp_path: Path) -> None:
    """Trained queries: their projection is computed once for all examples."""
    found = verify(spec(tmp_path, QUERIES), ["torch"])
    assert found.differences == []
    shapes = {check.operation: check.theirs for check in found.of("torch", ["out_shape"])}
    assert (shapes["queries"], shapes["found.q"], shapes["out"]) == ((1, 16, 3), (1, 16, 3), (2, 7, 3))
