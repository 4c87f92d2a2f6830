"""Why an operation costs what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Rule(NamedTuple):
    """How one number comes about: the rule in words of the operator, the numbers put into it, the result."""

    quantity: str
    formula: str
    numbers: str
    result: str


@dataclass(slots=True)
class Explanation:
    """Why an operation costs what it costs; every formula is what the operator's own rule gives for symbols."""

    name: str
    notation: str
    summary: str
    x: str
    y: str
    rules: list[Rule]
    given: dict[str, int]  # what the symbols stand for
    assumptions: list[str]
    counts: str  # of the operator's documentation
    source: str
    remark: str = ""
