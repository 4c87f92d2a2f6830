"""`budget:` of a file: the most that its networks may cost, and how amounts are written: `7M`, `1.6G`, `30MiB`."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from archcalc.results.budget import IN_BYTES, QUANTITIES, Limit
from archcalc.source import Span, YamlMapping, YamlNode, YamlScalar, suggest

if TYPE_CHECKING:
    from archcalc.spec.model import Spec
    from archcalc.spec.read import _Reader

COUNT_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
SIZE_UNITS = {
    "": 1,
    "B": 1,
    **{f"{prefix}B": worth for prefix, worth in COUNT_UNITS.items() if prefix},
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGT", 1)},
}
_AMOUNT = r"((?:[0-9]{1,3}(?:,[0-9]{3}){1,9}|[0-9][0-9_]{0,29})(?:\.[0-9]{1,18})?) ?([A-Za-z]{0,3})\Z"
COUNT_SAMPLE, SIZE_SAMPLE = "a number with K, M, G or T: 7M", "bytes, or with KiB, MiB, GiB, KB, MB, GB: 30MiB"


def exact_amount(text: str, quantity: str) -> int | None:
    """A whole number with or without a unit; None: it is none. Counts take SI prefixes, bytes IEC ones too."""
    found = re.match(_AMOUNT, text.strip())
    units = SIZE_UNITS if quantity in IN_BYTES else COUNT_UNITS
    if found is None:
        return None
    unit = found[2] if found[2] in units else found[2].replace("k", "K")
    if unit not in units:
        return None
    value = Fraction(found[1].replace("_", "").replace(",", "")) * units[unit]
    return int(value) if value.denominator == 1 else None


def sample_amount(quantity: str) -> str:
    """How an amount of a quantity is written, for messages."""
    return SIZE_SAMPLE if quantity in IN_BYTES else COUNT_SAMPLE


def quantity_help(word: str) -> str:
    """What was probably meant in place of an unknown quantity."""
    if word.startswith("flop"):
        return "say whose FLOPs they are: `flops_arithmetic`, or `macs`"
    near = suggest(word, QUANTITIES)
    return f"did you mean `{near}`?" if near else f"quantities are {', '.join(QUANTITIES)}"


def read_budget(reader: _Reader, node: YamlNode) -> None:
    """Read the value of `budget:`: amounts by quantity; under the name of a network, those of that network."""
    for key, value in reader.mapping(node, "budget"):
        if isinstance(value, YamlMapping):
            found = reader.spec.budget.setdefault(key.value, (key.span, {}))[1]
            for quantity, amount in value.items:
                _read_limit(reader, found, quantity, amount)
        else:
            found = reader.spec.budget.setdefault("", (key.span, {}))[1]
            _read_limit(reader, found, key, value)


def _read_limit(reader: _Reader, found: dict[str, Limit], key: YamlScalar, value: YamlNode) -> None:
    quantity = key.value
    text = value.value if isinstance(value, YamlScalar) else ""
    if quantity not in QUANTITIES:
        message = f"a budget has no quantity `{quantity}`"
        reader.report("unknown-quantity", message, key.span, quantity_help(quantity))
        return
    most = exact_amount(text, quantity)
    place = value.span if isinstance(value, YamlScalar) else Span(value.start, value.start + 1)
    if most is None:
        reader.report("bad-amount", f"a budget of {quantity} is an amount", place, sample_amount(quantity))
        return
    found[quantity] = Limit(quantity, most, text, place, reader.source)


def limits_of(spec: Spec, network: str) -> list[Limit]:
    """The budget of a network: what holds for all of the file, then what it starts from, then its own."""
    found: dict[str, Limit] = {}
    for name in ("", network.partition("@")[0], network):
        if name in spec.budget:
            found |= spec.budget[name][1]
    return list(found.values())
