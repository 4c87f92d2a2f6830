"""Pictures for lectures: which map reads which in a connection table, and the pyramid of what a unit sees."""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

from archcalc.engine.cost.scope import one_of_row
from archcalc.ops import Table, Window
from archcalc.report.figure.colours import palette
from archcalc.report.figure.glyphs import width
from archcalc.report.figure.sketch import Box, Line, Rectangle, Sketch, Text
from archcalc.report.figure.svg import svg
from archcalc.report.figure.words import Kind, kind_of
from archcalc.results.cost import LayerCost, NetworkCost
from archcalc.source import Diagnostic, SpecError, suggestion

MOST_MAPS = 128  # rows and columns of a picture of a connection table
MOST_LEVELS = 24  # of a pyramid; with more, those between two strides are left out
MOST_UNITS = 60  # that are drawn one by one
WIDE, STEP = 480.0, 40.0  # of a pyramid, and from level to level


def layer_named(cost: NetworkCost, name: str) -> LayerCost:
    """A layer by its path, or the last one of a block.

    Raises:
        SpecError: there is none, with the nearest.
    """
    inside = [layer for layer in cost.layers if layer.name == name or layer.name.startswith(f"{name}.")]
    if inside:
        return inside[-1]
    names = [layer.name for layer in cost.layers]
    help = one_of_row(name, names) or suggestion(name, names, f"`archcalc show {cost.name}` lists the layers")
    raise SpecError([Diagnostic("unknown-layer", f"{cost.name} has no layer called `{name}`", help=help)])


def _refuse(code: str, message: str, help: str) -> NoReturn:
    raise SpecError([Diagnostic(code, message, help=help)])


def connections_svg(cost: NetworkCost, name: str, is_dark: bool = False) -> str:
    """Which output map of a layer reads which input map, as Table I of LeCun et al. 1998 has it.

    Raises:
        SpecError: no such layer, or one without a connection table, or with too many maps to draw.
    """
    layer = layer_named(cost, name)
    node = cost.graph.nodes[layer.nodes[0]]
    table: Any = node.operator.values().get("connections")
    if not isinstance(table, Table):
        with_one = [
            other.name
            for other in cost.layers
            if isinstance(cost.graph.nodes[other.nodes[0]].operator.values().get("connections"), Table)
        ]
        help = f"--connections {with_one[0]}" if with_one else "lenet5 has one: archcalc draw lenet5 --connections C3"
        _refuse("no-connections", f"`{layer.name}` of {cost.name} has no connection table", help)
    if max(table.inputs, table.outputs) > MOST_MAPS:
        _refuse("too-many-maps", f"a picture has room for {MOST_MAPS} maps, not {table.inputs} by {table.outputs}",
                "`archcalc explain` tells its numbers")  # fmt: skip
    cell = 24.0 if max(table.inputs, table.outputs) <= 24 else 13.0
    left, top = 112.0, 92.0
    sketch = Sketch()
    title = f"{cost.name} {layer.name}"
    pairs = table.inputs * table.outputs
    fact = (
        f"{table.connected} of {pairs} pairs of maps are connected: {layer.weights:,} weights, {layer.biases:,} biases"
    )
    sketch.add(Text(16, 27, title, 18, bold=True))
    sketch.add(Text(16, 45, fact, 11))
    sketch.add(Text(left, 66, f"{table.outputs} output maps", 10, colour="soft"))
    sketch.add(Text(16, top + 12, f"{table.inputs} input maps", 10, colour="soft"))
    small = 9.5
    for column in range(table.outputs):
        x = left + cell * (column + 0.5)
        if cell > 20 or column % 4 == 0:
            sketch.add(Text(x, top - 6, str(column), small, "middle", colour="soft"))
        reads = sum(row[column] for row in table.rows)
        if cell > 20:
            sketch.add(Text(x, top + cell * table.inputs + 14, str(reads), small, "middle", colour="soft"))
    for at, row in enumerate(table.rows):
        y = top + cell * at
        if cell > 20 or at % 4 == 0:
            sketch.add(Text(left - 6, y + cell / 2 + 3.4, str(at), small, "end", colour="soft"))
        for column, is_read in enumerate(row):
            area = Rectangle(left + cell * column, y, cell, cell)
            sketch.add(Box(area, "paper", "rim", round=0))
            if is_read:
                inner = Rectangle(area.x + 3, area.y + 3, cell - 6, cell - 6)
                sketch.add(Box(inner, "CONV", "edge", round=2))
    if cell > 20:
        sketch.add(Text(left - 6, top + cell * table.inputs + 14, "reads", small, "end", italic=True, colour="soft"))
    wide = max(left + cell * table.outputs + 16, 32 + width(fact, 11), 32 + width(title, 18, True))
    sketch.width, sketch.height = int(wide + 1), int(top + cell * table.inputs + 30)
    return svg(sketch, palette([Kind.CONV], is_dark), f"connections of {title}", fact)


class Level(NamedTuple):
    """A map on the way: its layer, its kind, how many positions of it are seen, and pixels from one to the next."""

    name: str
    kind: Kind
    seen: tuple[int, ...]
    jump: tuple[Any, ...]
    pixels: tuple[int, ...]  # of the input, that one position of it sees
    word: str


