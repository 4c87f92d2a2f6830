"""What depends on no input: names for calls, sources for the data path, and what is computed of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from archcalc.importing.axes import CHANNELS, reshaped, whole
from archcalc.importing.lowering.context import Lowering, Stored, UnsupportedError, View
from archcalc.importing.lowering.layout import alike, natural_axes
from archcalc.importing.neutral import Operation, Ref


def data(low: Lowering, ref: Any, channel: int = -1) -> View:
    """A tensor as one of the data path; what is stored becomes a source, with its channels along an axis.

    Raises:
        UnsupportedError: it has more axes than a volume, or is not complete.
    """
    value = low.value(ref)
    if isinstance(value, View):
        return value
    if not isinstance(value, Stored):
        raise UnsupportedError("it reads scores of attention")
    shape = low.shape_of(ref)
    channel %= max(len(shape), 1)
    spatial = [axis for axis, size in enumerate(shape) if size > 1 and axis != channel]
    if len(spatial) > 3 or not shape:
        raise UnsupportedError("what is stored has too many axes")
    if channel == len(shape) - 1 and len(spatial) > 1:  # positions in a row, whatever they are arranged in
        length = 1
        for axis in spatial:
            length *= shape[axis]
        node = source(low, value, shape[channel], [length])
        return View(node, (*reshaped((whole(1, length),), shape[:-1]), whole(CHANNELS, shape[channel])))
    node = source(low, value, shape[channel], [shape[axis] for axis in spatial])
    return View(node, natural_axes(low, node, len(shape), channel, spatial))


def source(low: Lowering, value: Stored, channels: int, extents: Sequence[int]) -> int:
    """What is stored, as a call without inputs."""
    arguments: dict[str, Any] = {"channels": channels}
    if extents:
        arguments["length"] = alike(extents) if len(extents) == 1 else tuple(extents)
    return low.call("trained" if value.is_trained else "fixed", [], value.weights, arguments=arguments)


def weights_of(low: Lowering, *refs: Any) -> tuple[tuple[str, ...], bool]:
    """Names of stored tensors that were given, and whether they are frozen."""
    names: list[str] = []
    trained = []
    for ref in refs:
        value = low.stored(ref)
        if value is not None:
            names.extend(value.weights)
            trained.append(value.is_trained)
    return tuple(names), bool(trained) and not any(trained) and bool(names)


def derived(low: Lowering, op: Operation) -> Any:
    """What is computed from stored tensors alone is stored, too, for all that a network costs."""
    names: dict[str, None] = {}
    trained = False
    for index in op.tensors():
        value = low.value(Ref(index))
        if not isinstance(value, Stored):
            raise UnsupportedError("its inputs are computed and stored in an unknown mixture")
        if value.is_trained and not trained:
            names, trained = {}, True  # places in a table and the like cost nothing beside what is trained
        if value.is_trained or not trained:
            names.update(dict.fromkeys(value.weights))
    whole_ones = [name for name in names if name.partition("[")[0] == name or name.partition("[")[0] not in names]
    result = Stored(tuple(whole_ones), trained, "", False)
    return tuple([result] * len(op.outputs)) if len(op.outputs) > 1 else result


def piece(low: Lowering, value: Stored, axis: int, start: int, stop: int, step: int, size: int) -> Stored:
    """Some indices of a stored tensor: a tensor of its own, where it is cut once and along an axis that it has."""
    if not value.is_trained or not value.is_plain or value.rows or len(value.names) != 1:
        return value
    shape = low.stored_shape(value.names[0])
    if value.part or step != 1 or axis >= len(shape) or shape[axis] != size:
        return value._replace(is_plain=False)
    is_table = len(shape) == axis + 2 and set(shape[:axis]) <= {1}
    if is_table and start == 0 and low.cuts(value.names[0]) == 1:
        return value._replace(rows=size)  # the first rows of a table of positions
    return value._replace(part=f"[{':,' * axis}{start}:{stop}]")


def as_sums(low: Lowering, outputs: Collection[int]) -> list[int]:
    """Positions that are read elsewhere too, a source once and added to what reads them; gives the order of all calls.

    A `position_embedding` holds its table alone; a tensor that stands for itself besides is one source for both.
    """
    if all(call.operator.name != "position_embedding" for call in low.calls):
        return list(range(len(low.calls)))
    order: list[tuple[float, int]] = [(number, number) for number in range(len(low.calls))]
    needed = reached(low, outputs)
    sources = {call.weights for node, call in enumerate(low.calls) if node in needed and call.operator.sources}
    for number, call in enumerate(list(low.calls)):
        if number not in needed or call.operator.name != "position_embedding" or call.weights not in sources:
            continue
        if call.operator.values()["entries"] is not None or call.operator.values()["past"]:
            continue
        low.now = Operation("add", {}, (), call.scope, call.name)
        extents = low.extents(number)
        arguments = {"channels": low.sizes(number)[CHANNELS], "length": extents[0] if len(extents) == 1 else extents}
        name = "trained" if call.operator.values()["trained"] else "fixed"
        made = low.call(name, [], call.weights, arguments=arguments)
        added = low.call("add", [call.inputs[0], made])
        low.calls[number] = low.calls.pop(added)
        order.append((number - 0.5, made))
    return [node for _, node in sorted(order)]


def reached(low: Lowering, outputs: Iterable[int]) -> set[int]:
    """Calls that something needs."""
    found: set[int] = set()
    todo = list(outputs)
    while todo:
        node = todo.pop()
        if node >= 0 and node not in found:
            found.add(node)
            call = low.calls[node]
            todo.extend((*call.inputs, *[layer.node for layer in call.operator.earlier_layers()]))
    return found
