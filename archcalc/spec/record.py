"""An expansion that remembers how the network is put together: a row for each part, copied where a call is replayed.

It is an expansion like any other that keeps rows beside the nodes; whoever asks for a graph alone pays nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from archcalc.graph import Graph
from archcalc.ops import LayerReference, Operator
from archcalc.results.structure import Part, Structure
from archcalc.spec.bind import Handle
from archcalc.spec.branches import Slot
from archcalc.spec.expander import Expander
from archcalc.spec.expression import Call, Choice, Expression, Generator
from archcalc.spec.model import Entry, Module
from archcalc.spec.naming import callee
from archcalc.spec.replay import Template
from archcalc.spec.trail import OVERRIDE
from archcalc.spec.values import LayerValue, Scope


class Row:
    """A part while the network is expanded: as in `Part`, with the number of rows that it and its parts take."""

    __slots__ = (
        "arguments",
        "first",
        "input",
        "kind",
        "last",
        "name",
        "node",
        "output",
        "path",
        "rows",
        "times",
        "written",
    )

    def __init__(self, kind: Any, name: str, path: str, first: int, input: int) -> None:
        self.kind = kind
        self.name = name
        self.path = path
        self.first = first
        self.last = first
        self.input = input
        self.output: int | None = input
        self.node = -1
        self.written = ""
        self.times = 1
        self.arguments: Mapping[str, Any] = {}
        self.rows = 1

    def copied(self, shift: int, path: str, moved: Callable[[int], int]) -> Row:
        """The same part of a copy."""
        row = Row(self.kind, self.name, path, self.first + shift, moved(self.input))
        row.last = self.last + shift
        row.output = None if self.output is None else moved(self.output)
        row.node = self.node if self.node < 0 else self.node + shift
        row.written, row.times, row.arguments, row.rows = self.written, self.times, self.arguments, self.rows
        return row


class Recorder(Expander):
    """One expansion of one network, with a record of its parts."""

    folds = False

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.rows: list[Row] = []
        self.of_template: dict[int, tuple[int, int]] = {}  # rows of what a template copies, by its identity
        self.called_as = ""
        self.ended = 0  # nodes when the last part ended

    @contextmanager
    def part(self, kind: str, name: str, path: str, handle: Handle) -> Iterator[Row]:
        """A part that is made of what is expanded meanwhile; its output is set by whoever knows it."""
        row = Row(kind, name, path, len(self.nodes), handle.node)
        begins = len(self.rows)
        self.rows.append(row)
        yield row
        row.last = self.ended = len(self.nodes)
        row.rows = len(self.rows) - begins

    def entry(self, entry: Entry, handle: Handle, scope: Scope, path: str, is_root: bool) -> Handle:
        """A named body."""
        kind = "entry"
        if is_root and not path:
            of = ((self.heads, "head"), (self.spec.outputs, "output"))
            kind = next((kind for entries, kind in of if any(entry is other for other in entries)), kind)
        with self.part(kind, entry.name, f"{path}.{entry.name}" if path else entry.name, handle) as row:
            handle = super().entry(entry, handle, scope, path, is_root)
            row.output = handle.node
        return handle

    def calls(
        self, module: Module, call: Call, base: int, handle: Handle, scope: Scope, slot: Slot, count: int
    ) -> Handle:
        """So many calls of a module in a row."""
        outside, self.called_as = self.called_as, call.function
        try:
            return super().calls(module, call, base, handle, scope, slot, count)
        finally:
            self.called_as = outside

    def repeat(self, expression: Expression, count: int, base: int, handle: Handle, scope: Scope, slot: Slot) -> Handle:
        """A layer so many times."""
        with self.part("repeat", "", slot.path, handle) as row:
            row.times = count
            handle = super().repeat(expression, count, base, handle, scope, slot)
            row.output = handle.node
        return handle

    def expanded(
        self, module: Module, call: Call, base: int, handle: Handle, values: dict[str, Any], path: str, key: Any
    ) -> Handle:
        """The body of a module."""
        begins = len(self.rows)
        with self.part("module", module.name, path, handle) as row:
            row.written, row.arguments = call.function, values
            handle = super().expanded(module, call, base, handle, values, path, key)
            row.output = handle.node
        template = self.templates.get(key)
        if template is not None:
            self.of_template[id(template)] = begins, len(self.rows)
        return handle

    def replay(self, template: Template, handle: Handle, paths: list[str], at: int) -> Handle:
        """Copies of what the same call gave before."""
        first, old_input, cut = template.first, template.input, len(template.path)
        begins, ends = self.of_template[id(template)]
        original = self.rows[begins:ends]
        start, reads = len(self.nodes), handle.node
        handle = super().replay(template, handle, paths, at)
        for turn, path in enumerate(paths):
            shift = start + turn * (template.last - first) - first

            def moved(index: int, shift: int = shift, reads: int = reads) -> int:
                return index + shift if index >= first else reads if index == old_input else index

            before = path if cut or not path else f"{path}."
            made = [row.copied(shift, (before + row.path[cut:]) if row.path else path, moved) for row in original]
            made[0].written = self.called_as
            made[0].path = path
            self.rows += made
            if template.output.node != old_input:
                reads = moved(template.output.node)
        self.ended = len(self.nodes)
        return handle

    def operation(self, name: str, call: Call, base: int, handle: Handle, scope: Scope, slot: Slot) -> Handle:
        """One layer."""
        with self.part("operation", name, slot.path, handle) as row:
            handle = super().operation(name, call, base, handle, scope, slot)
            row.output = handle.node
            row.path = self.nodes[handle.node].layer
        return handle

    def merge(self, name: str, call: Call, base: int, *given: Any) -> Handle:
        """Branches, and what merges them."""
        handle: Handle = given[2]
        with self.part("merge", name, given[4].path, handle) as row:
            output = super().merge(name, call, base, *given)
            if len(self.nodes) > max(self.ended, row.first):
                row.node = output.node
                row.path = self.nodes[output.node].layer
            row.output = output.node
        return output

    def copied(self, operator: Operator, role: str, expand: Callable[..., list[Handle]], *where: Any) -> list[Handle]:
        """A branch, or several from one generator."""
        handle, path = where[-3], where[-1]
        with self.part("branch", role, path, handle) as row:
            found = super().copied(operator, role, expand, *where)
            row.output = found[0].node if len(found) == 1 else None
        return found

    def branch_value(self, expression: Expression, base: int, handle: Handle, scope: Scope, slot: Slot) -> list[Handle]:
        """A branch that is one expression; a row for each that a generator gives."""
        if type(expression) in (Generator, Choice):
            return super().branch_value(expression, base, handle, scope, slot)
        with self.part("branch", "", slot.path, handle) as row:
            found = super().branch_value(expression, base, handle, scope, slot)
            row.output = found[0].node if len(found) == 1 else None
            row.times = len(found)
        return found

    def share(self, call: Call, base: int, handle: Handle, scope: Scope, slot: Slot) -> Handle:
        """An earlier body again."""
        shared = call.arguments[0]
        name = callee(shared) if call.arguments else ""
        with self.part("share", name, slot.path, handle) as row:
            handle = super().share(call, base, handle, scope, slot)
            row.output = handle.node
        return handle

    def left_out(self, position: Mapping[int, int], count: int) -> None:
        """Rows follow the nodes to their new indices."""
        below = [0]
        for index in range(count):
            below.append(below[-1] + (index in position))
        for row in self.rows:
            row.first, row.last = below[row.first], below[row.last]
            row.input = position.get(row.input, row.input)
            row.output = None if row.output is None else position.get(row.output)
            row.node = position.get(row.node, -1) if row.node >= 0 else -1

    def structure(self, graph: Graph) -> Structure:
        """What was recorded, as a tree."""
        shown: dict[int, dict[str, Any]] = {}  # arguments by the identity of their values
        made: list[Part] = []
        open_parts: list[tuple[Part, int]] = []
        for index, row in enumerate(self.rows):
            arguments = shown.get(id(row.arguments))
            if arguments is None:
                arguments = {name: self.plain(value) for name, value in row.arguments.items()}
                shown[id(row.arguments)] = arguments
            part = Part(
                row.kind, row.name, row.path, row.first, row.last, row.input, row.output,
                row.node, row.written, row.times, arguments,
            )  # fmt: skip
            while open_parts and index >= open_parts[-1][1]:
                open_parts.pop()
            (open_parts[-1][0].parts if open_parts else made).append(part)
            open_parts.append((part, index + row.rows))
        return Structure(graph, _unwrapped(made))

    def plain(self, value: Any) -> Any:
        """A value as a number, a word, or the text that was written."""
        if isinstance(value, LayerValue):
            expression, base = value.placed.expression, value.placed.base
            if base >= OVERRIDE:
                return callee(expression) or "identity"
            return " ".join(self.spec.source.text[base + expression.start : base + expression.end].split())
        if isinstance(value, LayerReference):
            return value.name
        if isinstance(value, Fraction):
            return str(value)
        return [self.plain(item) for item in value] if type(value) is tuple else value


def _unwrapped(parts: list[Part]) -> list[Part]:
    """Branches that stand alone in a branch are that branch; several are branches of the merge itself."""
    waiting = list(parts)
    while waiting:
        part = waiting.pop()
        if part.kind == "merge":
            found: list[Part] = []
            for branch in part.parts:
                found += _branches(branch, branch.name)
            part.parts = found
        waiting.extend(part.parts)
    return parts


def _branches(branch: Part, name: str) -> list[Part]:
    if branch.parts and all(inner.kind == "branch" for inner in branch.parts):
        return [found for inner in branch.parts for found in _branches(inner, name)]
    branch.name = name
    is_left_out = not branch.parts and branch.output is None and branch.first == branch.last
    return [] if is_left_out else [branch]
