"""Tables of calls: the numbers that one opened instance of a module leaves out."""

from __future__ import annotations

from typing import NamedTuple

from archcalc.report.figure.glyphs import fitted, width
from archcalc.report.figure.items import Call, Figure
from archcalc.report.figure.sketch import Line, Sketch, Text
from archcalc.report.figure.told import Given, Told
from archcalc.results.structure import Part

MOST_ROWS = 24
MOST_VALUE = 12  # letters of an argument
ROW, HEAD_ROW = 12.5, 12.0


class _Line(NamedTuple):
    name: str
    mark: str
    values: tuple[str, ...]
    amount: str


class _Called(NamedTuple):
    name: str  # of its entry
    is_of_run: bool  # one of several entries that are one row
    part: Part
    form: int


def tables(figure: Figure, quantity: str) -> list[Sketch]:
    """A table for each opened module whose calls differ in arguments."""
    opened = {form.module for form in figure.forms}
    by_module: dict[str, list[_Called]] = {}
    words: dict[str, str] = {}
    for row in figure.rows:
        call = row.item
        if isinstance(call, Call) and not call.is_entry and call.module in opened:
            words.setdefault(call.module, call.word)
            found = by_module.setdefault(call.module, [])
            several = row.names or [row.name] * len(call.parts)
            found += [
                _Called(name, bool(row.names), part, form)
                for name, part, form in zip(several, call.parts, call.forms, strict=True)
            ]
    found_tables = [_table(figure, module, words[module], calls, quantity) for module, calls in by_module.items()]
    return [made for made in found_tables if made is not None]


def _table(figure: Figure, module: str, word: str, calls: list[_Called], quantity: str) -> Sketch | None:
    """One table; none where arguments tell nothing."""
    names = list(calls[0].part.arguments)
    texts = {name: [_text(call.part, name) for call in calls] for name in names}
    known = set(figure.names.values())  # what is read is drawn as a line
    shown = [
        name
        for name in names
        if len(set(texts[name])) > 1 and max(map(len, texts[name])) <= MOST_VALUE and not known.issuperset(texts[name])
    ]
    if not shown or len(calls) < 2:
        return None
    has_forms = len({call.form for call in calls}) > 1
    found: dict[_Line, int] = {}
    before: _Line | None = None  # of entries that count up
    for at, call in enumerate(calls):
        amount = figure.brief(call.part, quantity)
        mark = figure.marks.get((module, call.form), "") if has_forms else ""
        line = _Line(call.name, mark, tuple(texts[argument][at] for argument in shown), amount)
        if before is not None and call.is_of_run and before[1:] == line[1:] and before.name != line.name:
            found.pop(before)
            line = line._replace(name=f"{before.name.partition(' to ')[0]} to {call.name}")
        before = line if call.is_of_run else None
        found[line] = 1 if " to " in line.name else found.get(line, 0) + 1
    rows = list(found.items())
    more = len(rows) - MOST_ROWS
    what = {"macs": "MACs", "params": "parameters"}.get(quantity, quantity)
    heads = ["", *(["form"] if has_forms else []), *shown, f"{what} each"]
    cells = [
        [
            f"{line.name} ×{times}" if times > 1 else line.name,
            *([line.mark] if has_forms else []),
            *line.values,
            line.amount,
        ]
        for line, times in rows[:MOST_ROWS]
    ]
    broken = [_broken(head) for head in heads]
    deep = max(map(len, broken))
    columns = [
        max([width(fitted(row[at], 110, 9.5), 9.5) for row in cells] + [width(part, 9.5) for part in broken[at]]) + 12
        for at in range(len(heads))
    ]
    sketch = Sketch(max(sum(columns), width(f"calls of {word}", 11, True) + 8))
    sketch.add(Text(4, 11, f"calls of {word}", 11, bold=True))
    y = 16.0
    for number in range(deep):
        y += HEAD_ROW
        right = 0.0
        for at, parts in enumerate(broken):
            right += columns[at]
            place = number - (deep - len(parts))
            if place >= 0 and parts[place]:
                sketch.add(Text(right - 4, y, parts[place], 9.5, "end", colour="soft"))
    y += 5
    sketch.add(Line(((0, y), (sum(columns), y)), colour="rim"))
    for row in cells:
        y += ROW
        right = columns[0]
        sketch.add(Text(4, y, fitted(row[0], 110, 9.5), 9.5))
        for at, cell in enumerate(row[1:], 1):
            right += columns[at]
            sketch.add(Text(right - 4, y, cell, 9.5, "end"))
    if more > 0:
        y += ROW
        sketch.add(Text(4, y, f"and {more} more", 9.5, italic=True, colour="soft"))
        sketch.width = max(sketch.width, width(f"and {more} more", 9.5) + 8)
    sketch.height = y + 5
    return sketch


def _text(part: Part, name: str) -> str:
    value = part.arguments.get(name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, int):
        return Told(f"{value:,}", Given(part, name))
    return Told(" ".join(map(str, value))) if isinstance(value, list) else str(value)


def _broken(head: str) -> list[str]:
    """A heading in two lines, at its underscore."""
    first, sign, second = head.partition("_")
    return (
        [first, second.replace("_", " ")] if sign and first and second else head.split(" ") if " " in head else [head]
    )
