"""Attention: products of queries and keys, what is done to them, a softmax, and products with values."""

from __future__ import annotations

from math import prod
from typing import Any

from archcalc.importing.axes import CHANNELS, Axis, extent, roles, whole
from archcalc.importing.lowering.context import Lowering, Scores, Stored, Table, UnsupportedError, View, rule
from archcalc.importing.lowering.layout import alike
from archcalc.importing.neutral import Operation, Ref

ROWS, COLUMNS, BATCH = 1, 2, 10
COPIES = -1


@rule("matmul", "bmm", "__matmul__", "baddbmm")
def _matmul(low: Lowering, op: Operation) -> Any:
    if op.op == "baddbmm":
        first, second = op.arguments["batch1"], op.arguments["batch2"]
        if op.arguments.get("beta", 1) != 0:
            raise UnsupportedError("products are added to something")
    else:
        first = op.arguments.get("self", op.arguments.get("input", op.arguments.get("tensor1")))
        second = op.arguments.get("other", op.arguments.get("mat2", op.arguments.get("tensor2")))
    return product(low, op, first, second)


def product(low: Lowering, op: Operation, first: Any, second: Any) -> Any:
    """A product of two tensors: a linear layer, scores of attention, or sums of values by them.

    Raises:
        UnsupportedError: it is none of these.
    """
    a, b = low.value(first), low.value(second)
    if isinstance(a, Stored) and isinstance(b, Stored):
        from archcalc.importing.lowering.stored import derived

        return derived(low, op)
    if isinstance(b, Stored) and isinstance(a, View):
        from archcalc.importing.lowering.layers import linear

        shape = low.shape_of(second)
        if any(size > 1 for size in shape[:-2]) or len(shape) < 2:
            raise UnsupportedError("each part has a matrix of its own")
        return linear(low, op, a, second, None, shape[-1])
    if isinstance(a, Stored) and isinstance(b, View) and len(low.shape_of(first)) == 2 and len(b.axes) > 1:
        return _from_the_left(low, op, first, b)
    if isinstance(a, Scores) and isinstance(b, View):
        return attended(low, op, a, b)
    if isinstance(a, View) and isinstance(b, View):
        sizes = low.sizes(a.node), low.sizes(b.node)
        if low.program.tensors[op.outputs[0]].elements == 1 and prod(sizes[0]) == prod(sizes[1]):
            nodes = [low.call("flatten", [each.node]) if low.extents(each.node) else each.node for each in (a, b)]
            nodes = [a.node, b.node] if sizes[0] == sizes[1] else nodes
            return View(low.call("dot", nodes), ((),) * len(low.shape_of_output(op)))
        return scores(a, b)
    raise UnsupportedError("a product that is neither a linear layer nor attention")


def _from_the_left(low: Lowering, op: Operation, matrix: Any, x: View) -> View:
    """A stored matrix times what is computed: a linear layer over the axis before the last."""
    from archcalc.importing.lowering.layers import linear
    from archcalc.importing.lowering.layout import turned_back

    y = linear(low, op, View(x.node, (*x.axes[:-2], x.axes[-1], x.axes[-2])), matrix, None, low.shape_of(matrix)[0])
    return turned_back(low, View(y.node, (*y.axes[:-2], y.axes[-1], y.axes[-2])))


def scores(a: View, b: View) -> Scores:
    """Products over channels of every query with every key.

    Raises:
        UnsupportedError: they run over positions.
    """
    rank = max(len(a.axes), len(b.axes))
    a = View(a.node, (*[()] * (rank - len(a.axes)), *a.axes))
    b = View(b.node, (*[()] * (rank - len(b.axes)), *b.axes))
    if roles(a.axes[-1]) != {CHANNELS} or roles(b.axes[-2]) != {CHANNELS}:
        raise UnsupportedError("a product of two computed tensors over positions")
    if CHANNELS in roles(a.axes[-2]) or CHANNELS in roles(b.axes[-1]):
        raise UnsupportedError("a product of channels with channels")
    batch = a.axes[:-2]
    axes: list[Axis] = [whole(BATCH + number, extent(axis)) for number, axis in enumerate(batch)]
    rows, columns = a.axes[-2], b.axes[-1]
    keys = View(b.node, (*b.axes[:-2], b.axes[-1], b.axes[-2]))
    return Scores(a, keys, (*axes, whole(ROWS, extent(rows)), whole(COLUMNS, extent(columns))), batch, rows, columns)


def adjusted(low: Lowering, op: Operation, kind: str, value: Scores, other: Any, ref: Any) -> Scores:
    """Scores times a number, with a bias, or with a mask.

    Raises:
        UnsupportedError: something else is done to them.
    """
    if not isinstance(other, (View, Stored, Scores, Table)):
        return value
    if isinstance(other, Scores) or (value.is_softmax and kind != "mul"):
        raise UnsupportedError("scores of attention are put together")
    if kind in ("add", "sub") and isinstance(other, Stored) and not other.is_trained:
        return value._replace(is_causal=value.is_causal or is_causal(low.tensor(ref).value))  # a mask
    if isinstance(other, Stored) and not other.names:
        return value._replace(is_causal=value.is_causal or is_causal(low.tensor(ref).value)) if kind == "add" else value
    if kind == "mul" and isinstance(other, Stored) and not value.is_softmax:
        return value._replace(scale=other)
    if kind in ("add", "sub") and value.bias is None:
        return value._replace(bias=other)
    raise UnsupportedError(f"scores of attention are changed by a {kind}")


