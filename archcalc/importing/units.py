"""Calls as the layers that a spec writes: a convolution with the norm and the activation that only it feeds is one.

Before that, what says nothing is left out (calls that reach no output, merges of one input), and a concatenation that
goes on from an earlier one is read so: DenseNet's lists of all earlier features are concatenations in a row.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from archcalc.importing.calls import Call, Calls, Scope
from archcalc.importing.canonical import pairs, per_axis, rank_of
from archcalc.importing.prove import equal_sources, is_plain_concat, live, passes_on
from archcalc.importing.terms import Op, Ref
from archcalc.ops import OPERATORS, LayerReference, Operator
from archcalc.spec.bind import ROLES

NORMS = frozenset({"norm", "layer_norm"})  # families of operators that stand as `norm=`
ACTIVATIONS = frozenset({"pointwise", "gates"})  # and as `activation=`
LONGEST = 8  # branches that a concatenation may have beside the one that it goes on from


class Unit:
    """One layer: one to three calls. What it gives is the index of the last."""

    __slots__ = ("calls", "inputs", "op", "scope", "shares", "value")

    def __init__(self, calls: tuple[int, ...], op: Op, inputs: tuple[int, ...], scope: tuple[Scope, ...]) -> None:
        self.calls = calls
        self.op = op
        self.inputs = inputs  # values: of units, or -1, -2, ... of inputs
        self.scope = scope  # modules around it, without those that hold nothing else
        self.value = calls[-1]
        self.shares = -1  # value of the unit whose weights it uses


class Units:
    """The layers of a network in the order of the calls."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self.live = sorted(live(calls))
        self.alias: dict[int, int] = {}
        self.inputs: dict[int, tuple[int, ...]] = {}
        self.readers: Counter[int] = Counter()
        self.by_value: dict[int, Unit] = {}
        self.ops: dict[tuple[Operator, int], Op] = {}
        self.normalise()
        self.outputs = {name: self.behind(index) for name, index in calls.outputs.items()}
        self.regions = self.closed_scopes()
        self.owner: dict[str, int] = {}
        self.all = self.fuse()

    def behind(self, index: int) -> int:
        """What a call stands for: what it merges, where that is one value."""
        return self.alias.get(index, index)

    def normalise(self) -> None:
        """Inputs of all live calls, without merges of one; concatenations in a row."""
        earlier: dict[tuple[int, ...], int] = {}
        kept = []
        self.alias.update(equal_sources(self.calls))
        for index in self.live:
            if index in self.alias:
                continue
            call = self.calls.calls[index]
            inputs = tuple([self.behind(other) for other in call.inputs])
            if len(inputs) == 1 and passes_on(call.operator):
                self.alias[index] = inputs[0]
                continue
            kept.append(index)
            if is_plain_concat(call.operator):
                self.inputs[index] = extended(inputs, earlier)
                earlier.setdefault(inputs, index)
            else:
                self.inputs[index] = inputs
        self.live = kept
        self.join_concatenations()
        for index in self.live:
            self.readers.update(self.inputs[index])
        for index in self.calls.outputs.values():
            self.readers[self.behind(index)] += 2  # is no operation within a layer

    def join_concatenations(self) -> None:
        """A concatenation that only another one reads is part of it, as the language has it."""
        reads: Counter[int] = Counter()
        for index in self.live:
            reads.update(self.inputs[index])
        reads.update([self.behind(index) for index in self.calls.outputs.values()])
        plain = {index for index in self.live if is_plain_concat(self.calls.calls[index].operator)}
        gone: set[int] = set()
        for index in sorted(plain):
            inputs: list[int] = []
            for other in self.inputs[index]:
                if other in plain and reads[other] == 1:
                    gone.add(other)
                    inputs += self.inputs[other]
                else:
                    inputs.append(other)
            self.inputs[index] = tuple(inputs)
        self.live = [index for index in self.live if index not in gone]

    def closed_scopes(self) -> Counter[tuple[Scope, ...]]:
        """How many calls stand in each run of a module."""
        found: Counter[Any] = Counter()
        self.keys: dict[int, tuple[Any, ...]] = {}
        for index in self.live:
            scope = self.calls.calls[index].scope
            key = self.keys[index] = tuple([(of.name, of.instance, of.run) for of in scope])
            for depth in range(1, len(key) + 1):
                found[key[:depth]] += 1
        return found

    def depth_of(self, index: int, members: int = 1) -> int:
        """How many of the modules around a call hold more than so many calls."""
        key = self.keys[index]
        depth = len(key)
        while depth and self.regions[key[:depth]] <= members:
            depth -= 1
        return depth

    # layers of several operations

    def fuse(self) -> list[Unit]:
        """Every live call in one layer, in order."""
        following: dict[int, int] = {}
        for index in self.live:
            for other in self.inputs[index]:
                following[other] = index
        taken: set[int] = set()
        chains: list[list[int]] = []
        for index in self.live:
            if index in taken:
                continue
            chain = [index]
            for role in ROLES:
                after = self.follower(chain, role, following)
                if after is not None:
                    chain.append(after)
                    taken.add(after)
            chains.append(chain)
        units = [self.unit(chain) for chain in self.agreed(chains)]
        units.sort(key=lambda unit: unit.value)
        self.mark_shared(units)
        halved(units)
        return units

    def mark_shared(self, units: list[Unit]) -> None:
        """Layers that have all their weights from an earlier one."""
        first: dict[tuple[Any, ...], Unit] = {}
        for unit in units:
            calls = [self.calls.calls[index] for index in unit.calls]
            key = tuple([(call.operator, call.weights) for call in calls])
            if any(call.weights for call in calls) and first.setdefault(key, unit) is not unit:
                unit.shares = first[key].value

    def follower(self, chain: list[int], role: str, following: dict[int, int]) -> int | None:
        """The call that only this layer feeds, where it can stand as its norm or activation."""
        main = self.calls.calls[chain[0]].operator
        if role not in main.arguments or self.readers[chain[-1]] != 1:
            return None
        index = following[chain[-1]]
        call = self.calls.calls[index]
        families = NORMS if role == "norm" else ACTIVATIONS
        if call.operator.family not in families or len(self.inputs[index]) != 1 or call.operator.merges:
            return None
        if call.operator.trainable != main.trainable and self.stores(index):
            return None
        members = len(chain) + 1
        depth = self.depth_of(chain[0], members)
        if self.keys[index][: self.depth_of(index, members)] != self.keys[chain[0]][:depth]:
            return None
        return index

    def stores(self, index: int) -> bool:
        """Whether an operation has parameters or buffers."""
        call = self.calls.calls[index]
        shapes = tuple([self.calls.shape(other) for other in self.inputs[index]])
        x = shapes if call.operator.merges else () if call.operator.sources else shapes[0]
        return any(call.operator.parameters(x))

    def agreed(self, chains: list[list[int]]) -> list[list[int]]:
        """Layers with the same weights have the same norms and activations, or stand without."""
        users: dict[tuple[str, ...], list[list[int]]] = {}
        for chain in chains:
            weights = self.calls.calls[chain[0]].weights
            if weights:
                users.setdefault(weights, []).append(chain)
        apart: list[list[int]] = []
        for shared in users.values():
            if len(shared) < 2:
                continue
            said = {
                tuple([(self.calls.calls[index].operator, self.calls.calls[index].weights) for index in chain])
                for chain in shared
            }
            if len(said) > 1:
                for chain in shared:
                    apart += [[index] for index in chain[1:]]
                    del chain[1:]
        return chains + apart

    def unit(self, chain: list[int]) -> Unit:
        """The layer of these calls."""
        first = self.calls.calls[chain[0]]
        op = self.op_of(chain[0], first)
        if len(chain) > 1:
            followers: list[tuple[str, Op]] = []
            for index in chain[1:]:
                call = self.calls.calls[index]
                role = "norm" if call.operator.family in NORMS and not any(followers) else "activation"
                followers.append((role, self.op_of(index, call, is_follower=True)))
            op = Op(op.name, (*op.arguments, *followers))
        depth = self.depth_of(chain[0], len(chain))
        unit = Unit(tuple(chain), op, self.inputs[chain[0]], first.scope[:depth])
        self.by_value[unit.value] = unit
        return unit

    def op_of(self, index: int, call: Call, is_follower: bool = False) -> Op:
        """An operator with the arguments that are not its defaults."""
        shapes = tuple([self.calls.shape(other) for other in self.inputs[index]])
        rank = rank_of(shapes, call.shape)
        op = self.ops.get((call.operator, rank))
        if op is None:
            op = self.ops[call.operator, rank] = written(call.operator, rank)
        if not call.operator.trainable and (is_follower or not self.stores(index)):
            op = Op(op.name, tuple([given for given in op.arguments if given[0] != "trainable"]))
        tied = self.tied(call, index)
        if tied is not None:
            op = Op(op.name, (*op.arguments, ("weights", Ref(tied))))
        if call.operator.earlier_layers():
            for name, value in call.operator.values().items():
                if name != "weights" and isinstance(value, LayerReference):
                    op = Op(op.name, (*op.arguments, (name, Ref(self.inputs[index][1]))))
        return op

    def tied(self, call: Call, index: int) -> int | None:
        """The call whose weights a linear layer uses again, beside biases of its own."""
        found = None
        if "weights" in call.operator.arguments and call.weights:
            before = self.owner.get(call.weights[0])
            if before is not None:
                other = self.calls.calls[before]
                if other.operator is not call.operator or other.weights != call.weights:
                    found = before
        for tensor in call.weights:
            self.owner.setdefault(tensor, index)
        return found


