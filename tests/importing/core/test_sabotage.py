"""The proof is a referee: 40 faults, each in one place of a text that is right, and each is found.

Most leave every total as it is: the same layers are there, only not in the same place.
"""

from __future__ import annotations

import pytest

from archcalc.engine.network import load
from archcalc.importing.calls import Calls
from archcalc.importing.prove import Renamed, prove
from archcalc.source import Source, SpecError
from archcalc.spec.expand import expand
from archcalc.spec.read import read_spec

from .from_graph import calls_of

BRANCHED = """
network: branched
input: image(3, 32, 32)
defaults:
  conv: {padding: half, bias: false, norm: batch_norm, activation: relu}

modules:
  block(channels, stride=1):
    - add:
        residual: conv(channels, 3, stride=stride) >> conv(channels, 3, activation=none)
        shortcut: conv(channels, 1, stride=stride, activation=none) if x.channels != channels else identity
    - relu
  mixed(channels):
    concat:
      narrow: conv(channels, 1)
      wide: conv(channels, 1) >> conv(channels, 3)
      pool: maxpool(3, stride=1, padding=half) >> conv(channels, 1)

layers:
  stem: conv(16, 3)
  first: block(16) * 2
  second: block(32, stride=2) >> block(32)
  left: conv(32, 3)
  right: conv(32, 3)
  sum: add(left, identity)
  mix: mixed(32)
  tall: conv(32, (3, 1))
  grouped: conv(32, 3, groups=4, dilation=2)
  pool: maxpool(3, stride=2, ceil=true)
  upper: tap(mix) >> avgpool(2)
  crop: tap(pool) >> conv(32, 1)
  joined: concat(identity, pool)
  end: global_avgpool
  drop: dropout(0.3)
  classifier: linear(10)

outputs:
  early: tap(mix) >> global_avgpool >> linear(10)
  late: tap(tall) >> global_avgpool
  middle: tap(upper) >> global_avgpool
"""

SHARED = """
network: shared
input:
  source: tokens(20)
  target: tokens(15)

modules:
  attention(memory):
    attend(heads=4):
      q: linear(64)
      k: tap(memory) >> linear(64)
      v: tap(memory) >> linear(64)

layers:
  words: embedding(100, 64)
  encoder: layer_norm >> linear(64)
  memory: layer_norm
  output: tap(target) >> share(words)
  inner: linear(64, bias=false)
  again: share(inner)
  decoder: add(identity, layer_norm >> attention(memory))
  experts:
    route(experts=4, top=2):
      router: linear(4) >> softmax
      expert: linear(64)
  logits: linear(100, weights=words)
"""

