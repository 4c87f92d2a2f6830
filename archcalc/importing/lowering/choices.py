"""Choices: experts by a router, positions by what stands in the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archcalc.importing.axes import CHANNELS, whole
from archcalc.importing.lowering.context import (
    Chosen,
    Lowering,
    Places,
    Stored,
    UnsupportedError,
    Value,
    View,
    module_rule,
    rule,
)
from archcalc.importing.lowering.pointwise import ACTIVATIONS
from archcalc.importing.neutral import Operation
from archcalc.importing.patterns.match import first
from archcalc.ops import Copies


def absorbed(low: Lowering, op: Operation, values: Sequence[Value]) -> Value | None:
    """What an operation upon places or choices gives: others of them, which cost nothing that is counted.

    None: it reads neither, or something else with them that has a rule.

    Args:
        low: what is known by now.
        op: the operation.
        values: what it reads.
    """
    chosen = [value for value in values if isinstance(value, Chosen)]
    if op.op in ("module", "opaque", "index", "embedding", "embedding_bag", "_embedding_bag"):
        return None
    if chosen:
        top = low.shape_of_output(op)[-1] if op.op == "topk" else max(value.top for value in chosen)
        return Chosen(chosen[0].router, top)
    are_places = [isinstance(value, Places) or _are_tokens(low, value) for value in values]
    if values and any(are_places) and all(a or isinstance(v, Stored) for a, v in zip(are_places, values, strict=True)):
        is_renaming = op.op in (
            "view",
            "reshape",
            "to",
            "alias",
            "contiguous",
            "unsqueeze",
            "squeeze",
            "expand",
            "slice",
        )
        return None if is_renaming and any(_are_tokens(low, value) for value in values) else Places()
    return None


def _are_tokens(low: Lowering, value: Value) -> bool:
    return isinstance(value, View) and low.shape(value.node).channels is None


@rule("topk", "argmax", "argsort", "sort", "argmin", "one_hot")
def _topk(low: Lowering, op: Operation) -> Any:
    """The largest of the numbers of a router; or where the largest is."""
    view = low.view(first(op))
    if op.op != "topk" or not low.is_whole(view, op.arguments.get("dim", -1) % len(view.axes)):
        shape = low.shape_of_output(op)
        chosen = Chosen(view.node, shape[-1] if op.op == "topk" else 1)
    else:
        chosen = Chosen(view.node, op.arguments["k"])
    return (chosen,) * len(op.outputs) if len(op.outputs) > 1 else chosen


@module_rule("Experts")
def _experts(low: Lowering, op: Operation) -> Any:
    """Experts as three matrices each, of which those that a router chose work at each position."""
    settings, stored = op.arguments["settings"], op.arguments["stored"]
    data = [low.value(ref) for ref in op.arguments["inputs"]]
    views = [value for value in data if isinstance(value, View)]
    chosen = [value for value in data if isinstance(value, Chosen)]
    if len(views) != 1 or not chosen:
        raise UnsupportedError("what chooses its experts is not known")
    view, router, top = views[0], chosen[0].router, max(value.top for value in chosen)
    number, activation = settings["experts"], ACTIVATIONS.get(settings["activation"], (None,))[0]
    if activation is None or set(stored) != {"gate_up_proj", "down_proj"}:
        raise UnsupportedError(f"experts with the activation {settings['activation']} or with biases")
    shape = low.shape_of(stored["gate_up_proj"])
    hidden = (shape[1] if not settings["is_transposed"] else shape[2]) // 2
    width = low.sizes(view.node)[CHANNELS]
    if not 0 < top <= number or view.axes[-1] != whole(CHANNELS, width):
        raise UnsupportedError("experts that read a part of the channels")
    copies = Copies(number, top)

    def expert(name: str, inputs: list[int], weights: tuple[str, ...] = (), **arguments: Any) -> int:
        return low.call(name, inputs, weights, arguments=arguments)

    names = {key: (low.tensor(ref).name,) for key, ref in stored.items()}
    wide = expert("linear", [view.node], names["gate_up_proj"], channels=2 * hidden, bias=False)
    low.calls[wide].operator = low.calls[wide].operator.variant(copies=copies)
    gate = expert("slice_channels", [wide], start=0, stop=hidden)
    up = expert("slice_channels", [wide], start=hidden, stop=2 * hidden)
    product = expert("mul", [expert(activation, [gate]), up])
    given = expert("linear", [product], names["down_proj"], channels=width, bias=False)
    made = low.call("route", [router, given], roles=("router", "expert"), arguments={"experts": number, "top": top})
    return View(made, view.axes)


def at_a_place(low: Lowering, op: Operation, view: View) -> View:
    """One position of a sequence, which the tokens say: counted as the last one.

    Raises:
        UnsupportedError: it is no sequence, or several positions are taken.
    """
    shape = low.shape_of_output(op)
    sizes = low.sizes(view.node)
    if len(sizes) != 2 or [size for size in shape if size > 1] != [sizes[CHANNELS]] or sizes[CHANNELS] < 2:
        raise UnsupportedError("several positions are chosen by what stands in the text")
    low.notes.append(f"{op.path}: which position is read depends on the tokens; written is the last")
    node = low.call("select_token", [view.node], arguments={"index": sizes[1] - 1})
    return View(node, tuple([whole(CHANNELS, size) if size > 1 else () for size in shape]))
