"""Figures of tests of `archcalc audit`."""

from __future__ import annotations

from archcalc.claims.audit import audit
from archcalc.results.audit import Audit, Figure
from archcalc.source import Source


def judged(text: str) -> Audit:
    return audit(Source("table.csv", text))


def one(model: str, column: str, printed: str) -> Figure:
    (figure,) = judged(f"model\t{column}\n{model}\t{printed}\n").figures
    return figure
