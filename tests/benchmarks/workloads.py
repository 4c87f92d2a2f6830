"""What is timed: from a text to totals with nothing remembered from before, and chains of any length."""

from __future__ import annotations

from pathlib import Path

from archcalc.engine.costs import cost_of
from archcalc.engine.network import Network, analyze
from archcalc.results.cost import NetworkCost
from archcalc.source import Source, read_source
from archcalc.spec.library import choose, specs_folder
from archcalc.spec.parse import parse_expression
from archcalc.spec.read import read_spec

LAYER = "conv(8, 3, padding=half)"
LONGEST = 64 << 20  # bytes of a chain written out


def forget() -> None:
    """Empty what outlives one analysis: parsed expressions and costs of operations."""
    parse_expression.cache_clear()
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
