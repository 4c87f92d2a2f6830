"""Rotary positions: x * cos + rotated(x) * sin."""

from __future__ import annotations

from typing import Any

from archcalc.importing.neutral import Operation, Ref
from archcalc.importing.patterns.match import Match, Pattern, first, made, pair


class Rotary(Pattern):
    """x * cos + cat(-second half, first half) * sin, over pairs of channels that are halves or neighbours."""

    ends = frozenset({"add"})

    def match(self, match: Match, op: Operation) -> Operation | None:
        """`rotary` of x."""
        one, other = (match.maker(part, "mul") for part in pair(op))
        if one is None or other is None:
            return None
        for plain, turned in ((one, other), (other, one)):
            for x, _ in (pair(plain), pair(plain)[::-1]):
                if not isinstance(x, Ref):
                    continue
                for rotated in pair(turned):
                    if self._is_rotated(match, rotated, x):
                        return made(op, "rotary", {"input": x})
        return None

    @staticmethod
    def _is_rotated(match: Match, ref: Any, x: Ref) -> bool:
        """Whether it is made of x alone, cut in halves of which one is negated."""
        joined = match.maker(ref, "cat", "flatten", "reshape", "view")
        if joined is not None and joined.op != "cat":
            stacked = match.maker(first(joined), "stack")
            joined = stacked
        if joined is None:
            return False
        parts = joined.arguments.get("tensors", [])
        if len(parts) != 2:
            return False
        negated = [match.maker(part, "neg") for part in parts]
        if sum(each is not None for each in negated) != 1:
            return False
        origins = [first(made_by) if made_by else part for part, made_by in zip(parts, negated, strict=True)]
        for origin in origins:
            cut = match.maker(origin, "slice", "chunk", "split", "select", "unbind")
            if cut is None or not match.same(_whole(match, first(cut)), _whole(match, x)):
                return False
        return True


def _whole(match: Match, ref: Any) -> Any:
    """A tensor before it was looked at with other axes."""
    ref = match.plain(ref)
    while isinstance(ref, Ref):
        op = match.maker(ref, "view", "reshape", "unflatten", "slice")
        if op is None or match.tensor(first(op)).elements != match.tensor(ref).elements:
            return ref
        ref = match.plain(first(op))
    return ref
