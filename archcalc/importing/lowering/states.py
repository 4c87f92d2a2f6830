"""What recurrent layers end with: the last states, as torch stacks them, by layer and then by way.

The language gives those of the last layer: `last=true`, or positions of what the layer gives. A tensor of states is
features that are cut by ways; of several layers it is a value of its own until somebody takes the last ones out of it.
"""

from __future__ import annotations

from archcalc.importing.axes import CHANNELS, Axis, Factor, whole
from archcalc.importing.lowering.context import Lowering, States, UnsupportedError, Value, View
from archcalc.importing.neutral import Operation
from archcalc.importing.patterns.match import first
from archcalc.ops import LayerReference

STILL = {"alias", "to", "_to_copy", "contiguous", "clone", "detach"}


def is_read(low: Lowering, index: int) -> bool:
    """Whether something reads a tensor, or it is an output."""
    program = low.program
    return index in program.outputs.values() or any(index in op.tensors() for op in program.operations)


def ends(low: Lowering, op: Operation, made: int) -> list[Value]:
    """The states that a recurrent layer gives besides its output, none of which has a cost."""
    settings = op.arguments["settings"]
    ways, layers = 2 if settings.get("bidirectional") else 1, settings.get("num_layers", 1)
    if not any(is_read(low, index) for index in op.outputs[1:]):
        return [View(made, ()) for _ in op.outputs[1:]]  # of no use to anybody
    node = made if low.shape(made).rank == 0 else _last(low, made, ways)
    found: list[Value] = []
    for index in op.outputs[1:]:
        states = States(node, layers, ways, low.program.tensors[index].shape)
        found.append(states if layers > 1 else states_of_layer(low, states))
    return found


def _last(low: Lowering, made: int, ways: int) -> int:
    """What each way ends with: one at the last position, the way back at the first."""
    end = low.call("select_token", [made], arguments={"index": low.sizes(made)[1] - 1})
    if ways == 1:
        return end
    channels = low.sizes(made)[CHANNELS]
    start = low.call("select_token", [made], arguments={"index": 0})
    forth = low.call("slice_channels", [end], arguments={"start": 0, "stop": channels // 2})
    back = low.call("slice_channels", [start], arguments={"start": channels // 2, "stop": channels})
    return low.call("concat", [forth, back])


def states_of_layer(low: Lowering, states: States) -> View:
    """The states of the last layer, (ways, batch, hidden), as features that are cut."""
    hidden = states.shape[-1]
    axes: list[Axis] = [()] * len(states.shape)
    axes[0] = (Factor(CHANNELS, hidden, states.ways),) if states.ways > 1 else ()
    axes[-1] = whole(CHANNELS, hidden)
    return View(states.node, tuple(axes))


def taken(low: Lowering, op: Operation, states: States) -> Value:
    """What an operation takes out of the states of several layers.

    Raises:
        UnsupportedError: states of other layers than the last, which the language does not give.
    """
    shape, given, arguments = states.shape, low.shape_of_output(op), op.arguments
    if op.op in STILL:
        return states
    rows = states.layers * states.ways
    if op.op in ("view", "reshape", "unflatten") and given[:2] == (states.layers, states.ways):
        return states._replace(shape=given, is_apart=True)
    axis = arguments.get("dim", 0) % len(shape) if isinstance(arguments.get("dim", 0), int) else -1
    if axis == 0 and first(op) is not None:
        count = states.layers if states.is_apart else rows
        last = count - (1 if states.is_apart else states.ways)  # where the last layer begins
        view = states_of_layer(low, states._replace(shape=(states.ways, *shape[2 if states.is_apart else 1 :])))
        if op.op == "select":
            index = arguments["index"] % count
            if states.is_apart and index == last:
                return view
            if not states.is_apart and index >= last:
                return _way(low, states, view, index - last)
        start = arguments.get("start") or 0
        if op.op in ("slice", "narrow") and not states.is_apart and start % count == last and given[0] == states.ways:
            return view
    raise UnsupportedError("it reads what inner layers of a recurrent layer end with")


def _way(low: Lowering, states: States, view: View, way: int) -> View:
    if states.ways == 1:
        return View(view.node, view.axes[1:])
    hidden = states.shape[-1]
    arguments = {"start": way * hidden, "stop": (way + 1) * hidden}
    node = low.call("slice_channels", [states.node], arguments=arguments)
    return View(node, (*view.axes[1:-1], whole(CHANNELS, hidden)))


def initial(low: Lowering, op: Operation) -> LayerReference | None:
    """The layer that gives the first state, where something does.

    Raises:
        UnsupportedError: it is an input of the network, or does not fit.
    """
    others = [low.value(ref) for ref in op.arguments["inputs"][1:]]
    found = [value for value in others if isinstance(value, (View, States))]
    if not found:
        return None
    value, settings = found[0], op.arguments["settings"]
    layers, ways = settings.get("num_layers", 1), 2 if settings.get("bidirectional") else 1
    node = value.node
    if node < 0:
        raise UnsupportedError("its first state is an input of the network")
    wanted, given = ways * settings["hidden_size"], low.sizes(node)[CHANNELS]
    if layers > 1 and (isinstance(value, States) or given == layers * wanted):
        if given > wanted and given % wanted == 0:  # one for each layer: those of the last
            node = low.call("slice_channels", [node], arguments={"start": given - wanted, "stop": given})
        low.notes.append(
            f"{op.path}: its layers begin with states of their own; the text has those of the last for all, which "
            "costs the same"
        )
    y = low.shape(node)
    x = low.shape(low.calls[node].inputs[0]) if low.calls[node].inputs else y
    return LayerReference(low.calls[node].name, node, x, y)
