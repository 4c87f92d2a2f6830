"""For SCALE-Sim: the layers of a network as a topology file, convolutions and matrix products.

A row is `name, IFMAP height, IFMAP width, filter height, filter width, channels, filters, stride`, and SCALE-Sim
computes ceil((IFMAP - filter + stride)/stride) outputs along each axis (`topology_utils.py` of scalesim 3.0.0). It
knows no padding, and rounds up where torch rounds down: the IFMAP written here is what the windows read, padding
included and the rest left out. A matrix product of M by K with K by N is the row M, K, 1, K, 1, N, 1. A row whose name
begins with DP stands for as many layers of one channel as it has channels: groups, heads and experts are written so.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

from archcalc.engine.cost.costs import cost_of
from archcalc.graph import Node
from archcalc.report.export.sizes import per_axis
from archcalc.results.cost import NetworkCost
from archcalc.source import Diagnostic, SpecError

HEADER = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"
_MANY = "DP_"  # of rows that stand for several layers


class Row(NamedTuple):
    """A line of a topology file; `times` layers of one channel where it is above 1."""

    name: str
    height: int
    width: int
    filter_height: int
    filter_width: int
    channels: int
    filters: int
    stride: int = 1
    times: int = 1

    @property
    def macs(self) -> int:
        """What SCALE-Sim computes of it."""
        rows = -(-(self.height - self.filter_height + self.stride) // self.stride)
        columns = -(-(self.width - self.filter_width + self.stride) // self.stride)
        taps = self.filter_height * self.filter_width
        return rows * columns * taps * self.channels * self.filters * self.times

    @property
    def text(self) -> str:
        """As it stands in the file."""
        name = self.name.replace("DP", "D_P").replace(",", ";")
        numbers = (self.height, self.width, self.filter_height, self.filter_width)
        if self.times > 1:
            return f"{_MANY}{name}, {', '.join(map(str, (*numbers, self.times, self.filters, self.stride)))},"
        return f"{name}, {', '.join(map(str, (*numbers, self.channels, self.filters, self.stride)))},"


class LeftOut(NamedTuple):
    """An operation that no row says, and why."""

    name: str
    macs: int
    reason: str


class Topology(NamedTuple):
    """What is written of a network: rows, the layers of which are not convolutions there, and what is left out."""

    rows: list[Row]
    as_products: dict[str, list[str]]  # by how they became matrix products
    left_out: list[LeftOut]

    @property
    def macs(self) -> int:
        """Of all rows."""
        return sum(row.macs for row in self.rows)

    @property
    def text(self) -> str:
        """The file."""
        return "\n".join([HEADER, *(row.text for row in self.rows)]) + "\n"


def topology(cost: NetworkCost) -> Topology:
    """The rows of a network, of one example; with what is left out they have all of its MACs, to the last.

    Raises:
        SpecError: `not-expressible`, nothing of it is a convolution or a matrix product.
    """
    graph = cost.graph
    last = len(graph.nodes) if cost.with_heads else graph.first_head
    found = Topology([], {}, [])
    for node in graph.nodes[:last]:
        arithmetic: Any = cost_of(node.operator, node.x, node.y).arithmetic
        if not arithmetic.known and not arithmetic.macs:
            found.left_out.append(LeftOut(node.name, 0, arithmetic.reason))
        if not arithmetic.macs:
            continue
        make = _MAKERS.get(node.operator.name)
        if make is None:
            found.left_out.append(LeftOut(node.name, arithmetic.macs, _REASONS[node.operator.name]))
            continue
        rows, how = make(node)
        times: Any = node.operator.copies.computed
        if times > 1:
            rows = [_repeated(row, times) for row in rows]
        if sum(row.macs for row in rows) != arithmetic.macs:
            raise AssertionError(f"rows of {node.name} have other MACs than it has")
        found.rows.extend(rows)
        if how:
            found.as_products.setdefault(how, []).append(node.name)
    if not found.rows:
        raise SpecError(
            [
                Diagnostic(
                    "not-expressible",
                    f"nothing of {cost.name} is a convolution or a matrix product, which is all that SCALE-Sim knows",
                    help="--format model-explorer writes every network",
                )
            ]
        )
    return found


Made = tuple[list[Row], str]


def _repeated(row: Row, times: int) -> Row:
    """A row that stands for so many of it: a convolution of several channels is a matrix product then."""
    if row.times > 1 or row.channels == 1:
        return row._replace(times=row.times * times)
    m, k = row.macs // (row.filters * row.channels * row.filter_height * row.filter_width), row.channels
    return _product(row.name, m, k * row.filter_height * row.filter_width, row.filters, times)


def _product(name: str, m: int, k: int, n: int, count: int = 1) -> Row:
    """M by K times K by N, so many times."""
    return Row(name, m, k, 1, k, 1, n, 1, count)


def _convolution(node: Node) -> Made:
    op: Any = node.operator
    x, rank = node.x, node.x.rank
    y: Any = node.y
    kernels, strides = per_axis(op.kernel, rank, "kernel"), per_axis(op.stride, rank, "stride")
    dilations = per_axis(op.dilation, rank, "dilation")
    is_depthwise = op.name == "depthwise"
    groups = x.channels if is_depthwise else op.groups
    table = getattr(op, "table", None)
    moving = {step for step, extent in zip(strides, y.spatial, strict=True) if extent > 1}
    how = ""
    if rank > 2:
        how = "three axes"
    elif any(d > 1 and k > 1 for d, k in zip(dilations, kernels, strict=True)):
        how = "dilation"
    elif len(moving) > 1:
        how = "another stride along each axis"
    elif groups > 1 and groups != x.channels:
        how = "groups"
    if how:
        return [
            _product(node.name, y.positions, x.channels // groups * prod(kernels), y.channels // groups, groups)
        ], how
    stride = next(iter(moving), 1)
    extents = [(extent - 1) * stride + kernel for extent, kernel in zip(y.spatial, kernels, strict=True)]
    (height, width), (filter_height, filter_width) = ((1,) * (2 - rank) + tuple(each) for each in (extents, kernels))
    window = (height, width, filter_height, filter_width)
    if table is not None:
        reads = [sum(bool(row[output]) for row in table.rows) for output in range(table.outputs)]
        name = node.name
        return [Row(f"{name}_{number}", *window, read, 1, stride) for number, read in enumerate(reads) if read], ""
    channels = x.channels // groups
    return [Row(node.name, *window, channels, y.channels // groups, stride, groups)], ""


def _patches(node: Node) -> Made:
    y: Any = node.y
    op: Any = node.operator
    patch = per_axis(op.patch, node.x.rank, "patch")
    return [_product(node.name, y.positions, node.x.channels * prod(patch), y.channels)], ""


def _linear(node: Node) -> Made:
    y: Any = node.y
    arithmetic: Any = node.operator.arithmetic(node.x, node.y)
    return [_product(node.name, y.positions, arithmetic.macs // y.elements, y.channels)], ""


def _transposed(node: Node) -> Made:
    op: Any = node.operator
    taps = prod(per_axis(op.kernel, node.x.rank, "kernel"))
    inputs, outputs = node.x.channels // op.groups, op.channels // op.groups * taps
    return [_product(node.name, node.x.positions, inputs, outputs, op.groups)], "transposed"


def _local(node: Node) -> Made:
    y: Any = node.y
    op: Any = node.operator
    taps = prod(per_axis(op.kernel, node.x.rank, "kernel"))
    made = _product(node.name, 1, node.x.channels * taps, op.channels, y.positions)
    return [made], "weights of its own at each position"


def _deformable(node: Node) -> Made:
    y: Any = node.y
    op: Any = node.operator
    taps = prod(per_axis(op.kernel, 2, "kernel"))
    inputs = node.x[0].channels // op.groups * taps
    return [_product(node.name, y.positions, inputs, op.channels // op.groups, op.groups)], "sampled windows"


def _attention(node: Node) -> Made:
    op: Any = node.operator
    sizes = op.sizes(node.x)
    queries: Any = sizes.queries.positions
    row = queries if op.blocks is not None else 0
    keys: Any = prod(per_axis(op.blocks, sizes.queries.rank, "blocks")) if row else sizes.keys.positions
    blocks = queries // keys if row else 1
    of_block = queries // blocks
    count = op.heads * blocks
    scores = _product(f"{node.name}.scores", of_block, sizes.query_channels // op.heads, keys, count)
    values = _product(f"{node.name}.values", of_block, keys, sizes.output_channels // op.heads, count)
    return [scores, values], ""


def _dot(node: Node) -> Made:
    y: Any = node.y
    return [_product(node.name, 1, node.x[0].channels, 1, y.positions)], ""


def _recurrent(node: Node) -> Made:
    op: Any = node.operator
    x: Any = node.x
    ways = 2 if op.bidirectional else 1
    rows = {"lstm": 4, "gru": 3, "rnn": 1}[op.name] * op.hidden
    found = []
    for number in range(op.layers):
        read = x.channels if number == 0 else ways * op.hidden
        found.append(_product(f"{node.name}.input_{number}", x.positions, read, rows, ways))
        found.append(_product(f"{node.name}.state_{number}", 1, op.hidden, rows, ways * x.positions))
    return found, ""


_MAKERS: dict[str, Callable[[Node], Made]] = {
    "conv": _convolution,
    "depthwise": _convolution,
    "deconv": _transposed,
    "patch_embedding": _patches,
    "linear": _linear,
    "local": _local,
    "deform_conv": _deformable,
    "attend": _attention,
    "dot": _dot,
    "lstm": _recurrent,
    "gru": _recurrent,
    "rnn": _recurrent,
}
_REASONS = {
    "scan": "a state that decays at each position is no matrix product",
    "delta": "a matrix that is corrected at each position is no matrix product",
    "opaque": "what it computes is not known",
}
"""Operators that have MACs and no row, and why; `tests/report` holds that there is no other."""


def notes(found: Topology) -> tuple[str, ...]:
    """What is not as in the network: rows that are matrix products of what is no such layer, and what is left out."""
    said = [f"{found.macs:,} MACs in {len(found.rows):,} rows"]
    said += [
        f"{len(names)} layer{'s' * (len(names) > 1)} as matrix products ({how}), {names[0]} first"
        for how, names in found.as_products.items()
    ]
    for reason in dict.fromkeys(left.reason for left in found.left_out):
        same = [left for left in found.left_out if left.reason == reason]
        macs = sum(left.macs for left in same)
        count = f"{len(same)} operation{'s' * (len(same) > 1)}"
        said.append(f"left out: {count}, {same[0].name} first, {macs:,} MACs: {reason}")
    return tuple(said)
