"""Knots and lines at their places: layers from above, strands from the left, lines across between the layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, pairwise, permutations
from typing import NamedTuple

from archcalc.report.figure.flow import Flow, Knot
from archcalc.report.figure.order import Net
from archcalc.report.figure.sketch import Box, Line, Rectangle, Sketch

BETWEEN = 9.0  # boxes, and lines beside them
DOT = 4.0  # where lines are joined that others cross
PASSES = 3.0  # half of what a line takes
FIRST, TRACK, ABOVE = 8.0, 6.0, 12.0  # from a layer to the first line across, between these, and to the next layer
SWEEPS = 24
SNAP = 14.0  # what is nearly below another is put below it
MOST_ORDERS = 5  # lines across in one channel of which every order is tried


class _Way(NamedTuple):
    """A net with its places."""

    begins: list[float]
    ends: list[float]

    @property
    def left(self) -> float:
        return min(*self.begins, *self.ends)

    @property
    def right(self) -> float:
        return max(*self.begins, *self.ends)

    @property
    def is_straight(self) -> bool:
        return self.right - self.left < 0.1


def wired(flow: Flow, sketches: Mapping[Knot, Sketch], gap: float) -> Sketch:
    """The sketch of a flow; its arrow comes in at `axis` and goes out at `ends`.

    Args:
        flow: what is drawn.
        sketches: of its knots, each with room for its name above.
        gap: between layers that are joined by straight lines.
    """
    axes = places(flow, sketches)
    has_dots = any(_has_crossings(nets, axes) for nets in flow.channels)
    sketch = Sketch()
    y = 0.0
    for layer, nets in zip(flow.layers, flow.channels, strict=True):
        y = _across(sketch, layer, nets, axes, y, gap, has_dots)
        low = y + max((sketches[knot].height for knot in layer.values() if knot is not None), default=0.0)
        for strand, knot in layer.items():
            top = y
            if knot is not None:
                made = sketches[knot]
                sketch.place(made, axes[strand] - made.axis, y)
                top += made.height
            goes_on = knot is None or knot is not flow.last
            if goes_on and low - top > 0.1:
                sketch.add(Line(((axes[strand], top), (axes[strand], low))))
        y = low
    end = flow.last
    sketch.height = y
    sketch.width = max(
        axes[strand] + (PASSES if knot is None else sketches[knot].width - sketches[knot].axis)
        for layer in flow.layers
        for strand, knot in layer.items()
    )
    sketch.axis = axes[0] if flow.entry is not None else axes[end.strand]
    sketch.ends = axes[end.strand], y
    return sketch


# from left to right


def places(flow: Flow, sketches: Mapping[Knot, Sketch]) -> dict[int, float]:
    """The place of each strand: as narrow as its layers allow, and as near to what it is joined to as that leaves."""
    lefts: dict[int, float] = {}
    rights: dict[int, float] = {}
    nearest = _nearest(flow, sketches, lefts, rights)
    least = _packed(flow.order, nearest, lefts)
    wide = max(least[strand] + rights[strand] for strand in least)
    mirrored = _packed(flow.order[::-1], {(b, a): of for (a, b), of in nearest.items()}, rights)
    most = {strand: wide - at for strand, at in mirrored.items()}
    joined = _joined(flow, least)
    beside: dict[int, tuple[list[tuple[int, float]], list[tuple[int, float]]]] = {of: ([], []) for of in least}
    for (one, other), apart in nearest.items():
        beside[other][0].append((one, apart))
        beside[one][1].append((other, apart))
    found = _packed(flow.order, nearest, lefts, {strand: (least[strand] + most[strand]) / 2 for strand in least})
    for sweep in range(SWEEPS):
        reach = SNAP if sweep >= SWEEPS - 2 else 0.0
        for strand in found if sweep % 2 else reversed(found):
            groups = [[found[other] for other in others] for others in joined[strand]]
            if not groups:
                continue
            wanted = _middle(groups)
            near = [at for group in groups for at in group if abs(at - wanted) < reach]
            left, right = beside[strand]
            low = max([least[strand], *(found[other] + apart for other, apart in left)])
            high = min([most[strand], *(found[other] - apart for other, apart in right)])
            found[strand] = max(min(near[0] if near else wanted, high), low)
    shift = min(found[strand] - lefts[strand] for strand in found)
    return {strand: at - shift for strand, at in found.items()}


def _nearest(
    flow: Flow, sketches: Mapping[Knot, Sketch], lefts: dict[int, float], rights: dict[int, float]
) -> dict[tuple[int, int], float]:
    """The least from one strand to the next; `lefts` and `rights` take what each needs at its sides."""
    rank = {strand: at for at, strand in enumerate(flow.order)}
    found: dict[tuple[int, int], float] = {}
    above: dict[int, Knot | None] = {} if flow.entry is None else {0: None}
    for layer in (above, *flow.layers):
        shown = sorted(layer, key=rank.__getitem__)
        for strand in shown:
            left, right = _sides(layer[strand], sketches)
            lefts[strand] = max(lefts.get(strand, 0.0), left)
            rights[strand] = max(rights.get(strand, 0.0), right)
        for pair in pairwise(shown):
            apart = _sides(layer[pair[0]], sketches)[1] + BETWEEN + _sides(layer[pair[1]], sketches)[0]
            found[pair] = max(found.get(pair, 0.0), apart)
    return found


def _joined(flow: Flow, strands: Iterable[int]) -> dict[int, list[list[int]]]:
    """What each strand is joined to, at each of its ends."""
    found: dict[int, list[list[int]]] = {strand: [] for strand in strands}
    for nets in flow.channels:
        for sources, targets in nets:
            for ends, others in ((sources, targets), (targets, sources)):
                for strand in ends:
                    found[strand].append(list(others))
    return found


def _sides(knot: Knot | None, sketches: Mapping[Knot, Sketch]) -> tuple[float, float]:
    """What a knot takes at the left and right of its strand."""
    if knot is None:
        return PASSES, PASSES
    made = sketches[knot]
    return made.axis, made.width - made.axis


def _packed(
    order: Sequence[int],
    nearest: Mapping[tuple[int, int], float],
    lefts: Mapping[int, float],
    wanted: Mapping[int, float] | None = None,
) -> dict[int, float]:
    """Strands as far at the left as they can stand; not further than wanted."""
    found: dict[int, float] = {}
    for strand in order:
        if strand in lefts:
            found[strand] = max(lefts[strand], wanted[strand] if wanted else 0.0)
            for (one, other), apart in nearest.items():
                if other == strand:
                    found[strand] = max(found[strand], found[one] + apart)
    return found


def _middle(groups: Sequence[Sequence[float]]) -> float:
    """Where a strand would stand: between the middles of what it is joined to above and below."""
    middles = []
    for near in groups:
        group = sorted(near)
        half = len(group) // 2
        middles.append(group[half] if len(group) % 2 else (group[half - 1] + group[half]) / 2)
    return sum(middles) / len(middles)


# lines across


def _across(
    sketch: Sketch,
    layer: Mapping[int, Knot | None],
    nets: Sequence[Net],
    axes: Mapping[int, float],
    y: float,
    gap: float,
    has_dots: bool,
) -> float:
    """Lines from one layer to the next; where the next one begins."""
    ways = _ways(nets, axes)
    tracks = _tracks([way for way in ways if not way.is_straight])
    deep = 1 + max(tracks.values(), default=-1)
    low = y + (FIRST + TRACK * (deep - 1) + ABOVE if deep else gap)
    heads = {axes[strand]: knot is not None and knot.has_head for strand, knot in layer.items()}
    for way in ways:
        if way.is_straight:
            sketch.add(Line(((way.left, y), (way.left, low)), head=heads[way.ends[0]]))
            continue
        at = y + FIRST + TRACK * tracks[id(way.begins)]
        for x in way.begins:
            sketch.add(Line(((x, y), (x, at))))
        sketch.add(Line(((way.left, at), (way.right, at))))
        for x in way.ends:
            sketch.add(Line(((x, at), (x, low)), head=heads[x]))
        for x in {*way.begins, *way.ends} if has_dots else ():
            if way.left < x < way.right or (x in way.begins and x in way.ends):
                sketch.add(Box(Rectangle(x - DOT / 2, at - DOT / 2, DOT, DOT), "dark", round=DOT / 2))
    return low


def _ways(nets: Sequence[Net], axes: Mapping[int, float]) -> list[_Way]:
    return [_Way([axes[of] for of in net.sources], [axes[of] for of in net.targets]) for net in nets]


def _has_crossings(nets: Sequence[Net], axes: Mapping[int, float]) -> bool:
    """Whether lines of two nets meet, so that those that are joined need a dot."""
    for one, other in combinations(_ways(nets, axes), 2):
        pairs = [(begin, end) for begin in one.begins for end in one.ends]
        if any((begin - x) * (end - to) < 0 for begin, end in pairs for x in other.begins for to in other.ends):
            return True
    return False


def _tracks(ways: Sequence[_Way]) -> dict[int, int]:
    """How deep each line across lies: none on another, with few crossings."""
    order = list(ways)
    if 1 < len(ways) <= MOST_ORDERS:
        order = min(map(list, permutations(ways)), key=_crossings)
    found: dict[int, int] = {}
    for at, way in enumerate(order):
        deep = 0
        for other in order[:at]:
            is_near = way.left < other.right + BETWEEN and other.left < way.right + BETWEEN
            if is_near:
                deep = max(deep, found[id(other.begins)] + 1)
        found[id(way.begins)] = deep
    return found


def _crossings(order: Sequence[_Way]) -> int:
    """Crossings of lines, each above those after it; much more where one would lie on another."""
    found = 0
    for at, upper in enumerate(order):
        for lower in order[at + 1 :]:
            found += sum(lower.left < x < lower.right for x in upper.ends)
            found += sum(upper.left < x < upper.right for x in lower.begins)
            found += 100 * sum(abs(x - begin) < PASSES for x in upper.ends for begin in lower.begins)
    return found
