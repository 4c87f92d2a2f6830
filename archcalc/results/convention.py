"""What FLOPs are to somebody: conventions, the amounts that they count, and what an operation has of these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from archcalc.dims import equal, select
from archcalc.ops import Arithmetic, Operator, Parameters, Shape


class OperationCost(NamedTuple):
    """What one operation costs for one example; the same operator on the same shape is one object."""

    parameters: Parameters
    arithmetic: Arithmetic
    connections: Any
    neurons: Any
    outputs: Any  # elements that it gives
    masked: Any
    state: Any
    active_params: Any
    single: Any = None  # of one copy, where there are several: an `OperationCost`


class Term(NamedTuple):
    """What a convention counts: an amount (a key of `AMOUNTS`), what one of it is worth, and of which operators."""

    amount: str
    worth: int = 1
    operators: frozenset[str] = frozenset()  # all of them where none is named
    named: str = ""  # in words, where those of the amount do not say enough

    @property
    def words(self) -> str:
        """What it counts, for a reader."""
        return self.named or AMOUNTS[self.amount].words

    def holds_for(self, operator: str) -> bool:
        """Whether it counts something of an operator of that name."""
        return not self.operators or operator in self.operators

    def many(self, operator: Operator, x: Any, y: Shape, cost: OperationCost) -> Any:
        """How many of it an operation has, for one example."""
        return AMOUNTS[self.amount].many(operator, x, y, cost) if self.holds_for(operator.name) else 0


@dataclass(frozen=True, slots=True)
class Convention:
    """What somebody calls FLOPs, as data: what is counted, and what one of each is worth."""

    name: str
    about: str
    terms: tuple[Term, ...]
    source: str  # the place in a tool's code, or the paper
    version: str = ""  # of the tool
    unit: str = "FLOPs"  # what it calls the number
    functions: tuple[Term, ...] = ()  # what a call of a function adds to that of a module, which `terms` are for
    counts_means: bool = False  # whether a mean over positions, `x.mean([2, 3])`, is pooling to it
    _of_operator: dict[str, list[tuple[int, Any]]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def flops(self, operator: Operator, x: Any, y: Shape, cost: OperationCost) -> Any:
        """Operations under this convention, for one example."""
        if cost.single is not None:
            return self.flops(operator, x, y, cost.single) * operator.copies.computed
        name = operator.name
        terms = self._of_operator.get(name)
        if terms is None:
            terms = [(term.worth, AMOUNTS[term.amount].of) for term in self.terms if term.holds_for(name)]
            self._of_operator[name] = terms
        return sum([worth * of(operator, x, y, cost) for worth, of in terms])

    @property
    def elementary(self) -> dict[str, int] | None:
        """What elementary operations are worth, by field of Arithmetic; None where it looks at more than their sums."""
        is_sum = all(term.amount in Arithmetic._fields and not term.operators for term in self.terms)
        return {term.amount: term.worth for term in self.terms} if is_sum else None

    @property
    def column(self) -> str:
        """Name of the column that holds it: never `flops` without saying whose."""
        return "macs" if self.name == "macs" else f"flops_{self.name}"


class Amount(NamedTuple):
    """Something that an operation has a number of, for one example."""

    words: str
    of: Callable[[Any, Any, Shape, OperationCost], Any]  # of one copy: from operator, input, output and cost

    def many(self, operator: Operator, x: Any, y: Shape, cost: OperationCost) -> Any:
        """How many of it an operation has, each of its copies that is computed."""
        if cost.single is None:
            return self.of(operator, x, y, cost)
        return self.of(operator, x, y, cost.single) * operator.copies.computed


def _inputs(operator: Any, x: Any, y: Shape, cost: OperationCost) -> Any:
    return x.elements if isinstance(x, Shape) else sum([branch.elements for branch in x])


def _arithmetic(name: str) -> Callable[[Any, Any, Shape, OperationCost], Any]:
    place = Arithmetic._fields.index(name)
    return lambda operator, x, y, cost: cost.arithmetic[place]


def _upsampled(mode: str, ranks: tuple[int, ...]) -> Callable[[Any, Any, Shape, OperationCost], Any]:
    return lambda operator, x, y, cost: y.elements if operator.mode == mode and y.rank in ranks else 0


def _weights_at_outputs(operator: Any, x: Any, y: Shape, cost: OperationCost) -> Any:
    return cost.parameters.weights * y.positions


def _weights_of_all_inputs(operator: Any, x: Any, y: Shape, cost: OperationCost) -> Any:
    """As if every output read every input; not where a tool takes the weights for those of a plain convolution."""
    groups = select(equal(x.channels, y.channels), 1, operator.groups)
    return _weights_at_outputs(operator, x, y, cost) * groups


AMOUNTS: dict[str, Amount] = {
    "macs": Amount("MACs", _arithmetic("macs")),
    "additions": Amount("additions", _arithmetic("additions")),
    "multiplications": Amount("products", _arithmetic("multiplications")),
    "divisions": Amount("divisions", _arithmetic("divisions")),
    "comparisons": Amount("comparisons", _arithmetic("comparisons")),
    "transcendentals": Amount("transcendentals", _arithmetic("transcendentals")),
    "bias": Amount("bias additions", _arithmetic("bias")),
    "affine": Amount(
        "normalised elements", lambda operator, x, y, cost: cost.arithmetic.norm if cost.parameters.norm != 0 else 0
    ),
    "bare": Amount(
        "elements normalised without scale and shift",
        lambda operator, x, y, cost: 0 if cost.parameters.norm != 0 else cost.arithmetic.norm,
    ),
    "scaled": Amount("normalised elements", lambda operator, x, y, cost: cost.arithmetic.norm if operator.scale else 0),
    "unscaled": Amount(
        "elements normalised without scale", lambda operator, x, y, cost: 0 if operator.scale else cost.arithmetic.norm
    ),
    "by_batch": Amount(
        "elements normalised by their batch",
        lambda operator, x, y, cost: 0 if operator.statistics else cost.arithmetic.norm,
    ),
    "norm_params": Amount("parameters", lambda operator, x, y, cost: cost.parameters.norm),
    "weights": Amount("weights", lambda operator, x, y, cost: cost.parameters.weights),
    "biases": Amount("biases", lambda operator, x, y, cost: cost.parameters.biases),
    "weights_at_outputs": Amount("weights times output positions", _weights_at_outputs),
    "weights_of_all_inputs": Amount("weights times output positions", _weights_of_all_inputs),
    "inputs": Amount("inputs", _inputs),
    "image_inputs": Amount("inputs", lambda operator, x, y, cost: x.elements if x.rank == 2 else 0),
    "outputs": Amount("outputs", lambda operator, x, y, cost: y.elements),
    "positions": Amount("positions", lambda operator, x, y, cost: y.positions),
    "bilinear_outputs": Amount("outputs of bilinear upsampling", _upsampled("bilinear", (2,))),
    "nearest_outputs": Amount("outputs of nearest upsampling", _upsampled("nearest", (1, 2, 3))),
    "nearest_image_outputs": Amount("outputs of nearest upsampling", _upsampled("nearest", (2,))),
    "padded_channels": Amount(
        "padded inputs",
        lambda operator, x, y, cost: (x.channels + operator.size - 1) * x.positions,
    ),
}