def is_causal(mask: Any) -> bool:
    """Whether a mask lets every query read its own and earlier keys alone."""
    while isinstance(mask, list) and len(mask) == 1 and isinstance(mask[0], list) and isinstance(mask[0][0], list):
        mask = mask[0]
    if not isinstance(mask, list) or not mask or not isinstance(mask[0], list) or isinstance(mask[0][0], list):
        return False
    past = len(mask[0]) - len(mask)
    for row, numbers in enumerate(mask):
        for column, item in enumerate(numbers):
            reads = item is True or (not isinstance(item, bool) and item > -1e4)
            if reads != (column <= row + past):
                return False
    return past >= 0 and len(mask) > 1


@rule("masked_fill", "where", "tril", "triu", "nan_to_num")
def _masked(low: Lowering, op: Operation) -> Any:
    """A mask over scores, which changes no count; which positions it leaves is asked where it is a constant."""
    values = [low.value(Ref(index)) for index in op.tensors()]
    found = [value for value in values if isinstance(value, Scores)]
    if len(found) == 1 and not any(isinstance(value, View) for value in values):
        return found[0]
    if all(isinstance(value, Stored) for value in values):
        from archcalc.importing.lowering.stored import derived

        return derived(low, op)
    raise UnsupportedError("elements are chosen by a mask")


def with_sinks(low: Lowering, op: Operation, values: list[Any], axis: int) -> Any:
    """A further key of each head, without a value.

    Raises:
        UnsupportedError: something else stands beside the scores.
    """
    found = [value for value in values if isinstance(value, Scores)]
    others = [value for value in values if isinstance(value, Stored)]
    if len(found) == 1 and len(others) == 1 and others[0].is_trained and axis == len(found[0].axes) - 1:
        return found[0]._replace(sinks=others[0])
    raise UnsupportedError("something stands beside scores of attention")


def attended(low: Lowering, op: Operation, given: Scores, v: View) -> View:
    """Sums of values.

    Raises:
        UnsupportedError: there was no softmax, or the axes are in an unknown order.
    """
    if not given.is_softmax:
        raise UnsupportedError("products of products, without a softmax between them")
    if given.axes[-1] != whole(COLUMNS, extent(given.columns)) or given.axes[-2] != whole(ROWS, extent(given.rows)):
        raise UnsupportedError("scores of attention are ordered anew")
    rank = max(len(given.axes), len(v.axes))
    v = View(v.node, (*[()] * (rank - len(v.axes)), *v.axes))
    return attend(low, op, given, v)


@rule("scaled_dot_product_attention", "_scaled_dot_product_flash_attention_for_cpu")
def _attention(low: Lowering, op: Operation) -> Any:
    from archcalc.importing.lowering.stored import data

    get = op.arguments.get
    q, k, v = (data(low, op.arguments[name]) for name in ("query", "key", "value"))
    given = scores(q, View(k.node, (*k.axes[:-2], k.axes[-1], k.axes[-2])))._replace(is_softmax=True)
    mask = get("attn_mask")
    causal = bool(get("is_causal", False))
    if mask is not None:
        other = low.value(mask)
        if isinstance(other, (View, Table)) or (isinstance(other, Stored) and other.is_trained):
            given = given._replace(bias=other)
        causal = causal or is_causal(low.tensor(mask).value)
    return attend(low, op, given._replace(is_causal=causal), v)


def attend(low: Lowering, op: Operation, given: Scores, v: View) -> View:
    """The operator, over queries, keys and values whose axes are known.

    Raises:
        UnsupportedError: heads, blocks or positions do not fit.
    """
    q, k = _unscaled(low, given.query), _unscaled(low, given.key)
    q, k, v = (_positions(low, view) for view in (q, k, v))
    batch, rows = q.axes[:-2], q.axes[-2]
    heads = _heads(batch)
    kv_heads = _heads(k.axes[:-2])
    if COPIES in {part.role for axis in batch for part in axis}:
        raise UnsupportedError("queries are repeated")
    if _heads(v.axes[:-2]) != kv_heads:
        raise UnsupportedError("keys and values have different heads")
    width, value_width = extent(q.axes[-1]), extent(v.axes[-1])
    for view, number, size in ((q, heads, width), (k, kv_heads, width), (v, kv_heads, value_width)):
        if low.sizes(view.node)[CHANNELS] != number * size:
            raise UnsupportedError("heads are a part of the channels")
    arguments: dict[str, Any] = {"heads": heads, "causal": given.is_causal}
    if kv_heads != heads:
        arguments["kv_heads"] = kv_heads
    blocks = _blocks(low, q, rows) or _of_window(low, op, q)
    if blocks is not None:
        arguments["blocks"] = blocks
        arguments["grid"] = any(part.stride > 1 for part in rows if part.role > 0)
    nodes, names = _branches(low, [q.node, k.node, v.node])
    if given.bias is not None:
        nodes, names = [*nodes, _bias(low, given.bias, heads)], (*names, "bias")
    for role, stored in (("sinks", given.sinks), ("scale", given.scale)):
        if stored is not None:
            trained = low.call("trained", [], stored.weights, arguments={"channels": heads})
            nodes, names = [*nodes, trained], (*names, role)
    if given.is_causal and low.shape(nodes[0]).rank != 1:
        arguments["causal"] = False
    node = low.call("attend", nodes, roles=names, arguments=arguments)
    return View(node, _axes_of_output(q, value_width, rows))


