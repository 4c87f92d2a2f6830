"""Dense blocks: a row of layers with arcs, each of which reads what all before it gave."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.report.figure.glyphs import width
from archcalc.report.figure.items import Call, Figure, Fork, Form, Item, Row
from archcalc.report.figure.sketch import Box, Line, Rectangle, Sketch, Text
from archcalc.report.figure.told import Sizes, Told

MOST = 6  # layers of a block that are drawn
STEP, WIDE, HIGH = 48.0, 31.0, 22.0
LIFT = 11.0  # of an arc, for each layer that it passes


def dense_frames(figure: Figure) -> list[Sketch]:
    """A frame for the first dense block of each module: one that puts what it reads beside what it makes."""
    forms = {(form.module, form.number): form for form in figure.forms}
    found: dict[str, Row] = {}
    for row in figure.rows:
        call = row.item
        if isinstance(call, Call) and call.times > 2 and len(set(call.forms)) == 1:
            form = forms.get((call.module, call.forms[0]))
            if form is not None and is_dense(form):
                found.setdefault(call.module, row)
    return [_frame(figure, row) for row in found.values()]


def is_dense(form: Form) -> bool:
    """Whether a module gives what it reads and something more."""
    return bool(form.chain) and _gathers(form.chain)


def _gathers(items: Sequence[Item]) -> bool:
    last = items[-1]
    if len(items) != 1 or not isinstance(last, Fork) or last.word != "concat":
        return False
    identities = [branch for branch in last.branches if branch.is_identity]
    return len(identities) == 1 and len(last.branches) > 1


def _frame(figure: Figure, row: Row) -> Sketch:
    call = row.item
    assert isinstance(call, Call)
    shown = call.parts[:MOST]
    has_more = len(call.parts) > len(shown)
    count = len(shown)
    title = f"{row.name}: {call.word} ×{call.times}"
    wide = max(36 + (count + 1 + has_more) * STEP, width(title, 12, True) + 20)
    tall = 44 + LIFT * (count - 1) + 10
    base = tall + HIGH / 2
    sketch = Sketch(wide, tall + HIGH + 40)
    area = Rectangle(0, 0, wide, sketch.height)
    sketch.add(Box(area, "frame", "rim", 1.0, 5.0))
    sketch.add(Text(10, 21.5, title, 12, bold=True, within=area, ground="frame"))
    note = "each reads what all before it gave"
    sketch.add(Text(10, 36, note, 10, colour="soft", within=area, ground="frame"))
    centres = [14 + WIDE / 2 + STEP * number for number in range(count + 1)]
    given = [shown[0].input, *(part.last - 1 for part in shown)]
    for source in range(count + 1):
        colour = f"arc{source % 6}"
        end = centres[source + 1] if source < count else centres[source] + STEP
        if source < count:
            ends = (centres[source] + WIDE / 2, end - WIDE / 2)
            sketch.add(Line(((ends[0], base), (ends[1], base)), head=True, colour=colour, thick=1.3))
        for target in range(source + 2, count + 1):
            lift = LIFT * (target - source - 1) + 4
            points = (centres[source] + 3, tall - 1), (centres[target] - 3, tall)
            sketch.add(Line(points, head=True, colour=colour, thick=1.2, arc=lift))
    for number, (x, index) in enumerate(zip(centres, given, strict=True)):
        box = Rectangle(x - WIDE / 2, tall, WIDE, HIGH)
        sketch.add(Box(box, "paper" if number else "OTHER", "edge"))
        text = str(number) if number else "in"
        ground = "paper" if number else "OTHER"
        sketch.add(Text(x, tall + 15, text, 10, "middle", True, within=box, ground=ground))
        text = Told(str(figure.shape(index).channels), Sizes(index, True))
        sketch.add(Text(x, tall + HIGH + 14, text, 9.5, "middle", colour="soft", within=area, ground="frame"))
    if has_more:
        x = centres[-1] + WIDE / 2
        sketch.add(Line(((x, base), (x + 14, base)), head=True))
        sketch.add(Text(x + 18, base + 4, "…", 11, bold=True, within=area, ground="frame"))
    else:
        x = centres[-1] + WIDE / 2
        sketch.add(Line(((x, base), (min(x + 16, wide - 4), base)), head=True))
    below = Text(10, tall + HIGH + 30, "channels gathered after each", 9.5, colour="soft", within=area, ground="frame")
    sketch.add(below)
    sketch.width = max(wide, 20 + width(note, 10))
    if sketch.width > wide:
        area = Rectangle(0, 0, sketch.width, sketch.height)
        sketch.shapes[0] = Box(area, "frame", "rim", 1.0, 5.0)
        sketch.shapes = [
            shape._replace(within=area) if isinstance(shape, Text) and shape.ground == "frame" else shape
            for shape in sketch.shapes
        ]
    return sketch
