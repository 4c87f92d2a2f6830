"""A sketch as SVG: valid XML without scripts, links, dates or fonts of its own; equal bytes each time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archcalc.report.figure.glyphs import FONTS
from archcalc.report.figure.sketch import Box, Line, Sketch, Text
from archcalc.report.figure.told import Bar, Told


class Links:
    """What a page follows: texts that know their numbers, and bars, in the order of their marks in the file."""

    def __init__(self) -> None:
        self.texts: list[Told] = []
        self.bars: list[Bar] = []


def svg(sketch: Sketch, colours: Mapping[str, str], title: str, description: str, links: Links | None = None) -> str:
    """The text of an SVG file.

    Args:
        sketch: all of the figure.
        colours: by the names that the sketch uses; of a page their variables in CSS.
        title: what a reader that cannot see it is told first.
        description: the same at more length.
        links: takes what a page follows; boxes then say which operations they stand for.
    """
    wide, high = int(sketch.width), int(sketch.height)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" '
        f'role="{"group" if links is not None else "img"}" font-family="{FONTS}">'
    )
    lines = [head, f"<title>{clean(title)}</title>", f"<desc>{clean(description)}</desc>"]
    lines.append(f'<rect width="100%" height="100%" {_look({"fill": colours["paper"]}, links is not None)}/>')
    for shape in sketch.shapes:
        if isinstance(shape, Box):
            lines.append(_box(shape, colours, links))
        elif isinstance(shape, Line):
            lines.append(_line(shape, colours, links is not None))
        else:
            lines.append(_text(shape, colours, links))
    lines.append("</svg>")
    return "\n".join(lines) + "\n"


def clean(text: str) -> str:
    """Text for XML: escaped, and without what XML has no place for."""
    kept = "".join(letter for letter in text if letter >= " " and not "\ud800" <= letter <= "\udfff")
    return kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _number(value: float) -> str:
    text = f"{value:.1f}"
    return text.removesuffix(".0") if text != "-0.0" else "0"


def _box(box: Box, colours: Mapping[str, str], links: Links | None) -> str:
    area = box.area
    fill = colours.get(box.fill, "none")
    parts = [f'<rect x="{_number(area.x)}" y="{_number(area.y)}" width="{_number(area.width)}"']
    parts.append(f'height="{_number(area.height)}"')
    if box.round:
        parts.append(f'rx="{_number(box.round)}"')
    look = {"fill": fill}
    if box.edge != "none":
        look["stroke"] = colours[box.edge]
        if box.thick != 1.0:
            look["stroke-width"] = _number(box.thick)
        if box.dashed:
            look["stroke-dasharray"] = "4 3"
    parts.append(_look(look, links is not None))
    for name, spans in (("nodes", box.nodes), ("calls", box.calls)) if links is not None else ():
        if spans:
            parts.append(f'data-{name}="{",".join(f"{first}-{last}" for first, last in spans)}"')
    if links is not None and box.bar:
        parts.append(f'data-bar="{len(links.bars)}"')
        links.bars.append(box.bar)
    return " ".join(parts) + "/>"


def _line(line: Line, colours: Mapping[str, str], is_of_page: bool) -> str:
    colour = colours[line.colour]
    points = [f"{_number(x)},{_number(y)}" for x, y in line.points]
    path = f"M{' L'.join(points)}"
    if line.arc:
        (x, y), (to, end) = line.points[0], line.points[-1]
        up = y - line.arc * 4 / 3
        third = f"{_number(x)},{_number(up)} {_number(to)},{_number(end - line.arc * 4 / 3)}"
        path = f"M{_number(x)},{_number(y)} C{third} {_number(to)},{_number(end)}"
    look = {"fill": "none", "stroke": colour, "stroke-width": _number(line.thick)}
    look |= {"stroke-dasharray": "4 3"} if line.dashed else {}
    head = _head(line, _look({"fill": colour}, is_of_page)) if line.head else ""
    return f'<path d="{path}" {_look(look, is_of_page)}/>{head}'


def _head(line: Line, look: str) -> str:
    (x, y), (to, end) = line.points[-2], line.points[-1]
    if line.arc or abs(end - y) >= abs(to - x):
        step = 1 if end > y or line.arc else -1
        corners = [(to, end), (to - 3, end - 5 * step), (to + 3, end - 5 * step)]
    else:
        step = 1 if to > x else -1
        corners = [(to, end), (to - 5 * step, end - 3), (to - 5 * step, end + 3)]
    return f'<path d="M{" L".join(f"{_number(a)},{_number(b)}" for a, b in corners)}Z" {look}/>'


def _text(text: Text, colours: Mapping[str, str], links: Links | None) -> str:
    look = {"fill": colours[text.colour]}
    look |= {} if text.anchor == "start" else {"text-anchor": text.anchor}
    look |= {"font-weight": "700"} if text.bold else {}
    look |= {"font-style": "italic"} if text.italic else {}
    place = f'x="{_number(text.x)}" y="{_number(text.y)}" font-size="{_number(text.size)}"'
    mark = ""
    if links is not None and isinstance(text.text, Told):
        mark = f' data-told="{len(links.texts)}"{_room(text)}'
        links.texts.append(text.text)
    return f"<text {place} {_look(look, links is not None)}{mark}>{clean(text.text)}</text>"


# Words of classes for what many shapes of a page have; `stylesheet` says what they mean.
CLASSES = {
    ("fill", "none"): "no",
    ("stroke-width", "1.1"): "thin",
    ("text-anchor", "middle"): "middle",
    ("text-anchor", "end"): "end",
    ("font-weight", "700"): "bold",
    ("font-style", "italic"): "slanted",
}
_LETTERS = {"fill": "f", "stroke": "s"}


def _look(look: Mapping[str, str], is_of_page: bool) -> str:
    """How a shape looks: as attributes, in a page by classes."""
    if not is_of_page:
        return " ".join(f'{name}="{value}"' for name, value in look.items())
    words = [
        CLASSES.get((name, value)) or (f"{_LETTERS[name]}-{value}" if name in _LETTERS else "")
        for name, value in look.items()
    ]
    rest = "".join(f' {name}="{value}"' for (name, value), word in zip(look.items(), words, strict=True) if not word)
    return f'class="{" ".join(filter(None, words))}"{rest}'


def stylesheet(colours: Iterable[str]) -> str:
    """What the classes of figures in a page mean; colours are variables of CSS."""
    rules = [f".figure .{word} {{ {name}: {value}; }}" for (name, value), word in CLASSES.items()]
    for colour in colours:
        rules += [f".{letter}-{colour} {{ {name}: var(--{colour}); }}" for name, letter in _LETTERS.items()]
    return "\n".join(rules)


def _room(text: Text) -> str:
    """How many times as long it may become without leaving its box."""
    if text.within is None or text.ground == "frame" or text.anchor != "middle":
        return ""
    room = 2 * min(text.x - text.within.x, text.within.right - text.x) - 4
    return f' data-room="{max(room / max(text.area.width, 1.0), 1.0):.2f}"'
