"""Numbers that are typed outside of an expression: values of a sweep, units, steps."""

from __future__ import annotations

import re
from fractions import Fraction

# As the language writes them (`3`, `0.25`, `.25`), with a sign, and shares of them (`1/8`).
_NUMBER = re.compile(r"([+-]?(?:[0-9]{1,30}(?:\.[0-9]{1,30})?|\.[0-9]{1,30}))(?:/([0-9]{1,30}))?\Z")


def exact_number(text: str) -> Fraction | None:
    """A whole number, a decimal or a fraction, exactly; None: it is none."""
    found = _NUMBER.match(text.strip())
    if found is None:
        return None
    divisor = int(found[2] or 1)
    return Fraction(found[1]) / divisor if divisor else None
