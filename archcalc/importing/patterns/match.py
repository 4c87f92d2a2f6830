"""Looking backwards from an operation: what made its inputs."""

from __future__ import annotations

from typing import Any, ClassVar

from archcalc.importing.neutral import Operation, Program, Ref, Tensor

RENAMES = {"alias", "to", "_to_copy", "contiguous", "clone", "detach", "type_as", "float", "expand", "expand_as"}


class Pattern:
    """A layer as several operations, recognised at the last of them."""

    ends: ClassVar[frozenset[str]]

    def match(self, match: Match, op: Operation) -> Operation | None:
        """One operation for all of it, which gives what the last one gave; None: it is something else."""
        raise NotImplementedError


class Match:
    """A program, and for each tensor the operation that makes it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.makers = {index: op for op in program.operations for index in op.outputs}

    def put(self, op: Operation) -> None:
        """From now on this operation makes what it gives."""
        for index in op.outputs:
            self.makers[index] = op

    def tensor(self, ref: Ref) -> Tensor:
        """The tensor that is meant."""
        return self.program.tensors[ref.tensor]

    def plain(self, ref: Any) -> Any:
        """A tensor before copies and changes of its type."""
        while isinstance(ref, Ref):
            op = self.makers.get(ref.tensor)
            if op is None or op.op not in RENAMES:
                return ref
            ref = first(op)
        return ref

    def maker(self, ref: Any, *names: str) -> Operation | None:
        """The operation that made a tensor, if it is one of these."""
        ref = self.plain(ref)
        op = self.makers.get(ref.tensor) if isinstance(ref, Ref) else None
        return op if op is not None and op.op in names else None

    def same(self, one: Any, other: Any) -> bool:
        """Whether two are one tensor, but for copies and types."""
        return isinstance(one, Ref) and isinstance(other, Ref) and self.plain(one) == self.plain(other)

    def number(self, value: Any) -> float | None:
        """A number that is written in the source."""
        if isinstance(value, Ref):
            value = self.tensor(value).value
            while isinstance(value, list) and len(value) == 1:
                value = value[0]
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def factor(self, ref: Any) -> tuple[Any, float] | None:
        """A tensor times a number as both."""
        op = self.maker(ref, "mul", "div")
        if op is None:
            return None
        one, other = pair(op)
        for value, scale in ((one, other), (other, one)):
            found = self.number(scale)
            if found is not None and isinstance(value, Ref):
                if op.op == "mul":
                    return value, found
                return (value, 1 / found) if value is one and found else None
        return None

    def plus(self, ref: Any, summand: float) -> Any:
        """The tensor to which a number was added, if that is the number."""
        op = self.maker(ref, "add")
        if op is None:
            return None
        one, other = pair(op)
        for value, added in ((one, other), (other, one)):
            found = self.number(added)
            if found is not None and abs(found - summand) < 1e-9 and isinstance(value, Ref):
                return value
        return None


def first(op: Operation) -> Any:
    """The first argument, whatever the schema calls it."""
    for name in ("input", "self", "tensor"):
        if name in op.arguments:
            return op.arguments[name]
    return next(iter(op.arguments.values()), None)


def pair(op: Operation) -> tuple[Any, Any]:
    """Both operands of an operation of two."""
    return first(op), op.arguments.get("other", op.arguments.get("exponent"))


def made(op: Operation, name: str, arguments: dict[str, Any]) -> Operation:
    """An operation in the place of another."""
    return Operation(name, arguments, op.outputs, op.scope, op.name)
