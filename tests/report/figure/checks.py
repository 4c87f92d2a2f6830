"""What every figure has to be: texts on the page, in their boxes, and not on one another."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.report.figure.glyphs import ASCENT
from archcalc.report.figure.sketch import Line, Rectangle, Sketch, Text

LEAST_SIZE = 9.5


def ink(text: Text) -> Rectangle:
    """What letters cover: from the top of capitals to a little below the base line."""
    area = text.area
    return Rectangle(area.x, text.y - ASCENT * text.size * 0.96, area.width, text.size * (ASCENT * 0.96 + 0.12))


def faults(sketch: Sketch) -> Iterator[str]:
    """Everything that is wrong with the texts of a figure."""
    page = Rectangle(0, 0, sketch.width, sketch.height)
    texts = list(sketch.texts())
    for text in texts:
        if text.size < LEAST_SIZE:
            yield f"small: {text.text} {text.size}"
        if not page.holds(text.area):
            yield f"off the page: {text.text} {text.area} {page}"
        if text.within is not None and not text.within.holds(Rectangle(text.area.x, text.y, text.area.width, 0)):
            yield f"out of its box: {text.text} {text.area} {text.within}"
    ordered = sorted(texts, key=lambda text: text.area.y)
    for number, text in enumerate(ordered):
        for other in ordered[number + 1 :]:
            if other.area.y > text.area.bottom + 30:
                break
            if ink(text).meets(ink(other)):
                yield f"overlap: {text.text!r} {other.text!r} at {text.x:.0f},{text.y:.0f}"
    for text in texts:
        for line in sketch.lines():
            if line.colour != "rim" and not line.arc and crosses(line, ink(text)):
                yield f"on a line: {text.text!r} at {text.x:.0f},{text.y:.0f}"
    for box in sketch.boxes():
        if not page.holds(box.area):
            yield f"box off the page: {box.area} {page}"
    yield from strangers(sketch, texts)


def strangers(sketch: Sketch, texts: list[Text]) -> Iterator[str]:
    """Texts that lie on the edge of a box that is not theirs."""
    for text in texts:
        if text.ground == "dark":  # a letter's own circle is between
            continue
        area = ink(text)
        for box in sketch.boxes():
            is_met = box.edge != "none" and box.area.meets(area) and not box.area.holds(area, 2.5)
            if is_met and box.area != text.within:
                yield f"on an edge: {text.text!r} at {text.x:.0f},{text.y:.0f} of {box.area}"


def crosses(line: Line, area: Rectangle) -> bool:
    """Whether a piece of a line goes through a rectangle."""
    for (x, y), (to, end) in zip(line.points, line.points[1:], strict=False):
        left, right, top, low = min(x, to), max(x, to), min(y, end), max(y, end)
        if left < area.right and right > area.x and top < area.bottom and low > area.y:
            return True
    return False
