"""If, Loop and Scan: one branch of several, trips that are known or at least one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archcalc.importing.onnx.reader import Names, Node, UnreadableError, rule
from archcalc.importing.onnx.values import Value, of_array

MOST_TRIPS = 1000  # times the nodes of the body: a longer loop is read as one trip, and said to be


def _run(node: Node, graph: Any, given: Iterable[tuple[str, Value]]) -> list[Value]:
    """A subgraph, which reads the names around it too."""
    inner: Names = node.names.new_child(dict(given))
    node.reader.graph(graph, inner)
    return [inner[item.name] for item in graph.output]


def _size(graph: Any) -> tuple[int, int]:
    """Elements stored in a graph and in those within it, and nodes."""
    stored, nodes = sum(_elements(item) for item in graph.initializer), len(graph.node)
    for item in graph.node:
        for attribute in item.attribute:
            if attribute.HasField("t"):
                stored += _elements(attribute.t)
            if attribute.HasField("g"):
                inner = _size(attribute.g)
                stored, nodes = stored + inner[0], nodes + inner[1]
    return stored, nodes


def _elements(tensor: Any) -> int:
    number = 1
    for extent in tensor.dims:
        number *= extent
    return number


@rule("If")
def either(node: Node) -> list[Value]:
    """The branch that a known condition takes; else the one that stores more, and what the other stores is said."""
    branches = {"then": node.attributes["then_branch"], "else": node.attributes["else_branch"]}
    condition = node[0].scalar
    if condition is not None:
        return _run(node, branches["then" if condition else "else"], ())
    sizes = {name: _size(graph) for name, graph in branches.items()}
    taken = "then" if sizes["then"] >= sizes["else"] else "else"
    other = "else" if taken == "then" else "then"
    if max(sizes[taken][0], sizes[other][0]) > 0 or max(sizes[taken][1], sizes[other][1]) > 2:
        name = node.proto.name or node.proto.output[0]
        node.note(
            f"`{name}` is an If on `{node.proto.input[0]}`: read is its {taken} branch, with {sizes[taken][0]:,} "
            f"stored numbers in {sizes[taken][1]:,} nodes; its {other} branch has {sizes[other][0]:,} "
            f"in {sizes[other][1]:,}" + _decides(node)
        )
    return _run(node, branches[taken], ())


def _decides(node: Node) -> str:
    """How to take the other branch, where the condition reads an input that is one number."""
    tensors, todo = node.reader.program.tensors, [node[0].index]
    while todo:
        index = todo.pop()
        if index < 0:
            continue
        if tensors[index].kind == "input" and tensors[index].dtype == "int" and tensors[index].elements == 1:
            return f"; --input {tensors[index].name}=NUMBER decides"
        made = node.reader.made_by.get(index)
        todo.extend(made.tensors() if made is not None else ())
    return ""


@rule("Loop")
def loop(node: Node) -> list[Value]:
    """A body so many times; without a constant number of trips, at least once."""
    body = node.attributes["body"]
    trips, condition = node.get(0), node.get(1)
    carried = [value for value in node.inputs[2:] if value is not None]
    number = None if trips is None or trips.scalar is None else int(trips.scalar)
    stops = condition is not None and condition.scalar != 1
    if number is not None and (number < 1 or (condition is not None and condition.scalar == 0)):
        raise UnreadableError("a loop without a trip gives what it was given")
    if number is None or stops or number * _size(body)[1] > MOST_TRIPS * 20 or number > 1 << 31:
        return _once(node, body, carried)
    scanned: list[list[Value]] = []
    names = [item.name for item in body.input]
    import numpy

    for trip in range(number):
        given = [of_array(numpy.asarray(trip, "i8")), of_array(numpy.asarray(True)), *carried]
        found = _run(node, body, zip(names, given, strict=True))
        carried, rest = found[1 : 1 + len(carried)], found[1 + len(carried) :]
        scanned.append(rest)
    return [*carried, *_stacked(node, scanned)]


def _once(node: Node, body: Any, carried: list[Value]) -> list[Value]:
    """One trip of a loop of which only a run tells how many it makes."""
    import numpy

    name = node.proto.name or node.proto.output[0]
    node.note(
        f"`{name}` is a loop without a constant number of trips: counted is one, so that totals are at least these"
    )
    trip, go = Value((), "int", is_constant=True), of_array(numpy.asarray(True))
    found = _run(node, body, zip((item.name for item in body.input), [trip, go, *carried], strict=True))
    rest = [node.view(value, (1, *value.shape)) for value in found[1 + len(carried) :]]
    return [_at_least(node, value) for value in (*found[1 : 1 + len(carried)], *rest)]


def _at_least(node: Node, value: Value) -> Value:
    """What a loop gives after one trip: the others are work that is not known."""
    if value.index < 0 or value.kind != "float":
        return value
    reason = "a loop without a constant number of trips, of which one is counted"
    return node.emit("opaque", value.shape, inputs=[value], reason=reason, stored=[], macs=None)


def _stacked(node: Node, scanned: list[list[Value]]) -> list[Value]:
    given = []
    for items in zip(*scanned, strict=True):
        shape = (len(items), *items[0].shape)
        given.append(node.emit("stack", shape, items[0].kind, tensors=list(items), dim=0))
    return given


@rule("Scan")
def scan(node: Node) -> list[Value]:
    """A body for each place of an axis of its inputs, in order."""
    body, number = node.attributes["body"], int(node.attribute("num_scan_inputs", 1))
    values = [value for value in node.inputs if value is not None]
    carried, read = values[: len(values) - number], values[len(values) - number :]
    axes = [int(axis) for axis in node.attribute("scan_input_axes") or [0] * number]
    ways = [int(way) for way in node.attribute("scan_input_directions") or [0] * number]
    length = read[0].shape[axes[0]]
    names = [item.name for item in body.input]
    if length * _size(body)[1] > MOST_TRIPS * 20:
        node.note(f"`{node.proto.name}` runs {length} times: counted is one, so that totals are at least these")
        length = 1
    is_cut = length < read[0].shape[axes[0]]
    scanned: list[list[Value]] = []
    for trip in range(length):
        parts = []
        for value, axis, way in zip(read, axes, ways, strict=True):
            parts.append(_place(node, value, axis, length - 1 - trip if way else trip))
        found = _run(node, body, zip(names, [*carried, *parts], strict=True))
        carried, rest = found[: len(carried)], found[len(carried) :]
        scanned.append(rest)
    given = [*carried, *_stacked(node, scanned)]
    return [_at_least(node, value) for value in given] if is_cut else given


def _place(node: Node, value: Value, axis: int, place: int) -> Value:
    shape = [extent for at, extent in enumerate(value.shape) if at != axis % len(value.shape)]
    return node.emit("select", shape, value.kind, self=value, dim=axis % len(value.shape), index=place)
