"""Recurrent layers: a hidden state that goes from position to position.

A sigmoid is a transcendental function, an addition and a division, as the operator of that name; a difference from
one is an addition. Sums of products are counted with the products, as multiply-accumulate pairs.
"""

from __future__ import annotations

from typing import Any

from archcalc.dims import Dim, maximum, require_equal
from archcalc.ops.arguments import LayerReference, argument
from archcalc.ops.base import (
    CAUSAL,
    GLOBAL,
    AnyWindow,
    Arithmetic,
    Example,
    Kept,
    Operator,
    Parameters,
    Saved,
    TorchCall,
    operator,
)
from archcalc.ops.checks import require_sequence
from archcalc.ops.shape import Shape, features, sequence

HIDDEN = "channels of the hidden state, each way"
LAYERS = "layers, each of which reads all that the one before gives"
BOTH = "a second layer beside each, from the last position to the first"
BIAS = "two added scalars for each gate and hidden channel, as torch has them"
LAST = "give what each way ends with, not every position"
INITIAL = "an earlier layer that gives the first hidden state of every layer; zeros where not given"


def _ways(op: Any) -> int:
    return 2 if op.bidirectional else 1


def _given(x: Shape, op: Any) -> Shape:
    require_sequence(x, op.name)
    channels = _ways(op) * op.hidden
    if op.initial is not None:
        require_equal(
            op.initial.y.elements,
            channels,
            "initial-mismatch",
            "{name} begins with {b} hidden channels; {layer} gives {given}",
            help="initial= takes features, one for each hidden channel",
            name=op.name,
            layer=op.initial.name,
            given=op.initial.y,
        )
    return features(channels) if op.last else sequence(channels, x.positions)


def _stored(x: Shape, op: Any, gates: int) -> Parameters:
    """Weights of the first layer for the input, of the others for what all ways of the one before give."""
    ways, hidden = _ways(op), op.hidden
    rows = ways * gates * hidden
    read = x.channels + hidden + (op.layers - 1) * (ways + 1) * hidden
    return Parameters(weights=rows * read, biases=2 * rows * op.layers if op.bias else 0)


def _counted(x: Shape, op: Any, gates: int, unit: Arithmetic) -> Arithmetic:
    """All weights at each position, and what one hidden channel takes at each."""
    stored = _stored(x, op, gates)
    units = _ways(op) * op.hidden * op.layers * x.positions
    return Arithmetic(
        macs=stored.weights * x.positions,
        additions=stored.biases * x.positions + unit.additions * units,
        multiplications=unit.multiplications * units,
        divisions=unit.divisions * units,
        transcendentals=unit.transcendentals * units,
        bias=stored.biases * x.positions,
    )


def _joined(x: Shape, op: Any, gates: int) -> Dim:
    stored = _stored(x, op, gates)
    return (stored.weights + stored.biases) * x.positions


def _kept(op: Any, states: int) -> Dim:
    """What the next step reads; both ways, there is no next step."""
    return 0 if op.bidirectional else states * op.layers * op.hidden


def _read(op: Any) -> AnyWindow:
    return GLOBAL if op.bidirectional or op.last else CAUSAL


def _unrolled(x: Shape, op: Any, units: Dim) -> Saved:
    """What a loop over the positions keeps: what each way of each layer reads, and so many units of each way.

    A first layer copies its input for each way; what a later one reads, both ways share.
    """
    ways, later = _ways(op), op.layers - 1
    read = ways * x.elements + later * ways * op.hidden * x.positions
    return Saved(made=(Kept(read), Kept(ways * op.layers * units)))


def _torch(x: Shape, op: Any) -> TorchCall:
    named = {"layers": op.layers, "bidirectional": op.bidirectional, "bias": op.bias, "last": op.last}
    return TorchCall("archcalc.Recurrent", (op.name, x.channels, op.hidden), named)


