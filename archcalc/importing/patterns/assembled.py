"""A tensor made empty, and filled part by part: a concatenation."""

from __future__ import annotations

from typing import Any

from archcalc.importing.neutral import Operation, Ref
from archcalc.importing.patterns.match import Match, Pattern, first, made

ZEROS = ("new_zeros", "new_full", "zeros_like")
EMPTY = ("new_empty", "empty_like", *ZEROS)


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


class PaddedInto(Pattern):
    """`y = x.new_zeros(...); y[0, :, :h, :w] = x`: zeros behind what is there."""

    ends = frozenset({"write_through"})

    def match(self, match: Match, op: Operation) -> Operation | None:
        """`pad_into`, with what stands behind along each axis of what is given."""
        given = match.tensor(Ref(op.outputs[0])).shape
        base, copied = op.arguments["input"], match.makers.get(op.arguments["source"].tensor)
        if copied is None or copied.op != "copy" or match.makers.get(base.tensor, op).op not in ZEROS:
            return None
        cut = match.makers.get(first(copied).tensor)
        left = list(range(len(given)))  # axes of the base that are there still
        chain = []
        while cut is not None and cut.op in ("slice", "select"):
            chain.append(cut)
            cut = match.makers.get(first(cut).tensor) if first(cut) != base else None
        for each in reversed(chain):
            axis = each.arguments.get("dim", 0) % len(left)
            if each.op == "select":
                if given[left[axis]] != 1:
                    return None
                del left[axis]
            elif (each.arguments.get("start") or 0) != 0 or each.arguments.get("step", 1) != 1:
                return None
        source = copied.arguments["src"]
        if not chain or not isinstance(source, Ref) or len(match.tensor(source).shape) != len(left):
            return None
        behind = [given[axis] - size for axis, size in zip(left, match.tensor(source).shape, strict=True)]
        return made(op, "pad_into", {"input": source, "behind": behind, "axes": left})
