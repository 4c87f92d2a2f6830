"""What a rule of lowering works with: what each tensor is by now, and the calls that have been made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from archcalc.dims import RequirementError
from archcalc.importing.axes import CHANNELS, AxesError, Axis, whole
from archcalc.importing.calls import Call, Scope
from archcalc.importing.lowering.pieces import piece_shape
from archcalc.importing.neutral import Operation, Program, Ref, Tensor
from archcalc.named import NamedTuple
from archcalc.ops import ONE, OPERATORS, ArgumentError, Operator, Shape


class UnsupportedError(Exception):
    """Why an operation of the source is none of archcalc's."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class View(NamedTuple):
    """A tensor of the data path: which call gives it, or -1, -2, ... which input, and what its axes are."""

    node: int
    axes: tuple[Axis, ...]


class Stored(NamedTuple):
    """A tensor that depends on no input: `names` are the parameters and buffers that it is made of.

    `part` says which piece of them it is (`[0]` of three), `is_plain` that it is a parameter's own numbers, moved
    about at most. `rows` are those of the table that it was looked up in; `pieces` what was put together, and how
    much of each.
    """

    names: tuple[str, ...] = ()
    is_trained: bool = False
    part: str = ""
    is_plain: bool = True
    rows: int = 0
    pieces: tuple[tuple[Stored, int], ...] = ()

    @property
    def weights(self) -> tuple[str, ...]:
        """Names for a call; a piece of a tensor is one of its own."""
        return tuple([name + self.part for name in self.names]) if self.part else self.names


class Scores(NamedTuple):
    """Products of queries and keys on their way to a softmax: roles from 10 on are batch axes, 1 rows, 2 columns."""

    query: View
    key: View
    axes: tuple[Axis, ...]
    batch: tuple[Axis, ...]  # of the query
    rows: Axis  # of the query
    columns: Axis  # of the key
    bias: Any = None  # View or Stored
    is_causal: bool = False
    window: int | None = None
    is_softmax: bool = False
    scale: Stored | None = None
    sinks: Any = None


class Table(NamedTuple):
    """What is computed, of which rows were looked up by constant places: a bias of scores by distance."""

    node: int


class Places(NamedTuple):
    """Whole numbers that are computed of tokens alone: where the end is, what is no padding."""


class Chosen(NamedTuple):
    """What was chosen of the numbers of a router, and with what weights: `top` of them at each position."""

    router: int
    top: int = 0


class States(NamedTuple):
    """What several layers of a recurrent layer end with: `node` gives that of the last layer, all its ways.

    `shape` is the tensor's, layers and ways first; `is_apart` where these are an axis each.
    """

    node: int
    layers: int
    ways: int
    shape: tuple[int, ...]
    is_apart: bool = False


