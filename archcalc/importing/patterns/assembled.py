"""A tensor made empty, and filled part by part: a concatenation."""

from __future__ import annotations

from typing import Any

from archcalc.importing.neutral import Operation, Ref
from archcalc.importing.patterns.match import Match, Pattern, first, made

EMPTY = ("new_empty", "new_zeros", "empty_like", "zeros_like")


class Assembled(Pattern):
    """`y = x.new_empty(...); y[..., :n] = a; y[..., n:] = b` as `cat`."""

    ends = frozenset({"write_through"})

    def match(self, match: Match, op: Operation) -> Operation | None:
        """The concatenation, where the parts are all there is."""
        pieces: list[tuple[int, int, Any]] = []
        axes: set[int] = set()
        ref: Any = Ref(op.outputs[0])
        shape = match.tensor(ref).shape
        now: Operation | None = op
        while now is not None and now.op == "write_through":
            copied = match.makers.get(now.arguments["source"].tensor)
            cut = match.makers.get(first(copied).tensor) if copied is not None and copied.op == "copy" else None
            if copied is None or cut is None or cut.op != "slice" or cut.arguments.get("step", 1) != 1:
                return None
            axis = cut.arguments.get("dim", 0) % len(shape)
            size = match.tensor(Ref(cut.outputs[0])).shape[axis]
            start = cut.arguments.get("start") or 0
            start = start + shape[axis] if start < 0 else start
            pieces.append((start, start + size, copied.arguments["src"]))
            axes.add(axis)
            ref = now.arguments["input"]
            now = match.makers.get(ref.tensor)
        is_empty = (now is not None and now.op in EMPTY) or match.tensor(ref).kind == "constant"
        pieces.sort(key=lambda piece: piece[0])
        ends = [0, *(stop for _, stop, _ in pieces)]
        axis = next(iter(axes))
        is_full = [start for start, _, _ in pieces] == ends[:-1] and ends[-1] == shape[axis]
        if len(axes) != 1 or not is_empty or not is_full or any(not isinstance(value, Ref) for *_, value in pieces):
            return None
        return made(op, "cat", {"tensors": [value for *_, value in pieces], "dim": axis})
