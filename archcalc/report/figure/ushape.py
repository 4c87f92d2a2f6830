"""The U: where what one side hands on is read by the other, the first last."""

from __future__ import annotations

from archcalc.report.figure.items import Figure
from archcalc.report.figure.sketch import Sketch


def ushape(figure: Figure, quantity: str) -> Sketch | None:
    """The network as a U, where its skips nest."""
    return None