def _axes_of_output(q: View, width: int, rows: Axis) -> tuple[Axis, ...]:
    """Those of the queries, with channels as wide as values are."""
    before = extent(q.axes[-1])
    axes: list[Axis] = []
    for axis in (*q.axes[:-2], rows):
        axes.append(
            tuple(
                [
                    part._replace(stride=part.stride // before * width) if part.role == CHANNELS else part
                    for part in axis
                ]
            )
        )
    return (*axes, whole(CHANNELS, width))


def _heads(axes: tuple[Axis, ...]) -> int:
    number = 1
    for axis in axes:
        for part in axis:
            number *= part.size if part.role == CHANNELS else 1
    return number


def _blocks(low: Lowering, q: View, rows: Axis) -> Any:
    """Extents of what a query reads, where that is not everything."""
    sizes = low.sizes(q.node)[1:]
    inside = [1] * len(sizes)
    for part in rows:
        if part.role > 0:
            inside[part.role - 1] *= part.size
    return None if tuple(inside) == tuple(sizes) else alike(inside)


def _of_window(low: Lowering, op: Operation, q: View) -> Any:
    """Extents of the one window that there is, where a module around says that it works in windows of that size."""
    sizes = low.sizes(q.node)[1:]
    for scope in op.scope:
        for name, value in scope.arguments.items():
            found = tuple(value) if isinstance(value, (tuple, list)) else (value,) * len(sizes)
            if "window" in name and len(sizes) > 1 and found == sizes:
                return alike(sizes)
    return None


def _unscaled(low: Lowering, view: View) -> View:
    """Queries before they are multiplied by a number, which the operator does itself."""
    while view.node >= 0 and low.calls[view.node].operator.name == "scale":
        view = View(low.calls[view.node].inputs[0], view.axes)
    return view


def _positions(low: Lowering, view: View) -> View:
    """Features of one position as a sequence of it."""
    if low.shape(view.node).rank:
        return view
    from archcalc.importing.lowering.joins import as_position

    return View(as_position(low, view.node), view.axes)


def _branches(low: Lowering, nodes: list[int]) -> tuple[list[int], tuple[str, ...]]:
    """Queries, keys and values; where they are parts of one, as that one."""
    cuts = [_cut(low, node) for node in nodes]
    for first, names in ((0, ("qkv",)), (1, ("q", "kv"))):
        found = cuts[first:]
        if any(cut is None for cut in found):
            continue
        origins = {cut[0] for cut in found if cut}
        bounds = [(cut[1], cut[2]) for cut in found if cut]
        origin = next(iter(origins))
        ends = [0, *(stop for _, stop in bounds)]
        if (
            len(origins) == 1
            and [start for start, _ in bounds] == ends[:-1]
            and ends[-1] == low.sizes(origin)[CHANNELS]
        ):
            sizes = {stop - start for start, stop in bounds}
            if names == ("qkv",) and len(sizes) > 1:
                continue
            return [*nodes[:first], origin], names
    return nodes, ("q", "k", "v")


def _cut(low: Lowering, node: int) -> tuple[int, int, int] | None:
    if node < 0 or low.calls[node].operator.name != "slice_channels":
        return None
    values = low.calls[node].operator.values()
    return (low.calls[node].inputs[0], values["start"], values["stop"]) if values["step"] == 1 else None


def _bias(low: Lowering, bias: Any, heads: int) -> int:
    if isinstance(bias, Stored):
        elements = sum(low.elements(name) for name in bias.names)
        if elements % heads:
            raise UnsupportedError("a bias of scores that is not stored by heads")
        length = elements // heads
        arguments: dict[str, Any] = {"channels": heads, **({"length": length} if length > 1 else {})}
        for node, call in enumerate(low.calls):  # that of the first layer is that of all
            if call.operator.name == "trained" and call.weights == bias.weights:
                return node
        return low.call("trained", [], bias.weights, arguments=arguments)
    if low.sizes(bias.node)[CHANNELS] != heads:
        raise UnsupportedError("a bias of scores that is not computed by heads")
    return int(bias.node)
