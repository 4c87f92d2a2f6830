"""A network as a whole: taken apart, or expanded for each combination of what it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from archcalc.dims import collecting_assumptions
from archcalc.engine.sweep.asked import Asked, State
from archcalc.engine.sweep.descent import Descent
from archcalc.engine.sweep.tables import NEVER, Block
from archcalc.engine.sweep.units import Inputs, Names, Unit, Where
from archcalc.engine.sweep.walk import Frame, Value, Walk
from archcalc.graph import Graph
from archcalc.results.sweep import Column
from archcalc.source import SpecError
from archcalc.spec.expand import deep_recursion
from archcalc.spec.reads import INPUT_PORT, NO_SHAPE, InseparableError, Reader

if TYPE_CHECKING:
    from archcalc.engine.sweep.structures import Structures


class Root(Unit):
    """All of a network."""

    def __init__(self, structures: Structures, where: Where) -> None:
        self.descent = Descent(structures)
        self.syntax = "root"
        super().__init__(structures, where, frozenset(), False)
        self.is_leaf = False

    def become_atom(self) -> None:
        """It is another unit that expands the whole; before that, entries are walked one by one."""
        if self.descent.groups:
            self.descent.groups, self.descent.is_grouping = {}, False
            return
        raise InseparableError("the whole")

    def descend(self, walk: Walk, value: Value, frame: Frame) -> Value:
        """Walk through all of it, its further outputs and heads."""
        structures, where = self.structures, self.where
        spec, reader = structures.network.spec, structures.reader
        assert spec.layers is not None
        if structures.has_peak and (spec.outputs or reader.heads):
            raise InseparableError("several outputs")
        state = State(walk, value, Frame(frame.names, value))
        output = self.descent.body(spec.layers, where, state, "", is_root=True, is_passed=self.is_passed)
        state = state._replace(value=output)
        for entry in spec.outputs:
            found = self.descent.entry(entry, where, state, "", True)
            walk.read(found)
            weighted, pooled = np.maximum(output.weighted, found.weighted), np.maximum(output.pooled, found.pooled)
            output = output._replace(weighted=weighted, pooled=pooled)
        for entry in reader.heads:
            walk.read(self.descent.entry(entry, where, state, "", True))
        return output


class Whole(Unit):
    """A network that is not taken apart: an expansion for each combination of what it reads."""

    def __init__(self, structures: Structures, where: Where) -> None:
        self.syntax = "whole"
        super().__init__(structures, where, frozenset(), False)
        self.become_atom()

    def expanded(self, walk: Walk, ports: list[Value], place: int, frame: Frame) -> Block:
        """One row."""
        structures, reader = self.structures, self.structures.reader
        with collecting_assumptions() as assumptions:
            reader.begin(lambda axis: int(walk.code(axis)[place]), {}, reader.outer, {}, "", is_whole=True)
            reader.reads |= structures.always_read
            try:
                block = structures.whole_block(reader, whole_graph(reader), assumptions)
            except SpecError as error:
                block = structures.refused(error, 1, assumptions)
        self.add_reads(reader.reads)
        return block


def whole_graph(reader: Reader) -> Graph:
    """All of a network; where the nesting that is allowed takes more than Python's, with room for it."""
    code, reads = reader.code, set(reader.reads)
    try:
        return reader.graph()
    except RecursionError:
        reader.begin(code, {}, reader.outer, {}, "", is_whole=True)
        reader.reads |= reads
        with deep_recursion():
            return reader.graph()


def begun(structures: Structures, codes: Any, size: int, chosen: Column | None = None) -> tuple[Walk, Value, Frame]:
    """A walk at the inputs of the network."""
    spec, shapes = structures.network.spec, structures.shapes
    count = len(spec.inputs)
    free = structures.free if chosen is None else 1
    zeros = np.zeros(size, np.int64)
    walk = Walk(size, lambda axis: codes[axis], Inputs({}, {}, None), count, free, structures.is_deep, chosen)
    nothing = np.full((size, count + 1), NEVER, np.int64)
    dummy = Value(zeros + shapes.number(NO_SHAPE), nothing, nothing, zeros, zeros)
    frame = Frame(Names({}, {}, None), dummy)
    for placed in spec.requires.values():
        _refuse(walk, structures.requirement(placed), dummy, frame)
    values: list[Value] = []
    for number, (name, placed) in enumerate(spec.inputs.items()):
        asked = structures.input_shape(placed)
        rows, _ = asked.found(walk, dummy, frame)
        found = [
            shapes.number(answer) if error == 0 and answer is not None else 0 for _, answer, error in asked.answers
        ]
        _refuse(walk, asked, dummy, frame)
        depth = np.full((size, count + 1), NEVER, np.int64)
        depth[:, number] = 0
        value = Value(np.array(found)[rows], depth, depth.copy(), np.full(size, number), zeros)
        walk.inputs.own[INPUT_PORT + name] = value
        values.append(value)
    return walk, values[0], Frame(Names({}, {}, None), values[0])


def _refuse(walk: Walk, asked: Asked, value: Value, frame: Frame) -> None:
    """Refuse structures of which something is wrong before anything is expanded."""
    rows, _ = asked.found(walk, value, frame)
    errors = np.array([error for _, _, error in asked.answers], np.int16)[rows]
    walk.refuse(np.arange(walk.size), np.repeat(errors[:, None], walk.free, axis=1))