def levels_of(cost: NetworkCost, name: str) -> list[Level]:
    """From a layer down to the input: what one of its positions sees of each map, along the way that sees most.

    Raises:
        SpecError: no such layer; or one without positions, or what it sees is not a window.
    """
    layer = layer_named(cost, name)
    graph, index = cost.graph, layer.nodes[-1]
    if not graph.nodes[index].y.spatial:
        _refuse("no-spatial-axes", f"`{layer.name}` gives features, which have no positions", "name an earlier layer")
    rank = graph.nodes[index].y.rank
    seen = (1,) * rank
    found: list[Level] = []
    while index >= 0:
        node = graph.nodes[index]
        field = cost.fields.after(index)
        if field is None or len(field.size) != rank:
            _refuse("no-field", f"what `{layer.name}` sees is not told by windows", "name an earlier layer")
        reads = max(node.inputs, key=lambda read: _size(cost, read), default=None)
        x = node.x if not node.operator.merges else node.x[node.inputs.index(reads)] if reads is not None else None
        window = node.operator.window(node.x)
        if not isinstance(window, Window) and window != "pointwise":
            _refuse("no-field", f"`{node.layer}` reads a whole map, so that all positions see the same",
                    "name a layer before it")  # fmt: skip
        if isinstance(window, Window):
            if any(step != 1 for step in window.upsample) or not window.is_known or any(window.whole):
                _refuse("no-field", f"`{node.layer}` makes maps larger, or what it reads is not known",
                        "name a layer before it")  # fmt: skip
            if any(size > 1 for size in (*window.kernel, *window.stride)) or not found:
                kind = kind_of(node.operator, node.x)
                word = "×".join(map(str, window.kernel))
                found.append(Level(node.layer, kind, seen, tuple(field.jump), tuple(field.size), word))
            steps = zip(seen, window.stride, window.extent, strict=True)
            seen = tuple([(count - 1) * stride + extent for count, stride, extent in steps])  # type: ignore[misc]  # whole numbers: the graph has no free variables
        elif not found:
            found.append(Level(node.layer, Kind.OTHER, seen, tuple(field.jump), tuple(field.size), ""))
        if reads is None or x is None:
            _refuse("no-field", f"`{node.layer}` reads no input", "name a layer that goes on from the input")
        index = reads
    inputs = list(graph.inputs)
    found.append(Level(inputs[-1 - index], Kind.OTHER, seen, (1,) * rank, (1,) * rank, ""))
    return found


def _size(cost: NetworkCost, read: int) -> int:
    field = cost.fields.after(read) if read >= 0 else None
    return max(field.size, default=0) if field is not None else 0


def field_svg(cost: NetworkCost, name: str, is_dark: bool = False) -> str:
    """The pyramid of what one position of a layer sees, side view along the last axis.

    Raises:
        SpecError: as `levels_of`.
    """
    levels = levels_of(cost, name)
    if len(levels) > MOST_LEVELS:
        kept = [
            level
            for number, level in enumerate(levels)
            if number in (0, len(levels) - 1) or level.jump != levels[number + 1].jump
        ]
        left_out = len(levels) - len(kept)
        levels = kept
    else:
        left_out = 0
    base = levels[-1].seen[-1]
    names = max(width(level.name, 10) for level in levels)
    left = 24 + names
    middle = left + WIDE / 2
    sketch = Sketch()
    size = "×".join(map(str, levels[-1].seen))
    extent = "×".join(map(str, cost.graph.shape(-1).spatial))
    title = f"{cost.name} {levels[0].name}"
    fact = f"one position sees {size} of the input, which has {extent}; positions are {_jump(levels[0])} pixels apart"
    sketch.add(Text(16, 27, title, 18, bold=True))
    sketch.add(Text(16, 45, fact, 11))
    y, before = 78.0, None
    right = left + WIDE
    for level in levels:
        span = WIDE * float(min(level.seen[-1] * level.jump[-1], base)) / base
        wide = max(span, 6.0)
        if before is not None:
            for side in (-1, 1):
                points = ((middle + side * before / 2, y - STEP + 14), (middle + side * wide / 2, y))
                sketch.add(Line(points, colour="rim"))
        units = level.seen[-1]
        area = Rectangle(middle - wide / 2, y, wide, 14.0)
        fill = level.kind.name
        if units <= MOST_UNITS:
            one = wide / units
            for unit in range(units):
                sketch.add(Box(Rectangle(area.x + one * unit, y, one, 14.0), fill, "edge", round=0))
        else:
            sketch.add(Box(area, fill, "edge", round=0))
        sketch.add(Text(left - 8, y + 10.8, level.name, 10, "end"))
        seen = "×".join(map(str, level.seen))
        of = f"{seen} positions" if units > 1 else "1 position"
        if level is levels[-1]:
            of = f"{seen} pixels"
        elif level.word:
            of = f"{of}, each from {level.word}"
        sketch.add(Text(left + WIDE + 10, y + 10.8, of, 9.5, colour="soft"))
        right = max(right, left + WIDE + 10 + width(of, 9.5))
        before = wide
        y += STEP
    if left_out:
        text = f"{left_out} layers between strides are left out"
        sketch.add(Text(16, y - 6, text, 9.5, italic=True, colour="soft"))
        y += 14
    sketch.width = int(max(right, 16 + width(fact, 11), 16 + width(title, 18, True)) + 17)
    sketch.height = int(y + 1)
    kinds = {level.kind for level in levels}
    return svg(sketch, palette(kinds, is_dark), f"what a position of {title} sees", fact)


def _jump(level: Level) -> str:
    steps = [str(step) for step in level.jump]
    return steps[0] if len(set(steps)) == 1 else "×".join(steps)