@operator("lstm")
class LSTM(Operator):
    """Long short-term memory, of one layer or several.

    Shapes:  (in, length) -> (d * hidden, length), or features(d * hidden) with `last`; d = 2 both ways, else 1.
    Counts:  weights = d*4*hidden * (in + hidden + (layers - 1)*(d + 1)*hidden); biases = d*8*hidden*layers; macs
             = weights * length. For each hidden channel of each layer and way, at each position: 3 sigmoids, 2
             tanh, 3 products, a sum: 4 additions, 3 multiplications, 3 divisions, 5 transcendentals. connections
             = (weights + biases) * length. state = 2*layers*hidden, none both ways.
    Errors:  sequence-needed, initial-mismatch.
    Source:  Hochreiter and Schmidhuber 1997; Gers et al. 2000 (forget gate); torch.nn.LSTM.
    """

    hidden: Dim = argument("count", HIDDEN)
    layers: Dim = argument("count", LAYERS, 1)
    bidirectional: bool = argument("flag", BOTH, False)
    bias: bool = argument("flag", BIAS, True)
    last: bool = argument("flag", LAST, False)
    initial: LayerReference | None = argument("layer", INITIAL, None)

    weighted = True
    starts = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return _given(x, self)

    def parameters(self, x: Shape) -> Parameters:
        """Stored scalars of four gates."""
        return _stored(x, self, 4)

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """i, f, o are sigmoids, g a tanh; c = f*c + i*g, h = o*tanh(c)."""
        unit = Arithmetic(additions=4, multiplications=3, divisions=3, transcendentals=5)
        return _counted(x, self, 4, unit)

    def state(self, x: Shape, y: Shape) -> Dim:
        """Hidden state and cell of each layer."""
        return _kept(self, 2)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """Weights and biases, once for each position."""
        return _joined(x, self, 4)

    def window(self, x: Shape) -> AnyWindow:
        """Those up to its own, by way of the state; both ways, or at the end, all."""
        return _read(self)

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input in order of time, of each layer and way what it gives, its states, and a workspace.

        The workspace is that of oneDNN on CPU, measured with torch 2.14.1: within 2 % from 32 channels on.
        """
        ways, later = _ways(self), self.layers - 1
        given = self.hidden * x.positions
        widest = maximum(x.channels, self.hidden) + later * ways * self.hidden
        workspace = ways * (38 * self.layers * given + 24 * widest * (x.positions + 1))
        joined = later * ways * given if self.bidirectional else 0
        own = 0 if self.bidirectional or self.last else 1  # the last layer's is what it gives
        outputs = (ways * self.layers - own) * given
        states = 4 * ways * self.layers * self.hidden
        made = (Kept(x.elements), Kept(outputs + joined), Kept(states), Kept(workspace, "workspace"))
        return Saved(output=not self.bidirectional and not self.last, made=made)

    def torch(self, x: Shape) -> TorchCall:
        """`nn.LSTM` over channels that come first."""
        return _torch(x, self)

    examples = (
        Example(
            "by hand: 4*3 rows of 2 + 3 weights, twice as many biases as rows, at 5 positions",
            sequence(2, 5),
            {"hidden": 3},
            sequence(3, 5),
            {"params": 84, "weights": 60, "biases": 24, "macs": 300, "additions": 180, "multiplications": 45,
             "divisions": 45, "transcendentals": 75, "connections": 420, "state": 6},
        ),
        Example(
            "by hand: both ways 2*4*256 rows, of 100 + 256 weights and then of 512 + 256; 4 biases a row",
            sequence(100, 400),
            {"hidden": 256, "layers": 2, "bidirectional": True, "last": True},
            features(512),
            {"weights": 2_301_952, "biases": 8192, "macs": 920_780_800, "state": 0},
        ),
    )  # fmt: skip


@operator("gru")
class GRU(Operator):
    """Gated recurrent units, in one layer or several.

    Shapes:  (in, length) -> (d * hidden, length), or features(d * hidden) with `last`; d = 2 both ways, else 1.
    Counts:  weights = d*3*hidden * (in + hidden + (layers - 1)*(d + 1)*hidden); biases = d*6*hidden*layers; macs
             = weights * length. For each hidden channel of each layer and way, at each position: 2 sigmoids, a
             tanh, 3 products, 3 sums: 5 additions, 3 multiplications, 2 divisions, 3 transcendentals.
             connections = (weights + biases) * length. state = layers*hidden, none both ways.
    Errors:  sequence-needed, initial-mismatch.
    Source:  Cho et al. 2014, equations (5) to (8); torch.nn.GRU, whose reset gate stands behind the product.
    """

    hidden: Dim = argument("count", HIDDEN)
    layers: Dim = argument("count", LAYERS, 1)
    bidirectional: bool = argument("flag", BOTH, False)
    bias: bool = argument("flag", BIAS, True)
    last: bool = argument("flag", LAST, False)
    initial: LayerReference | None = argument("layer", INITIAL, None)

    weighted = True
    starts = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return _given(x, self)

    def parameters(self, x: Shape) -> Parameters:
        """Stored scalars of three gates."""
        return _stored(x, self, 3)

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """R and z are sigmoids, n = tanh(a + r*b); h = (1 - z)*n + z*h."""
        unit = Arithmetic(additions=5, multiplications=3, divisions=2, transcendentals=3)
        return _counted(x, self, 3, unit)

    def state(self, x: Shape, y: Shape) -> Dim:
        """Hidden state of each layer."""
        return _kept(self, 1)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """Weights and biases, once for each position."""
        return _joined(x, self, 3)

    def window(self, x: Shape) -> AnyWindow:
        """Those up to its own, by way of the state; both ways, or at the end, all."""
        return _read(self)

    def saved(self, x: Shape, y: Shape) -> Saved:
        """On CPU torch goes through the positions one by one, and keeps 7 numbers of each hidden channel."""
        return _unrolled(x, self, 7 * self.hidden * x.positions)

    def torch(self, x: Shape) -> TorchCall:
        """`nn.GRU` over channels that come first."""
        return _torch(x, self)

    examples = (
        Example(
            "by hand: 3*3 rows of 2 + 3 weights, twice as many biases as rows, at 5 positions",
            sequence(2, 5),
            {"hidden": 3},
            sequence(3, 5),
            {"params": 63, "weights": 45, "biases": 18, "macs": 225, "additions": 165, "multiplications": 45,
             "divisions": 30, "transcendentals": 45, "connections": 315, "state": 3},
        ),
        Example(
            "by hand: two layers of 3*4 rows, of 4 + 4 weights each, without biases",
            sequence(4, 1),
            {"hidden": 4, "layers": 2, "bias": False, "initial": LayerReference("encoder", 3, sequence(4, 9),
                                                                             features(4))},
            sequence(4, 1),
            {"params": 192, "macs": 192, "additions": 40, "connections": 192, "state": 8},
        ),
    )  # fmt: skip


@operator("rnn")
class RNN(Operator):
    """Simple recurrent layers (Elman): the tanh of a linear function of input and state.

    Shapes:  (in, length) -> (d * hidden, length), or features(d * hidden) with `last`; d = 2 both ways, else 1.
    Counts:  weights = d*hidden * (in + hidden + (layers - 1)*(d + 1)*hidden); biases = d*2*hidden*layers; macs =
             weights * length; transcendentals = d*hidden*layers*length. connections = (weights + biases) *
             length. state = layers*hidden, none both ways.
    Errors:  sequence-needed, initial-mismatch.
    Source:  Elman 1990; torch.nn.RNN.
    """

    hidden: Dim = argument("count", HIDDEN)
    layers: Dim = argument("count", LAYERS, 1)
    bidirectional: bool = argument("flag", BOTH, False)
    bias: bool = argument("flag", BIAS, True)
    last: bool = argument("flag", LAST, False)
    initial: LayerReference | None = argument("layer", INITIAL, None)

    weighted = True
    starts = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return _given(x, self)

    def parameters(self, x: Shape) -> Parameters:
        """Stored scalars."""
        return _stored(x, self, 1)

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """One tanh for each hidden channel."""
        return _counted(x, self, 1, Arithmetic(transcendentals=1))

    def state(self, x: Shape, y: Shape) -> Dim:
        """Hidden state of each layer."""
        return _kept(self, 1)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """Weights and biases, once for each position."""
        return _joined(x, self, 1)

    def window(self, x: Shape) -> AnyWindow:
        """Those up to its own, by way of the state; both ways, or at the end, all."""
        return _read(self)

    def saved(self, x: Shape, y: Shape) -> Saved:
        """On CPU torch goes through the positions one by one, and keeps all hidden states with the first."""
        return _unrolled(x, self, self.hidden * (x.positions + 1))

    def torch(self, x: Shape) -> TorchCall:
        """`nn.RNN` over channels that come first."""
        return _torch(x, self)

    examples = (
        Example(
            "by hand: 3 rows of 2 + 3 weights and 2 biases, at 5 positions",
            sequence(2, 5),
            {"hidden": 3},
            sequence(3, 5),
            {"params": 21, "weights": 15, "biases": 6, "macs": 75, "additions": 30, "transcendentals": 15,
             "multiplications": 0, "connections": 105, "state": 3},
        ),
        Example(
            "by hand: both ways 2*4 rows of 3 + 4 weights, then of 8 + 4",
            sequence(3, 2),
            {"hidden": 4, "layers": 2, "bidirectional": True, "bias": False},
            sequence(8, 2),
            {"params": 152, "macs": 304, "transcendentals": 32, "state": 0},
        ),
    )  # fmt: skip
