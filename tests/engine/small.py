"""Small networks written where they are tested."""

from __future__ import annotations

from textwrap import dedent, indent

from archcalc.engine.network import Network
from archcalc.source import Source
from archcalc.spec.library import choose
from archcalc.spec.read import read_spec


def network(layers: str, input: str = "image(1, 8, 8)", more: str = "") -> Network:
    """A network of these layers; `more` holds further parts of the file."""
    body = indent(dedent(layers).strip(), "  ")
    text = f"network: small\ninput: {input}\n{dedent(more).strip()}\nlayers:\n{body}\n"
    return Network(*choose(read_spec(Source("small.yaml", text))))
