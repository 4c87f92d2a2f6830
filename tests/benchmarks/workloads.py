"""What is timed: from a text to totals with nothing remembered from before, and chains of any length."""

from __future__ import annotations

from pathlib import Path

from archcalc.engine.cost.costs import cost_of
from archcalc.engine.network import Network, analyze
from archcalc.results.cost import NetworkCost
from archcalc.source import Source, read_source
from archcalc.spec.bind import shape_of
from archcalc.spec.library import choose, specs_folder
from archcalc.spec.parse import parse_expression
from archcalc.spec.read import read_spec

LAYER = "conv(8, 3, padding=half)"
LONGEST = 64 << 20  # bytes of a chain written out


def forget() -> None:
    """Empty what outlives one analysis: parsed expressions, shapes and costs of operations."""
    parse_expression.cache_clear()
    shape_of.cache_clear()
    cost_of.cache_clear()


def from_file(path: Path, name: str) -> NetworkCost:
    """Read, expand and total one network of a file that comes with archcalc, cold, as the commands do."""
    forget()
    return analyze(Network(*choose(read_spec(read_source(path), is_known_good=True), name)))


def every_network() -> int:
    """Every file read once, every network of it totalled, cold; how many there are."""
    forget()
    found = 0
    for path in sorted(specs_folder().glob("*.yaml")):
        spec = read_spec(read_source(path))
        for name in spec.names():
            analyze(Network(spec, name))
            found += 1
    return found


def chain(kind: str, length: int) -> Source:
    """A network of so many layers, `repeated` in one line or `unrolled` into one line each."""
    body = f"  body: {LAYER} * {length}\n" if kind == "repeated" else f"  - {LAYER}\n" * length
    return Source("chain.yaml", f"network: chain\ninput: image(8, 16, 16)\nlayers:\n{body}")


def from_source(source: Source) -> NetworkCost:
    """Totals of a text that holds one network."""
    return analyze(Network(*choose(read_spec(source))))


MOBILE = """\
network: mobile
title: MobileNet's layers, with widths made divisible by 8 as its successors do
input: image(3, resolution, resolution)
variables: {resolution: 224, width: 1, classes: 1000}
defaults:
  conv: {padding: half, bias: false, norm: batch_norm, activation: relu}
  depthwise: {padding: half, bias: false, norm: batch_norm, activation: relu}
modules:
  separable(channels, stride=1):
    - depthwise(3, stride=stride)
    - conv(make_divisible(channels*width, 8), 1)
layers:
  stem: conv(make_divisible(32*width, 8), 3, stride=2)
  body:
    separable(64) >> separable(128, stride=2) >> separable(128) >> separable(256, stride=2) >> separable(256)
    >> separable(512, stride=2) >> separable(512) * 5 >> separable(1024, stride=2) >> separable(1024)
  pool: global_avgpool
  fc: linear(classes)
"""


def mobile() -> Network:
    """MobileNet's layers at any width and resolution."""
    return Network(*choose(read_spec(Source("mobile.yaml", MOBILE))))
