"""What moves elements and computes nothing: shapes, axes, parts; on stored tensors nothing is emitted at all."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any

from archcalc.importing.onnx.fold import MOST_ELEMENTS
from archcalc.importing.onnx.reader import MisfitError, Node, UnreadableError, rule
from archcalc.importing.onnx.values import Value, of_array, of_numbers


def is_kept(value: Value) -> bool:
    """Whether a value is of the file and no operation has computed it."""
    return value.index < 0 and (value.stored is not None or value.is_constant)


def _view(node: Node, x: Value, shape: tuple[int, ...]) -> Value:
    if prod(shape) != x.elements:
        raise MisfitError(f"{x.shape} is not {shape} in another shape", Fraction(prod(shape), max(x.elements, 1)))
    if is_kept(x):
        return x.moved(shape, None if x.known is None else x.known.reshaped(shape))
    return node.view(x, shape)


@rule("Identity", "Cast", "CastLike", "Dropout")
def same(node: Node) -> list[Value]:
    """What changes no cost: other types, and what is done while training alone."""
    x = node[0]
    if node.op == "Dropout" and not is_kept(x):
        ratio = node.attribute("ratio", 0.5)
        given = node.get(1)
        if given is not None and given.scalar is not None:
            ratio = given.scalar
        from archcalc.importing.onnx.rules.pointwise import decimal

        return [node.emit("dropout", x.shape, input=x, p=decimal(ratio), train=False), x]
    return [x, x]


@rule("Constant")
def constant(node: Node) -> Value:
    """Numbers that stand in the graph."""
    name = node.proto.output[0]
    if "value" in node.attributes:
        return node.reader.constant(node.attributes["value"], name)
    if "sparse_value" in node.attributes:
        sparse = node.attributes["sparse_value"]
        return node.reader.stored(sparse.values, name, tuple(sparse.dims))
    import numpy

    for key, kind in (("value_int", "i8"), ("value_ints", "i8"), ("value_float", "f4"), ("value_floats", "f4")):
        if key in node.attributes:
            return of_array(numpy.asarray(node.attributes[key], kind))
    raise UnreadableError("a constant of texts is no tensor")


@rule("Shape", "Size")
def shape_of(node: Node) -> Value:
    """Extents are numbers, so they are constants."""
    extents = node[0].shape
    if node.op == "Size":
        return of_numbers([prod(extents)], ())
    start, end = int(node.attribute("start", 0)), node.attribute("end")
    told = list(extents[start : None if end is None else int(end)])
    return of_numbers(told, (len(told),))


@rule("ConstantOfShape")
def constant_of_shape(node: Node) -> Value:
    """One number in every place."""
    import numpy
    from onnx import numpy_helper

    shape = tuple(node[0].numbers()) if node[0].known is not None else None
    if shape is None:
        raise UnreadableError("its shape depends on the input")
    value = numpy_helper.to_array(node.attributes["value"]) if "value" in node.attributes else numpy.zeros(1, "f4")
    if prod(shape) <= MOST_ELEMENTS:
        return of_array(numpy.full(shape, value.reshape(-1)[0]))
    kind: Any = {"b": "bool", "i": "int", "u": "int"}.get(value.dtype.kind, "float")
    return Value(shape, kind, is_constant=True)


@rule("Reshape")
def reshape(node: Node) -> Value:
    """0 keeps an extent, -1 is what is left."""
    x = node[0]
    asked = node.numbers("shape", 1)
    if asked is None:
        raise UnreadableError("it has no shape")
    keeps = not node.attribute("allowzero", 0)
    shape = [
        x.shape[axis] if extent == 0 and keeps and axis < len(x.shape) else extent for axis, extent in enumerate(asked)
    ]
    if -1 in shape:
        rest = prod(extent for extent in shape if extent != -1)
        shape[shape.index(-1)] = x.elements // rest if rest else 0
    return _view(node, x, tuple(shape))


@rule("Flatten")
def flatten(node: Node) -> Value:
    """Two axes."""
    x = node[0]
    axis = int(node.attribute("axis", 1))
    axis = axis + len(x.shape) if axis < 0 else axis
    return _view(node, x, (prod(x.shape[:axis]), prod(x.shape[axis:])))


@rule("Squeeze")
def squeeze(node: Node) -> Value:
    """Axes of extent 1 taken away."""
    x = node[0]
    given = node.numbers("axes", 1)
    axes = (
        {axis % len(x.shape) for axis in given} if given is not None else {i for i, e in enumerate(x.shape) if e == 1}
    )
    return _view(node, x, tuple(extent for axis, extent in enumerate(x.shape) if axis not in axes))


@rule("Unsqueeze")
def unsqueeze(node: Node) -> Value:
    """Axes of extent 1 added."""
    x = node[0]
    given = node.numbers("axes", 1) or []
    rank = len(x.shape) + len(given)
    axes = {axis % rank for axis in given}
    extents = iter(x.shape)
    return _view(node, x, tuple(1 if axis in axes else next(extents) for axis in range(rank)))


@rule("Transpose")
def transpose(node: Node) -> Value:
    """Axes in another order."""
    x = node[0]
    order = [int(axis) for axis in node.attribute("perm") or reversed(range(len(x.shape)))]
    if is_kept(x):
        shape = tuple(x.shape[axis] for axis in order)
        return x.moved(shape, None if x.known is None else x.known.changed(shape, lambda array: array.transpose(order)))
    return node.permute(x, order)


@rule("Expand")
def expand(node: Node) -> Value:
    """Repeated where the extent is 1."""
    from archcalc.importing.onnx.rules.pointwise import broadcast

    x = node[0]
    shape = broadcast(x.shape, tuple(node.numbers("shape", 1) or []))
    if shape == x.shape:
        return x
    if prod(shape) == x.elements:
        return _view(node, x, shape)
    return node.emit("expand", shape, x.kind, self=x, size=list(shape))


@rule("Tile")
def tile(node: Node) -> Value:
    """Repeated as a whole along each axis."""
    x = node[0]
    times = node.numbers("repeats", 1) or []
    shape = tuple(extent * number for extent, number in zip(x.shape, times, strict=True))
    return x if shape == x.shape else node.emit("repeat", shape, x.kind, self=x, repeats=times)


@rule("Slice")
def slice_(node: Node) -> Value:
    """A part along some axes; negative numbers count from the end."""
    x = node[0]
    starts, ends = node.numbers("starts", 1) or [], node.numbers("ends", 2) or []
    axes = node.numbers("axes", 3) or list(range(len(starts)))
    steps = node.numbers("steps", 4) or [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, (axis % len(x.shape) for axis in axes), steps, strict=True):
        x = _cut(node, x, axis, slice(start, end, step))
    return x


def _cut(node: Node, x: Value, axis: int, part: slice) -> Value:
    start, stop, step = (
        part.indices(x.shape[axis])
        if abs(part.stop) < 1 << 62 or part.step > 0
        else slice(part.start, None, part.step).indices(x.shape[axis])
    )
    number = len(range(start, stop, step))
    if number == x.shape[axis] and step == 1:
        return x
    if number == 0:
        raise UnreadableError("nothing is left of it")
    shape = (*x.shape[:axis], number, *x.shape[axis + 1 :])
    if is_kept(x):
        cut = (slice(None),) * axis + (slice(start, stop if stop >= 0 else None, step),)
        known = None if x.known is None else x.known.changed(shape, lambda array: array[cut])
        where = f"[{', '.join([':'] * axis + [f'{start}:{stop}' + (f':{step}' if step != 1 else '')])}]"
        return x.moved(shape, known, where)
    if step < 0:
        if number != x.shape[axis]:
            raise UnreadableError("a part that runs backwards has no operator")
        return node.emit("flip", shape, x.kind, self=x, dims=[axis])
    return node.emit("slice", shape, x.kind, self=x, dim=axis, start=start, end=stop, step=step)


@rule("Split")
def split(node: Node) -> list[Value]:
    """Parts along one axis, alike unless their sizes are given."""
    x = node[0]
    axis = int(node.attribute("axis", 0)) % len(x.shape)
    sizes = node.numbers("split", 1)
    if sizes is None:
        number = int(node.attribute("num_outputs", len(node.proto.output)))
        size = -(-x.shape[axis] // number)
        sizes = [size] * (number - 1) + [x.shape[axis] - size * (number - 1)]
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    if is_kept(x) or len(sizes) == 1:
        return [_cut(node, x, axis, slice(start, start + size)) for start, size in zip(starts, sizes, strict=True)]
    shapes = [(*x.shape[:axis], size, *x.shape[axis + 1 :]) for size in sizes]
    return node.emit_all("split_with_sizes", shapes, self=x, split_sizes=sizes, dim=axis)


@rule("Concat")
def concat(node: Node) -> Value:
    """Tensors one after the other along an axis; parts of one tensor in their order are the tensor."""
    values = [value for value in node.inputs if value is not None and value.elements > 0]
    if not values:
        return node[0]
    axis = int(node.attribute("axis", 1)) % len(values[0].shape)
    if any(len(value.shape) != len(values[0].shape) for value in values):
        raise UnreadableError("its inputs have not the same number of axes")
    shape = (*values[0].shape[:axis], sum(value.shape[axis] for value in values), *values[0].shape[axis + 1 :])
    if len(values) == 1:
        return values[0]
    stored = [value.stored for value in values if value.stored is not None and is_kept(value)]
    if len(stored) == len(values):
        names = dict.fromkeys(name for item in stored for name in item.names)
        whole = len(names) == 1 and all(item.part for item in stored)
        part = "" if whole or all(not item.part for item in stored) else "".join(dict.fromkeys(i.part for i in stored))
        return Value(shape, values[0].kind, stored=stored[0]._replace(names=tuple(names), part=part))
    if all(is_kept(value) for value in values) and not stored:
        return Value(shape, values[0].kind, is_constant=True)
    return node.emit("cat", shape, values[0].kind, tensors=values, dim=axis)


@rule("Gather")
def gather(node: Node) -> Value:
    """Rows of a table by number (an embedding), one place of an axis (a selection), or several places."""
    x, indices = node[0], node[1]
    axis = int(node.attribute("axis", 0)) % len(x.shape)
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    is_table = is_kept(x) and not x.is_constant and axis == 0 and len(x.shape) == 2 and len(indices.shape) > 0
    if is_table and x.kind == "float":
        return node.emit("embedding", shape, weight=x, indices=indices)
    if is_kept(x) and is_kept(indices):
        return x.moved(shape, None, f"[{':, ' * axis}{node.proto.input[1]}]") if shape != x.shape else x
    if indices.scalar is not None:
        place = int(indices.scalar) % x.shape[axis]
        if not indices.shape:
            return node.emit("select", shape, x.kind, self=x, dim=axis, index=place)
        return node.view(_cut(node, x, axis, slice(place, place + 1, 1)), shape)
    numbers = indices.numbers() if indices.known is not None else []
    if numbers and numbers == list(range(x.shape[axis])):  # all places in their order, cut into several axes
        return node.view(x, shape)
    if is_kept(indices) and indices.known is None and len(x.shape) == 1 and indices.elements == x.elements:
        node.note(f"the numbers of `{node.proto.input[1]}` are not in the file: places are taken in their order")
        return node.view(x, shape)
    if numbers and len(indices.shape) == 1:
        if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            return _cut(node, x, axis, slice(numbers[0], numbers[0] + len(numbers)))
        return node.emit("index_select", shape, x.kind, self=x, dim=axis, index=indices)
    if x.kind == "int" or len(indices.shape) <= 1:
        return node.emit("index_select", shape, x.kind, self=x, dim=axis, index=indices)
    raise UnreadableError("places in an axis that the input tells")


@rule("GatherElements")
def gather_elements(node: Node) -> Value:
    """An element of an axis for each index."""
    x, indices = node[0], node[1]
    axis = int(node.attribute("axis", 0)) % len(x.shape)
    return node.emit("gather", indices.shape, x.kind, self=x, dim=axis, index=indices)


@rule("ScatterND", "ScatterElements", "Scatter")
def scatter(node: Node) -> Value:
    """Some places of a tensor written anew; of a constant, as masks are made, a constant."""
    x = node[0]
    if x.index < 0 and (x.is_constant or x.stored is not None):
        return Value(x.shape, x.kind, is_constant=True)
    raise UnreadableError("places that are written by number have no operator")


@rule("DepthToSpace")
def depth_to_space(node: Node) -> Value:
    """Channels exchanged for positions; in mode CRD a pixel shuffle, in DCR the blocks stand before the channels."""
    x, block = node[0], int(node.attribute("blocksize", 1))
    batch, channels, height, width = x.shape
    inner = channels // block**2
    shape = (batch, inner, height * block, width * block)
    if node.attribute("mode", "DCR") == "CRD":
        return node.emit("pixel_shuffle", shape, self=x, upscale_factor=block)
    apart = node.view(x, (batch, block, block, inner, height, width))
    return node.view(node.permute(apart, (0, 3, 4, 1, 5, 2)), shape)


@rule("SpaceToDepth")
def space_to_depth(node: Node) -> Value:
    """Positions exchanged for channels, blocks before channels."""
    x, block = node[0], int(node.attribute("blocksize", 1))
    batch, channels, height, width = x.shape
    apart = node.view(x, (batch, channels, height // block, block, width // block, block))
    turned = node.permute(apart, (0, 3, 5, 1, 2, 4))
    return node.view(turned, (batch, channels * block**2, height // block, width // block))


@rule("Trilu")
def trilu(node: Node) -> Value:
    """One triangle of a matrix."""
    x = node[0]
    if is_kept(x) and x.stored is None:
        return Value(x.shape, x.kind, is_constant=True)
    shift = node.get(1)
    diagonal = 0 if shift is None or shift.scalar is None else int(shift.scalar)
    return node.emit("triu" if node.attribute("upper", 1) else "tril", x.shape, x.kind, self=x, diagonal=diagonal)


@rule("SequenceConstruct")
def sequence(node: Node) -> Value:
    """Several tensors as one value."""
    return Value((), items=tuple(value for value in node.inputs if value is not None))


@rule("SplitToSequence")
def split_to_sequence(node: Node) -> Value:
    """Parts along one axis as a sequence."""
    x = node[0]
    axis = int(node.attribute("axis", 0)) % len(x.shape)
    sizes = node.numbers("split", 1) or [1] * x.shape[axis]
    if len(sizes) == 1 and node[1].shape == ():
        number = -(-x.shape[axis] // sizes[0])
        sizes = [sizes[0]] * (number - 1) + [x.shape[axis] - sizes[0] * (number - 1)]
    shapes = [(*x.shape[:axis], size, *x.shape[axis + 1 :]) for size in sizes]
    parts = node.emit_all("split_with_sizes", shapes, self=x, split_sizes=sizes, dim=axis)
    if node.get(1) is None and not node.attribute("keepdims", 1):
        parts = [node.view(part, part.shape[:axis] + part.shape[axis + 1 :]) for part in parts]
    return Value((), items=tuple(parts))


@rule("SequenceAt")
def sequence_at(node: Node) -> Value:
    """One tensor of a sequence."""
    items, place = node[0].items, node[1].scalar
    if items is None or place is None:
        raise UnreadableError("which of its tensors is meant depends on the input")
    return items[int(place)]


@rule("ConcatFromSequence")
def concat_from_sequence(node: Node) -> Value:
    """The tensors of a sequence one after the other, or along an axis of their own."""
    items = node[0].items
    if not items:
        raise UnreadableError("its sequence is not known")
    axis, is_new = int(node.attribute("axis", 0)), node.attribute("new_axis", 0)
    rank = len(items[0].shape) + (1 if is_new else 0)
    axis %= rank
    if is_new:
        shape = (*items[0].shape[:axis], len(items), *items[0].shape[axis:])
        return node.emit("stack", shape, tensors=list(items), dim=axis)
    shape = (*items[0].shape[:axis], sum(item.shape[axis] for item in items), *items[0].shape[axis + 1 :])
    return node.emit("cat", shape, tensors=list(items), dim=axis)