def extended(inputs: tuple[int, ...], earlier: dict[tuple[int, ...], int]) -> tuple[int, ...]:
    """The inputs of a concatenation, those that an earlier one has already as that one."""
    for less in range(1, min(LONGEST, len(inputs) - 1)):
        if inputs[:-less] in earlier:
            return (earlier[inputs[:-less]], *inputs[-less:])
        if inputs[less:] in earlier:
            return (*inputs[:less], earlier[inputs[less:]])
    return inputs


def written(operator: Operator, rank: int) -> Op:
    """An operator as a term; layers among its arguments are left out."""
    arguments: list[tuple[str, Any]] = []
    values = operator.values()
    for name, declared in operator.arguments.items():
        value = values[name]
        if isinstance(value, LayerReference):
            continue
        if declared.kind == "padding" and value is not None and not isinstance(value, str):
            value = plain_padding(pairs(value, rank, 1, 1))
        elif value == "half" or value == "valid":
            value = plain_padding(pairs(value, rank, values["kernel"], values.get("dilation", 1)))
        elif declared.kind in ("extents", "factors", "size") and name != "axes" and not operator.sources:
            value = plain(value, rank)
        if name == "stride" and declared.default is None and value == plain(values.get("kernel"), rank):
            value = None
        if value != declared.default:
            arguments.append((name, value))
    if not operator.trainable:
        arguments.append(("trainable", False))
    return Op(operator.name, tuple(arguments))


