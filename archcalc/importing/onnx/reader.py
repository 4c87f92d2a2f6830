"""A graph of ONNX, node by node, into a neutral program: names looked up, constants folded, weights traced.

Rules (`rules/`) say what a node is; everything else is here: what a name stands for, which tensors are stored, what a
rule may emit. A node without a rule is opaque, with its parameters.
"""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from archcalc.importing.neutral import Operation, Program, Ref, Tensor
from archcalc.importing.onnx.errors import refuse
from archcalc.importing.onnx.fold import fold
from archcalc.importing.onnx.numbers import Numbers
from archcalc.importing.onnx.places import Places
from archcalc.importing.onnx.scopes import Scopes
from archcalc.importing.onnx.values import Kind, Stored, Value, is_anonymous, kind_of, of_array

Names = ChainMap[str, Value]


class Node:
    """A node as its rule sees it: attributes by name, inputs as values, and a way to emit operations."""

    def __init__(self, reader: Reader, proto: Any, inputs: list[Value | None], names: Names, attributes: Any) -> None:
        self.reader, self.proto, self.inputs, self.names = reader, proto, inputs, names
        self.attributes: dict[str, Any] = attributes
        self.op: str = proto.op_type
        self.opset = reader.opset

    def __getitem__(self, position: int) -> Value:
        """An input that has to be there."""
        found = self.get(position)
        if found is None:
            raise UnreadableError(f"{self.op} has no input {position}")
        return found

    def get(self, position: int) -> Value | None:
        """An input, None where it is left out."""
        return self.inputs[position] if position < len(self.inputs) else None

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute as Python has it, texts as `str`."""
        found = self.attributes.get(name, default)
        return found.decode("utf-8", "replace") if isinstance(found, bytes) else found

    def numbers(self, name: str, position: int) -> list[int] | None:
        """Whole numbers that are an attribute in early opsets and an input in later ones; None where not given.

        Raises:
            UnreadableError: they depend on what the network is given.
        """
        if name in self.attributes:
            given = self.attributes[name]
            return [int(item) for item in given] if isinstance(given, (list, tuple)) else [int(given)]
        value = self.get(position)
        if value is None or value.shape == (0,):
            return None
        if value.known is None:
            raise UnreadableError(f"{name} of {self.op} depends on the input")
        return value.numbers()

    def emit(self, op: str, shape: Iterable[int], kind: Kind = "float", /, **arguments: Any) -> Value:
        """One operation with one result; values among its arguments become references."""
        return self.reader.emit(self, op, arguments, [(tuple(shape), kind)])[0]

    def emit_all(self, op: str, shapes: Iterable[Iterable[int]], /, **arguments: Any) -> list[Value]:
        """One operation with several results."""
        return self.reader.emit(self, op, arguments, [(tuple(shape), "float") for shape in shapes])

    def view(self, value: Value, shape: Iterable[int]) -> Value:
        """The same elements in another shape."""
        size = tuple(shape)
        return value if size == value.shape else self.emit("view", size, value.kind, self=value, size=list(size))

    def permute(self, value: Value, order: Iterable[int]) -> Value:
        """The same elements, axes in another order."""
        dims = list(order)
        if dims == sorted(dims):
            return value
        return self.emit("permute", [value.shape[axis] for axis in dims], value.kind, self=value, dims=dims)

    def note(self, sentence: str) -> None:
        """A sentence for the reader of the result, once."""
        if sentence not in self.reader.program.notes:
            self.reader.program.notes.append(sentence)


class UnreadableError(Exception):
    """A node that its rule cannot say; it becomes opaque, and this is the reason."""


class MisfitError(UnreadableError):
    """Extents that do not fit together: those that the file leaves open were chosen wrongly.

    `ratio` is how many times as many elements would fit, where that is told.
    """

    def __init__(self, reason: str, ratio: Fraction | None = None) -> None:
        super().__init__(reason)
        self.ratio = ratio


Rule = Callable[[Node], "Value | list[Value]"]
AnyRule = TypeVar("AnyRule", bound=Rule)
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[AnyRule], AnyRule]:
    """Register a rule for operators of ONNX; those of another domain as `com.microsoft::FusedConv`."""

    def register(function: AnyRule) -> AnyRule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


class Reader:
    """A model while it is read."""

    def __init__(self, path: Path, model: Any, opset: int) -> None:
        self.path, self.model, self.opset = path, model, opset
        self.program = Program(path.stem)
        self.scopes = Scopes()
        self.places = Places(path)
        self.functions = {(item.domain, item.name): item for item in model.functions}
        self.made_by: dict[int, Operation] = {}  # by the tensor that it gives
        self.uses: Counter[str] = Counter()
        self.shapes_told: dict[str, tuple[int, ...]] = {}  # of the file, where all extents are numbers
        self.buffers: set[str] = set()  # names that the file calls buffers
        self.trained: set[str] = set()  # names that the file calls parameters
        self._stored: dict[tuple[str, tuple[int, ...]], int] = {}
        self.misfits = 0
        self.first_misfit = ""
        self.ratio: Fraction | None = None
        self.moved = ""  # which input is read at other extents than those that the file fixes
        self.chosen: dict[str, int] = {}  # extents that neither the file nor its reader says
        self.names: Names = ChainMap({})
        self.depth = 0

    # Graphs

    def graph(self, graph: Any, names: Names) -> None:
        """All nodes of a graph; what they give goes to `names`."""
        self.count_uses(graph.node)
        self.uses.update(item.name for item in graph.output)
        for info in (*graph.value_info, *graph.output, *graph.input):
            self._tell(info)
        for tensor in graph.initializer:
            names[tensor.name] = self.constant(tensor, tensor.name, is_initializer=True)
        for sparse in graph.sparse_initializer:
            names[sparse.values.name] = self.stored(sparse.values, sparse.values.name, tuple(sparse.dims))
        for node in graph.node:
            self.node(node, names, {})

    def count_uses(self, nodes: Iterable[Any]) -> None:
        """How often each name is read, in subgraphs too."""
        for node in nodes:
            self.uses.update(name for name in node.input if name)
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    self.count_uses(attribute.g.node)
                    self.uses.update(item.name for item in attribute.g.output)

    def _tell(self, info: Any) -> None:
        for entry in info.metadata_props:
            if entry.key == "pkg.torch.export.graph_signature.InputSpec.kind":
                {"BUFFER": self.buffers, "PARAMETER": self.trained}.get(entry.value, set()).add(info.name)
        dims = info.type.tensor_type.shape.dim
        if info.type.tensor_type.HasField("shape") and all(dim.HasField("dim_value") for dim in dims):
            self.shapes_told[info.name] = tuple(dim.dim_value for dim in dims)

    def node(self, proto: Any, names: Names, outer: Mapping[str, Any]) -> None:
        """One node; `outer` are the attributes of the function that it stands in."""
        if not all(isinstance(text, str) for text in (proto.op_type, proto.domain, proto.name, *proto.input)):
            refuse("bad-graph", self.path, "the name of a node or of a tensor is no text: the file is damaged")
        inputs = [self._look_up(name, names, proto) for name in proto.input]
        attributes = {}
        for item in proto.attribute:
            if item.ref_attr_name:
                if item.ref_attr_name in outer:
                    attributes[item.name] = outer[item.ref_attr_name]
            else:
                attributes[item.name] = _attribute(item)
        node = Node(self, proto, inputs, names, attributes)
        given = self._given(node)
        for name, value in zip(proto.output, given, strict=False):
            if name:
                if value.is_constant and value.stored is None and value.kind == "float" and value.elements > 1:
                    value.stored = Stored((name,))  # what may be a weight, though a node makes it
                names[name] = value

    def _look_up(self, name: str, names: Names, proto: Any) -> Value | None:
        if not name:
            return None
        if name not in names:
            message = f"node `{proto.name or proto.op_type}` reads `{name}`, which no earlier node gives"
            refuse("bad-graph", self.path, message, "onnx.checker.check_model(model) says what else is wrong with it")
        return names[name]

    def _given(self, node: Node) -> list[Value]:
        proto = node.proto
        if (proto.domain, proto.op_type) in self.functions:
            return self._function(node, self.functions[proto.domain, proto.op_type])
        key = proto.op_type if proto.domain in ("", "ai.onnx") else f"{proto.domain}::{proto.op_type}"
        if key not in ALWAYS and not any(_is_trained(value) for value in node.inputs):
            folded = fold(self._resolved(node), self.opset, node.inputs)
            if folded is not None:
                return self._traced(node, folded)
        if any(value is not None and value.is_open for value in node.inputs):
            return self._opaque(node, "extents of what it reads depend on values")
        found = RULES.get(key)
        if found is None:
            if node.inputs and all(item is None or item.is_constant for item in node.inputs):
                return [Value(shape, kind, is_constant=True) for shape, kind, _ in self.inferred(node)]
            return self._opaque(node, f"{key.replace('::', '.')} has no rule")
        try:
            given = found(node)
        except UnreadableError as reason:
            if isinstance(reason, MisfitError):
                self.ratio = self.ratio or reason.ratio
                self._misfit(node, str(reason))
            return self._opaque(node, str(reason))
        except (ValueError, IndexError, KeyError, TypeError, ZeroDivisionError):  # a node that no checker let pass
            self._misfit(node, "its inputs and attributes do not fit together")
            return self._opaque(node, "its inputs and attributes do not fit together")
        return given if isinstance(given, list) else [given]

    def _misfit(self, node: Node, reason: str) -> None:
        self.misfits += 1
        self.first_misfit = self.first_misfit or f"{node.op} `{node.proto.name or node.proto.output[0]}`: {reason}"

    def _resolved(self, node: Node) -> Any:
        """A node whose attributes are its own, not references to those of a function."""
        if not any(item.ref_attr_name for item in node.proto.attribute):
            return node.proto
        from onnx import helper

        found = type(node.proto)()
        found.CopyFrom(node.proto)
        del found.attribute[:]
        found.attribute.extend(
            helper.make_attribute(name, value) for name, value in node.attributes.items() if value is not None
        )
        return found

    def _traced(self, node: Node, folded: list[Value]) -> list[Value]:
        """What was made of a stored tensor of whole numbers by moving alone is still that tensor."""
        first = node.inputs[0] if node.inputs else None
        if first is None or first.stored is None or node.op not in MOVES or len(folded) != 1:
            return folded
        part = "" if folded[0].elements == first.elements else f"[{node.proto.output[0]}]"
        folded[0].stored = first.stored._replace(part=first.stored.part + part)
        return folded

    def _function(self, node: Node, function: Any) -> list[Value]:
        """The body of a function of the file, in place of a call of it."""
        self.depth += 1
        if self.depth > 60:
            refuse("bad-graph", self.path, f"function `{function.name}` calls itself")
        inner: Names = ChainMap({})
        for name, value in zip(function.input, node.inputs, strict=False):
            if value is not None:
                inner[name] = value
        defaults = {item.name: _attribute(item) for item in function.attribute_proto}
        self.count_uses(function.node)
        self.uses.update(function.output)
        with self.scopes.inside(function.name, node.proto.name):
            for proto in function.node:
                self.node(proto, inner, {**defaults, **node.attributes})
        self.depth -= 1
        return [inner[name] for name in function.output if name in inner]

    # Tensors

    def constant(self, tensor: Any, name: str, is_initializer: bool = False) -> Value:
        """A tensor that stands in the file."""
        shape = tuple(tensor.dims)
        known = self._numbers(tensor)
        self.places.note(name, tensor, known)
        kind = kind_of(tensor.data_type)
        is_number = kind != "float" or (
            known is not None and known.size <= 1 and not self._is_named(name, is_initializer)
        )
        if is_number:
            return Value(
                shape, kind, stored=Stored((name,), is_quantised=kind != "float"), known=known, is_constant=True
            )
        return self.stored(tensor, name, shape, known)

    def stored(self, tensor: Any, name: str, shape: tuple[int, ...], known: Any = None) -> Value:
        """A tensor that may be trained."""
        return Value(shape, kind_of(tensor.data_type), stored=Stored((name,)), known=known)

    def _is_named(self, name: str, is_initializer: bool) -> bool:
        """A single number is a parameter only if it is called one, by the exporter or by a path of modules."""
        if name in self.trained:
            return True
        return is_initializer and "." in name and not is_anonymous(name)

    def _numbers(self, tensor: Any) -> Numbers | None:
        """The numbers of a small tensor; None where they were left out or lie in another file."""
        return Numbers.of_tensor(tensor)

    def ref(self, value: Value, kind: str = "parameter", in_slot: bool = False) -> Ref:
        """A value as an argument, in the slot of a weight or elsewhere."""
        if value.index >= 0:
            return Ref(value.index)
        shape = value.shape
        if in_slot and value.stored is not None and value.kind == "float":
            value = replace(value, is_constant=False)  # what a layer stores is trained, though it be one number
        elif value.stored is not None and value.kind == "float" and self._is_fixed(value, value.stored):
            value = replace(value, is_constant=True, known=None)
        if value.stored is not None and (value.kind == "float" or value.stored.is_quantised) and not value.is_constant:
            name = value.stored.name
            found = self._stored.get((name, shape))
            if found is None:
                kind = "buffer" if name in self.buffers else kind
                tensor = Tensor(shape, kind, name, "float", None)  # type: ignore[arg-type]  # a literal of two
                found = self._stored[name, shape] = self.program.add(tensor)
            return Ref(found)
        numbers = value.known.array.tolist() if value.known is not None and value.known.size <= 4096 else None
        value.index = self.program.add(Tensor(shape, "constant", "", value.kind, numbers))
        return Ref(value.index)

    def _is_fixed(self, value: Value, stored: Stored) -> bool:
        """Whether a tensor that no layer has as its weights is the mask of attention scores."""
        if len(value.shape) < 2 or min(value.shape[-2:]) < 2 or self.trained.intersection(stored.names):
            return False
        told = [self.places.is_mask(name) for name in stored.names]
        if None in told:  # its numbers are in another file
            return value.elements == value.shape[-1] ** 2 and value.shape[-1] == value.shape[-2]
        return all(told)

    # Operations

    def emit(
        self, node: Node, op: str, arguments: dict[str, Any], results: list[tuple[tuple[int, ...], Kind]]
    ) -> list[Value]:
        """One operation of the program."""
        if len(self.program.operations) >= MOST_OPERATIONS:
            message = f"its loops come to more than {MOST_OPERATIONS:,} operations"
            refuse("file-too-large", self.path, message, "export it with fewer trips")
        given = {name: self._argument(value, name in SLOTS) for name, value in arguments.items()}
        values = [Value(shape, kind, self.program.add(Tensor(shape, "value", "", kind))) for shape, kind in results]
        if op in STILL and all(value.is_state for value in _values(arguments)):
            for value in values:
                value.is_state = True
        weight = given.get("weight")
        named = self.program.tensors[weight.tensor].name if isinstance(weight, Ref) else ""
        self.scopes.note(node.proto, named, values[0].index)
        name = node.proto.name if op == "opaque" else ""
        operation = Operation(op, given, tuple(value.index for value in values), (), name)
        self.program.operations.append(operation)
        self.made_by.update((value.index, operation) for value in values)
        return values

    def _argument(self, value: Any, in_slot: bool) -> Any:
        if isinstance(value, Value):
            return self.ref(value, in_slot=in_slot)
        if isinstance(value, dict):
            return {name: self._argument(item, in_slot) for name, item in value.items()}
        if isinstance(value, (list, tuple)) and any(isinstance(item, Value) for item in value):
            return [self._argument(item, in_slot) for item in value]
        return value

    def inferred(self, node: Node) -> list[tuple[tuple[int, ...], Kind, bool]]:
        """Shapes, kinds and whether they are open, of what a node without a rule gives."""
        from archcalc.importing.onnx.infer import outputs

        return outputs(node, {} if self.moved else self.shapes_told)

    def _opaque(self, node: Node, reason: str) -> list[Value]:
        inputs = [
            value for value in node.inputs if value is not None and value.stored is None and not value.is_constant
        ]
        stored = [
            value for value in node.inputs if value is not None and value.stored is not None and value.kind == "float"
        ]
        shapes = self.inferred(node)
        results = [(shape, kind) for shape, kind, _ in shapes]
        arguments = {"inputs": inputs, "reason": f"{node.op}: {reason}", "stored": stored, "macs": None}
        values = self.emit(node, "opaque", arguments, results)
        for value, (_, _, is_open) in zip(values, shapes, strict=True):
            value.is_open = is_open
        return values


def _values(arguments: Any) -> list[Value]:
    """Tensors among arguments."""
    if isinstance(arguments, Value):
        return [arguments]
    inner = arguments.values() if isinstance(arguments, dict) else arguments if isinstance(arguments, list) else ()
    return [value for item in inner for value in _values(item)]


MOST_OPERATIONS = 300_000
STILL = {"view", "select", "slice", "permute", "split_with_sizes", "cat", "stack"}
"""Operations that only move what they are given."""


def _is_trained(value: Value | None) -> bool:
    return value is not None and value.stored is not None and value.kind == "float" and not value.is_constant


SLOTS = {"weight", "bias", "running_mean", "running_var", "stored"}
"""Arguments that are stored even where they are a single number."""


ALWAYS = {"DequantizeLinear", "Shape", "Size", "Constant", "If", "Loop", "Scan", "Identity", "ConstantOfShape"}
MOVES = {"Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Slice", "Gather"}


def _attribute(item: Any) -> Any:
    """The value of an `AttributeProto`, by its type."""
    found: Any = getattr(item, _FIELDS[item.type]) if 0 < item.type < len(_FIELDS) else None
    return list(found) if item.type in _LISTS else found


# AttributeProto.AttributeType
_FIELDS = ("", "f", "i", "s", "t", "g", "floats", "ints", "strings", "tensors", "graphs", "sparse_tensor",
           "sparse_tensors", "tp", "type_protos")  # fmt: skip
_LISTS = {6, 7, 8, 9, 10, 12, 14}


__all__ = [
    "ALWAYS",
    "MOVES",
    "RULES",
    "STILL",
    "MisfitError",
    "Names",
    "Node",
    "Reader",
    "UnreadableError",
    "of_array",
    "rule",
]
