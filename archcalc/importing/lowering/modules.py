"""Layers that are read as a whole."""

from __future__ import annotations

from typing import Any

from archcalc.importing.axes import CHANNELS
from archcalc.importing.calls import Scope
from archcalc.importing.lowering.context import MODULES, Lowering, UnsupportedError, View, module_rule, rule
from archcalc.importing.lowering.layout import alike, natural_axes, number, settled
from archcalc.importing.lowering.states import ends, initial, is_read
from archcalc.importing.neutral import Operation
from archcalc.ops import OPERATORS, LayerReference


@rule("module")
def _module(low: Lowering, op: Operation) -> Any:
    known = MODULES.get(op.arguments["kind"])
    if known is None:
        raise UnsupportedError(f"nothing is known of {op.arguments['kind']}")
    return known(low, op)


def _stored_names(low: Lowering, op: Operation) -> tuple[str, ...]:
    return tuple([low.tensor(ref).name for ref in op.arguments["stored"].values()])


@module_rule("LSTM", "GRU", "RNN")
def _recurrent(low: Lowering, op: Operation) -> Any:
    settings = op.arguments["settings"]
    ref = op.arguments["inputs"][0]
    view = low.view(ref)
    rank = len(view.axes)
    if settings.get("proj_size"):
        raise UnsupportedError("a projection of the state")
    if op.arguments["kind"] == "RNN" and settings.get("nonlinearity", "tanh") != "tanh":
        raise UnsupportedError("a recurrence through another function than tanh")
    time = rank - 2 if settings.get("batch_first") or rank == 2 else 0
    node = settled(low, view, rank - 1, [time])
    arguments: dict[str, Any] = {
        "hidden": settings["hidden_size"],
        "layers": settings.get("num_layers", 1),
        "bidirectional": bool(settings.get("bidirectional", False)),
        "bias": bool(settings.get("bias", True)),
    }
    begins = initial(low, op)
    if begins is not None:
        arguments["initial"] = begins
    if len(op.outputs) > 1 and not is_read(low, op.outputs[0]):
        arguments["last"] = True
    made = low.call(op.arguments["kind"].lower(), [node], _stored_names(low, op), arguments=arguments)
    if begins is not None:
        low.calls[made].inputs = (node, begins.node)
    total = sum(low.tensor(ref).elements for ref in op.arguments["stored"].values())
    stored = low.calls[made].operator.parameters(low.shape(node))
    if stored.weights + stored.biases != total:
        raise UnsupportedError(f"it stores {total} parameters, where one of these arguments has others")
    output = View(made, natural_axes(low, made, rank, rank - 1, [] if arguments.get("last") else [time]))
    return (output, *ends(low, op, made))


@module_rule("MambaMixer")
def _mamba(low: Lowering, op: Operation) -> Any:
    """The mixer of Gu and Dao 2023, figure 3, in the form of the recurrence."""
    settings, stored = op.arguments["settings"], op.arguments["stored"]
    view = low.view(op.arguments["inputs"][0])
    node = settled(low, view, len(view.axes) - 1, [len(view.axes) - 2])
    inner, states, rank = settings["inner"], settings["states"], settings["rank"]
    if settings["activation"] != "silu":
        raise UnsupportedError(f"a mixer with the activation {settings['activation']}")

    def part(layer: str, name: str, inputs: list[int], roles: tuple[str, ...] = (), **arguments: Any) -> int:
        tensors = (layer,) if layer in stored else (f"{layer}.weight", f"{layer}.bias")
        if name == "scan":
            tensors = ("A_log", "D")
        names = tuple([low.tensor(stored[each]).name for each in tensors if each in stored])
        if "bias" in OPERATORS[name].arguments:
            arguments["bias"] = f"{layer}.bias" in stored
        scope = (*op.scope, Scope(layer, "", {}, 0, op.scope[-1].run if op.scope else 0)) if layer else op.scope
        low.now = Operation(op.op, op.arguments, op.outputs, scope, op.name)
        return low.call(name, inputs, names, roles, arguments)

    wide = part("in_proj", "linear", [node], channels=2 * inner)
    x = part("", "slice_channels", [wide], start=0, stop=inner)
    x = part("conv1d", "depthwise", [x], kernel=settings["kernel"], padding="causal")
    x = part("", "silu", [x])
    chosen = part("x_proj", "linear", [x], channels=rank + 2 * states)
    step = part("", "slice_channels", [chosen], start=0, stop=rank)
    step = part("dt_proj", "linear", [step], channels=inner)
    write = part("", "slice_channels", [chosen], start=rank, stop=rank + states)
    read = part("", "slice_channels", [chosen], start=rank + states, stop=rank + 2 * states)
    y = part("", "scan", [x, step, write, read], ("x", "dt", "B", "C"), states=states)
    gate = part("", "silu", [part("", "slice_channels", [wide], start=inner, stop=2 * inner)])
    made = part("out_proj", "linear", [part("", "mul", [y, gate])], channels=low.sizes(node)[CHANNELS])
    low.notes.append(f"{op.path}: counted as the recurrence; transformers computes the same by other products")
    return View(made, natural_axes(low, made, len(view.axes), len(view.axes) - 1, [len(view.axes) - 2]))


@module_rule("KerasMaxPooling")
def _keras_pooling(low: Lowering, op: Operation) -> Any:
    settings = op.arguments["settings"]
    view = low.view(op.arguments["inputs"][0])
    rank, count = len(view.axes), len(settings["kernel"])
    channel = rank - 1 if settings["is_last"] else 1
    spatial = [axis for axis in range(1, rank) if axis != channel]
    padding = "same" if settings["padding"] == "same" else 0
    arguments = {"kernel": alike(settings["kernel"]), "stride": alike(settings["stride"]), "padding": padding}
    if count != len(spatial):
        raise UnsupportedError("a pooling over other axes than its positions")
    made = low.call("maxpool", [settled(low, view, channel, spatial)], arguments=arguments)
    return View(made, natural_axes(low, made, rank, channel, spatial))


@module_rule("LocalResponseNorm")
def _local_response_norm(low: Lowering, op: Operation) -> Any:
    settings = op.arguments["settings"]
    view = low.view(op.arguments["inputs"][0])
    given = {"size": settings["size"], **{name: number(settings[name]) for name in ("alpha", "beta", "k")}}
    return low.same(view, "lrn", **given)


@module_rule("MaxUnpool2d")
def _unpool(low: Lowering, op: Operation) -> Any:
    view = low.view(op.arguments["inputs"][0])
    indices = low.view(op.arguments["inputs"][1])
    pool = low.calls[indices.node]
    if pool.operator.name != "maxpool":
        raise UnsupportedError("its places are not those of a pooling")
    reference = LayerReference(pool.name, indices.node, low.shape(pool.inputs[0]), pool.shape)
    made = low.call("unpool", [view.node], arguments={"pool": reference})
    low.calls[made].inputs = (view.node, indices.node)
    return low.plain(made)
