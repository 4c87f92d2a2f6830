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


class RotaryOfPairs(Pattern):
    """cat(a * cos - b * sin, b * cos + a * sin) of two parts of x, or stacked and flattened; or complex products."""

    ends = frozenset({"cat", "flatten", "reshape", "view"})

    def match(self, match: Match, op: Operation) -> Operation | None:
        """`rotary` of x."""
        if op.op != "cat":
            inner = match.maker(first(op), "stack", "view_as_real")
            if inner is not None and inner.op == "view_as_real":
                return self._complex(match, op, inner)
            if inner is None:
                return None
            parts = inner.arguments["tensors"]
        else:
            parts = op.arguments["tensors"]
        if len(parts) != 2:
            return None
        difference, total = match.maker(parts[0], "sub"), match.maker(parts[1], "add")
        if difference is None or total is None:
            return None
        origins = []
        for each in (*pair(difference), *pair(total)):
            product = match.maker(each, "mul")
            cuts = (
                [match.maker(part, "slice", "select", "unbind", "chunk", "split") for part in pair(product)]
                if product
                else []
            )
            sources = [_whole(match, first(cut)) for cut in cuts if cut is not None]
            origins.append([source for source in sources if match.tensor(source).kind != "constant"])
        common = set.intersection(*[set(found) for found in origins])
        x = next((ref for ref in common if match.tensor(ref).shape[-1] and self._fits(match, ref, op)), None)
        return made(op, "rotary", {"input": x}) if x is not None else None

    @staticmethod
    def _fits(match: Match, ref: Ref, op: Operation) -> bool:
        return match.tensor(ref).elements == match.tensor(Ref(op.outputs[0])).elements

    def _complex(self, match: Match, op: Operation, real: Operation) -> Operation | None:
        product = match.maker(first(real), "mul")
        for part in pair(product) if product is not None else ():
            seen = match.maker(part, "view_as_complex")
            x = _whole(match, first(seen)) if seen is not None else None
            if x is not None and self._fits(match, x, op):
                return made(op, "rotary", {"input": x})
        return None


def _whole(match: Match, ref: Any) -> Any:
    """A tensor before it was looked at with other axes."""
    ref = match.plain(ref)
    while isinstance(ref, Ref):
        op = match.maker(ref, "view", "reshape", "unflatten", "slice")
        if op is None or match.tensor(first(op)).elements != match.tensor(ref).elements:
            return ref
        ref = match.plain(first(op))
    return ref
