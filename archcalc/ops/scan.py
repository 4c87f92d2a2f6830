"""Recurrences that are linear in their state: selective state spaces and the gated delta rule.

Counted is the recurrent form, position by position; chunked forms compute more.
"""

from __future__ import annotations

from typing import Any

from archcalc.dims import Dim, require_divides, require_equal
from archcalc.ops.arguments import argument
from archcalc.ops.base import CAUSAL, AnyWindow, Arithmetic, Example, Operator, Parameters, Saved, TorchCall, operator
from archcalc.ops.checks import require_sequence
from archcalc.ops.roles import Roles
from archcalc.ops.shape import Shape, sequence


def _require_one_length(op: Any, x: tuple[Shape, ...], roles: tuple[str, ...]) -> None:
    first = op.branch(x, roles[0])
    for role in roles:
        found = op.branch(x, role)
        require_sequence(found, f"{op.name} ({role})")
        require_equal(
            first.positions,
            found.positions,
            "length-mismatch",
            "{name} needs branches of one length; {first} has {a} positions, {role} has {b}",
            name=op.name,
            first=roles[0],
            role=role,
        )


def _require_channels(op: Any, x: tuple[Shape, ...], role: str, wanted: Dim, what: str) -> None:
    require_equal(
        op.branch(x, role).channels,
        wanted,
        "roles-mismatch",
        "{name} needs {b} channels of {role}, {what}; it has {a}",
        name=op.name,
        role=role,
        what=what,
    )


@operator("scan")
class Scan(Operator):
    """Selective state space: each channel has a state of so many numbers, which decays and is written and read.

    With steps d = softplus(dt), at each position and for each channel: h = exp(d*A) * h + (d*x) B, y = C h + D x. With
    `heads` (Mamba-2) the channels of a head share step and decay. Groups of channels share B and C.

    Shapes:  x (in, length), dt (in or heads, length), B, C (groups*states, length) -> (in, length).
    Counts:  weights = in*states + in (A, D); with heads 3*heads (A, D and the bias of dt). macs = (2*in*states +
             in) * length. With decays = in*states*length, or heads*length: multiplications = in*states*length +
             in*length + decays, transcendentals = decays + 2 for each dt, additions = 1 for each dt, 2 with
             heads. connections = 0. state = in * states.
    Errors:  sequence-needed, length-mismatch, roles-mismatch, indivisible-heads.
    Source:  Gu and Dao 2023 (Mamba), algorithm 2; Dao and Gu 2024 (Mamba-2), section 7.
    """

    states: Dim = argument("count", "numbers in the state of a channel")
    heads: Any = argument("count", "heads, whose channels share step and decay; none where each has its own", None)

    merges = True
    roles = Roles((("x", "dt", "B", "C"),))

    def infer(self, x: tuple[Shape, ...]) -> Shape:
        """Output shape."""
        _require_one_length(self, x, ("x", "dt", "B", "C"))
        read, projected = self.branch(x, "x"), self.branch(x, "B")
        heads = read.channels if self.heads is None else self.heads
        require_divides(
            heads, read.channels, "indivisible-heads", "{number} channels do not divide into {divisor} heads"
        )
        _require_channels(self, x, "dt", heads, "one for each step")
        _require_channels(self, x, "C", projected.channels, "as many as B has")
        require_divides(
            self.states, projected.channels, "roles-mismatch", "B has {number} channels, which hold no {divisor} states"
        )
        require_divides(  # of groups and heads, each times the states
            projected.channels,
            heads * self.states,
            "roles-mismatch",
            "the groups of B and C, {divisor} channels of {states} states, do not divide {heads} heads or channels",
            states=self.states,
            heads=heads,
        )
        return sequence(read.channels, read.positions)

    def parameters(self, x: tuple[Shape, ...]) -> Parameters:
        """A and D; with heads the bias of dt too."""
        channels = self.branch(x, "x").channels
        return Parameters(weights=channels * self.states + channels if self.heads is None else 3 * self.heads)

    def arithmetic(self, x: tuple[Shape, ...], y: Shape) -> Arithmetic:
        """Write, decay and read the state of each channel; D times the input."""
        steps = self.branch(x, "dt").elements
        written = y.elements * self.states
        decays = written if self.heads is None else steps
        return Arithmetic(
            macs=2 * written + y.elements,
            additions=steps if self.heads is None else 2 * steps,
            multiplications=written + y.elements + decays,
            transcendentals=decays + 2 * steps,
        )

    def state(self, x: tuple[Shape, ...], y: Shape) -> Dim:
        """The state of each channel."""
        number: Dim = y.channels * self.states
        return number

    def connections(self, x: tuple[Shape, ...], y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: tuple[Shape, ...]) -> AnyWindow:
        """Those up to its own, by way of the state."""
        return CAUSAL

    def saved(self, x: tuple[Shape, ...], y: Shape) -> Saved:
        """Its branches: kernels compute the states again (Gu and Dao 2023, section 3.3.2)."""
        return Saved(inputs=tuple(range(len(x))))

    def torch(self, x: tuple[Shape, ...]) -> TorchCall:
        """A module of its own; torch has none."""
        return TorchCall("archcalc.Scan", (self.given, self.branch(x, "x").channels, self.states, self.heads))

    examples = (
        Example(
            "Gu and Dao 2023, section 3.4, Mamba-130M: 16 states of 1536 channels; by hand for one position",
            {"x": sequence(1536, 1), "dt": sequence(1536, 1), "B": sequence(16, 1), "C": sequence(16, 1)},
            {"states": 16},
            sequence(1536, 1),
            {"params": 26_112, "macs": 50_688, "multiplications": 50_688, "transcendentals": 27_648,
             "additions": 1536, "state": 24_576},
        ),
        Example(
            "by hand: 2 heads of 4 channels, 3 states, at 5 positions: 8*3 written and read, 2 decays",
            {"x": sequence(8, 5), "dt": sequence(2, 5), "B": sequence(3, 5), "C": sequence(3, 5)},
            {"states": 3, "heads": 2},
            sequence(8, 5),
            {"params": 6, "macs": 280, "multiplications": 170, "transcendentals": 30, "additions": 20, "state": 24,
             "connections": 0},
        ),
    )  # fmt: skip


