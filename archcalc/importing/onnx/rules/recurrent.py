"""LSTM, GRU and RNN: whole layers, whose weights may come in pieces."""

from __future__ import annotations

from archcalc.importing.onnx.reader import STILL, MisfitError, Node, rule
from archcalc.importing.onnx.rules.quantised import real
from archcalc.importing.onnx.values import Value

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


@rule("com.microsoft::DynamicQuantizeLSTM")
def quantised_lstm(node: Node) -> list[Value]:
    """An LSTM with weights of whole numbers, (ways, in, 4*hidden)."""
    for place in (1, 2):
        value = real(node, node[place])
        ways, rows, columns = value.shape
        node.inputs[place] = value.moved((ways, columns, rows))
    node.op = "LSTM"
    node.inputs[5:8] = [None] * len(node.inputs[5:8])
    return recurrent(node)


@rule("LSTM", "GRU", "RNN")
def recurrent(node: Node) -> list[Value]:
    """One layer, one way or both: (length, batch, in) to (length, ways, batch, hidden); with layout 1 batch first."""
    x, weights, recurrence = node[0], node[1], node[2]
    first = bool(node.attribute("layout", 0))
    if first:
        x = node.permute(x, (1, 0, 2))
    length, batch, _ = x.shape
    ways = weights.shape[0]
    hidden = int(node.attribute("hidden_size", recurrence.shape[-1]))
    if weights.shape[1] != GATES[node.op] * hidden or weights.shape[2] != x.shape[2]:
        raise MisfitError(f"weights of {weights.shape} do not fit to an input of {x.shape} and {hidden} channels")
    bias, peephole = node.get(3), node.get(7) if node.op == "LSTM" else None
    parts = {"weight_ih_l0": weights, "weight_hh_l0": recurrence, "bias_l0": bias, "peephole_l0": peephole}
    stored = {name: value for name, value in parts.items() if value is not None}
    if peephole is not None:
        node.note("an LSTM with peepholes: their products are counted as no part of it")
    state = (ways, batch, hidden)
    starts = [value for place in (5, 6) if (value := node.get(place)) is not None and value.index >= 0]
    starts = [value for value in starts if not _is_given(node, value)]
    settings = {
        "input_size": x.shape[2],
        "hidden_size": hidden,
        "num_layers": 1,
        "bias": bias is not None,
        "batch_first": False,
        "bidirectional": ways == 2,
    }
    if node.op == "RNN":
        functions = node.attribute("activations") or [b"Tanh"]
        settings["nonlinearity"] = functions[0].decode("utf-8", "replace").lower()
    shapes = [(length, batch, ways * hidden), state, *([state] if node.op == "LSTM" else [])]
    given = node.emit_all("module", shapes, kind=node.op, settings=settings, inputs=[x, *starts], stored=stored)
    for value in given[1:]:
        value.is_state = True
    apart = node.permute(node.view(given[0], (length, batch, ways, hidden)), (0, 2, 1, 3))
    if first:
        return [node.permute(apart, (2, 0, 1, 3)), *(node.permute(value, (1, 0, 2)) for value in given[1:])]
    return [apart, *given[1:]]


def _is_given(node: Node, value: Value) -> bool:
    """Whether a first state is an input of the network: that it leaves it to whoever runs it costs nothing."""
    tensors, index = node.reader.program.tensors, value.index
    while tensors[index].kind == "value":
        made = node.reader.made_by[index]
        if made.op not in STILL:
            return False
        index = next(iter(made.tensors()))
    if tensors[index].kind == "input":
        node.note(f"`{tensors[index].name}` is the first state of a recurrent layer: whoever runs the network keeps it")
    return tensors[index].kind == "input"
