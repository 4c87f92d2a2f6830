"""Attention as matrix products of (batch, blocks, heads, positions, channels)."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from archcalc.report.export.onnx.builder import Step, rule
from archcalc.report.export.sizes import per_axis


@rule("attend")
def _attend(step: Step) -> None:
    """One node where ONNX has it; else compare, mask, take the softmax, add up the values."""
    op, emit, number = step.op, step.emit, step.number
    sizes = op.sizes(step.x)
    if op.blocks is None and step.of_role("scale") is None and step.of_role("sinks") is None:
        return _as_one_node(step, sizes)
    space, keys = sizes.queries.spatial, sizes.keys.positions
    blocks = per_axis(op.blocks, len(space), "blocks") if op.blocks is not None else None
    moves = _moves(op, space, blocks)
    groups = op.kv_heads or op.heads
    width, value_width = sizes.query_channels // op.heads, sizes.value_channels // groups
    q, k, v = _branches(step, sizes, groups)
    parts = []
    for (name, channels), heads, extents in zip(
        (q, k, v), (op.heads, groups, groups), (space, sizes.keys.spatial, sizes.keys.spatial), strict=True
    ):
        parts.append(_in_blocks(step, name, channels, heads, extents, blocks, moves, op.grid))
    query, key, value = parts
    if groups != op.heads:
        key = _shared(step, key, groups, op.heads // groups, width, prod(blocks) if blocks else keys)
        value = _shared(step, value, groups, op.heads // groups, value_width, prod(blocks) if blocks else keys)
    axes = [0, 1, 2, 3, 4] if blocks else [0, 1, 2, 3]
    key = step.transpose(key, *axes[:-2], axes[-1], axes[-2])
    scores = emit("MatMul", query, key)
    scale = step.of_role("scale")
    if scale is not None:
        scores = emit("Mul", scores, _of_heads(step, scale, blocks is not None))
    else:
        scores = emit("Div", scores, number(float((op.scale_channels or width) ** 0.5)))
    bias = step.of_role("bias")
    if bias is not None:
        scores = emit("Add", scores, _bias(step, bias, blocks, prod(space), keys))
    scores = _masked(step, scores, prod(blocks) if blocks else prod(space), prod(blocks) if blocks else keys)
    if any(moves):
        assert blocks is not None
        scores = _without_strangers(step, scores, space, blocks, moves)
    sinks = step.of_role("sinks")
    if sinks is not None:
        queries = prod(blocks) if blocks else prod(space)
        scores = _with_sinks(step, scores, sinks, queries, blocks is not None)
    weights = emit("Softmax", scores, axis=-1)
    if sinks is not None:
        row = prod(blocks) if blocks else keys
        weights = step.slice(weights, 4 if blocks else 3, 0, row)
    y = emit("MatMul", weights, value)
    return step.give(_out_of_blocks(step, y, op.heads, value_width, space, blocks, moves), "last")


def _as_one_node(step: Step, sizes: Any) -> None:
    """Attention of (batch, positions, channels), whose heads ONNX splits itself; a mask says which pairs are read."""
    op, space, keys = step.op, sizes.queries.spatial, sizes.keys.positions
    queries, groups = prod(space), op.kv_heads or op.heads
    branches = []
    for (name, channels), shape in zip(
        _branches(step, sizes, groups), (sizes.queries, sizes.keys, sizes.keys), strict=True
    ):
        branches.append(name if shape.rank == 1 else step.reshape(name, 0, shape.positions, channels))
    attributes = {"q_num_heads": op.heads, "kv_num_heads": groups, "is_causal": 0}
    if op.scale_channels is not None:
        attributes["scale"] = float(op.scale_channels) ** -0.5
    bias = step.of_role("bias")
    mask = "" if bias is None else _bias(step, bias, None, queries, keys)
    if op.causal and op.reach is None and queries == keys:
        attributes["is_causal"] = 1
    elif op.causal or op.reach is not None:
        read = _read(step, queries, keys)
        mask = step.emit("Where", read, mask, step.number(float("-inf"))) if mask else read
    y = step.emit("Attention", *branches, *([mask] if mask else []), **attributes)
    if len(space) > 1:
        y = step.reshape(y, 0, *space, sizes.output_channels)
    step.give(y, "last")


Named = tuple[str, int]


def _branches(step: Step, sizes: Any, groups: int) -> tuple[Named, Named, Named]:
    """Queries, keys and values with their channels last, however they are given."""
    op = step.op
    keys = sizes.query_channels // op.heads * groups
    qkv, kv = step.of_role("qkv"), step.of_role("kv")
    widths = [sizes.query_channels, keys, sizes.value_channels]
    if qkv is not None:
        axis = 1 + sizes.queries.rank
        q, k, v = step.emit_many("Split", 3, step.last(qkv), step.number(widths), axis=axis)
    elif kv is not None:
        axis = 1 + sizes.keys.rank
        k, v = step.emit_many("Split", 2, step.last(kv), step.number(widths[1:]), axis=axis)
        q = step.last(step.op.given.index("q"))
    else:
        q, k, v = (step.last(step.op.given.index(role)) for role in ("q", "k", "v"))
    return (q, widths[0]), (k, widths[1]), (v, widths[2])


def _moves(op: Any, extents: Sequence[int], blocks: tuple[int, ...] | None) -> tuple[int, ...]:
    """How far blocks are moved along each axis: not at all where one is all there is."""
    if blocks is None or op.shift is None:
        return (0,) * len(extents)
    shifts = per_axis(op.shift, len(extents), "shift")
    return tuple(s if extent > block else 0 for s, extent, block in zip(shifts, extents, blocks, strict=True))


def _in_blocks(
    step: Step,
    name: str,
    channels: int,
    heads: int,
    extents: Sequence[int],
    blocks: tuple[int, ...] | None,
    moves: Sequence[int],
    grid: bool,
) -> str:
    """(batch, extent..., channels) as (batch, heads, positions, width), with blocks before the heads."""
    width = channels // heads
    if blocks is None:
        split = step.reshape(name, 0, prod(extents), heads, width)
        return step.transpose(split, 0, 2, 1, 3)
    rank = len(blocks)
    if any(moves):
        name = _rolled_last(step, name, extents, [-move for move in moves])
    counts = [extent // block for extent, block in zip(extents, blocks, strict=True)]
    pairs = [
        size
        for count, block in zip(counts, blocks, strict=True)
        for size in ((block, count) if grid else (count, block))
    ]
    split = step.reshape(name, 0, *pairs, heads, width)
    outer, inner = list(range(1, 1 + 2 * rank, 2)), list(range(2, 2 + 2 * rank, 2))
    if grid:
        outer, inner = inner, outer
    turned = step.transpose(split, 0, *outer, 1 + 2 * rank, *inner, 2 + 2 * rank)
    return step.reshape(turned, 0, prod(counts), heads, prod(blocks), width)


def _out_of_blocks(
    step: Step,
    y: str,
    heads: int,
    width: int,
    extents: Sequence[int],
    blocks: tuple[int, ...] | None,
    moves: Sequence[int],
) -> str:
    """The reverse, with all heads together."""
    if blocks is None:
        turned = step.transpose(y, 0, 2, 1, 3)
        return step.reshape(turned, 0, *extents, heads * width)
    rank = len(blocks)
    counts = [extent // block for extent, block in zip(extents, blocks, strict=True)]
    split = step.reshape(y, 0, *counts, heads, *blocks, width)
    outer, inner = list(range(1, 1 + rank)), list(range(2 + rank, 2 + 2 * rank))
    pairs = zip(inner, outer, strict=True) if step.op.grid else zip(outer, inner, strict=True)
    turned = step.transpose(split, 0, *(axis for pair in pairs for axis in pair), 1 + rank, 2 + 2 * rank)
    joined = step.reshape(turned, 0, *extents, heads * width)
    return _rolled_last(step, joined, extents, moves) if any(moves) else joined


def _rolled_last(step: Step, name: str, extents: Sequence[int], shifts: Sequence[int]) -> str:
    """Positions moved on around the ends, channels last: as if the first axis were the batch and the channels."""
    for axis, (extent, shift) in enumerate(zip(extents, shifts, strict=True), start=1):
        moved = shift % extent
        if moved:
            end = step.slice(name, axis, extent - moved, extent)
            name = step.emit("Concat", end, step.slice(name, axis, 0, extent - moved), axis=axis)
    return name


def _shared(step: Step, name: str, groups: int, times: int, width: int, positions: int) -> str:
    """Heads of keys or values, each for so many heads of queries: as they are repeated elsewhere."""
    has_blocks = step.op.blocks is not None
    axis = 3 if has_blocks else 2
    wide = step.emit("Unsqueeze", name, step.number([axis]))
    ones = [1] * axis + [times, 1, 1]
    many = step.emit("Expand", wide, step.number(ones))
    return step.reshape(many, 0, *(0,) * (axis - 2), groups * times, positions, width)


def _of_heads(step: Step, number: int, has_blocks: bool) -> str:
    """A number for each head, spread over pairs."""
    heads = step.inputs[number].shape.channels
    return step.reshape(step.first(number), 0, *((1,) if has_blocks else ()), heads, 1, 1)


def _bias(step: Step, number: int, blocks: tuple[int, ...] | None, queries: int, keys: int) -> str:
    """A number for each pair of a head: as it is, or looked up by the distance along each axis."""
    value = step.inputs[number]
    if value.shape.rank == 2:
        name = step.first(number)
        return step.emit("Unsqueeze", name, step.number([1])) if blocks else name
    table = step.reshape(step.first(number), 0, value.shape.channels, -1)
    entries = prod(value.shape.spatial)
    row = prod(blocks) if blocks is not None else keys
    column = prod(blocks) if blocks is not None else queries
    if blocks is not None and entries == prod(2 * block - 1 for block in blocks):
        rows = step.number(_distances(blocks))
        found = step.reshape(step.emit("Gather", table, rows, axis=2), 0, value.shape.channels, column, row)
    else:
        ahead = step.emit("Sub", _places(step, row - column, row, 1), _places(step, 0, row, 0))
        found = step.emit("Gather", table, step.emit("Mod", ahead, step.number(entries)), axis=2)
    return step.emit("Unsqueeze", found, step.number([1])) if blocks is not None else found


def _distances(blocks: Sequence[int]) -> list[int]:
    """For each pair of positions of a block, where its distance stands in the table."""
    places: list[tuple[int, ...]] = [()]
    for block in blocks:
        places = [(*place, at) for place in places for at in range(block)]
    found = []
    for query in places:
        for key in places:
            index = 0
            for q, k, block in zip(query, key, blocks, strict=True):
                index = index * (2 * block - 1) + q - k + block - 1
            found.append(index)
    return found


def _places(step: Step, start: int, stop: int, axis: int) -> str:
    """Numbers of positions, as a column or a row."""
    numbers = step.emit("Range", *(step.number(value) for value in (start, stop, 1)))
    return step.emit("Unsqueeze", numbers, step.number([axis]))


def _masked(step: Step, scores: str, queries: int, keys: int) -> str:
    """Minus infinity for pairs that no query reads."""
    if not step.op.causal and step.op.reach is None:
        return scores
    return step.emit("Where", _read(step, queries, keys), scores, step.number(float("-inf")))


def _read(step: Step, queries: int, keys: int) -> str:
    """Whether each query reads each key; queries are the last of the keys."""
    op = step.op
    query, key = _places(step, keys - queries, keys, 1), _places(step, 0, keys, 0)
    if not op.causal:
        distance = step.emit("Abs", step.emit("Sub", key, query))
        return step.emit("LessOrEqual", distance, step.number((op.reach - 1) // 2))
    read = step.emit("LessOrEqual", key, query)
    if op.reach is None:
        return read
    near = step.emit("Greater", key, step.emit("Sub", query, step.number(op.reach)))
    return step.emit("And", read, near)


def _without_strangers(
    step: Step, scores: str, extents: Sequence[int], blocks: Sequence[int], moves: Sequence[int]
) -> str:
    """Minus infinity for pairs that are in a block because it was moved around the end."""
    regions = []
    counts = [extent // block for extent, block in zip(extents, blocks, strict=True)]
    for corner in _all_places(counts):
        for place in _all_places(blocks):
            region = 0
            for at, inside, block, extent, move in zip(corner, place, blocks, extents, moves, strict=True):
                region = 2 * region + (at * block + inside >= extent - move)
            regions.append(region)
    table = step.reshape(step.number(regions), prod(counts), 1, prod(blocks), 1)
    other = step.reshape(step.number(regions), prod(counts), 1, 1, prod(blocks))
    return step.emit("Where", step.emit("Equal", table, other), scores, step.number(float("-inf")))


def _all_places(sizes: Sequence[int]) -> list[tuple[int, ...]]:
    places: list[tuple[int, ...]] = [()]
    for size in sizes:
        places = [(*place, at) for place in places for at in range(size)]
    return places


def _with_sinks(step: Step, scores: str, number: int, queries: int, has_blocks: bool) -> str:
    """A further key of each head, of no value."""
    sinks = _of_heads(step, number, has_blocks)
    shape = step.emit("Shape", scores, start=0, end=-1)
    sizes = step.emit("Concat", shape, step.number([1]), axis=0)
    return step.emit("Concat", scores, step.emit("Expand", sinks, sizes), axis=-1)
