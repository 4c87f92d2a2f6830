"""Norms that are written out: unit length, root mean square, layer norm over channels that come first."""

from __future__ import annotations

from typing import Any

from archcalc.importing.neutral import Operation, Ref
from archcalc.importing.patterns.match import Match, Pattern, first, made, pair


def _over(op: Operation) -> Any:
    dims = op.arguments.get("dim")
    return dims[0] if isinstance(dims, (list, tuple)) and len(dims) == 1 else dims


class Normalize(Pattern):
    """x / max(|x|, eps) along one axis: `torch.nn.functional.normalize`."""

    ends = frozenset({"div"})

    def match(self, match: Match, op: Operation) -> Operation | None:
        """Unit length along an axis."""
        x, length = pair(op)
        limited = match.maker(length, "clamp_min", "clamp")
        inner = first(limited) if limited else length
        norm = match.maker(inner, "linalg_vector_norm", "norm") or _root_of_squares(match, inner, x)
        if norm is None or not match.same(first(norm), x) or not isinstance(_over(norm), int):
            return None
        return made(op, "unit_norm", {"input": x, "dim": _over(norm)})


def _root_of_squares(match: Match, ref: Any, x: Any) -> Operation | None:
    """sqrt(sum(x * x)) as the norm that it is."""
    root = match.maker(ref, "sqrt", "pow")
    if root is None or (root.op == "pow" and match.number(root.arguments.get("exponent")) != 0.5):
        return None
    total = match.maker(first(root), "sum")
    square = match.maker(first(total), "pow") if total else None
    if total is None or square is None or not match.same(first(square), x):
        return None
    if match.number(square.arguments.get("exponent")) != 2:
        return None
    return Operation("norm", {"input": x, "dim": total.arguments.get("dim")}, total.outputs)


def _root_mean_square(match: Match, ref: Any, x: Any) -> Operation | None:
    """1 / sqrt(mean(x * x) + eps): the operation that takes the mean."""
    root = match.maker(ref, "rsqrt", "pow")
    if root is None or (root.op == "pow" and match.number(root.arguments.get("exponent")) != -0.5):
        return None
    added = match.maker(first(root), "add")
    mean = match.maker(first(added) if added else first(root), "mean")
    square = match.maker(first(mean), "pow", "square", "mul") if mean else None
    if square is None or not match.same(first(square), x):
        return None
    if square.op == "pow" and match.number(square.arguments.get("exponent")) != 2:
        return None
    if square.op == "mul" and not match.same(square.arguments["other"], x):
        return None
    return mean


class RootMeanSquare(Pattern):
    """x / sqrt(mean(x*x) + eps) along the last axis: `rms_norm` without a scale."""

    ends = frozenset({"mul"})

    def match(self, match: Match, op: Operation) -> Operation | None:
        """The norm by itself; its scale is the next pattern's."""
        for x, root in (pair(op), pair(op)[::-1]):
            if not isinstance(x, Ref):
                continue
            mean = _root_mean_square(match, root, x)
            if mean is None:
                continue
            shape = match.tensor(x).shape
            axis = _over(mean)
            if not isinstance(axis, int) or axis % len(shape) != len(shape) - 1:
                return None
            return made(op, "rms_norm", {"input": x, "normalized_shape": [shape[-1]], "eps": _eps(match, root)})
        return None


def _eps(match: Match, root: Any) -> float | None:
    op = match.maker(root, "rsqrt", "pow")
    added = match.maker(first(op), "add") if op else None
    return match.number(added.arguments["other"]) if added else None


class ScaledRootMeanSquare(Pattern):
    """A norm by the root mean square times its weight, or times one more than its weight."""

    ends = frozenset({"mul"})

    def match(self, match: Match, op: Operation) -> Operation | None:
        """The norm with its scale."""
        for weight, norm in (pair(op), pair(op)[::-1]):
            found = match.maker(norm, "rms_norm")
            if found is None or found.arguments.get("weight") is not None or not isinstance(weight, Ref):
                continue
            plain = match.plain(weight)
            more = match.plus(plain, 1.0)
            plain = match.plain(more) if more is not None else plain
            tensor = match.tensor(plain)
            if tensor.kind == "parameter" and tensor.shape == tuple(found.arguments["normalized_shape"]):
                return made(op, "rms_norm", {**found.arguments, "weight": plain})
        return None


