"""Whether the graph of a text is the source, node by node: the referee of all that is written.

Operators with all arguments, wiring, shapes, the identity of weights, every output; every tensor of the source in
one place. It knows nothing of how the text came about, and finds the pairs of calls and nodes by itself, from the
outputs back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import prod

from archcalc.graph import Graph
from archcalc.importing.calls import Call, Calls
from archcalc.importing.canonical import arguments, canonical
from archcalc.importing.imported import Proof
from archcalc.named import NamedTuple
from archcalc.ops import ONE, Operator

_PART = re.compile(r"(.+)\[(\d+):(\d+)\]\Z")
MOST = 20  # differences that are told


class Renamed(NamedTuple):
    """Names of inputs, and of outputs after the first, where the text has another; the source may use one for both."""

    inputs: Mapping[str, str] = {}
    outputs: Mapping[str, str] = {}


def prove(calls: Calls, graph: Graph, names: Renamed) -> Proof:
    """Compare a network as read with the graph of its text.

    Args:
        calls: the network as read.
        graph: what the ordinary reader makes of the text.
        names: of inputs and of outputs after the first, where the text has another.

    Returns:
        What was held, and what differs.
    """
    return _Prover(calls, graph, names).prove()


class _Prover:
    def __init__(self, calls: Calls, graph: Graph, names: Renamed) -> None:
        self.calls = calls
        self.graph = graph
        self.names = names
        self.proof = Proof()
        self.nodes = self.proof.nodes
        self.call_of: dict[int, int] = {}
        self.input_of: dict[int, int] = {}
        self.equal = equal_sources(calls)
        self.flat: dict[tuple[bool, int], tuple[int, ...]] = {}

    def differ(self, text: str) -> None:
        self.proof.differences.append(text)

    def prove(self) -> Proof:
        waiting = [*self.inputs(), *self.outputs()]
        while waiting and len(self.proof.differences) < MOST:
            call, node = waiting.pop()
            waiting.extend(self.pair(call, node))
        if not self.proof.differences:
            self.whole()
            self.weights()
        if not self.proof.differences:
            self.say()
        return self.proof

    # wiring

    def inputs(self) -> list[tuple[int, int]]:
        given = {self.names.inputs.get(name, name): at for at, name in enumerate(self.calls.inputs)}
        for at, (name, shape) in enumerate(self.graph.inputs.items()):
            if name not in given:
                self.differ(f"the text has an input `{name}`, the source has {', '.join(self.calls.inputs)}")
            elif self.calls.shape(-1 - given[name]) != shape:
                self.differ(
                    f"the input `{name}` is {shape} in the text, {self.calls.shape(-1 - given[name])} in the source"
                )
            else:
                self.input_of[-1 - given[name]] = -1 - at
        return []

    def outputs(self) -> list[tuple[int, int]]:
        wanted = [(self.names.outputs.get(name, name), index) for name, index in self.calls.outputs.items()]
        if not wanted:
            self.differ("the source has no output")
            return []
        if self.graph.heads:
            self.differ("the text has heads, the source has none")
        further = dict(wanted[1:])
        if set(further) != set(self.graph.outputs) or len(further) != len(wanted) - 1:
            self.differ(f"outputs are {', '.join(self.graph.outputs)} in the text, {', '.join(further)} in the source")
            return []
        pairs = [(wanted[0][1], self.graph.output)]
        return [*pairs, *((index, self.graph.outputs[name]) for name, index in wanted[1:])]

    def behind(self, index: int) -> int:
        """The call itself, or what it passes on where it merges one input alone; of equal sources the first."""
        while index >= 0:
            index = self.equal.get(index, index)
            call = self.calls.calls[index]
            if len(call.inputs) != 1 or not passes_on(call.operator):
                return index
            index = call.inputs[0]
        return index

    def pair(self, call: int, node: int) -> list[tuple[int, int]]:
        """Hold a call and a node to be one; the pairs that they read, which must be so too."""
        call = self.behind(call)
        if call < 0 or node < 0:
            if self.input_of.get(call, 0) != node:
                self.differ(f"{self.of_node(node)} stands for {self.of_call(call)}")
            return []
        if call in self.nodes or node in self.call_of:
            if self.nodes.get(call) != node:
                self.differ(f"{self.of_node(node)} stands for {self.of_call(call)} and for another")
            return []
        self.nodes[call], self.call_of[node] = node, call
        return self.compare(call, node)

    def compare(self, index: int, at: int) -> list[tuple[int, int]]:
        call, node = self.calls.calls[index], self.graph.nodes[at]
        rank = (self.calls.shape(self.behind(call.inputs[0])) if call.inputs else call.shape).rank
        operator = call.operator.variant(given=call.roles) if call.roles else call.operator
        if operator is not node.operator and canonical(operator, rank) != canonical(node.operator, rank):
            self.tell_arguments(call, index, at, rank)
            return []
        if call.shape != node.y:
            self.differ(f"{self.of_node(at)} gives {node.y}, {self.of_call(index)} gives {call.shape}")
        given, got = call.inputs, node.inputs
        if len(given) != len(got):  # concatenations of concatenations
            given, got = self.read_by(True, index), self.read_by(False, at)
        if len(given) != len(got):
            self.differ(f"{self.of_node(at)} reads {len(got)} values, {self.of_call(index)} reads {len(given)}")
            return []
        return list(zip(given, got, strict=True))

    def read_by(self, is_call: bool, index: int) -> tuple[int, ...]:
        """What an operation reads; of a concatenation, what goes into the concatenations that it reads."""
        key = is_call, index
        found = self.flat.get(key)
        if found is None:
            of = self.calls.calls[index] if is_call else self.graph.nodes[index]
            inputs = [self.behind(other) for other in of.inputs] if is_call else of.inputs
            if is_plain_concat(of.operator):
                parts: list[int] = []
                for other in inputs:
                    of_other = None if other < 0 else (self.calls.calls if is_call else self.graph.nodes)[other]
                    parts += (
                        self.read_by(is_call, other) if of_other and is_plain_concat(of_other.operator) else [other]
                    )
                inputs = parts
            found = self.flat[key] = tuple(inputs)
        return found

    def tell_arguments(self, call: Call, index: int, at: int, rank: int) -> None:
        node = self.graph.nodes[at]
        if call.operator.name != node.operator.name:
            self.differ(f"{self.of_node(at)} is {node.operator.name}, {self.of_call(index)} is {call.operator.name}")
            return
        ours, theirs = arguments(node.operator, rank), arguments(call.operator, rank)
        said = [f"{name} is {ours[name]} and not {theirs[name]}" for name in ours if ours[name] != theirs[name]]
        if call.operator.copies != node.operator.copies:
            said.append(f"it stands {tuple(node.operator.copies)} and not {tuple(call.operator.copies)} times")
        if not said:
            said.append(f"branches are {', '.join(node.operator.given)} and not {', '.join(call.roles)}")
        self.differ(f"{self.of_node(at)} is not {self.of_call(index)}: {', '.join(said)}")

    def whole(self) -> None:
        """Every node stands for a call, every call that reaches an output is a node."""
        for at in range(len(self.graph.nodes)):
            if at not in self.call_of and len(self.proof.differences) < MOST:
                self.differ(f"{self.of_node(at)} stands for nothing of the source")
        joined = joined_concatenations(self.calls)
        for index in sorted(live(self.calls)):
            is_said = self.behind(index) == index and index not in joined
            if is_said and index not in self.nodes and len(self.proof.differences) < MOST:
                self.differ(f"nothing in the text stands for {self.of_call(index)}")

    # weights

    def weights(self) -> None:
        """Each tensor is stored once, where the source has it."""
        owners: dict[str, int] = {}
        for at, node in enumerate(self.graph.nodes):
            call = self.calls.calls[self.call_of[at]]
            tensors = call.weights
            owner = at
            while self.graph.nodes[owner].shares >= 0:
                owner = self.graph.nodes[owner].shares
            tied = owner != at and node.operator.values().get("weights") is not None
            theirs = self.calls.calls[self.call_of[owner]].weights
            nameless = owner != at and not tensors and any(node.operator.parameters(node.x))
            if owner != at and (nameless or (tensors[:1] != theirs[:1] if tied else tensors != theirs)):
                self.differ(f"{self.of_node(at)} has the weights of {self.of_node(owner)}, in the source its own")
            for number, tensor in enumerate(tensors):
                kept = owner if number == 0 or not tied else at
                if owners.setdefault(tensor, kept) != kept:
                    self.differ(
                        f"the tensor {tensor} is stored by {self.of_node(at)} and {self.of_node(owners[tensor])}"
                    )
            if len(self.proof.differences) >= MOST:
                return
            if owner == at:
                self.sizes(at, call)
            if node.operator.trainable != call.operator.trainable and any(node.operator.parameters(node.x)):
                self.differ(f"{self.of_node(at)} or {self.of_call(self.call_of[at])} is frozen, the other is not")
        known = {**self.calls.parameters, **self.calls.buffers}
        whose = {tensor: tensor if tensor in known else part_of(tensor)[0] for tensor in owners}
        strangers = [tensor for tensor, base in whose.items() if base not in known] if known else []
        if strangers:
            self.differ(f"the source has no tensor {', '.join(strangers[:3])}")
        taken = set(whose.values())
        self.proof.unused = [tensor for tensor in self.calls.parameters if tensor not in taken]

    def sizes(self, at: int, call: Call) -> None:
        """A node stores as many scalars as its tensors have; nothing is held where the source does not say."""
        given = self.calls.parameters
        if not call.weights or not given:
            return
        node = self.graph.nodes[at]
        shapes = given if node.operator.trainable else {**given, **self.calls.buffers}
        stored = sum(size_of(tensor, shapes) for tensor in call.weights)
        counted = node.operator.parameters(node.x)
        copies = node.operator.copies
        wanted = (counted.weights + counted.biases + counted.norm) * (1 if copies is ONE else copies.stored)
        more = counted.buffers * (not node.operator.trainable)
        if stored != wanted and not (more and stored == wanted + more):
            self.differ(f"{self.of_node(at)} stores {wanted:,} scalars, {', '.join(call.weights)} have {stored:,}")

    # words

    def of_call(self, index: int) -> str:
        if index < 0:
            return f"the input `{list(self.calls.inputs)[-1 - index]}`"
        call = self.calls.calls[index]
        return f"{call.operator.name} `{path_of(call) or index}` of the source"

    def of_node(self, at: int) -> str:
        return f"the input `{list(self.graph.inputs)[-1 - at]}`" if at < 0 else f"`{self.graph.nodes[at].name}`"

    def say(self) -> None:
        nodes = len(self.graph.nodes)
        tensors = {tensor for index in self.nodes for tensor in self.calls.calls[index].weights}
        held = [f"{nodes} operations with all arguments, shapes and wiring"]
        outputs = len(self.calls.outputs)
        held.append(f"{outputs} outputs" if outputs > 1 else "the output")
        if tensors:
            held.append(f"{len(tensors)} tensors, each stored once")
        self.proof.held = held


def part_of(tensor: str) -> tuple[str, int | None]:
    """The tensor that a name is of, and how many rows where it is a part: `qkv.bias[96:192]`."""
    found = _PART.match(tensor)
    return (found[1], int(found[3]) - int(found[2])) if found else (tensor, None)


def size_of(tensor: str, shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Scalars of a tensor, or of a part of its rows; 0 of one that cannot be trained."""
    if tensor in shapes:
        return prod(shapes[tensor])
    base, rows = part_of(tensor)
    if base not in shapes:
        return 0
    return prod(shapes[base]) if rows is None else rows * prod(shapes[base][1:])


