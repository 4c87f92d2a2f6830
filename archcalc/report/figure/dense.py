"""Dense blocks: a row of layers with arcs, each of which reads what all before it gave."""

from __future__ import annotations

from archcalc.report.figure.items import Figure
from archcalc.report.figure.sketch import Sketch


def dense_frames(figure: Figure) -> list[Sketch]:
    """Frames of dense blocks."""
    return []
