"""Activations that are written out: x * sigmoid(x), GELU by its formulas, hard swish."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

from archcalc.importing.neutral import Operation, Ref
from archcalc.importing.patterns.match import Match, Pattern, first, made, pair


def _near(value: float | None, wanted: float) -> bool:
    return value is not None and abs(value - wanted) < 1e-4


class Sigmoidal(Pattern):
    """x * sigmoid(x), and x * sigmoid(1.702 * x)."""

    ends = frozenset({"mul"})

    def match(self, match: Match, op: Operation) -> Operation | None:
        """`silu` or `quick_gelu`."""
        for x, gate in (pair(op), pair(op)[::-1]):
            found = match.maker(gate, "sigmoid")
            if found is None or not isinstance(x, Ref):
                continue
            inner = first(found)
            if match.same(inner, x):
                return made(op, "silu", {"self": x})
            scaled = match.factor(inner)
            if scaled is not None and match.same(scaled[0], x) and _near(scaled[1], 1.702):
                return made(op, "quick_gelu", {"self": x})
        return None


class HandMadeGELU(Pattern):
    """0.5 * x * (1 + erf(x / sqrt 2)), and 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))."""

    ends = frozenset({"mul"})

    def match(self, match: Match, op: Operation) -> Operation | None:
        """`gelu`, by either formula, however the three factors are grouped."""
        factors = _factors(match, op)
        half = [value for value in factors if _near(match.number(value), 0.5)]
        tensors = [value for value in factors if isinstance(value, Ref) and match.number(value) is None]
        if len(half) != 1 or len(tensors) != 2:
            return None
        for x, gate in (tuple(tensors), tuple(tensors[::-1])):
            inner = match.plus(gate, 1.0)
            error, curve = match.maker(inner, "erf"), match.maker(inner, "tanh")
            if error is not None:
                scaled = match.factor(first(error))
                if scaled is not None and match.same(scaled[0], x) and _near(scaled[1], 1 / sqrt(2)):
                    return made(op, "gelu", {"self": x})
            if curve is not None and self._is_cubic(match, first(curve), x):
                return made(op, "gelu", {"self": x, "approximate": "tanh"})
        return None

    @staticmethod
    def _is_cubic(match: Match, ref: Any, x: Any) -> bool:
        scaled = match.factor(ref)
        if scaled is None or not _near(scaled[1], sqrt(2 / pi)):
            return False
        total = match.maker(scaled[0], "add", "mul")
        return total is not None and any(match.same(part, x) for part in pair(total))


def _factors(match: Match, op: Operation, depth: int = 2) -> list[Any]:
    """All factors of products of products."""
    found: list[Any] = []
    for part in pair(op):
        inner = match.maker(part, "mul") if depth else None
        found.extend(_factors(match, inner, depth - 1) if inner is not None else [part])
    return found


class HardSigmoidal(Pattern):
    """relu6(x + 3) / 6, and x times that."""

    ends = frozenset({"div", "mul"})

    def match(self, match: Match, op: Operation) -> Operation | None:
        """`hardsigmoid` or `hardswish`, whichever way they are grouped."""
        scaled = match.factor(Ref(op.outputs[0])) if op.outputs else None
        if scaled is not None and _near(scaled[1], 1 / 6):
            x = self._shifted(match, scaled[0])
            if x is not None:
                return made(op, "hardsigmoid", {"self": x})
            product = match.maker(scaled[0], "mul")
            if product is not None:
                for x, gate in (pair(product), pair(product)[::-1]):
                    if isinstance(x, Ref) and match.same(self._shifted(match, gate), x):
                        return made(op, "hardswish", {"self": x})
        if op.op == "mul":
            for x, gate in (pair(op), pair(op)[::-1]):
                found = match.maker(gate, "hardsigmoid")
                if found is not None and match.same(first(found), x):
                    return made(op, "hardswish", {"self": x})
        return None

    @staticmethod
    def _shifted(match: Match, ref: Any) -> Any:
        """X of relu6(x + 3)."""
        op = match.maker(ref, "relu6", "hardtanh", "clamp")
        if op is None:
            return None
        least = op.arguments.get("min_val", op.arguments.get("min"))
        most = op.arguments.get("max_val", op.arguments.get("max"))
        return match.plus(first(op), 3.0) if op.op == "relu6" or (least, most) == (0, 6) else None


class Softsign(Pattern):
    """x / (1 + |x|), as torch.nn.functional writes it."""

    ends = frozenset({"div"})

    def match(self, match: Match, op: Operation) -> Operation | None:
        """`softsign`."""
        x, more = pair(op)
        size = match.maker(match.plus(more, 1.0), "abs")
        return made(op, "softsign", {"self": x}) if size is not None and match.same(first(size), x) else None


class Tanhshrink(Pattern):
    """x - tanh(x), as torch.nn.functional writes it."""

    ends = frozenset({"sub"})

    def match(self, match: Match, op: Operation) -> Operation | None:
        """`tanhshrink`."""
        x, curve = pair(op)
        found = match.maker(curve, "tanh")
        return made(op, "tanhshrink", {"self": x}) if found is not None and match.same(first(found), x) else None


ACTIVATIONS = (Softsign(), Tanhshrink(), Sigmoidal(), HandMadeGELU(), HardSigmoidal())
