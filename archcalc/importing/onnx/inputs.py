"""Inputs of a model: their extents, those that the file leaves open, and what they are in the language.

The batch is 1. An extent that is left open has a name, the file's own or `height`, `width`, `length`; whoever reads the
file sets it, and it is a variable of the spec.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from archcalc.importing.neutral import Operation, Program, Ref, Tensor
from archcalc.importing.onnx.errors import refuse
from archcalc.importing.onnx.reader import Names, Reader
from archcalc.importing.onnx.values import Value, kind_of, of_numbers

Given = Mapping[str, "int | Sequence[int]"] | Sequence[int] | int | None

USUAL = (224, 224, 128)  # height, width, length
"""An extent that the file leaves open is read at this, unless whoever reads it says another; a note says so."""

_BATCH = re.compile(r"(?i)^(n|b|bs|bsz|batch.*|.*_batch|num_samples|unk__\d+|none|\?|-1|)$")
_NUMBERED = re.compile(r"(?i)(unk__\d+|dynamicdimension.*|none|[su]\d+)$")
_SUMS = {"Add": operator.add, "Sub": operator.sub, "Mult": operator.mul, "FloorDiv": operator.floordiv}


def read_inputs(reader: Reader, names: Names, given: Given, usual: tuple[int, int, int] | None) -> dict[str, int]:
    """Give every input of the model a tensor of the program; gives the extents that had to be chosen."""
    graph = reader.model.graph
    stored = {item.name for item in graph.initializer} | {item.values.name for item in graph.sparse_initializer}
    infos = [info for info in graph.input if info.name not in stored]
    if not infos:
        refuse("bad-graph", reader.path, "the model has no input")
    asked = _by_name(reader.path, infos, given)
    extents = _Extents(reader, asked, _batches(infos), usual or USUAL)
    for info in infos:
        names[info.name] = _input(reader, info, extents)
    for name in asked:
        if name not in extents.used:
            known = ", ".join(f"`{item}`" for item in [*(info.name for info in infos), *extents.free])
            refuse("unknown-input", reader.path, f"the model has no input and no extent `{name}`", f"it has {known}")
    reader.program.free.update(extents.free)
    if extents.chosen:
        told = ", ".join(f"{name} = {value}" for name, value in extents.chosen.items())
        reader.program.notes.append(f"the file leaves extents of its inputs open: read at {told}; --input sets them")
    return extents.chosen


def _by_name(path: Path, infos: list[Any], given: Given) -> dict[str, Any]:
    if given is None:
        return {}
    if isinstance(given, int):
        return {infos[0].name: (given,)}
    if not isinstance(given, Mapping):
        return {infos[0].name: tuple(given)}
    ranks = {info.name: len(info.type.tensor_type.shape.dim) for info in infos}
    found: dict[str, Any] = {}
    for name, value in given.items():
        numbers = (value,) if isinstance(value, int) else tuple(value)
        is_number = len(numbers) == 1 and ranks.get(name, 0) == 0  # an extent, or an input that is one number
        found[name] = numbers[0] if is_number else numbers
    return found


def _batches(infos: list[Any]) -> set[str]:
    """Names of extents that are batches: all that stand first, and those that are called so."""
    names = set()
    for info in infos:
        dims = info.type.tensor_type.shape.dim
        if len(dims) > 1 and dims[0].dim_param:
            names.add(dims[0].dim_param)
    return {name for name in names if _BATCH.match(name)} or names


class _Extents:
    """Numbers for extents, as they are asked for, as the file has them, or chosen."""

    def __init__(self, reader: Reader, asked: dict[str, Any], batches: set[str], usual: tuple[int, int, int]) -> None:
        self.usual = usual
        self.reader, self.asked, self.batches = reader, asked, batches
        self.free: dict[str, int] = {}
        self.chosen: dict[str, int] = {}
        self.used: set[str] = set()
        self.names: dict[str, str] = {}  # of extents that an exporter numbered

    def open(self, name: str, usual: int) -> int:
        """The number of an open extent."""
        if name not in self.free:
            value = self.asked.get(name)
            self.used.add(name)
            if isinstance(value, tuple) and len(value) == 1:
                value = value[0]
            if not isinstance(value, int):
                value = self.chosen[name] = usual
            self.free[name] = value
        return self.free[name]

    def of(self, info: Any) -> tuple[int, ...]:
        """The extents of one input, batch 1."""
        dims = list(info.type.tensor_type.shape.dim)
        told = [
            dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else (dim.dim_param or None)
            for dim in dims
        ]
        wanted = self.asked.get(info.name)
        wanted = (wanted,) if isinstance(wanted, int) else wanted
        self.used.add(info.name)
        found: list[int | None] = [self._batch(info, axis, told) for axis in range(len(told))]
        if isinstance(wanted, tuple):
            self._ask(info, told, found, wanted)
        for axis, extent in enumerate(found):
            if extent is None:
                name = told[axis] if isinstance(told[axis], str) else ""
                found[axis] = self._number(info, axis, len(told), str(name))
        return tuple(extent for extent in found if extent is not None)

    def _batch(self, info: Any, axis: int, told: list[Any]) -> int | None:
        value = told[axis]
        if isinstance(value, int):
            if axis == 0 and value > 1 and (len(told) >= 4 or (len(told) == 2 and not any(told[1:]))):
                self.reader.program.notes.append(f"`{info.name}` has a batch of {value} in the file; costs are for 1")
                return 1
            return value
        if value is None and axis == 1 and len(told) == 3 and isinstance(told[0], int) and told[0] > 1:
            return 1  # a state: (layers, batch, channels)
        if value in self.batches or (axis == 0 and len(told) > 1) or (value and re.match(r"(?i)^batch", value)):
            return 1
        return None

    def _ask(self, info: Any, told: list[Any], found: list[int | None], wanted: tuple[int, ...]) -> None:
        """Take what is asked for, with the batch or without it."""
        if len(wanted) == len(told) - 1:
            wanted = (1, *wanted)
        fits = len(wanted) == len(told)
        for axis, extent in enumerate(wanted if fits else ()):
            if found[axis] is None:
                found[axis] = extent
                name = self._called(info, axis, len(told), str(told[axis] or ""))
                self.free.setdefault(name, extent)
            elif found[axis] != extent and axis >= len(told) - 2 and len(told) in (3, 4, 5) and axis > 1:
                self.reader.moved = f"{info.name}: {'x'.join(map(str, told))} in the file"
                found[axis] = extent
            elif found[axis] != extent:
                fits = False
        if not fits:
            shown = "x".join(str(item if item is not None else "?") for item in told)
            refuse(
                "bad-input",
                self.reader.path,
                f"input `{info.name}` is {shown} in the file, and {'x'.join(map(str, wanted))} does not fit to that",
                "the file fixes these extents; export it with dynamic axes to read it at others",
            )

    def _number(self, info: Any, axis: int, rank: int, name: str) -> int:
        if name and not name.isidentifier():
            value = self._formula(name)
            if value is not None:
                return value
        dims = info.type.tensor_type.shape.dim
        is_last = rank == 4 and 0 < dims[3].dim_value <= 4 and dims[1].dim_value <= 0
        if is_last:
            axis += 1  # rows and columns stand before the channels
        if rank == 4 and axis == 1:
            channels = _channels(self.reader.model.graph, info.name)
            if channels:
                return channels
        usual = self.usual[axis - 2 if rank == 4 and axis >= 2 else 2]
        return self.open(self._called(info, axis, rank, name), usual)

    def _called(self, info: Any, axis: int, rank: int, name: str) -> str:
        """What an open extent is called: as in the file, unless an exporter numbered it (`s53`)."""
        if name.isidentifier() and not _NUMBERED.match(name):
            return name
        usual = _usual_name(info.name, axis, rank)
        if not _NUMBERED.match(name):
            return usual
        if name not in self.names:
            taken = set(self.names.values())
            same = [usual, *(f"{usual}_{number}" for number in range(2, len(taken) + 3))]
            self.names[name] = next(item for item in same if item not in taken)
        return self.names[name]

    def _formula(self, text: str) -> int | None:
        """`2*height`: sums and products of names."""
        from ast import parse

        try:
            return self._value(parse(text, mode="eval").body)
        except (SyntaxError, ValueError, RecursionError, ZeroDivisionError):
            return None

    def _value(self, tree: Any) -> int:
        kind = type(tree).__name__
        if kind == "Constant" and type(tree.value) is int:
            return int(tree.value)
        if kind == "Name":
            return 1 if tree.id in self.batches else self.open(self.names.get(tree.id, tree.id), self.usual[2])
        combine = _SUMS.get(type(tree.op).__name__) if kind == "BinOp" else None
        if combine is None:
            raise ValueError
        return int(combine(self._value(tree.left), self._value(tree.right)))


def _usual_name(name: str, axis: int, rank: int) -> str:
    if rank == 4 and axis >= 2:
        return ("height", "width")[axis - 2]
    if rank <= 3:
        return "length"
    return f"{re.sub(r'[^A-Za-z0-9]+', '_', name).strip('_') or 'input'}_{axis}"


def _channels(graph: Any, name: str) -> int | None:
    """Channels that the first convolution of an input asks for."""
    shapes = {item.name: tuple(item.dims) for item in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].HasField("t"):
            shapes[node.output[0]] = tuple(node.attribute[0].t.dims)
        if node.op_type == "Conv" and node.input[0] == name and node.input[1] in shapes:
            groups = [item.i for item in node.attribute if item.name == "group"] or [1]
            return int(shapes[node.input[1]][1] * groups[0])
    return None


def _input(reader: Reader, info: Any, extents: _Extents) -> Value:
    """One input as a tensor of the program; a number that is asked for is a constant."""
    kind = kind_of(info.type.tensor_type.elem_type)
    wanted = extents.asked.get(info.name)
    if isinstance(wanted, int) and kind != "float":
        extents.used.add(info.name)
        return of_numbers([wanted], (1,) * len(info.type.tensor_type.shape.dim))
    shape = tuple(max(extent, 1) for extent in extents.of(info))
    index = reader.program.add(Tensor(shape, "input", info.name, kind))
    reader.program.inputs[info.name] = index
    return Value(shape, kind, index)


_MOVING = {"view", "permute", "pad", "slice", "select", "cat", "split_with_sizes", "dropout"}


def settle_inputs(program: Program) -> None:
    """Say what each input is in the language, by the operations that compute with it first.

    What the file has channels last, or without its one channel, is given channels first, and the first operation of the
    program makes what the file has of it.
    """
    for name, index in program.inputs.items():
        tensor = program.tensors[index]
        rank = len(tensor.shape)
        if tensor.kind != "input" or rank not in (2, 3, 4, 5):
            continue
        if tensor.dtype == "int":
            program.input_words[name] = "tokens"
            continue
        channel = _channel_axis(program, index)
        if isinstance(channel, tuple):  # a convolution reads it with an axis of one channel that the file does not have
            _given_as(program, name, channel, None)
            rank = len(channel)
            program.input_words[name] = {3: "sequence", 4: "image", 5: "volume"}[rank]
            continue
        if rank == 3 and channel is None and tensor.shape[2] == 1 < tensor.shape[1]:
            channel = 2  # samples, each of one number
        if rank == 4 and channel == 3:
            _given_as(program, name, tuple(tensor.shape[axis] for axis in (0, 3, 1, 2)), [0, 2, 3, 1])
        elif rank == 3 and tensor.shape[0] > 1 and tensor.shape[1] == 1 and channel == 2:  # (length, batch, channels)
            _given_as(program, name, (1, tensor.shape[0], tensor.shape[2]), [1, 0, 2])
        words = {2: "features", 3: "positions first" if channel == 2 else "sequence", 4: "image", 5: "volume"}
        program.input_words[name] = words[len(program.tensors[program.inputs[name]].shape)]


def _given_as(program: Program, name: str, shape: tuple[int, ...], order: list[int] | None) -> None:
    """Give an input another shape, and make what the file has by a first operation."""
    held = program.inputs[name]
    tensor = program.tensors[held]
    index = program.inputs[name] = program.add(Tensor(shape, "input", name, tensor.dtype))
    tensor.kind, tensor.name = "value", ""
    moved: dict[str, Any] = {"dims": order} if order is not None else {"size": list(tensor.shape)}
    first = Operation("view" if order is None else "permute", {"self": Ref(index), **moved}, (held,))
    program.operations.insert(0, first)


def _channel_axis(program: Program, index: int) -> int | tuple[int, ...] | None:
    """Which axis of an input the channels are, as the first operation that computes with it says.

    Where a convolution reads it with one channel that is none of its axes, the shape in which it does.
    """
    own = program.tensors[index].shape
    places = {index: list(range(len(own)))}
    for operation in program.operations:
        read = [tensor for tensor in operation.tensors() if tensor in places]
        if not read:
            continue
        axes = places[read[0]]
        if operation.op == "permute":
            places[operation.outputs[0]] = [axes[axis] for axis in operation.arguments["dims"]]
        elif operation.op == "select":
            dim = operation.arguments["dim"]
            places[operation.outputs[0]] = axes[:dim] + axes[dim + 1 :]
        elif operation.op == "view":
            moved = _through_view(axes, program.tensors[read[0]].shape, program.tensors[operation.outputs[0]].shape)
            if moved is None:
                return None
            places[operation.outputs[0]] = moved
        elif operation.op == "convolution" and len(axes) > 2 and axes[1] == NEW:
            ones = [axis for axis, extent in enumerate(own) if axis > 0 and extent == 1]
            return ones[0] if ones else (1, *(own[axis] if axis != NEW else 1 for axis in axes[1:]))
        elif operation.op in ("convolution", "batch_norm", "instance_norm", "group_norm"):
            return axes[1] if len(axes) > 1 else None
        elif operation.op in ("linear", "layer_norm", "rms_norm", "module"):
            return axes[-1]
        elif operation.op in _MOVING or len(program.tensors[operation.outputs[0]].shape) == len(axes):
            places.update(dict.fromkeys(operation.outputs, axes))
        else:
            return None
    return None


NEW = -1
"""In place of an axis of an input: one of extent 1 that is none of them."""


def _through_view(axes: list[int], before: tuple[int, ...], after: tuple[int, ...]) -> list[int] | None:
    """Axes after a view that adds and drops those of extent 1 alone."""
    held = [axis for axis, extent in zip(axes, before, strict=True) if extent != 1]
    if [extent for extent in before if extent != 1] != [extent for extent in after if extent != 1]:
        return None
    rest = iter(held)
    return [
        NEW if extent == 1 and number > 0 else next(rest) if extent != 1 else 0 for number, extent in enumerate(after)
    ]
