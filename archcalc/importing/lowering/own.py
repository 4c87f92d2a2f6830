"""Modules of archcalc's own, which say what operator they are, and the copies of a layer that experts are."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archcalc.importing.axes import CHANNELS, REPEATED, Factor
from archcalc.importing.lowering.context import RULES, Lowering, UnsupportedError, View, module_rule
from archcalc.importing.lowering.joins import as_position
from archcalc.importing.lowering.layout import natural_axes, number, settled
from archcalc.importing.lowering.stored import data
from archcalc.importing.neutral import Operation, Ref, Tensor
from archcalc.ops import ONE, Copies


@module_rule("operator")
def _operator(low: Lowering, op: Operation) -> Any:
    settings = dict(op.arguments["settings"])
    name, roles = settings.pop("name"), tuple(settings.pop("roles", ()))
    nodes = [_channels_first(low, ref) for ref in op.arguments["inputs"]]
    if name == "rotary":
        settings = {"part": number(Fraction(settings["turned"], low.sizes(nodes[0])[CHANNELS]))}
    if name == "route":
        settings["experts"] = low.sizes(nodes[roles.index("router")])[CHANNELS]
    arguments = {key: value for key, value in settings.items() if value is not None}
    made = low.call(name, nodes, _parameters(low, op), roles, arguments)
    return _as_given(low, op, made)


@module_rule("copies")
def _copies(low: Lowering, op: Operation) -> Any:
    """Experts: the layer once, stored and computed as often as it is copied."""
    settings, stored = op.arguments["settings"], op.arguments["stored"]
    layer = dict(settings["layer"])
    view = low.view(op.arguments["inputs"][0])
    alone = low.program.add(Tensor((1, *low.shape_of(op.arguments["inputs"][0])[1:])))
    low.values[alone] = View(view.node, ((), *view.axes[1:]))
    given = low.program.add(Tensor((1, *low.shape_of_output(op)[1:])))
    of_one = {name: stored[f"0.{name}"] for name in ("weight", "bias") if f"0.{name}" in stored}
    kind = layer.pop("op")
    inner = Operation(kind, {"input": Ref(alone), **of_one, **layer}, (given,), op.scope, op.name)
    found = RULES[kind](low, inner)
    call = low.calls[found.node]
    call.operator = call.operator.variant(copies=Copies(settings["stored"], settings["computed"]))
    call.weights = _parameters(low, op)
    return View(found.node, ((Factor(REPEATED, 1, settings["computed"]),), *found.axes[1:]))


def _parameters(low: Lowering, op: Operation) -> tuple[str, ...]:
    """Names of its parameters; of its buffers where it has no others."""
    tensors = [low.tensor(ref) for ref in op.arguments["stored"].values()]
    trained = [each.name for each in tensors if each.kind == "parameter"]
    return tuple(trained or [each.name for each in tensors])


def _channels_first(low: Lowering, ref: Ref) -> int:
    """The call that gives a tensor, its channels after the batch and its positions last."""
    view = data(low, ref, 1)
    if view.axes[0] and low.calls[view.node].operator.copies is not ONE:  # experts one after the other
        view = View(view.node, ((), *view.axes[1:]))
    if len(view.axes) == 3 and low.shape(view.node).rank == 0 and _is_attended(low):  # one position, as a row
        return as_position(low, view.node)
    return settled(low, view, 1, range(2, len(view.axes)))


def _is_attended(low: Lowering) -> bool:
    """Whether it is attention that is read, which compares positions."""
    settings = low.now.arguments.get("settings", {}) if low.now is not None else {}
    return bool(settings.get("name") == "attend")


def _as_given(low: Lowering, op: Operation, made: int) -> View:
    """What it gives, where that is of the extents that torch says.

    Raises:
        UnsupportedError: of others.
    """
    rank = len(low.shape_of_output(op))
    view = View(made, natural_axes(low, made, rank, 1, range(2, rank)))
    if low.sizes(made) != tuple(low.shape_of_output(op)[1:]):
        raise UnsupportedError(f"it gives {low.shape(made)} by what it says, and something else when it runs")
    return view