Value = View | Stored | Scores | Table | Places | Chosen | States
Rule = Callable[["Lowering", Operation], Any]
RULES: dict[str, Rule] = {}
MODULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule under names of operations: it gives what they give, or raises `UnsupportedError`."""

    def register(function: Rule) -> Rule:
        for name in names:
            if name in RULES:
                raise TypeError(f"{name} has two rules")
            RULES[name] = function
        return function

    return register


def module_rule(*kinds: str) -> Callable[[Rule], Rule]:
    """Register a rule for whole layers of some classes."""

    def register(function: Rule) -> Rule:
        for kind in kinds:
            MODULES[kind] = function
        return function

    return register


RENAMINGS = {"to_sequence", "flatten"}
CUTS = {"slice", "narrow", "select", "split", "split_with_sizes", "chunk", "unbind", "index"}


@dataclass(eq=False, repr=False)
class Lowering:
    """One pass over a program."""

    program: Program
    calls: list[Call]
    values: dict[int, Value]
    inputs: list[Shape]
    notes: list[str]
    now: Operation | None = None
    constant_macs: int = 0
    has_tokens: bool = False  # among its inputs
    ragged: int = 0  # as of `Calls`
    _renamed: dict[Any, int] = field(default_factory=dict)
    _cuts: dict[str, set[tuple[str, int]]] = field(default_factory=dict)
    _shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    _parameters: set[str] = field(default_factory=set)

    # Arguments of operations

    def tensor(self, ref: Ref) -> Tensor:
        """The tensor as the source has it."""
        return self.program.tensors[ref.tensor]

    def shape_of(self, ref: Ref) -> tuple[int, ...]:
        """Extents of a tensor, the batch of one among them."""
        return self.tensor(ref).shape

    def elements(self, name: str) -> int:
        """Scalars of a stored tensor, or of a piece of one, by its name."""
        return prod(piece_shape(name, self.stored_shape(name.partition("[")[0])))

    def cuts(self, name: str) -> int:
        """How many different parts of a stored tensor are read."""
        if not self._cuts:
            stored = {index: each.name for index, each in enumerate(self.program.tensors) if each.name}
            for op in self.program.operations:
                for index in op.tensors():
                    if op.op in CUTS and index in stored:
                        bounds = str(
                            sorted((key, value) for key, value in op.arguments.items() if key not in ("self", "input"))
                        )
                        self._cuts.setdefault(stored[index], set()).update(
                            (bounds, number) for number in range(len(op.outputs))
                        )
        return len(self._cuts.get(name, ()))

    def is_parameter(self, name: str) -> bool:
        """Whether a stored tensor, or the one that it is a piece of, is a parameter of the source."""
        if not self._parameters:
            self._parameters.update({each.name for each in self.program.tensors if each.kind == "parameter"})
        return name in self._parameters or name.partition("[")[0] in self._parameters

    def stored_shape(self, name: str) -> tuple[int, ...]:
        """Extents of a stored tensor, by its name."""
        if not self._shapes:
            self._shapes.update({each.name: each.shape for each in self.program.tensors if each.name})
        return self._shapes[name]

    def shape_of_output(self, op: Operation) -> tuple[int, ...]:
        """Extents of what an operation gives first."""
        return self.program.tensors[op.outputs[0]].shape

    def value(self, ref: Any) -> Value:
        """What a tensor is.

        Raises:
            UnsupportedError: it is no tensor.
        """
        if not isinstance(ref, Ref):
            raise UnsupportedError("a tensor is missing among its arguments")
        return self.at(ref.tensor)

    def at(self, index: int) -> Value:
        """What the tensor of an index is.

        Raises:
            UnsupportedError: it is computed, and nothing has done so.
        """
        found = self.values.get(index)
        if found is None:
            tensor = self.program.tensors[index]
            if tensor.kind in ("input", "value"):
                raise UnsupportedError("it reads what nothing has computed")
            found = Stored((tensor.name,) if tensor.name else (), tensor.kind == "parameter")
            self.values[index] = found
        return found

    def array(self, ref: Any) -> View | Stored | Scores:
        """What a tensor is that nobody has looked up.

        Raises:
            UnsupportedError: somebody has.
        """
        found = self.value(ref)
        if isinstance(found, States):
            raise UnsupportedError("it reads what inner layers of a recurrent layer end with")
        if isinstance(found, (Table, Places, Chosen)):
            raise UnsupportedError("more is done to what was looked up than a bias of scores needs")
        return found

    def view(self, ref: Any) -> View:
        """What a tensor of the data path is.

        Raises:
            UnsupportedError: it depends on no input, or is not complete yet.
        """
        found = self.value(ref)
        if not isinstance(found, View):
            what = {Scores: "scores of attention", Stored: "something constant", Places: "places in the text"}
            raise UnsupportedError(f"it reads {what.get(type(found), 'what was chosen or looked up')}")
        return found

    def stored(self, ref: Any) -> Stored | None:
        """A tensor that depends on no input; None where the argument was left out.

        Raises:
            UnsupportedError: it is computed from the input.
        """
        if ref is None:
            return None
        found = self.value(ref)
        if not isinstance(found, Stored):
            raise UnsupportedError("its weights are computed from the input")
        return found

    def shape(self, node: int) -> Shape:
        """What a call gives, or an input."""
        return self.calls[node].shape if node >= 0 else self.inputs[-1 - node]

    # Calls

    def call(
        self,
        name: str,
        inputs: Sequence[int],
        weights: tuple[str, ...] = (),
        roles: tuple[str, ...] = (),
        arguments: dict[str, Any] | None = None,
        frozen: bool = False,
    ) -> int:
        """Add a call of an operator.

        Raises:
            UnsupportedError: the operator does not take these arguments or inputs.
        """
        cls = OPERATORS[name]
        try:
            operator: Operator = cls.of(dict(arguments or {}))
            shapes = [self.shape(node) for node in inputs]
            if roles:
                ordered = operator.roles.in_order(roles) if operator.roles else roles
                inputs = [inputs[roles.index(role)] for role in ordered]
                shapes = [self.shape(node) for node in inputs]
                operator, roles = operator.variant(given=ordered), ordered
            if frozen:
                operator = operator.variant(trainable=False)
            for node in inputs:  # what reads an expert is in it, until a router chooses
                if node >= 0 and name != "route" and self.calls[node].operator.copies is not ONE:
                    operator = operator.variant(copies=self.calls[node].operator.copies)
            x: Any = tuple(shapes) if cls.merges or cls.sources else shapes[0]
            y = operator.infer(x)
        except (ArgumentError, RequirementError) as error:
            raise UnsupportedError(str(error)) from None
        operation = self.now
        assert operation is not None
        if name in RENAMINGS:  # of what several layers read so, once, in the module around all of them
            number = self._renamed.setdefault((name, tuple(inputs), operator), len(self.calls))
            if number < len(self.calls):
                self.calls[number].scope = shared(self.calls[number].scope, operation.scope)
                return number
        self.calls.append(Call(operator, tuple(inputs), y, operation.scope, operation.name, weights, roles))
        return len(self.calls) - 1

    def again(self, node: int, inputs: Sequence[int]) -> int:
        """A call once more, upon another input: the one before is read by nobody, and falls away.

        Raises:
            UnsupportedError: its operator does not take that input.
        """
        call = self.calls[node]
        made = self.call(call.operator.name, inputs, call.weights, arguments=call.operator.values())
        self.calls[made].scope, self.calls[made].name = call.scope, call.name
        return made

    def same(self, view: View, name: str, weights: tuple[str, ...] = (), **arguments: Any) -> View:
        """A call that changes no shape, on whatever the axes are."""
        return View(self.call(name, [view.node], weights, arguments=arguments), view.axes)

    def plain(self, node: int) -> View:
        """A call's output as torch orders it: batch, channels, extents."""
        shape = self.shape(node)
        if shape.channels is None:
            return View(node, ((), *(whole(1 + axis, size) for axis, size in enumerate(self.extents(node)))))
        return View(node, ((), *(whole(role, size) for role, size in enumerate(self.sizes(node)))))

    def reshaped_whole(self, view: View, node: int) -> View:
        """The same axes on a call with other extents; those that are cut must be of roles that kept their size."""
        before, after = self.sizes(view.node), self.sizes(node)
        axes: list[Axis] = []
        for axis in view.axes:
            if len(axis) == 1 and axis[0].stride == 1 and axis[0].size == before[axis[0].role]:
                axes.append(whole(axis[0].role, after[axis[0].role]))
            elif any(before[part.role] != after[part.role] for part in axis if part.role >= 0):
                raise UnsupportedError("an axis that is cut has another size after it")
            else:
                axes.append(axis)
        return View(node, tuple(axes))

    def depends_on_size(self, node: int | None = None) -> None:
        """Hold that another size of the input shows more: whole windows of what a call gives, or of the input."""
        if not self.ragged and self.inputs and self.inputs[0].rank > 1:
            mine = self.extents(-1)[-1] if node is None else self.extents(node)[-1]
            self.ragged = max(self.extents(-1)[-1] // mine, 1)

    def sizes(self, node: int) -> tuple[int, ...]:
        """Channels and extents of what a call gives."""
        shape = self.shape(node)
        return (1 if shape.channels is None else shape.channels, *shape.spatial)  # type: ignore[arg-type]

    def extents(self, node: int) -> tuple[int, ...]:
        """Positions along each axis of what a call gives."""
        return self.shape(node).spatial  # type: ignore[return-value]  # nothing is free here

    def is_whole(self, view: View, axis: int) -> bool:
        """Whether an axis is all of one role, and not the channels cut."""
        parts = view.axes[axis]
        return len(parts) == 1 and parts[0].stride == 1 and parts[0].size == self.sizes(view.node)[parts[0].role]

    def channel_axis(self, view: View) -> int:
        """The one axis that is all channels.

        Raises:
            UnsupportedError: there is none.
        """
        channels = self.sizes(view.node)[CHANNELS]
        for number, axis in enumerate(view.axes):
            if axis == whole(CHANNELS, channels) and axis:
                return number
        raise UnsupportedError("no axis of it is all channels")


def shared(one: tuple[Scope, ...], other: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """The modules around two calls."""
    depth = 0
    while depth < min(len(one), len(other)) and one[depth][3:] == other[depth][3:]:
        depth += 1
    return one[:depth]


def axes_or_unsupported(make: Callable[[], tuple[Axis, ...]]) -> tuple[Axis, ...]:
    """Axes, with what is wrong with them as a reason.

    Raises:
        UnsupportedError: they are no parts of channels and positions.
    """
    try:
        return make()
    except AxesError as error:
        raise UnsupportedError(str(error)) from None