FAULTS = [
    # a wrong edge
    (BRANCHED, "sum: add(left, identity)", "sum: add(identity, left)"),
    (BRANCHED, "  right: conv(32, 3)\n", "  right: tap(second) >> conv(32, 3)\n"),
    (BRANCHED, "joined: concat(identity, pool)", "joined: concat(pool, identity)"),
    (BRANCHED, "joined: concat(identity, pool)", "joined: concat(pool, pool)"),
    (BRANCHED, "crop: tap(pool) >>", "crop: tap(pool) >> relu >>"),
    (BRANCHED, "  tall: conv(32, (3, 1))\n", "  tall: tap(sum) >> conv(32, (3, 1))\n"),
    (
        BRANCHED,
        "      narrow: conv(channels, 1)\n      wide: conv(channels, 1) >> conv(channels, 3)\n",
        "      wide: conv(channels, 1) >> conv(channels, 3)\n      narrow: conv(channels, 1)\n",
    ),
    (BRANCHED, "conv(channels, 1) >> conv(channels, 3)\n", "conv(channels, 3) >> conv(channels, 1)\n"),
    (
        BRANCHED,
        "maxpool(3, stride=1, padding=half) >> conv(channels, 1)",
        "conv(channels, 1) >> maxpool(3, stride=1, padding=half)",
    ),
    (SHARED, "      k: tap(memory) >> linear(64)\n", "      k: linear(64)\n"),
    (SHARED, "layer_norm >> attention(memory)", "layer_norm >> attention(encoder)"),
    # a lost share, and one too many
    (SHARED, "tap(target) >> share(words)", "tap(target) >> embedding(100, 64)"),
    (SHARED, "again: share(inner)", "again: linear(64, bias=false)"),
    (SHARED, "logits: linear(100, weights=words)", "logits: linear(100)"),
    (SHARED, "      v: tap(memory) >> linear(64)\n", "      v: tap(memory) >> linear(64, weights=encoder)\n"),
    (SHARED, "inner: linear(64, bias=false)", "inner: linear(64, bias=false, weights=encoder)"),
    # a lost output, and outputs exchanged
    (BRANCHED, "  late: tap(tall) >> global_avgpool\n", ""),
    (
        BRANCHED,
        "  late: tap(tall) >> global_avgpool\n  middle: tap(upper)",
        "  middle: tap(tall) >> global_avgpool\n  late: tap(upper)",
    ),
    (BRANCHED, "early: tap(mix)", "early: tap(sum)"),
    (BRANCHED, "  late: tap(tall)", "  last: tap(tall)"),
    # a swapped kernel, and other arguments
    (BRANCHED, "conv(32, (3, 1))", "conv(32, (1, 3))"),
    (
        BRANCHED,
        "residual: conv(channels, 3, stride=stride) >> conv(channels, 3, activation=none)",
        "residual: conv(channels, 3) >> conv(channels, 3, stride=stride, activation=none)",
    ),
    (BRANCHED, "groups=4, dilation=2", "groups=8, dilation=2"),
    (BRANCHED, "groups=4, dilation=2", "groups=4"),
    (BRANCHED, "pool: maxpool(3, stride=2, ceil=true)", "pool: avgpool(3, stride=2, ceil=true)"),
    (BRANCHED, "maxpool(3, stride=2, ceil=true)", "maxpool(3, stride=2, padding=half)"),
    (BRANCHED, "bias: false, norm: batch_norm", "bias: false, norm: batch_norm(eps=0.001)"),
    (BRANCHED, "dropout(0.3)", "dropout(0.2)"),
    (SHARED, "attend(heads=4)", "attend(heads=8)"),
    (SHARED, "route(experts=4, top=2)", "route(experts=4, top=1)"),
    # a changed condition
    (BRANCHED, "if x.channels != channels else", "if stride == 1 else"),
    (BRANCHED, "if x.channels != channels else", "if x.channels == channels else"),
    (BRANCHED, "if x.channels != channels else", "if x.channels != 16 else"),
    # a dropped parameter, one more, one frozen
    (BRANCHED, "classifier: linear(10)", "classifier: linear(10, bias=false)"),
    (BRANCHED, "stem: conv(16, 3)", "stem: conv(16, 3, bias=true)"),
    (BRANCHED, "stem: conv(16, 3)", "stem: conv(16, 3, norm=none)"),
    (BRANCHED, "stem: conv(16, 3)", "stem: conv(16, 3, trainable=false)"),
    # too many layers, or too few
    (BRANCHED, "first: block(16) * 2", "first: block(16) * 3"),
    (BRANCHED, "first: block(16) * 2", "first: block(16)"),
    (BRANCHED, "    - relu\n", ""),
    (BRANCHED, "  drop: dropout(0.3)\n", ""),
    # an input
    (BRANCHED, "image(3, 32, 32)", "image(3, 64, 64)"),
    (SHARED, "  source: tokens(20)\n  target: tokens(15)", "  target: tokens(15)\n  source: tokens(20)"),
]


def told(calls: Calls, text: str) -> list[str]:
    """What is said against a text: that it does not read, or how it differs."""
    try:
        spec = read_spec(Source("text", text))
        graph = expand(spec, spec.network)
    except SpecError as error:
        return [found.message for found in error.diagnostics]
    return prove(calls, graph, Renamed()).differences


@pytest.mark.parametrize("text", [BRANCHED, SHARED], ids=["branched", "shared"])
def test_right_text_is_proven(text: str) -> None:
    """Each text is proven of itself: what is found below is the fault alone."""
    assert told(calls_of(load(text).graph()), text) == []


@pytest.mark.parametrize(("text", "right", "wrong"), FAULTS, ids=range(len(FAULTS)))
def test_fault_is_found(text: str, right: str, wrong: str) -> None:
    """A text with one fault reads no more, or is told from the source."""
    assert text.count(right) == 1
    assert told(calls_of(load(text).graph()), text.replace(right, wrong)) != []