def plain(value: Any, rank: int) -> Any:
    """One number where all axes have the same."""
    if isinstance(value, tuple) and len(value) == max(rank, 1) and len(set(value)) == 1:
        return value[0]
    return value


def plain_padding(given: tuple[tuple[Any, Any], ...]) -> Any:
    """Padding in its shortest form."""
    if any(before != after for before, after in given):
        return given
    return plain(tuple([before for before, _ in given]), len(given))


def half_of(kernel: Any, dilation: Any, rank: int) -> Any:
    """What `padding=half` stands for, in its shortest form."""
    kernels, dilations = per_axis(kernel, rank), per_axis(dilation, rank)
    return plain(tuple([d * (k - 1) // 2 for k, d in zip(kernels, dilations, strict=True)]), rank)


def halved(units: list[Unit]) -> None:
    """Say `padding=half` where it is that, and of windows of 1 where others of their operator say it."""
    users: set[str] = set()
    for unit in units:
        given = dict(unit.op.arguments)
        if given.get("padding", 0) != 0 and is_half(given):
            users.add(unit.op.name)
    for unit in units:
        if unit.op.name not in users:
            continue
        given = dict(unit.op.arguments)
        is_free = given.get("padding", 0) == 0 and "bias" in OPERATORS[unit.op.name].arguments
        if (given.get("padding", 0) != 0 or is_free) and is_half(given):
            given["padding"] = "half"
            order = [*OPERATORS[unit.op.name].arguments, "trainable"]
            unit.op = Op(unit.op.name, tuple([(name, given[name]) for name in order if name in given]))


def is_half(given: dict[str, Any]) -> bool:
    """Whether the padding of a window is half of it."""
    padding, kernel = given.get("padding", 0), given.get("kernel")
    if kernel is None or isinstance(padding, str):
        return False
    dilation = given.get("dilation", 1)
    rank = max([len(value) for value in (kernel, dilation) if isinstance(value, tuple)], default=1)
    return bool(padding == half_of(kernel, dilation, rank))