@operator("delta")
class Delta(Operator):
    """Gated delta rule: a matrix for each head, which decays and is corrected towards what a key should give.

    At each position: S = a S, u = beta (v - S k), S = S + u k', y = S q, with a = exp(-A softplus(decay + bias)).
    Heads of q and k are shared by those of v.

    Shapes:  q, k (k_heads*dk, length), v (heads*dv, length), beta, decay (heads, length) -> (heads*dv, length).
    Counts:  weights = 2*heads (A and the bias of decay); macs = 3*heads*dk*dv * length (S k, u k', S q); with gates =
             heads * length: multiplications = heads*dk*dv*length + outputs + gates, additions = outputs + 2*gates,
             transcendentals = 3*gates. connections = 0. state = heads*dk*dv.
    Errors:  sequence-needed, length-mismatch, roles-mismatch, indivisible-heads.
    Source:  Yang et al. 2024 (Gated Delta Networks), equation (10).
    """

    heads: Dim = argument("count", "heads of the values, each with a matrix")
    k_heads: Any = argument("count", "heads of queries and keys; as many where not given", None)

    merges = True
    roles = Roles((("q", "k", "v", "beta", "decay"),))

    def _key(self, x: tuple[Shape, ...]) -> Dim:
        """Channels of a head of q and k."""
        width: Dim = self.branch(x, "k").channels // (self.heads if self.k_heads is None else self.k_heads)
        return width

    def infer(self, x: tuple[Shape, ...]) -> Shape:
        """Output shape."""
        _require_one_length(self, x, ("v", "q", "k", "beta", "decay"))
        k, v = self.branch(x, "k"), self.branch(x, "v")
        _require_channels(self, x, "q", k.channels, "as many as k has")
        _require_channels(self, x, "beta", self.heads, "one for each head")
        _require_channels(self, x, "decay", self.heads, "one for each head")
        heads = self.heads if self.k_heads is None else self.k_heads
        indivisible = "{number} channels do not divide into {divisor} heads"
        require_divides(heads, k.channels, "indivisible-heads", indivisible)
        require_divides(self.heads, v.channels, "indivisible-heads", indivisible)
        require_divides(heads, self.heads, "indivisible-heads", "{number} heads do not share {divisor} heads of keys")
        return sequence(v.channels, v.positions)

    def parameters(self, x: tuple[Shape, ...]) -> Parameters:
        """A and the bias of the decay."""
        return Parameters(weights=2 * self.heads)

    def arithmetic(self, x: tuple[Shape, ...], y: Shape) -> Arithmetic:
        """Decay, correct and read the matrix of each head."""
        gates = self.heads * y.positions
        matrices = y.elements * self._key(x)
        return Arithmetic(
            macs=3 * matrices,
            additions=y.elements + 2 * gates,
            multiplications=matrices + y.elements + gates,
            transcendentals=3 * gates,
        )

    def state(self, x: tuple[Shape, ...], y: Shape) -> Dim:
        """The matrix of each head."""
        number: Dim = y.channels * self._key(x)
        return number

    def connections(self, x: tuple[Shape, ...], y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: tuple[Shape, ...]) -> AnyWindow:
        """Those up to its own, by way of the state."""
        return CAUSAL

    def saved(self, x: tuple[Shape, ...], y: Shape) -> Saved:
        """Its branches: kernels compute the states again."""
        return Saved(inputs=tuple(range(len(x))))

    def torch(self, x: tuple[Shape, ...]) -> TorchCall:
        """A module of its own; torch has none."""
        return TorchCall("archcalc.Delta", (self.given, self.heads, self.k_heads))

    examples = (
        Example(
            "by hand: 2 heads of 3x5, shared keys, at 4 positions: 3*30 macs, 30 + 10 + 2 products, 10 + 4 sums each",
            {"q": sequence(3, 4), "k": sequence(3, 4), "v": sequence(10, 4), "beta": sequence(2, 4),
             "decay": sequence(2, 4)},
            {"heads": 2, "k_heads": 1},
            sequence(10, 4),
            {"params": 4, "macs": 360, "multiplications": 168, "additions": 56, "transcendentals": 24, "state": 30,
             "connections": 0},
        ),
        Example(
            "Qwen Team 2025 (Qwen3-Next), config.json: 32 heads of 128 by 16 of 128; by hand 32*128*128",
            {"q": sequence(2048, 1), "k": sequence(2048, 1), "v": sequence(4096, 1), "beta": sequence(32, 1),
             "decay": sequence(32, 1)},
            {"heads": 32, "k_heads": 16},
            sequence(4096, 1),
            {"params": 64, "macs": 1_572_864, "state": 524_288},
        ),
    )  # fmt: skip