def is_plain_concat(operator: object) -> bool:
    """Whether an operation is a concatenation along the channels and no more: of concatenations it is one of all."""
    return getattr(operator, "name", "") == "concat" and getattr(operator, "align", 1) is None


def joined_concatenations(calls: Calls) -> set[int]:
    """Concatenations that concatenations alone read: the language has one operation for all of them."""
    found = {index for index in live(calls) if is_plain_concat(calls.calls[index].operator)}
    found -= set(calls.outputs.values())
    for index in live(calls):
        if not is_plain_concat(calls.calls[index].operator):
            found.difference_update(calls.calls[index].inputs)
    return found


def equal_sources(calls: Calls) -> dict[int, int]:
    """Later operations that give the same stored values as an earlier one, with that."""
    first: dict[tuple[object, ...], int] = {}
    found: dict[int, int] = {}
    for index, call in enumerate(calls.calls):
        if call.operator.sources and call.weights:
            before = first.setdefault((call.operator, call.weights), index)
            if before != index:
                found[index] = before
    return found


def passes_on(operator: Operator) -> bool:
    """Whether a merge of one input gives it as it is: the language has no such operation."""
    return operator.merges and operator.nests and operator.roles is None


def path_of(call: Call) -> str:
    """What the source calls an operation, modules around it first."""
    names = [scope.name for scope in call.scope if scope.name]
    if call.name and (not names or names[-1] != call.name):
        return call.name if call.name.startswith(".".join(names)) else ".".join([*names, call.name])
    return ".".join(names)


def live(calls: Calls) -> set[int]:
    """Calls that reach an output."""
    waiting = list(calls.outputs.values())
    found: set[int] = set()
    while waiting:
        index = waiting.pop()
        if index >= 0 and index not in found:
            found.add(index)
            waiting.extend(calls.calls[index].inputs)
    return found
