"""Opened modules: what they put in a row downwards, branches side by side, in a frame with a letter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from archcalc.report.figure.flow import Knot
from archcalc.report.figure.glyphs import fitted, width
from archcalc.report.figure.items import Branch, Call, Figure, Fork, Form, Item, Op, spans
from archcalc.report.figure.manner import FAN, UNBROKEN, Manner
from archcalc.report.figure.pieces import MOST_NAME, MOST_TEXT, PILL, beside, named, pill, widen
from archcalc.report.figure.sketch import Box, Line, Rectangle, Sketch, Text, letter
from archcalc.report.figure.told import Copies, Told, joined, told
from archcalc.report.figure.wires import PASSES, wired

HIGH, SHORT = 33.0, 20.0  # boxes of two lines; of one, where room is short
PADDING = 10.0
ASIDE = 14.0  # from a column of a frame to the line to the next one
BESIDE = 80.0  # room for a shape beside an arrow
OVER = 115.0  # what a frame has besides its boxes
MOST_FACT = 260.0  # of a line below the name of a frame


class Frames(NamedTuple):
    """What frames need to know of their figure."""

    figure: Figure
    quantity: str = "macs"
    manner: Manner = Manner()
    most: float = UNBROKEN  # height of a page's room
    entry: int | None = None  # what the module reads that is drawn

    def name_of(self, index: int) -> str:
        """What an operation is called where something reads it from afar."""
        return "the input" if index == self.entry else self.figure.name_of(index)

    def amount(self, item: Item) -> str:
        """What one of them has, or all of several together."""
        each = [sum(self.figure.amounts[self.quantity][part.first : part.last]) for part in item.parts]
        if isinstance(item, Op) and len(item.labels) > 1:
            return ""
        text = self.figure.brief(item, self.quantity)
        return "" if not sum(each) else told(text, " together" if len(each) > 1 else "")

    # boxes

    def op(self, op: Op) -> Sketch:
        """A box of an operation."""
        if op.is_small:
            return pill(op.word, nodes=spans(op))
        if self.manner.is_short:
            return self.box([op.text], op.kind.name, op)
        rest = joined(", ", [*([op.rest] if op.label.rest else []), *(["shared"] if op.is_shared else [])])
        amount = self.amount(op)
        if not amount and len(rest) < 8:
            return self.box([joined(", ", [text for text in (op.word, rest) if text])], op.kind.name, op)
        second = joined(" · ", [text for text in (rest, amount) if text])
        return self.box([op.word, second] if second else [op.word], op.kind.name, op)

    def box(
        self, lines: Sequence[str], fill: str, item: Op | Call, is_bold: bool = False, marks: Sequence[str] = ()
    ) -> Sketch:
        """A box with one line or two, letters before them and `×n` at its right end."""
        times = item.times
        lines = [fitted(line, MOST_TEXT, 11 - number, is_bold and not number) for number, line in enumerate(lines)]
        inside = max(width(line, 11 - number, is_bold and not number) for number, line in enumerate(lines))
        count = f"×{times}" if times > 1 else ""
        before = 19.0 * len(marks)
        after = width(count, 11, True) + 6 if count else 0.0
        wide = inside + before + after + 2 * self.manner.padding
        high = HIGH if len(lines) > 1 else SHORT if self.manner.is_short else 25.0
        sketch = Sketch(wide + (5 if times > 1 else 0), high + (5 if times > 1 else 0), wide / 2)
        area = Rectangle(0, 0, wide, high)
        thick = 1.6 if is_bold else 1.0
        for step in (2, 1) if times > 1 else ():
            sketch.add(Box(Rectangle(2.5 * step, 2.5 * step, wide, high), fill, "edge"))
        sketch.add(Box(area, fill, "edge", thick, nodes=spans(item)))
        for number, mark in enumerate(marks):
            sketch.add(*letter(mark, 13 + 19 * number, high / 2))
        middle = before + self.manner.padding + inside / 2
        tops = (13.5, 26.5) if len(lines) > 1 else (high / 2 + 4.0,)
        for number, (line, y) in enumerate(zip(lines, tops, strict=True)):
            bold = is_bold and not number
            sketch.add(Text(middle, y, line, 11 - number, "middle", bold, within=area, ground=fill))
        if count:
            sketch.add(Text(wide - 6, high / 2 + 4, count, 11, "end", True, within=area, ground=fill))
        return sketch

    def call(self, call: Call) -> Sketch:
        """A module within a module."""
        found = dict.fromkeys(self.figure.marks.get((call.module, form), "") for form in call.forms)
        marks = [mark for mark in found if mark]
        amount = "" if self.manner.is_short else self.amount(call)
        return self.box([call.word, amount] if amount else [call.word], "paper", call, True, marks[:3])

    # rows and branches

    def item(self, item: Item) -> Sketch:
        """One item."""
        if isinstance(item, Fork):
            return self.fork(item)
        sketch = self.box_of(item)
        if others := [self.name_of(read) for read in self.figure.read_by(item) if read != item.reads]:
            beside(sketch, others)
        return sketch

    def box_of(self, item: Op | Call) -> Sketch:
        """The box of an operation or of a module."""
        return self.op(item) if isinstance(item, Op) else self.call(item)

    def knot(self, knot: Knot) -> Sketch:
        """An item of a flow, with its name, and what it reads from elsewhere."""
        name = "" if knot.role is None or knot.of is None else self.role(knot.role, knot.of)
        if knot.item is None:
            return named(Sketch(2 * PASSES, 0.0), name, FAN)
        if isinstance(knot.item, Fork):
            inner = self.joint(knot.item) if knot.is_joint else self.fork(knot.item)
        else:
            inner = self.box_of(knot.item)
        others = [self.name_of(read) for read in knot.others]
        if others and (knot.reads or knot.is_joint):
            beside(inner, others)
            others = []
        if knot.is_named_below:
            high = inner.height
            inner.add(Line(((inner.axis, high), (inner.axis, high + 14))))
            inner.add(Text(inner.axis + 5, high + 11, fitted(name, MOST_NAME, 9.5), 9.5, italic=True, colour="soft"))
            inner.width = max(inner.width, inner.axis + 6 + width(fitted(name, MOST_NAME, 9.5), 9.5))
            inner.height = high + 14
        elif others:
            sketch = Sketch(inner.width, 0.0, inner.axis)
            y = self.source(sketch, sketch.axis, 0.0, ", ".join(others), name)
            sketch.place(inner, sketch.axis - inner.axis, y)
            sketch.width, sketch.height = max(sketch.width, sketch.axis - inner.axis + inner.width), y + inner.height
            return sketch
        elif name:
            return named(inner, name, self.manner.fan(name) if knot.reads else 0.0, not isinstance(knot.item, Fork))
        return inner

    def joint(self, fork: Fork) -> Sketch:
        """What branches meet in."""
        return pill(fork.word, "dark", tuple((part.node, part.node + 1) for part in fork.parts))

    def series(self, items: Sequence[Item], before: int | None = None) -> Sketch:
        """Items in a row, downwards; `before`: what stands before them elsewhere."""
        made = [self.item(item) for item in items]
        left = max((sketch.axis for sketch in made), default=0.0)
        right = max((sketch.width - sketch.axis for sketch in made), default=0.0)
        found = Sketch(left + right, 0.0, left)
        y = 0.0
        if before is not None and items[0].reads not in (before, None):
            y = self.source(found, left, 0.0, self.name_of(items[0].reads), head=not isinstance(items[0], Fork))
            left = found.axis
        for number, (item, sketch) in enumerate(zip(items, made, strict=True)):
            if number:
                before = items[number - 1].parts[-1].output
                if item.reads == before or item.reads is None or before is None:
                    found.add(Line(((left, y), (left, y + self.manner.gap)), head=not isinstance(item, Fork)))
                    y += self.manner.gap
                else:
                    y = self.source(found, left, y + 4, self.name_of(item.reads), head=not isinstance(item, Fork))
            found.place(sketch, left - sketch.axis, y)
            y += sketch.height
        found.height = y
        return found

    def columns(self, items: Sequence[Item]) -> Sketch:
        """Items in a row, in two columns where one would be too high."""
        whole = self.series(items)
        if whole.height <= self.manner.tall:
            return whole
        ends = [item.parts[-1].output for item in items]
        ways = [
            (self.series(items[:at]), self.series(items[at:], ends[at - 1]), items[at].reads == ends[at - 1])
            for at in range(1, len(items))
            if ends[at - 1] is not None and items[at].reads is not None
        ]
        if not ways:
            return whole
        left, right, goes_on = min(
            ways,
            key=lambda way: (max(way[0].height, way[1].height, self.manner.tall), way[0].width + way[1].width),
        )
        if max(left.height, right.height) > 0.9 * whole.height:
            return whole
        turn = max(left.width + ASIDE, left.axis + BESIDE)
        second = turn + ASIDE
        axis, low = second + right.axis, left.height + 8
        found = Sketch(second + right.width, max(low, right.height), left.axis)
        found.place(left, 0, 0)
        found.place(right, second, 0)
        if goes_on:
            found.add(
                Line(
                    (
                        (left.axis, left.height),
                        (left.axis, low),
                        (turn, low),
                        (turn, -self.manner.long),
                        (axis, -self.manner.long),
                        (axis, 0),
                    ),
                    True,
                )
            )
        found.ends = axis, right.height
        return found

    def source(self, sketch: Sketch, axis: float, y: float, name: str, role: str = "", head: bool = True) -> float:
        """`k from encoder` and an arrow down; where the arrow ends. A merge has an arrow of its own."""
        text = fitted(f"{role} from {name}" if role else f"from {name}", 130, 9.5)
        wide = width(text, 9.5)
        if axis < wide / 2:
            widen(sketch, wide / 2 - axis)
            axis = sketch.axis
        sketch.width = max(sketch.width, axis + wide / 2)
        sketch.add(Text(axis, y + 8, text, 9.5, "middle", italic=True, colour="soft"))
        sketch.add(Line(((axis, y + 11), (axis, y + 22)), head=head))
        return y + 22

    def role(self, branch: Branch, fork: Fork) -> str:
        """The name of a branch; of experts how many there are, and how many work."""
        if not fork.word.startswith("experts") or not branch.items:
            return branch.name
        first = branch.items[0].parts[0].first
        copies = self.figure.graph.nodes[first].operator.copies
        stored, used = (Told(str(copies[at]), Copies(first, not at)) for at in (0, 1))
        return told(f"{branch.name} ×", stored, ", ", used, " used") if copies.stored != 1 else branch.name

    def way(self, branch: Branch, fork: Fork) -> Sketch:
        """A branch with boxes: its name or where it comes from above them."""
        inner = self.series(branch.items)
        name = self.role(branch, fork)
        sketch = Sketch(inner.width, 0.0, inner.axis)
        y = self.manner.fan(name)  # what reads nothing is as far from the line across as others
        is_merge = isinstance(branch.items[0], Fork)
        if branch.source:
            y = self.source(sketch, sketch.axis, self.manner.clear, branch.source, name, not is_merge)
        elif not _starts(branch.items):
            sketch.add(Line(((sketch.axis, 0), (sketch.axis, y)), head=not is_merge))
        if name and not branch.source:
            text = fitted(name, MOST_NAME, 9.5)
            sketch.width = max(sketch.width, sketch.axis + 6 + width(text, 9.5))
            sketch.add(Text(sketch.axis + 5, 12, text, 9.5, italic=True, colour="soft"))
            y = max(y, 16.0)
        sketch.place(inner, sketch.axis - inner.axis, y)
        sketch.width = max(sketch.width, sketch.axis - inner.axis + inner.width)
        sketch.height = y + inner.height
        return sketch

    def fork(self, fork: Fork) -> Sketch:
        """Branches side by side, and what they meet in."""
        main = [branch for branch in fork.branches if branch.items]
        ways = [self.way(branch, fork) for branch in main]
        identities = [branch for branch in fork.branches if branch.is_identity]
        skips = [branch.source for branch in fork.branches if branch.is_skip]
        is_read = [not branch.source and not _starts(branch.items) for branch in main]
        lefts, x = [], 0.0
        for sketch in ways:
            lefts.append(x)
            x += sketch.width + self.manner.between
        wide = max(x - self.manner.between, 0.0)
        axes = [left + sketch.axis for left, sketch in zip(lefts, ways, strict=True)]
        axis = (axes[0] + axes[-1]) / 2 if axes else 12.0
        body = Sketch(wide, 0.0, axis)
        joins = tuple((part.node, part.node + 1) for part in fork.parts if part.node >= 0)
        merge = pill(fork.word, "dark", joins) if fork.word else None
        top = 8.0 if len(main) > 1 or (identities and main) else 0.0
        turn = top
        if identities and main and not any(is_read):
            top += 8.0  # no line leads to what reads nothing
        tall = max((sketch.height for sketch in ways), default=0.0)
        read = [at for at, reads in zip(axes, is_read, strict=True) if reads]
        if read or identities:
            body.add(Line(((axis, 0), (axis, turn))))
            across = [*read, axis]
            if max(across) - min(across) > 0.1:
                body.add(Line(((min(across), top), (max(across), top))))
        for left, sketch in zip(lefts, ways, strict=True):
            body.place(sketch, left, top)
        below = top + tall
        if len(main) > 1:
            across_at = below + 8
            body.add(Line(((min(axes), across_at), (max(axes), across_at))))
            for at, sketch in zip(axes, ways, strict=True):
                body.add(Line(((at, top + sketch.height), (at, across_at))))
            merge_top = below + self.manner.gap + 6 if merge else across_at
        elif main:
            across_at = below
            merge_top = below + self.manner.gap if merge else below
        else:
            across_at, merge_top = 0.0, self.manner.gap
        if merge is None:
            body.height = max(merge_top, across_at)
            return body
        body.add(Line(((axis, across_at), (axis, merge_top)), head=True))
        half = merge.width / 2
        widen(body, max(0.0, half - axis))
        axis = body.axis
        body.width = max(body.width, axis + half)
        body.place(merge, axis - half, merge_top)
        centre = merge_top + PILL / 2
        right_end = axis + half
        if identities and main:
            gutter = max(body.width, right_end) + 10
            body.add(Line(((axis, turn), (gutter, turn), (gutter, centre), (right_end, centre)), head=True))
            word = next(
                (branch.name for branch in identities if branch.name), "" if self.manner.is_tight else "identity"
            )
            text = fitted(word, 90, 9.5)
            body.width = gutter + 2
            if text:
                body.add(Text(gutter + 4, (top + centre) / 2 + 3, text, 9.5, italic=True, colour="soft"))
                body.width = gutter + 5 + width(text, 9.5)
            right_end = body.width
        elif identities and len(identities) > 1:
            body.add(Text(axis + half + 4, centre + 3.5, "with itself", 9.5, italic=True, colour="soft"))
            body.width = max(body.width, axis + half + 5 + width("with itself", 9.5))
        if fork.times > 1:
            text = f"×{fork.times}"
            body.add(Text(axis + half + 5, merge_top + PILL + 1, text, 11, bold=True))
            body.width = max(body.width, axis + half + 7 + width(text, 11, True))
        body.height = merge_top + PILL
        if skips:
            shown = f"from {skips[0]}" if len(skips) == 1 else f"from {', '.join(skips)}"
            text = fitted(shown, 150, 9.5)
            need = width(text, 9.5) + 18 + half
            if need > axis:
                widen(body, need - axis)
            end = body.axis - half
            body.add(Line(((end - 14, centre), (end, centre)), head=True))
            body.add(Text(end - 17, centre + 3.5, text, 9.5, "end", italic=True, colour="soft"))
        return body

    def wired(self, form: Form) -> Sketch | None:
        """Items with a line for everything that they read; None where they are in a row."""
        if form.flow is None:
            return None
        flow = form.flow.narrow if self.manner.is_narrow and form.flow.narrow is not None else form.flow
        return wired(flow, {knot: self.knot(knot) for knot in flow.knots}, self.manner.gap)

    # frames

    def frame(self, form: Form) -> Sketch:
        """A module opened: what it is, as which call, how many there are, and what is in it."""
        figure = self.figure
        entry = form.chain[0].reads if form.chain else None
        inner = self.wired(form)
        is_wired = inner is not None and inner.height + OVER <= self.most
        if is_wired and form.flow is not None:
            entry = form.flow.entry
        if inner is None or not is_wired:
            inner = self._replace(entry=entry).columns(form.chain)
        name = form.title if form.of == 1 else f"{form.title}, form {form.nth} of {form.of}"
        lines = self.facts(form)
        shown = [name, *lines]
        title = max(width(name, 12, True) + (24 if form.mark else 0), *(width(line, 10) for line in lines))
        begins = "" if entry is None else figure.shape_of(entry)
        ends = figure.given(form.chain[-1]) if form.chain else ""
        beside = 8 + max(width(begins, 9.5), width(ends, 9.5))
        left = inner.axis
        right = max(inner.width - inner.axis, beside)
        if inner.ends is not None:
            right = max(right, inner.ends[0] - inner.axis + beside)
        wide = max(title, left + right) + 2 * PADDING
        axis = PADDING + left + (wide - 2 * PADDING - left - right) / 2
        y = 8.0
        sketch = Sketch(wide, 0.0, axis)
        edge = "soft" if form.is_head else "rim"
        start = PADDING
        if form.mark:
            size = 16.0 if len(form.mark) == 1 else 19.0
            sketch.add(*letter(form.mark, PADDING + size / 2, y + 9, size))
            start += size + 6
        sketch.add(Text(start, y + 13.5, shown[0], 12, bold=True, ground="frame"))
        y += 20
        for line in lines:
            sketch.add(Text(PADDING, y + 9.5, line, 10, colour="soft", ground="frame"))
            y += 12.5
        y += 5
        if begins:
            head = not is_wired and not isinstance(form.chain[0], Fork)
            sketch.add(Line(((axis, y), (axis, y + self.manner.long)), head=head))
            sketch.add(Text(axis + 6, y + 10, begins, 9.5, colour="soft", ground="frame"))
            y += self.manner.long
        sketch.place(inner, axis - inner.axis, y)
        y += inner.height
        last, end = (
            (axis, y) if inner.ends is None else (axis - inner.axis + inner.ends[0], y - inner.height + inner.ends[1])
        )
        sketch.add(Line(((last, end), (last, end + self.manner.long)), head=True))
        sketch.add(Text(last + 6, end + 11.5, ends, 9.5, colour="soft", ground="frame"))
        sketch.height = max(y, end + self.manner.long) + 8
        area = Rectangle(0, 0, sketch.width, sketch.height)
        nodes = ((form.chosen.first, form.chosen.last),)
        calls = tuple((part.first, part.last) for part in form.calls)
        sketch.shapes.insert(0, Box(area, "frame", edge, 1.0, 5.0, form.is_head, nodes, calls))
        sketch.shapes = [
            shape._replace(within=shape.within or area, ground="frame" if shape.ground == "paper" else shape.ground)
            if isinstance(shape, Text)
            else shape
            for shape in sketch.shapes
        ]
        return sketch

    def facts(self, form: Form) -> list[str]:
        """As which call it is drawn, and the share of all of its calls."""
        figure, quantity = self.figure, self.quantity
        word = {"macs": "MACs", "params": "parameters"}.get(quantity, quantity)
        if form.is_head:
            return ["in training only; not in the totals"]
        amount = told(figure.brief(form.chosen, quantity), f" {word}")
        share = figure.share(form.calls, quantity)
        if len(form.calls) == 1:
            first = joined(", ", [amount, share] if share else [amount])
            return [first] if form.chosen.path == form.title else [placed(form.chosen.path, first)]
        second = told(f"{len(form.calls)} of them", *([": ", share, f" of all {word}"] if share else []))
        return [second] if self.manner.is_short else [placed(f"as {form.chosen.path}", amount), second]


def placed(path: str, amount: str) -> str:
    """What a call has; of a long path the names within it alone."""
    parts = path.split(".")
    for cut in range(1, len(parts) - 1):
        if width(f"{path}: {amount}", 10) <= MOST_FACT:
            break
        path = f"{'as ' if path.startswith('as ') else ''}…{'.'.join(parts[cut + 1 :])}"
    return told(fitted(path, MOST_FACT - width(f": {amount}", 10), 10), ": ", amount)


def _starts(items: Sequence[Item]) -> bool:
    """Whether a branch begins with something that reads nothing."""
    return bool(items) and items[0].reads is None
