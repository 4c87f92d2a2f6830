"""Lines from the end of one column to the rows of the next that read it: from an encoder to its decoder."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from archcalc.report.figure.column import Column
from archcalc.report.figure.pack import APART
from archcalc.report.figure.sketch import Line, Point, Sketch

BELOW = 5.0  # a column's end, to the line to the next one
NARROW = 60.0  # what is narrower has no room for a frame


def across(columns: Sequence[Column], places: Sequence[Point]) -> tuple[list[Sketch], list[Line]]:
    """Columns side by side with lines from the end of one to the notes of the next: `from encoder`.

    Args:
        columns: drawn.
        places: of each.

    Returns:
        The columns, without an arrow at the end of those that go on; and the lines.
    """
    sketches = [column.sketch for column in columns]
    lines: list[Line] = []
    for at, (column, (left, top)) in enumerate(zip(columns, places, strict=True)):
        axis, low = left + column.sketch.axis, top + column.sketch.height - 4
        next_to = min((x for x, _ in places if x > left), default=inf)
        is_wide = next_to - left - column.sketch.width < APART + NARROW  # nothing stands between
        for other, (x, y) in zip(columns, places, strict=True):
            if x != next_to or not is_wide or low > y + other.sketch.height:
                continue
            for text, height in other.notes_of(column.rows[-1].output):
                turn, to = x - APART / 2, y + height
                points = ((axis, low), (axis, low + BELOW), (turn, low + BELOW), (turn, to), (x + text - 3, to))
                lines.append(Line(points, colour="link"))
                sketches[at] = column.open_ended()
    return sketches, lines
