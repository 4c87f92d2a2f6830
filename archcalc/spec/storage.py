"""`storage:` of a file: how much of each layer's weights is kept, in how many bits; paths with `*` name layers."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from archcalc.named import NamedTuple
from archcalc.results.formats import BLOCKS
from archcalc.results.storage import Bits, bits_of
from archcalc.source import Span, YamlNode, YamlScalar, suggest

if TYPE_CHECKING:
    from archcalc.spec.bodies import BodyReader
    from archcalc.spec.model import Spec

_DENSITY = r"(0|1|0?\.[0-9]{1,18}|[01]\.[0-9]{1,18})\Z"
SETTINGS = {
    "density": "the part of the weights that is not zero: 0.33",
    "bits": "bits of each parameter, or the format that packs its weights: 8, q4_k",
}


class Pattern(NamedTuple):
    """Layers by their path, and what is kept of them; None: as patterns before it say, or the dtype."""

    text: str
    span: Span
    density: Fraction | None
    bits: Bits | None

    @property
    def has_star(self) -> bool:
        """Whether it may match more than one path."""
        return "*" in self.text

    def matches(self, path: str) -> bool:
        """Whether `*` can stand for something, dots included, so that the pattern is the whole path."""
        if not self.has_star:
            return path == self.text
        first, *middle, last = self.text.split("*")
        if not (path.startswith(first) and path.endswith(last)) or len(path) < len(first) + len(last):
            return False
        at, end = len(first), len(path) - len(last)
        for part in middle:
            at = path.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True


def read_storage(reader: BodyReader, node: YamlNode) -> None:
    """Read the value of `storage:`: networks, in each patterns, in each density and bits."""
    for key, patterns in reader.mapping(node, "storage"):
        found: list[Pattern] = []
        for pattern, settings in reader.mapping(patterns, f"the storage of {key.value}"):
            values: dict[str, str] = {}
            for name, value in reader.mapping(settings, f"the storage of {pattern.value}"):
                text = value.value if isinstance(value, YamlScalar) else ""
                if name.value not in SETTINGS:
                    near = suggest(name.value, SETTINGS)
                    help = f"did you mean `{near}`?" if near else "density and bits are"
                    reader.report("unknown-storage", f"nothing is stored by `{name.value}`", name.span, help)
                elif name.value == "density" and not (re.match(_DENSITY, text) and Fraction(text) <= 1):
                    message = "a density is a decimal from 0 to 1"
                    reader.report("bad-density", message, _place(value), SETTINGS["density"])
                elif name.value == "bits" and bits_of(text) is None:
                    message = "bits are a whole number of 1 or more, or a format that packs weights in blocks"
                    near = suggest(text.lower(), BLOCKS)
                    help = f"did you mean `{near}`?" if near else SETTINGS["bits"]
                    reader.report("bad-bits", message, _place(value), help)
                else:
                    values[name.value] = text
            density = Fraction(values["density"]) if "density" in values else None
            bits = bits_of(values["bits"]) if "bits" in values else None
            found.append(Pattern(pattern.value, pattern.span, density, bits))
        reader.spec.storage[key.value] = (key.span, found)


def _place(node: YamlNode) -> Span:
    return node.span if isinstance(node, YamlScalar) else Span(node.start, node.start + 1)


def patterns(spec: Spec, network: str) -> list[Pattern]:
    """Patterns of a network, those of what it starts from first."""
    base = network.partition("@")[0]
    names = [base, network] if base != network else [network]
    return [pattern for name in names if name in spec.storage for pattern in spec.storage[name][1]]