class ChannelsFirst(Pattern):
    """(x - mean) / sqrt(mean of squares + eps), times a weight, plus a bias, over axis 1: a `layer_norm`."""

    ends = frozenset({"add"})

    def match(self, match: Match, op: Operation) -> Operation | None:
        """The whole, from its last sum."""
        for scaled, bias in (pair(op), pair(op)[::-1]):
            product = match.maker(scaled, "mul")
            stored = _stored(match, bias)
            if product is None or stored is None:
                continue
            for weight, quotient in (pair(product), pair(product)[::-1]):
                scale, divided = _stored(match, weight), match.maker(quotient, "div")
                if scale is None or divided is None:
                    continue
                centred = match.maker(first(divided), "sub")
                root = match.maker(divided.arguments["other"], "sqrt")
                if centred is None or root is None:
                    continue
                mean = match.maker(centred.arguments["other"], "mean")
                x = first(centred)
                if mean is None or not match.same(first(mean), x) or _over(mean) != 1:
                    continue
                arguments = {"input": x, "weight": scale, "bias": stored, "axis": 1}
                return made(op, "channel_layer_norm", arguments)
        return None


def _stored(match: Match, ref: Any) -> Any:
    """A parameter with new axes of extent 1."""
    while isinstance(ref, Ref):
        if match.tensor(ref).kind == "parameter":
            return ref
        op = match.maker(ref, "slice", "unsqueeze", "view", "reshape")
        if op is None or match.tensor(Ref(op.outputs[0])).elements != match.tensor(first(op)).elements:
            return None
        ref = match.plain(first(op))
    return None


class StatisticsNorm(Pattern):
    """(x - mean) * factor + shift, stored for each channel: a `batch_norm` for inference, as Keras has it."""

    ends = frozenset({"add"})

    def match(self, match: Match, op: Operation) -> Operation | None:
        """The whole, from its last sum."""
        for scaled, shift in (pair(op), pair(op)[::-1]):
            product = match.maker(scaled, "mul")
            if product is None or not _is_stored(match, shift):
                continue
            for centred, factor in (pair(product), pair(product)[::-1]):
                difference = match.maker(centred, "sub", "subtract")
                if difference is None or not _is_stored(match, factor):
                    continue
                x, mean = pair(difference)
                if not _is_stored(match, mean) or _is_stored(match, x):
                    continue
                statistics = _names(match, mean) + [name for name in _names(match, factor) if not _trained(match, name)]
                scale = [name for name in _names(match, factor) if _trained(match, name)]
                shifts = [name for name in _names(match, shift) if _trained(match, name)]
                if len(statistics) == 2 and len(scale) <= 1 and len(shifts) <= 1:
                    tensors = {"statistics": statistics, "scale": scale, "shift": shifts}
                    return made(
                        op, "statistics_norm", {"input": x, **{k: list(map(Ref, v)) for k, v in tensors.items()}}
                    )
        return None


def _is_stored(match: Match, ref: Any) -> bool:
    """Whether a tensor depends on nothing but what is stored."""
    return isinstance(ref, Ref) and _roots(match, ref) is not None


def _roots(match: Match, ref: Ref, depth: int = 40) -> list[int] | None:
    """Stored tensors that one is made of; None: of an input, too."""
    tensor = match.tensor(ref)
    if tensor.kind in ("parameter", "buffer", "constant"):
        return [ref.tensor] if tensor.name else []
    op = match.makers.get(ref.tensor)
    if tensor.kind == "input" or op is None or not depth or not list(op.tensors()):
        return None
    found: dict[int, None] = {}
    for index in op.tensors():
        inner = _roots(match, Ref(index), depth - 1)
        if inner is None:
            return None
        found.update(dict.fromkeys(inner))
    return list(found)


def _names(match: Match, ref: Any) -> list[int]:
    return _roots(match, ref) or []


def _trained(match: Match, index: int) -> bool:
    return match.tensor(Ref(index)).kind == "parameter"


NORMS = (
    StatisticsNorm(),
    Normalize(),
    RootMeanSquare(),
    ScaledRootMeanSquare(),
    ChannelsFirst(),
)
